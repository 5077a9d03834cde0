"""What callbacks know of the market: arrays prepared once per analysis, looked up by time.

A slice of the dataframe per callback would cost more than all decisions. `at` answers with the last
candle that was closed at a moment, which is what `dp.get_analyzed_dataframe` ends with then.
"""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridkit import candles

RISING = "prediction_up"  # probability of a rise, where predictions are heeded

# Column, and what a frame without it is taken to hold: its module is switched off.
COLUMNS = {
    "close": np.nan,
    "volatility_daily": np.nan,
    "regime_code": 0,
    "regime_adx": np.nan,
    "regime_side": np.nan,
    "stress_gap_factor": 1.0,
    "volatility_smooth": np.nan,
    "regime_distance": np.nan,
    "orderflow_imbalance": np.nan,
    "volatility_forecast": np.nan,
    RISING: np.nan,
}
SHOCKS = ("shocks_kind", "shocks_value")

# By side, 1 long and -1 short: a number per candle, see `host.outlook`.
Outlook = dict[int, np.ndarray]


class Reading(NamedTuple):
    """The last closed candle. NaN is unknown. `opened` in seconds UTC.

    `volatility` is the forecast for a day, `regime` a code of analytics.regime, `side` the sign of
    its averages, `gap_factor` what stress and thin markets widen the gap by, `smooth` the daily
    volatility of the past as the micro grid takes it, `distance` the way from the slow average to
    the close, a fraction, `imbalance` that of order flow, -1 … 1, `annual` the
    forecast for a year, `rising` the probability of a rise, where it is heeded.
    """

    opened: float
    close: float
    volatility: float
    regime: int
    adx: float
    side: float
    gap_factor: float
    smooth: float
    distance: float
    imbalance: float
    annual: float
    rising: float
    known: bool

    @property
    def market(self) -> tuple[int, float, float]:
        """Return what the gates ask for."""
        return self.regime, self.adx, self.side


NO_CANDLE = Reading(
    opened=np.nan,
    close=np.nan,
    volatility=np.nan,
    regime=0,
    adx=np.nan,
    side=np.nan,
    gap_factor=1.0,
    smooth=np.nan,
    distance=np.nan,
    imbalance=np.nan,
    annual=np.nan,
    rising=np.nan,
    known=False,
)


class PairSeries:
    """One pair's candles as arrays of shape (n,), each as small as its column."""

    def __init__(
        self, frame: pd.DataFrame, timeframe_seconds: int, outlook: Outlook | None = None
    ) -> None:
        self.seconds = timeframe_seconds
        self.times = candles.times(frame)
        values = (
            np.broadcast_to(np.asarray(frame.get(name, absent)), len(frame))
            for name, absent in COLUMNS.items()
        )
        self.close, self.volatility, codes, self.adx, self.side, self.gap_factor, *rest = values
        self.smooth, self.distance, self.imbalance, self.annual, self.rising = rest
        self.regime = codes.astype("int8")
        self.outlook = outlook or dict.fromkeys((1, -1), np.zeros(len(frame), "uint16"))
        self.shocks = {name: np.asarray(frame[name]) for name in SHOCKS if name in frame}
        self.known = candles.known(frame).to_numpy()
        start = self.times.item(0) if len(frame) else 0.0
        self._regular = bool(len(frame)) and np.array_equal(
            self.times, start + self.seconds * np.arange(len(frame))
        )
        self._first_close, self._last = start + self.seconds, len(frame) - 1

    def index_at(self, timestamp: float) -> int:
        """Index of the last candle closed at this moment; -1 when there is none."""
        if self._regular:
            closed = int((timestamp - self._first_close) // self.seconds)
            return min(closed, self._last) if closed >= 0 else -1
        return int(np.searchsorted(self.times, timestamp - self.seconds, side="right")) - 1

    def rows_until(self, end: float, step: int, count: int) -> slice | None:
        """Return the rows of the last candles closed at so many moments, where they are regular.

        None where candles or moments are not, or some are outside of what is known.
        """
        last, between = self.index_at(end), step // self.seconds
        first = last - between * (count - 1)
        if not self._regular or step % self.seconds or first < 0 or last >= self._last:
            return None
        return slice(first, last + 1, between)

    def reading(self, index: int) -> Reading | None:
        """Return the candle at an index, None for -1."""
        if index < 0:
            return None
        return Reading(
            self.times.item(index),
            self.close.item(index),
            self.volatility.item(index),
            self.regime.item(index),
            self.adx.item(index),
            self.side.item(index),
            self.gap_factor.item(index),
            self.smooth.item(index),
            self.distance.item(index),
            self.imbalance.item(index),
            self.annual.item(index),
            self.rising.item(index),
            bool(self.known[index]),
        )


class MarketData:
    """Series of all pairs of one strategy."""

    def __init__(self, timeframe_seconds: int) -> None:
        self.seconds = timeframe_seconds
        self.series: dict[str, PairSeries] = {}

    def prepare(self, pair: str, frame: pd.DataFrame, outlook: Outlook | None = None) -> None:
        """Take over the analysed candles of a pair, and what each of them says against risk."""
        self.series[pair] = PairSeries(frame, self.seconds, outlook)

    def at(self, pair: str, now: datetime) -> Reading | None:
        """Return the last candle of the pair closed by `now`; None when there is none."""
        series = self.series.get(pair)
        if series is None:
            return None
        return series.reading(series.index_at(now.timestamp()))


def closes_until(series: PairSeries | None, end: float, step: int, count: int) -> np.ndarray:
    """Last close known at each of so many moments, NaN before the first candle.

    They are `step` seconds apart, the last one `end` (seconds UTC).
    """
    if series is None or not len(series.times):
        return np.full(count, np.nan)
    rows = series.rows_until(end, step, count)
    if rows is not None:
        return series.close[rows]
    moments = end - step * np.arange(count - 1, -1, -1, dtype="float64")
    found = np.searchsorted(series.times, moments - series.seconds, side="right") - 1
    return np.where(found >= 0, series.close[np.maximum(found, 0)], np.nan)
