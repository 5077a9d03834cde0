"""What callbacks know of the market: arrays prepared once per analysis, looked up by time.

A slice of the dataframe per callback would cost more than all decisions. `at` answers with the last
candle that was closed at a moment, which is what `dp.get_analyzed_dataframe` ends with then.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from gridkit import candles

COLUMNS = ("close", "volatility_daily", "trend_strength", "trend_side")


@dataclass(frozen=True, slots=True)
class Reading:
    """The last closed candle. NaN is unknown. `opened` in seconds UTC."""

    opened: float
    close: float
    volatility: float
    trend_strength: float
    trend_side: float
    known: bool


class PairSeries:
    """One pair's candles as arrays, float64, shape (n,)."""

    def __init__(self, frame: pd.DataFrame, timeframe_seconds: int) -> None:
        self.seconds = timeframe_seconds
        self.times = candles.times(frame)
        values = (frame[name] if name in frame.columns else np.nan for name in COLUMNS)
        self.close, self.volatility, self.strength, self.side = (
            np.broadcast_to(np.asarray(value, dtype="float64"), len(frame)) for value in values
        )
        self.known = candles.known(frame).to_numpy()
        self._start = self.times[0] if len(frame) else 0.0
        self._regular = bool(len(frame)) and np.array_equal(
            self.times, self._start + self.seconds * np.arange(len(frame))
        )

    def index_at(self, timestamp: float) -> int:
        """Index of the last candle closed at this moment; -1 when there is none."""
        closed_open = timestamp - self.seconds
        if self._regular:
            index = int((closed_open - self._start) // self.seconds)
            return max(-1, min(index, len(self.times) - 1))
        return int(np.searchsorted(self.times, closed_open, side="right")) - 1

    def reading(self, index: int) -> Reading | None:
        """Return the candle at an index, None for -1."""
        if index < 0:
            return None
        return Reading(
            self.times.item(index),
            self.close.item(index),
            self.volatility.item(index),
            self.strength.item(index),
            self.side.item(index),
            bool(self.known[index]),
        )


class MarketData:
    """Series of all pairs of one strategy."""

    def __init__(self, timeframe_seconds: int) -> None:
        self.seconds = timeframe_seconds
        self.series: dict[str, PairSeries] = {}

    def prepare(self, pair: str, frame: pd.DataFrame) -> None:
        """Take over the analysed candles of a pair."""
        self.series[pair] = PairSeries(frame, self.seconds)

    def at(self, pair: str, now: datetime) -> Reading | None:
        """Return the last candle of the pair closed by `now`; None when there is none."""
        series = self.series.get(pair)
        if series is None:
            return None
        return series.reading(series.index_at(now.timestamp()))


def closes_at(series: PairSeries | None, moments: np.ndarray) -> np.ndarray:
    """Last close known at each moment (seconds UTC, ascending), NaN before the first candle."""
    if series is None or not len(series.times):
        return np.full(len(moments), np.nan)
    found = np.searchsorted(series.times, moments - series.seconds, side="right") - 1
    return np.where(found >= 0, series.close[np.maximum(found, 0)], np.nan)
