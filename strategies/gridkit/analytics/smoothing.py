"""Volatility smoothed hour by hour, for the grid of a small account (SPEC B.2)."""

import numpy as np

from gridkit import candles

KEPT = 0.7  # of the old value in each hour
STALE_HOURS = 24  # after so long without a new value nothing is known
SETTLED_HOURS = 40  # until what went before the first value weighs less than a millionth


def by_hour(values: np.ndarray, closes: np.ndarray) -> np.ndarray:
    """Return 0.7 of the last hour's figure and 0.3 of the new value, at each candle, shape (n,).

    `closes` are the candles' close times in seconds UTC, ascending. Of each hour counts the first
    positive value, which is the one at the full hour where no candle is missing; between them the
    figure stands. Over hours without a value the old figure fades as it would have over equal ones.
    NaN before the first value, and a day after the last.
    """
    smoothed = np.full(len(values), np.nan)
    known = np.flatnonzero((values > 0) & (values < np.inf))
    hours = np.floor(closes[known] / candles.SECONDS_PER_HOUR)
    fresh = np.append(True, np.diff(hours) > 0)[: len(known)]
    rows, hours = known[fresh], hours[fresh]
    if not len(rows):
        return smoothed
    figures = np.array(_faded(values[rows].tolist(), np.diff(hours).tolist()))
    last = np.searchsorted(rows, np.arange(len(values)), side="right") - 1
    young = closes - closes[rows[last]] <= STALE_HOURS * candles.SECONDS_PER_HOUR
    seen = (last >= 0) & young
    smoothed[seen] = figures[last[seen]]
    return smoothed


def _faded(values: list[float], hours_between: list[float]) -> list[float]:
    figures = values[:1]
    for value, hours in zip(values[1:], hours_between, strict=True):
        kept = KEPT**hours
        figures.append(kept * figures[-1] + (1.0 - kept) * value)
    return figures
