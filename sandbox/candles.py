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

    def until(self, now: int) -> "Window":
        """Return the same window, with nothing after `now`."""
        end = now if self.end is None else min(self.end, now)
        return Window(self.start, end, self.limit)

    def bounds(self, times: np.ndarray) -> tuple[int, int]:
        """First place and the one after the last: the oldest there are if it has a start."""
        low = 0 if self.start is None else int(np.searchsorted(times, self.start, "left"))
        high = len(times) if self.end is None else int(np.searchsorted(times, self.end, "right"))
        if self.start is None:
            return max(low, high - self.limit), max(low, high)
        return low, max(low, min(high, low + self.limit))

    def cut(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the window; their first column is a time."""
        first, after = self.bounds(rows[:, TIME])
        return rows[first:after]


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


def whole(rows: np.ndarray, finer: str, timeframe: str) -> np.ndarray:
    """Aggregate without a first or last candle that `rows` (of timeframe `finer`) hold in part."""
    coarse = aggregate(rows, timeframe)
    if not len(rows):
        return coarse
    first = int(coarse[0, TIME] < rows[0, TIME])
    ends = timeframes.close_of(int(rows[-1, TIME]), finer)
    last_is_whole = ends == timeframes.close_of(int(coarse[-1, TIME]), timeframe)
    return coarse[first : len(coarse) - (not last_is_whole)]
