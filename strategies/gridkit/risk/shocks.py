"""The breakers of one market, with their figures: the twin of `analytics.shocks.tripped`."""

from collections.abc import Mapping

import numpy as np

from gridkit.analytics.shocks import SECONDS_PER_MINUTE, Shock, threshold_of, trips
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

    `columns` are those of `Shock`, `times` the open times in seconds UTC, all of shape (n,).
    """
    if index < 0 or not rule.enabled or not rule.market:
        return None
    pause = rule.pause_minutes * SECONDS_PER_MINUTE
    first = int(np.searchsorted(times, times[index] - pause))
    for shock in Shock:
        values = columns.get(shock.column, np.empty(0))[first : index + 1]
        hits = np.flatnonzero(trips(shock, values, rule))
        if len(hits):
            since = float(times[first + hits[-1]])
            value, threshold = float(values[hits[-1]]), threshold_of(shock, rule)
            return Breaker(NAMES[shock], value, threshold, since, since + pause, Stage.ORANGE)
    return None
