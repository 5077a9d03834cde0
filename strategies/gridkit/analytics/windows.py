"""Trailing windows of time over candles, some of which are missing or without prices."""

from dataclasses import dataclass

import numpy as np

from gridkit import candles


@dataclass(frozen=True, slots=True)
class Windows:
    """The trailing windows that are covered, and half known; each ends at a known candle.

    `rows` are the known candles, shape (k,); `last` and `before` number, among those, a window's
    last candle and the one before its first, shape (w,).
    """

    times: np.ndarray
    rows: np.ndarray
    last: np.ndarray
    before: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over each window of one value per known candle: never below 0 if none of them is."""
        total = np.cumsum(values)
        return total[self.last] - total[self.before]

    def scatters(self, values: np.ndarray) -> np.ndarray:
        """Sum over each window of squared deviations from its mean."""
        squares = self.sums(values**2) - self.sums(values) ** 2 / self.counts()
        return np.maximum(squares, 0.0)  # rounding leaves less than nothing of equal values

    def counts(self) -> np.ndarray:
        """Known candles in each window."""
        return self.last - self.before

    def elapsed(self) -> np.ndarray:
        """Seconds from the close before each window to its last close."""
        return self.times[self.rows[self.last]] - self.times[self.rows[self.before]]

    def annual(self, variance_per_second: np.ndarray) -> np.ndarray:
        """Volatilities at the windows' last candles, NaN at all others, shape (n,)."""
        result = np.full(len(self.times), np.nan)
        result[self.rows[self.last]] = np.sqrt(variance_per_second * candles.SECONDS_PER_YEAR)
        return result

    def annual_within(self, variances: np.ndarray) -> np.ndarray:
        """Return the same from the variance within each known candle, over the time they last."""
        lengths = candles.lengths(self.times)[self.rows[self.last]]
        mean = self.sums(np.maximum(variances, 0.0)) / self.counts()
        return self.annual(mean / lengths)


def trailing(known: np.ndarray, times: np.ndarray, window_seconds: float) -> Windows:
    """Return the window of `window_seconds` that ends at each known candle.

    Left out are those that begin before the first known candle, and those in which more than half
    of the candles are unknown. `times` are seconds UTC, ascending, shape (n,), as is `known`.
    """
    rows = np.flatnonzero(known)
    moments = times[rows]
    before = np.searchsorted(moments, moments - window_seconds, side="right") - 1
    since = np.maximum(before, 0)
    half_known = 2 * (np.arange(len(rows)) - since) >= rows - rows[since]
    last = np.flatnonzero((before >= 0) & half_known)
    return Windows(times, rows, last, before[last])
