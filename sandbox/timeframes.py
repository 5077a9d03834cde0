"""Binance's candle intervals, and the boundaries at which their candles open. Times are UTC ms."""

from datetime import UTC, datetime

import numpy as np

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# A nominal length; months differ, so `opens` asks the calendar instead.
LENGTH_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
    "1M": 31 * DAY_MS,
}

# 1970-01-01 was a Thursday; Binance's weeks open on Monday.
_FIRST_MONDAY_MS = 4 * DAY_MS


def opens(times: np.ndarray, timeframe: str) -> np.ndarray:
    """Open time of the candle that holds each of `times`."""
    if timeframe == "1M":
        months = times.astype("datetime64[ms]").astype("datetime64[M]")
        return months.astype("datetime64[ms]").astype(np.int64)
    offset = _FIRST_MONDAY_MS if timeframe == "1w" else 0
    length = LENGTH_MS[timeframe]
    return (times - offset) // length * length + offset


def open_of(time_ms: int, timeframe: str) -> int:
    """Open time of the candle that holds `time_ms`."""
    return int(opens(np.array([time_ms], dtype=np.int64), timeframe)[0])


def close_of(open_ms: int, timeframe: str) -> int:
    """First millisecond after the candle that opens at `open_ms`."""
    if timeframe != "1M":
        return open_ms + LENGTH_MS[timeframe]
    return open_of(open_ms + LENGTH_MS["1M"], "1M")


def iso(time_ms: int) -> str:
    """Print a time for people, to the minute."""
    return datetime.fromtimestamp(time_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")
