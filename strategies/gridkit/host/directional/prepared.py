"""Hands the analysed candles of a pair to the desk, as arrays its callbacks look up."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridkit.host import outlook
from gridkit.host.directional.signal_series import SignalSeries
from gridkit.host.sources import HOURLY

if TYPE_CHECKING:
    from gridkit.host.directional.desk import DirectionalDesk


def prepare(frame: pd.DataFrame, pair: str, desk: "DirectionalDesk") -> None:
    """Take over a pair's candles; live, say why its last one opens nothing."""
    context = desk.context
    outlook_of = outlook.of_frame(frame, desk.settings, context.seconds)
    context.market.prepare(pair, frame, outlook_of)
    rise = context.features.guard(
        "correlation_rise",
        pair,
        partial(rises, frame, pair, desk),
        lambda: np.full(len(frame), np.nan, "float32"),
    )
    desk.signals[pair] = SignalSeries(frame, context.market.series[pair], desk.settings, rise)
    if context.live:
        desk.beliefs.look(frame, pair)
        desk.board.note_last(pair)
        context.write(frame, pair)


def rises(frame: pd.DataFrame, pair: str, desk: "DirectionalDesk") -> np.ndarray:
    """Return how far the pairs have come to move together at each candle, (n,); NaN unknown."""
    analyst, settings = desk.analyst, desk.settings
    hourly = analyst.reads_hours() or analyst.sources.timeframe == HOURLY
    hours = analyst.candles(frame, pair, HOURLY) if hourly else None
    if hours is None or hours.empty or not settings.portfolio.enabled:
        return np.full(len(frame), np.nan, "float32")
    risen = analyst.whitelist.rise(hours, settings)
    beside = analyst.beside(frame, risen, risen[["portfolio_rise"]], HOURLY)
    return beside["portfolio_rise"].to_numpy("float32")
