"""Which assets move together and so share one budget (SPEC A.6)."""

import numpy as np

LEAST_RETURNS = 48


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation of two series of log returns of equal length; NaN when unknown.

    Unknown: fewer than 48 returns both know, or one of them never moved.
    """
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < LEAST_RETURNS:
        return float("nan")
    a, b = first[both], second[both]
    if a.std() <= 0 or b.std() <= 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def share_budget(value: float, threshold: float) -> bool:
    """Whether two assets count as one. Unknown counts as one: a cap must not open by ignorance."""
    return not value <= threshold
