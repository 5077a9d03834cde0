"""Candle rows as one float array, and how coarser candles follow from finer ones."""

from dataclasses import dataclass

import numpy as np

from sandbox import timeframes

# Columns of a candle row. Amounts are in the base coin, quote and taker quote in the quote coin.
TIME, OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, COUNT, TAKER, TAKER_QUOTE = range(10)
COLUMNS = 10


@dataclass(frozen=True)
class Window:
    """Which rows a request wants: times in ms, both inclusive, and how many at most."""

    start: int | None
    end: int | None
    limit: int

    def cut(self, rows: np.ndarray) -> np.ndarray:
        """Rows (first column a time) of the window: the first of them if it has a start."""
        times = rows[:, TIME]
        low = 0 if self.start is None else np.searchsorted(times, self.start, "left")
        high = len(times) if self.end is None else np.searchsorted(times, self.end, "right")
        inside = rows[low:high]
        return inside[-self.limit :] if self.start is None else inside[: self.limit]


def no_rows() -> np.ndarray:
    """Give an empty table of candles."""
    return np.empty((0, COLUMNS))


def aggregate(rows: np.ndarray, timeframe: str) -> np.ndarray:
    """Candles of a coarser timeframe; the first and last hold whatever part `rows` has of them."""
    if not len(rows):
        return rows
    opened = timeframes.opens(rows[:, TIME].astype(np.int64), timeframe)
    first = np.flatnonzero(np.r_[True, opened[1:] != opened[:-1]])
    result = np.add.reduceat(rows, first, axis=0)
    result[:, TIME] = opened[first]
    result[:, OPEN] = rows[first, OPEN]
    result[:, HIGH] = np.maximum.reduceat(rows[:, HIGH], first)
    result[:, LOW] = np.minimum.reduceat(rows[:, LOW], first)
    result[:, CLOSE] = rows[np.r_[first[1:], len(rows)] - 1, CLOSE]
    return result
