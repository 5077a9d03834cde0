"""What the directional strategy tells freqtrade of a pair: candles to load, columns, signals."""

from typing import Any

import numpy as np
import pandas as pd

from gridkit.analytics import entry_tags
from gridkit.analytics.candidates import LONG, SHORT, Why
from gridkit.host.directional import columns
from gridkit.host.prediction import heeding
from gridkit.host.sources import HOURLY

Wanted = tuple[str, str] | tuple[str, str, str]


def informative_pairs(strategy: Any) -> list[Wanted]:
    """Name the candles that the analytics read beside the strategy's own."""
    analyst = strategy.desk.analyst
    wanted: list[Wanted] = analyst.wanted()
    timeframe = analyst.settings.exits.timeframe
    if timeframe == analyst.sources.timeframe:
        return wanted
    own: list[Wanted] = [(pair, timeframe) for pair in analyst.sources.whitelist()]
    return wanted + [one for one in own if one not in wanted]


def indicators(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Add the columns of the analytics; keep hourly closes, for correlations over days."""
    analyst, context = strategy.desk.analyst, strategy.desk.context
    if context.live and analyst.reads_hours():
        hours = analyst.candles(frame, pair, HOURLY)
        if hours is not None:
            context.hourly.prepare(pair, hours)
    return heeding.added(columns.of_pair(frame, pair, analyst), pair, strategy)


def entries(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Signal an entry at each candle that nothing stands against, on its side, with its tag."""
    columns.add_entries(frame, pair, strategy.desk.analyst)
    sides = _entered(frame)
    frame["enter_long"] = (sides == LONG).astype("int8")
    if strategy.can_short:
        frame["enter_short"] = (sides == SHORT).astype("int8")
    frame["enter_tag"] = _tags(frame, strategy)
    return frame


def _entered(frame: pd.DataFrame) -> np.ndarray:
    """Return the side entered at each candle, 0 for none; of columns that failed, all are none."""
    if "entry_block" not in frame:
        return np.zeros(len(frame), dtype="int8")
    enters = frame["entry_block"].to_numpy() == Why.ENTERS
    return np.where(enters, frame["entry_side"].to_numpy(), 0)


def _tags(frame: pd.DataFrame, strategy: Any) -> pd.Series:
    if "entry_block" not in frame:
        return pd.Series("", index=frame.index, dtype="str")
    return entry_tags.of_entries(frame, strategy.desk.settings)
