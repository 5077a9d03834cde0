"""Windows that walk forward: so many days to learn from, and the days after them to predict."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """Candles opened from `train` on and before `start` teach, those before `end` are predicted.

    All in seconds UTC.
    """

    train: float
    start: float
    end: float

    def taught(self, times: np.ndarray) -> slice:
        """Return the rows to learn from. `times` are opening times, seconds UTC, ascending."""
        return _rows(times, self.train, self.start)

    def asked(self, times: np.ndarray) -> slice:
        """Return the rows to predict."""
        return _rows(times, self.start, self.end)


def walk(
    start: float, end: float, train_seconds: float, test_seconds: float, timeframe_seconds: float
) -> list[Window]:
    """Return windows that predict each candle opened from `start` on and before `end` once.

    Each begins with a candle. The last one is cut short by `end`; none where no candle is between.
    """
    first = math.ceil(start / timeframe_seconds) * timeframe_seconds
    length = max(1, round(test_seconds / timeframe_seconds)) * timeframe_seconds
    starts = np.arange(first, end, length, dtype="float64").tolist()
    return [Window(one - train_seconds, one, min(one + length, end)) for one in starts]


def known_by(
    times: np.ndarray, moment: float, timeframe_seconds: float, horizon_seconds: float
) -> np.ndarray:
    """Tell of which candles the outcome is known at a moment: a horizon after they closed. (n,)."""
    return times + timeframe_seconds + horizon_seconds <= moment


def _rows(times: np.ndarray, first: float, end: float) -> slice:
    return slice(*np.searchsorted(times, [first, end]).tolist())
