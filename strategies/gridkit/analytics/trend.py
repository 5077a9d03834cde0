"""How strong a trend is and which way it goes, read from the candles that have prices.

Every function takes the candles `priced` leaves and no others, in ascending order of time: a candle
without prices is left out as if it had not been.
"""

import numpy as np
import pandas as pd
import talib

SETTLED = 4  # multiples of an average's span until its start no longer shows (weight e⁻⁸)
_EQUAL = 1e-9  # averages nearer to each other, as a fraction, differ by rounding only
_PRICES = ["high", "low", "close"]


def has_prices(frame: pd.DataFrame) -> np.ndarray:
    """Whether high, low and close of each candle are positive numbers. Shape (n,), bool."""
    prices = frame[_PRICES].to_numpy("float64")
    return ((prices > 0) & np.isfinite(prices)).all(axis=1)


def priced(frame: pd.DataFrame) -> pd.DataFrame:
    """Return high, low and close, float64, of the candles that have prices."""
    return frame.loc[has_prices(frame), _PRICES].astype("float64")


def strength(prices: pd.DataFrame, period: int) -> np.ndarray:
    """Return the ADX, 0 … 100: how one-sided the market moves, whichever the side.

    NaN for the first 2·`period` - 1 candles. Late by nature, as it averages twice, and it stays
    high for a while after a trend has ended; where prices stand still it stays what it was.
    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    return talib.ADX(*_columns(prices), timeperiod=period)


def balance(prices: pd.DataFrame, period: int) -> np.ndarray:
    """Return (+DI - -DI) / (+DI + -DI), -1 … 1: which way, and how much, new ground was broken.

    0 where none was, NaN for the first `period` candles; where prices stand still it stays what it
    was. Its size is Wilder's DX.
    """
    rising = talib.PLUS_DI(*_columns(prices), timeperiod=period)
    falling = talib.MINUS_DI(*_columns(prices), timeperiod=period)
    total = rising + falling
    return np.divide(rising - falling, total, out=total * 0.0, where=total > 0)


def side(prices: pd.DataFrame, fast: int, slow: int) -> np.ndarray:
    """Return 1 where the average of span `fast` is above that of span `slow`, -1 below, 0 if equal.

    Both are exponential averages of the close. NaN for the first 4·`slow` - 1 candles, while they
    still say where the history happens to begin.
    """
    quick, lazy = (prices["close"].ewm(span=span, adjust=False).mean() for span in (fast, slow))
    gap = (quick / lazy - 1.0).to_numpy()
    return unsettled_as_nan(np.sign(np.where(np.abs(gap) < _EQUAL, 0.0, gap)), slow)


def unsettled_as_nan(values: np.ndarray, span: int) -> np.ndarray:
    """Return `values` without those from before an average of `span` has settled."""
    return np.where(np.arange(len(values)) < SETTLED * span - 1, np.nan, values)


def _columns(prices: pd.DataFrame) -> list[np.ndarray]:
    return [prices[name].to_numpy() for name in _PRICES]
