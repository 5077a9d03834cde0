"""Realised volatility of candles."""

import math

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.settings import Settings

SECONDS_PER_HOUR = 3_600


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until the first number is known."""
    return math.ceil(_seconds(settings) / timeframe_seconds) + 1


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `volatility_daily`: standard deviation of a day's log return, a fraction.

    Only uses what is at or before each candle. NaN in a candle without a price, and until the
    window is covered.
    """
    daily = close_to_close(
        frame["close"].to_numpy("float64"), candles.times(frame), _seconds(settings)
    )
    return pd.DataFrame({"volatility_daily": daily}, index=frame.index)


def close_to_close(close: np.ndarray, times: np.ndarray, window_seconds: float) -> np.ndarray:
    """Return the standard deviation of a day's log return, a fraction, over `window_seconds`.

    The squared returns of the window, over the time they took: so a return across missing candles,
    or candles without a price, counts for as long as it lasted. The mean return is taken to be
    zero, which errs less than estimating it over a day. `close` and `times` (seconds UTC,
    ascending) have shape (n,), as has the result. NaN in a candle without a price, until a price is
    known that is a whole window old, and while more than half of the window's candles have none.
    """
    daily = np.full(len(close), np.nan)
    known = np.flatnonzero(close > 0)
    if not len(known):
        return daily
    moments = times[known]
    squares = np.diff(np.log(close[known]), prepend=np.log(close[known[0]])) ** 2
    total = np.cumsum(squares)
    begin = np.searchsorted(moments, moments - window_seconds, side="right") - 1
    covered = begin >= 0
    since = np.maximum(begin, 0)
    usable = covered & (2 * (np.arange(len(known)) - since) >= known - known[since])
    now = np.flatnonzero(usable)
    elapsed = moments[now] - moments[since[now]]
    variance = (total[now] - total[since[now]]) / elapsed
    daily[known[now]] = np.sqrt(variance * candles.SECONDS_PER_DAY)
    return daily


def _seconds(settings: Settings) -> float:
    return settings.spacing.volatility_hours * SECONDS_PER_HOUR
