"""Which assets move together and so share one budget (SPEC A.6)."""

from gridkit.analytics.correlation import LEAST_RETURNS
from gridkit.analytics.correlation import pearson as correlation

__all__ = ["LEAST_RETURNS", "correlation", "share_budget"]


def share_budget(value: float, threshold: float) -> bool:
    """Whether two assets count as one. Unknown counts as one: a cap must not open by ignorance."""
    return not value <= threshold
