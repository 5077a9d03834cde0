"""Realised volatility of candles."""

import math

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.settings import Settings

SECONDS_PER_HOUR = 3_600


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until the first number is known."""
    return _window(settings, timeframe_seconds) + 1


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `volatility_daily`: standard deviation of a day's log return, a fraction."""
    seconds = candles.seconds_in(frame)
    if math.isnan(seconds):
        return pd.DataFrame({"volatility_daily": np.full(len(frame), np.nan)}, index=frame.index)
    per_candle = close_to_close(frame["close"], _window(settings, seconds))
    daily = per_candle * math.sqrt(candles.SECONDS_PER_DAY / seconds)
    return pd.DataFrame({"volatility_daily": daily})


def close_to_close(close: pd.Series, window: int) -> pd.Series:
    """Root mean square of the last `window` log returns, per candle, as a fraction.

    The mean return is taken to be zero, which errs less than estimating it over a day. NaN until
    `window` returns are known, and while one of them is not.
    """
    returns = np.log(close.where(close > 0)).diff()
    mean_square = returns.pow(2).rolling(window, min_periods=window).mean()
    return np.sqrt(mean_square.clip(lower=0))


def _window(settings: Settings, timeframe_seconds: float) -> int:
    hours = settings.spacing.volatility_hours
    return max(2, round(hours * SECONDS_PER_HOUR / timeframe_seconds))
