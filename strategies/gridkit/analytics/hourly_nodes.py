"""Prices at which much was traded, as seen at each full hour: nodes of trailing profiles.

The same nodes as `profile.nodes` of `profile.histogram` at that hour, of all hours at once: a
backtest asks for them thousands of times, and compiling for them would cost memory.
"""

import math
from dataclasses import dataclass

import numpy as np

from gridkit.settings import ProfileSettings

TIE = 1e-9  # volumes within this fraction of each other are equal
CHUNK_HOURS = 336  # profiles made at once: more take memory, fewer time
FURTHEST = 1.5  # log price from the median: what lies beyond counts to the outermost bin


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """Candles with volume: prices and volume, and the number of the hour each closed in, (n,)."""

    low: np.ndarray
    high: np.ndarray
    volume: np.ndarray
    hour: np.ndarray

    def between(self, begin: int, end: int) -> "Traded":
        """Return the candles that closed in the hours from `begin` to before `end`."""
        part = slice(*np.searchsorted(self.hour, (begin, end)))
        return Traded(self.low[part], self.high[part], self.volume[part], self.hour[part])


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Nodes, ascending within each hour; those of hour i: `prices[starts[i] : starts[i + 1]]`."""

    prices: np.ndarray
    starts: np.ndarray

    def at(self, hour: int) -> tuple[float, ...]:
        """Return the nodes of one hour."""
        return tuple(self.prices[self.starts[hour] : self.starts[hour + 1]].tolist())


def nodes(traded: Traded, hours: int, settings: ProfileSettings) -> Nodes:
    """Return the high-volume nodes of each hour's profile over the `days` before its end.

    Hours are numbered from 0, as in `traded`. Those whose window is not covered have none: the
    first `days`. Bins are `bin_width` wide always.
    """
    window = window_hours(settings)
    found = [np.empty(0)]
    counts = np.zeros(hours, dtype="int64")
    for begin in range(window - 1, hours, CHUNK_HOURS):
        end = min(begin + CHUNK_HOURS, hours)
        part = traded.between(begin + 1 - window, end)
        if len(part.low):
            rows, prices = _of_chunk(part, begin, end, window, settings)
            counts[begin:end] = np.bincount(rows, minlength=end - begin)
            found.append(prices)
    return Nodes(np.concatenate(found), np.concatenate([[0], np.cumsum(counts)]))


def window_hours(settings: ProfileSettings) -> int:
    """Return how many hours a profile looks back."""
    return max(1, round(settings.days * 24))


def _of_chunk(
    part: Traded, begin: int, end: int, window: int, settings: ProfileSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return hour (from `begin`) and price of all nodes, hour by hour."""
    edges = _edges(part, settings.bin_width)
    by_hour = _spread(part, edges, begin + 1 - window, end)
    total = np.cumsum(by_hour, axis=0)
    volumes = total[window - 1 :]
    volumes[1:] -= total[:-window]
    rows, bins = _peaks(volumes, settings.node_high)
    return rows, (edges[bins] + edges[bins + 1]) / 2


def _edges(part: Traded, width: float) -> np.ndarray:
    """Return edges at whole multiples of `width` in log price, around all that traded."""
    middle = math.log(float(np.median(part.low)))
    lowest = max(math.log(part.low.min()), middle - FURTHEST)
    highest = min(math.log(part.high.max()), middle + FURTHEST)
    return np.exp(np.arange(math.floor(lowest / width), math.floor(highest / width) + 2) * width)


def _spread(part: Traded, edges: np.ndarray, begin: int, end: int) -> np.ndarray:
    """Return the volume of each hour per bin, spread evenly over each candle's range.

    The volume below a price x is the sum of d * (x - low) over candles that begin below x, less
    d * (x - high) over those that end there, with d the volume per price.
    """
    bins = len(edges) - 1
    low, high = np.clip(part.low, edges[0], edges[-1]), np.clip(part.high, edges[0], edges[-1])
    flat = high - low <= 1e-12 * high
    per_price = np.where(flat, 0.0, part.volume / np.where(flat, 1.0, high - low))
    first, last = (
        np.clip(np.searchsorted(edges, ends, side="right") - 1, 0, bins - 1) for ends in (low, high)
    )
    row = (part.hour - begin) * bins
    places = np.concatenate([row + first, row + last])
    slopes = np.concatenate([per_price, -per_price])
    shape = (end - begin, bins)

    def summed(where: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.bincount(where, weights, shape[0] * bins).reshape(shape)

    slope = np.cumsum(summed(places, slopes), axis=1)
    offset = np.cumsum(summed(places, slopes * (np.concatenate([low, high]) - edges[0])), axis=1)
    below = slope * (edges[1:] - edges[0]) - offset
    below[:, 1:] -= below[:, :-1].copy()
    return below + summed((row + first)[flat], part.volume[flat])


def _peaks(volumes: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return row and bin of the local maxima that reach a share of their row's largest bin.

    A run of equal values is one maximum, at its middle (of two the lower); beyond both ends there
    is nothing. As `profile_kernels.peaks`, of all rows at once: each is followed by a zero.
    """
    rows, bins = volumes.shape
    flat = np.zeros(rows * (bins + 1) + 1)
    flat[1:].reshape(rows, bins + 1)[:, :bins] = volumes
    rises, falls = _exceeds(flat[1:], flat[:-1]), _exceeds(flat[:-1], flat[1:])
    starts = np.flatnonzero(rises | falls)
    peak = np.flatnonzero(rises[starts[:-1]] & falls[starts[1:]])
    first, after = starts[peak], starts[peak + 1]
    row = first // (bins + 1)
    high = flat[first + 1] >= share * volumes.max(axis=1)[row] * (1.0 - TIE)
    middle = (first + after - 1) // 2
    return row[high], (middle % (bins + 1))[high]


def _exceeds(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one - other > TIE * np.maximum(np.abs(one), np.abs(other))
