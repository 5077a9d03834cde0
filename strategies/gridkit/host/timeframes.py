"""Candles of one timeframe beside those of another, without look-ahead."""

import numpy as np
import pandas as pd

from gridkit import candles


def last_closed(
    base: pd.DataFrame, base_seconds: float, other: pd.DataFrame, seconds: float
) -> np.ndarray:
    """Return the position of the last other candle that had closed by each base candle's close.

    Shape (len(base),); -1 where none had closed yet.
    """
    closes = candles.times(other) + seconds
    return np.searchsorted(closes, candles.times(base) + base_seconds, side="right") - 1


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
