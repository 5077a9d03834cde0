"""What a frame of candles looks like, and how long one candle is."""

import re

import numpy as np
import pandas as pd

OHLCV = ("open", "high", "low", "close", "volume")
SECONDS_PER_HOUR = 3_600
SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": SECONDS_PER_DAY, "w": 7 * SECONDS_PER_DAY}


def seconds_of(timeframe: str) -> int:
    """Length of a candle. Raises ValueError for what is no timeframe."""
    match = re.fullmatch(r"([1-9][0-9]*)([smhdw])", timeframe)
    if not match:
        raise ValueError(f"{timeframe!r} is no timeframe; allowed are numbers with s, m, h, d or w")
    return int(match[1]) * _UNITS[match[2]]


def check(frame: pd.DataFrame) -> None:
    """Raise ValueError unless this is a frame of candles in ascending order of time."""
    missing = [column for column in ("date", *OHLCV) if column not in frame.columns]
    if missing:
        raise ValueError(f"not a frame of candles: no column {', '.join(missing)}")
    if not frame["date"].is_monotonic_increasing or frame["date"].duplicated().any():
        raise ValueError("candles must be in ascending order of time, each once")


def times(frame: pd.DataFrame) -> np.ndarray:
    """Open times in seconds UTC, float64, shape (n,)."""
    return moments(frame["date"])


def moments(dates: pd.Series | pd.DatetimeIndex) -> np.ndarray:
    """Return dates as seconds UTC, float64, shape (n,)."""
    return dates.to_numpy(dtype="datetime64[ns]").astype("int64") / 1e9


def lengths(times: np.ndarray) -> np.ndarray:
    """Length of a candle in seconds, as far as each candle can tell: the shortest step so far.

    `times` (seconds UTC, ascending) has shape (n,), as has the result; NaN for the first.
    """
    steps = np.diff(times, prepend=np.nan)
    return np.fmin.accumulate(steps) if len(steps) else steps


def known(frame: pd.DataFrame) -> pd.Series:
    """Whether a candle is fit to trade on: all prices are positive numbers and something traded."""
    prices = frame[["open", "high", "low", "close"]]
    return (prices > 0).all(axis=1) & (frame["volume"] > 0)
