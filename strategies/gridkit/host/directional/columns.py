"""The columns of a pair's frame for the directional strategy: what it reads, and its entries.

Entries are made with the signals and not with the rest: hyperopt analyses candles once, and asks
for signals with every set of parameters.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import candidates, regime, scores_crypto, turns
from gridkit.host import columns, outlook

if TYPE_CHECKING:
    from gridkit.host.analyst import Analyst

# Of what the shared modules compute, what a grid alone reads.
NOT_KEPT = (
    "volatility_class",
    "volatility_daily",
    "volatility_smooth",
    "regime_distance",
    "profile_node_above",
    "profile_node_below",
    "orderflow_trades",
    "orderflow_buy_pressure",
    "orderflow_cvd",
    "orderflow_vwap_deviation",
)
# What entries alone are made of, and nobody looks at.
INPUTS = ("funding_contrarian", "hours_thin", "hours_pause")


def of_pair(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return the frame with the columns of every module that is switched on."""
    parts = [*columns.shared(analyst.settings), _turns, _funding, _hours]
    joined = columns.joined(frame, pair, analyst, parts)
    _tell_regime(joined, pair, analyst)
    return joined.drop(columns=list(NOT_KEPT), errors="ignore")


def add_entries(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> None:
    """Put the entries in the place of what they alone are made of, in the frame itself.

    A column `prediction_up` that it has is heeded.
    """
    made = columns.made(_entries, frame, pair, analyst)
    for name in frame.columns.intersection(INPUTS):
        del frame[name]
    for name in made:
        frame[name] = made[name]


def _turns(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return ATR and turns of momentum, as the last candle of `exits.timeframe` had them."""
    timeframe = analyst.settings.exits.timeframe
    return columns.of_timeframe(frame, pair, analyst, timeframe, turns.compute)


def _funding(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return where funding is extreme; unknown on spot."""
    rates = analyst.sources.funding(pair)
    closes = candles.times(frame) + analyst.seconds
    found = scores_crypto.against_the_crowd(rates, closes, analyst.settings.confluence)
    return pd.DataFrame({"funding_contrarian": found.astype("float32")}, index=frame.index)


def _hours(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return which candles close in illiquid hours, by what the brakes make of them."""
    made = {
        f"hours_{what}": outlook.hours(frame, analyst.settings, analyst.seconds, what)
        for what in ("thin", "pause")
    }
    return pd.DataFrame(made, index=frame.index, dtype=np.int8)


def _entries(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    return candidates.compute(frame, analyst.settings)


def _tell_regime(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> None:
    """Log the last change of the regime that counts, live, once."""
    if analyst.live and "regime_code" in frame:
        changes = regime.changes(frame, analyst.settings.regime)
        analyst.tell(pair, "regime", changes.iloc[-1] if len(changes) else "")
