"""Prices at which a book is thick: where the lines of a grid may move to (SPEC D)."""

import math
from dataclasses import dataclass

import numpy as np

from gridkit.analytics.books import ASK, BID, PRICE, SIZE, Book, mid
from gridkit.settings import OrderflowSettings

ORDERS = 10  # entries of a bucket from which more add nothing
LEVELS = 10  # levels of a book from which more add nothing
STRONG_LEVELS = 5  # strong levels from which more add nothing
_EDGE = 1e-9  # a price on the edge of a bucket belongs to the outer one, whatever the rounding


@dataclass(frozen=True, slots=True)
class Level:
    """One bucket of prices.

    `price`: mean price of what rests in it, weighted by size. `strength`: 0.01 … 1. `rank`: place
    by strength on its own side, 1 the strongest. `side`: 1 bid, -1 ask.
    """

    price: float
    strength: float
    rank: int
    side: int


@dataclass(frozen=True, slots=True)
class Levels:
    """All levels of a book, strongest first, and how far they are to be trusted, 0 … 1.

    `quality` is NaN where there are none: in a book with an empty side.
    """

    levels: tuple[Level, ...]
    quality: float


def levels(book: Book, settings: OrderflowSettings) -> Levels:
    """Return the levels of one book within `reach` of the middle, in steps of `bucket`.

    strength = 0.6 * share of what rests on that side within reach + 0.3 * min(1, orders / 10)
    + 0.1 * max(0.1, 1 - 10 * distance), the distance from the middle being a fraction. Public books
    say how much rests at a price, not in how many orders, so `orders` are the prices in the bucket.
    Buckets are counted from the middle outwards, so they move along with it.
    """
    if not book.two_sided:
        return Levels((), math.nan)
    middle = mid(book)
    found = _ranked(book.bids, middle, BID, settings) + _ranked(book.asks, middle, ASK, settings)
    ordered = sorted(found, key=lambda level: (-level.strength, abs(level.price - middle)))
    return Levels(tuple(ordered), quality([level.strength for level in ordered], settings.strong))


def quality(strengths: list[float], strong: float) -> float:
    """Return how far the levels of a book are to be trusted, 0 … 1; NaN where there are none.

    0.4 * min(1, n / 10) + 0.4 * mean strength + 0.1 * (1 - standard deviation)
    + 0.1 * min(1, n above `strong` / 5).
    """
    if not strengths:
        return math.nan
    many = min(1.0, len(strengths) / LEVELS)
    strong_share = min(1.0, sum(value > strong for value in strengths) / STRONG_LEVELS)
    mean, deviation = float(np.mean(strengths)), float(np.std(strengths))
    return 0.4 * many + 0.4 * mean + 0.1 * (1.0 - deviation) + 0.1 * strong_share


def _ranked(rows: np.ndarray, middle: float, side: int, settings: OrderflowSettings) -> list[Level]:
    """Return the levels of one side, strongest first; of equal ones the nearer first."""
    prices, strengths = _buckets(rows, middle, settings)
    order = np.lexsort((np.abs(prices - middle), -strengths))
    return [
        Level(float(prices[place]), float(strengths[place]), rank, side)
        for rank, place in enumerate(order, start=1)
    ]


def _buckets(
    rows: np.ndarray, middle: float, settings: OrderflowSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return price and strength of each bucket that holds anything, nearest the middle first."""
    distances = np.abs(rows[:, PRICE] / middle - 1.0)
    near = rows[distances <= settings.reach + _EDGE]
    steps = np.floor(distances[: len(near)] / settings.bucket + _EDGE).astype("int64")
    steps, where = np.unique(steps, return_inverse=True)
    size = np.bincount(where, near[:, SIZE], len(steps))
    price = np.bincount(where, near[:, SIZE] * near[:, PRICE], len(steps)) / size
    orders = np.bincount(where, minlength=len(steps))
    nearness = np.maximum(0.1, 1.0 - 10.0 * np.abs(price / middle - 1.0))
    share = size / size.sum() if len(size) else size
    return price, 0.6 * share + 0.3 * np.minimum(1.0, orders / ORDERS) + 0.1 * nearness
