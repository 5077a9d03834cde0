"""Walls: single prices of a book at which far more rests than around them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gridkit.analytics.books import ASK, BID, PRICE, SIZE, Book

NEIGHBOURS = 20  # nearest other levels of the same side
LEAST_NEIGHBOURS = 4  # with fewer there is nothing to stand out from
KEPT = 0.5  # of a wall's size must have rested before, for it to stand


@dataclass(frozen=True, slots=True)
class Wall:
    """`times`: its size as a multiple of its neighbours' median. `side`: 1 bid, -1 ask."""

    price: float
    size: float
    times: float
    side: int


def walls(book: Book, multiple: float) -> tuple[Wall, ...]:
    """Return the walls of both sides, nearest the middle first within a side, bids first.

    A wall's size is at least `multiple` times the median and the mean of its neighbours. Sizes in
    a real book are so uneven that the median alone would call up to one level in four a wall. The
    best price of a side is none and no neighbour: its queue is where everyone joins. Walls may be
    withdrawn at any time, and most are within seconds: see `standing`.
    """
    return tuple(
        Wall(float(rows[level, PRICE]), float(rows[level, SIZE]), float(times[level]), side)
        for rows, side in ((book.bids[1:], BID), (book.asks[1:], ASK))
        for times in [_times(rows[:, SIZE], multiple)]
        for level in np.flatnonzero(times)
    )


def standing(found: Iterable[Wall], earlier: Sequence[Book]) -> tuple[Wall, ...]:
    """Return the walls of which at least half rested at their price in each earlier book too.

    All of them where there is no earlier book. A price beyond the levels an earlier book shows is
    taken for one at which nothing rested.
    """
    return tuple(
        wall for wall in found if all(_resting(book, wall) >= KEPT * wall.size for book in earlier)
    )


def _resting(book: Book, wall: Wall) -> float:
    rows = book.bids if wall.side == BID else book.asks
    return float(rows[rows[:, PRICE] == wall.price, SIZE].sum())


def _times(sizes: np.ndarray, multiple: float) -> np.ndarray:
    """Return for each level its multiple of the neighbours' median, 0 where it is no wall."""
    count = min(NEIGHBOURS, len(sizes) - 1)
    if count < LEAST_NEIGHBOURS:
        return np.zeros(len(sizes))
    around = sizes[_neighbours(len(sizes), count)]
    median = np.median(around, axis=1)
    usual = np.maximum(median, around.mean(axis=1))
    return np.where(sizes >= multiple * usual, sizes / median, 0.0)


def _neighbours(levels: int, count: int) -> np.ndarray:
    """Return the `count` nearest other levels of each one, shape (levels, count)."""
    own = np.arange(levels)[:, None]
    first = np.clip(own - count // 2, 0, levels - 1 - count)
    window = first + np.arange(count)
    return window + (window >= own)
