"""Which assets move together and so share one budget (SPEC A.6)."""

import math

import numpy as np

LEAST_RETURNS = 48
NOISE = 1e-24  # what rounding leaves of two series that never moved


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation of two series of log returns of equal length; NaN when unknown.

    Unknown: fewer than 48 returns both know, or one of them never moved.
    """
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < LEAST_RETURNS:
        return math.nan
    a, b = first[both], second[both]
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(np.dot(a, a) * np.dot(b, b))
    return float(np.dot(a, b)) / spread if spread > NOISE else math.nan


def share_budget(value: float, threshold: float) -> bool:
    """Whether two assets count as one. Unknown counts as one: a cap must not open by ignorance."""
    return not value <= threshold
