"""The breakers of one market, with their figures: the twin of `analytics.shocks.tripped`."""

from collections.abc import Mapping

import numpy as np

from gridkit.analytics.shocks import KIND, SECONDS_PER_MINUTE, VALUE, Shock, threshold_of
from gridkit.risk.breakers import Breaker, Stage
from gridkit.settings import BreakerSettings

NAMES = {
    Shock.MOVE: "sudden move",
    Shock.VOLUME: "volume in medians of 24 h",
    Shock.VOLATILITY: "volatility in medians of 24 h",
    Shock.CORRELATION: "correlation of the pairs broke",
}


def breaker(
    columns: Mapping[str, np.ndarray], times: np.ndarray, index: int, rule: BreakerSettings
) -> Breaker | None:
    """Return the breaker that holds at a candle, None for none; its figures are the last trip's.

    `columns` are what `analytics.shocks.tripping` returns, `times` the open times in seconds UTC,
    all of shape (n,).
    """
    if index < 0 or not rule.enabled or not rule.market or KIND not in columns:
        return None
    pause = rule.pause_minutes * SECONDS_PER_MINUTE
    first = int(np.searchsorted(times, times[index] - pause))
    hits = np.flatnonzero(columns[KIND][first : index + 1])
    if not len(hits):
        return None
    last = first + int(hits[-1])
    shock, since = Shock(columns[KIND][last]), float(times[last])
    value, threshold = float(columns[VALUE][last]), threshold_of(shock, rule)
    return Breaker(NAMES[shock], value, threshold, since, since + pause, Stage.ORANGE)
