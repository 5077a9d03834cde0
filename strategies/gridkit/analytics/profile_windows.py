"""Which candles a trailing profile is made of, and the bins their volume is sorted into."""

import math

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics.compiled import Compiled
from gridkit.analytics.profile_kernels import Sums, Traded, Windows
from gridkit.settings import ProfileSettings

SAVED = 2**21  # prior sums that are kept, 16 MiB; a window with more is summed anew now and then


def usable(frame: pd.DataFrame) -> np.ndarray:
    """Whether all of a candle's prices are positive numbers and its volume is known, shape (n,)."""
    figures = frame[list(candles.OHLCV)].to_numpy("float64")
    positive = (figures[:, :4] > 0).all(axis=1) & (figures[:, 4] >= 0)
    ordered = frame["high"].to_numpy() >= frame["low"].to_numpy()
    return np.isfinite(figures).all(axis=1) & positive & ordered


def traded(frame: pd.DataFrame) -> Traded:
    """Return range and volume of candles."""
    return Traded(*(frame[name].to_numpy("float64", copy=True) for name in Traded._fields))


def windows(frame: pd.DataFrame, seconds: float) -> Windows:
    """Return the windows of `seconds` that end with each of some usable candles."""
    times = candles.times(frame)
    blocks = np.floor(times / seconds)
    start = np.searchsorted(times, times - seconds, side="right")
    border = np.searchsorted(blocks, blocks, side="left")
    low, high, volume = traded(frame)
    lowest = _least_since(np.where(volume > 0, low, np.inf), start)
    highest = -_least_since(np.where(volume > 0, -high, np.inf), start)
    known = (times - times[0] + candles.lengths(times) >= seconds) & np.isfinite(lowest)
    unknown = np.where(known, 0.0, np.nan)
    return Windows(start, border, lowest + unknown, highest + unknown)


def traded_last(frame: pd.DataFrame, seconds: float) -> Traded | None:
    """Return what traded in the last of the `windows` of `seconds`; None where that is unknown."""
    times = candles.times(frame)
    covered = times[-1] - times[0] + candles.lengths(times)[-1]
    if not covered >= seconds:
        return None
    start = np.searchsorted(times, times[-1] - seconds, side="right")
    last = traded(frame.iloc[start:])
    return last if last.volume.any() else None


def edges_between(lowest: float, highest: float, profile: ProfileSettings) -> np.ndarray:
    """Return the edges of the bins that prices from `lowest` to `highest` lie in."""
    if profile.bins is not None:
        width = math.log(highest / lowest) / profile.bins
        inner = (lowest * math.exp(place * width) for place in range(profile.bins))
        return np.array([*(min(edge, highest) for edge in inner), highest])
    edges = _grid(lowest, highest, profile.bin_width)
    first = int(np.searchsorted(edges, lowest, side="right")) - 1
    last = int(np.searchsorted(edges, highest, side="left")) - 1
    return edges[first : max(first, last) + 2]


def _grid(lowest: float, highest: float, width: float) -> np.ndarray:
    """Return edges at whole multiples of `width` in log price, a bin to spare at either end."""
    first = math.floor(math.log(lowest) / width) - 1
    last = math.floor(math.log(highest) / width) + 2
    return np.exp(np.arange(first, last + 1) * width)


def empty_sums(all_traded: Traded, profile: ProfileSettings) -> Sums:
    """Return no volume in bins of the absolute grid, or in `profile.bins` that are yet to be set.

    The grid's edges are whole multiples of its width in log price, so they are the same for any
    frame; it has a bin to spare at either end.
    """
    if profile.bins is not None:
        edges = np.zeros(profile.bins + 1)
    else:
        edges = _grid(all_traded.low.min(), all_traded.high.max(), profile.bin_width)
    older, newer = np.zeros((2, len(edges) - 1))
    return Sums(edges, older, newer, np.empty(SAVED))


@Compiled
def _least_since(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the least of the values since `start` of each, by a queue of those that may be it."""
    result = np.empty_like(values)
    queue = np.empty(len(values), np.int64)
    head = tail = 0
    for now in range(len(values)):
        while tail > head and values[queue[tail - 1]] >= values[now]:
            tail -= 1
        queue[tail] = now
        tail += 1
        while queue[head] < start[now]:
            head += 1
        result[now] = values[queue[head]]
    return result
