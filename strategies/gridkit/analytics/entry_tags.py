"""Tags of entries: `trend bull c1.0 poc`, `edge range c0.8 val p+`.

Short words in a fixed order, so that tables by tag can be grouped by each: kind of entry, market
regime, confidence, key level where one is near, `p+` where a prediction raised the confidence.
"""

import numpy as np
import pandas as pd

from gridkit.analytics import candidates
from gridkit.analytics.candidates import AT_POC, AT_VAH, AT_VAL, NOWHERE, Kind
from gridkit.analytics.regime import Regime
from gridkit.settings import Settings

KINDS = {Kind.TREND: "trend", Kind.EDGE: "edge", Kind.POC: "value"}
REGIMES = {
    Regime.UNCERTAIN: "any",  # while the regime is not heeded
    Regime.TRENDING_BULLISH: "bull",
    Regime.TRENDING_BEARISH: "bear",
    Regime.RANGING: "range",
    Regime.VOLATILE_TRENDING: "volatile",
    Regime.VOLATILE_RANGING: "volatile",
    Regime.TIGHT_RANGING: "tight",
}
LEVELS = {NOWHERE: "", AT_POC: " poc", AT_VAH: " vah", AT_VAL: " val"}
RAISED = " p+"


def of_entries(frame: pd.DataFrame, settings: Settings) -> pd.Series:
    """Return the tag of each candle that is entered, "" for all others (Series, str).

    `frame` has the columns of `candidates.compute` beside those it was made from.
    """
    block = frame["entry_block"].to_numpy()
    rows = np.flatnonzero(block == candidates.Why.ENTERS)
    side = frame["entry_side"].to_numpy()
    raised = candidates.probability(frame, side, settings) > settings.prediction.raises
    nothing = np.zeros(len(frame), dtype="int8")
    kinds, confidences = frame["entry_kind"].to_numpy(), frame["entry_confidence"].to_numpy()
    codes = np.asarray(frame.get("regime_code", nothing))
    levels = np.asarray(frame.get("profile_near", nothing))
    tags = np.full(len(frame), "", dtype=object)
    for row in rows:
        tags[row] = (
            f"{KINDS[kinds[row]]} {REGIMES[codes[row]]} c{confidences[row]:.1f}"
            f"{LEVELS[levels[row]]}{RAISED if raised[row] else ''}"
        )
    return pd.Series(tags, index=frame.index, dtype="str")
