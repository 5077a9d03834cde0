"""The simple trend rule: a strong ADX, and which of two moving averages is above the other."""

import numpy as np
import pandas as pd
import talib

from gridkit.settings import Settings

SETTLED = 4  # multiples of the slow average's span until its start no longer shows (e⁻⁸)


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles of the trend's own timeframe until its numbers have settled."""
    return SETTLED * settings.trend.ema_slow


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `trend_strength` and `trend_side` from candles of the trend's timeframe.

    `trend_strength` is the ADX, 0 … 100; `trend_side` is 1 where the fast average is above the slow
    one, -1 below, 0 where they are equal. NaN until known, and in a candle without prices, which is
    otherwise left out as if it had not been. Late by nature: both average.
    Source: Wilder (1978), New Concepts in Technical Trading Systems (ADX).
    """
    trend = settings.trend
    prices = frame[["high", "low", "close"]].astype("float64")
    whole = prices[(prices > 0).all(axis=1)]
    strength = pd.Series(np.nan, index=whole.index)
    if len(whole) >= 2 * trend.adx_period:
        columns = (whole[name].to_numpy() for name in ("high", "low", "close"))
        strength = pd.Series(talib.ADX(*columns, timeperiod=trend.adx_period), index=whole.index)
    side = np.sign(
        _average(whole["close"], trend.ema_fast) - _average(whole["close"], trend.ema_slow)
    )
    return pd.DataFrame({"trend_strength": strength, "trend_side": side}, index=frame.index).astype(
        "float32"
    )


def _average(close: pd.Series, span: int) -> pd.Series:
    return close.ewm(span=span, adjust=False, min_periods=span).mean()
