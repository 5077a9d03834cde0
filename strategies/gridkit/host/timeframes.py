"""Candles of one timeframe beside those of another, without look-ahead."""

import numpy as np
import pandas as pd

from gridkit import candles

STALE_CANDLES = 2


def last_closed(
    base: pd.DataFrame, base_seconds: float, other: pd.DataFrame, seconds: float
) -> np.ndarray:
    """Return the position of the last other candle that had closed by each base candle's close.

    Shape (len(base),); -1 where none had closed yet, and where the last one did so more than two of
    its lengths ago: what it says is no longer so.
    """
    found, ages = _found(base, base_seconds, other, seconds)
    return np.where(ages <= STALE_CANDLES * seconds, found, -1)


def late(base: pd.DataFrame, base_seconds: float, other: pd.DataFrame, seconds: float) -> int:
    """Count the base candles at whose close the last other candle was too old."""
    _, ages = _found(base, base_seconds, other, seconds)
    return int(np.count_nonzero(ages > STALE_CANDLES * seconds))


def _found(
    base: pd.DataFrame, base_seconds: float, other: pd.DataFrame, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the last closed candle's position (-1: none) and its age in seconds (NaN: none)."""
    closes = np.append(candles.times(other) + seconds, np.nan)  # where -1 leads
    now = candles.times(base) + base_seconds
    found = np.searchsorted(closes[:-1], now, side="right") - 1
    return found, now - closes[found]


def taken(columns: pd.DataFrame, found: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """Return the rows at these positions; for -1, NaN, or 0 where the column holds whole numbers.

    Unlike freqtrade's merge, a row that says "unknown" stays so, and dtypes stay as they are.
    """
    rows = {name: _taken(columns[name].to_numpy(), found) for name in columns.columns}
    return pd.DataFrame(rows, index=index)


def _taken(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    unknown = np.nan if values.dtype.kind == "f" else 0
    padded = np.append(values, values.dtype.type(unknown))  # where -1 leads
    return padded[found]
