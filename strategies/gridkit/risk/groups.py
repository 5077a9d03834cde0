"""Which pairs count together, and when all of them moved closer (SPEC N)."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from gridkit.analytics import correlation as analytics
from gridkit.risk.correlation import LEAST_RETURNS, share_budget
from gridkit.risk.holding import Correlations
from gridkit.settings import PortfolioSettings, Settings


def group_of(
    pair: str, pairs: Iterable[str], correlations: Correlations, threshold: float
) -> frozenset[str]:
    """Return the pair and those of `pairs` correlated with it, or with one in the group.

    Unknown correlations count as above the threshold. What joins two pairs is in `pairs` itself.
    """
    left, group, reached = set(pairs) - {pair}, {pair}, {pair}
    while reached:
        reached = {
            other
            for other in left
            if any(share_budget(correlations(one, other), threshold) for one in reached)
        }
        group |= reached
        left -= reached
    return frozenset(group)


def groups(
    pairs: Sequence[str], correlations: Correlations, threshold: float
) -> tuple[tuple[str, ...], ...]:
    """Return all groups, each pair in one, alone if need be; in the order the pairs came."""
    found, left = [], list(dict.fromkeys(pairs))
    while left:
        group = group_of(left[0], left, correlations, threshold)
        found.append(tuple(pair for pair in left if pair in group))
        left = [pair for pair in left if pair not in group]
    return tuple(found)


def correlation_rise(returns: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return how far the mean correlation of `rise_hours` is above that of `window_days`, (n,).

    `returns` as `analytics.correlation.returns` has them, hourly. NaN where either is unknown.
    """
    hours = settings.portfolio.rise_hours
    usual = settings.correlation.window_days * 24
    least = min(LEAST_RETURNS, hours)
    recent = analytics.rolling_mean(returns, hours, least)
    return recent - analytics.rolling_mean(returns, usual, LEAST_RETURNS)


def has_risen(rise: float, rule: PortfolioSettings) -> bool:
    """Whether a rise of the mean correlation cuts exposure. An unknown one does not."""
    return rule.enabled and rise > rule.correlation_rise
