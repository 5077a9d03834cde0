"""One order book: what rests at which price, and which side has more of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

BID, ASK = 1, -1
PRICE, SIZE = 0, 1  # columns of a side


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Both sides of an order book, best price first, as rows of (price, size in base currency).

    A side may be empty. Raises ValueError for what no exchange would call a book: crossed or locked
    sides, prices out of order or twice, and numbers that are not finite and above 0. The arrays are
    private copies, read-only. `time` is in seconds UTC, NaN where nobody knows.
    """

    bids: np.ndarray
    asks: np.ndarray
    time: float = math.nan

    def __post_init__(self) -> None:
        object.__setattr__(self, "bids", _side(self.bids, "bids", BID))
        object.__setattr__(self, "asks", _side(self.asks, "asks", ASK))
        if self.two_sided and self.bids[0, PRICE] >= self.asks[0, PRICE]:
            best = f"bid {self.bids[0, PRICE]:g}, ask {self.asks[0, PRICE]:g}"
            raise ValueError(f"the book is crossed: {best}")

    @property
    def two_sided(self) -> bool:
        """Whether there is anything on both sides; most measures need that."""
        return len(self.bids) > 0 and len(self.asks) > 0

    def first(self, levels: int) -> Self:
        """Return the book as if only so many levels of each side had been asked for."""
        return type(self)(self.bids[:levels], self.asks[:levels], self.time)


def book_of(raw: Mapping[str, Any], received: float = math.nan) -> Book:
    """Read a book as freqtrade's `dp.orderbook()`, ccxt or an exchange's REST answer gives it.

    Entries may carry more than price and size, and numbers may be strings; an entry of size 0 is
    none. `received` (seconds UTC) is the time of a book whose exchange states none, as many do not.
    Raises ValueError for anything that is not a book.
    """
    try:
        stamp = raw.get("timestamp")
        time = received if stamp is None else float(stamp) / 1_000.0
        sides = [[(float(row[0]), float(row[1])) for row in raw[name]] for name in ("bids", "asks")]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"not an order book: {error!r}") from error
    bids, asks = ([row for row in side if row[SIZE] != 0.0] for side in sides)
    return Book(np.array(bids), np.array(asks), time)


def mid(book: Book) -> float:
    """Return the price in the middle between the best bid and the best ask; NaN without both."""
    if not book.two_sided:
        return math.nan
    return float((book.bids[0, PRICE] + book.asks[0, PRICE]) / 2.0)


def spread(book: Book) -> float:
    """Return best ask less best bid, as a fraction of the middle; NaN without both sides."""
    if not book.two_sided:
        return math.nan
    return float(book.asks[0, PRICE] - book.bids[0, PRICE]) / mid(book)


def microprice(book: Book) -> float:
    """Return the middle weighted by what rests opposite: nearer the ask where bids are larger.

    Between the best bid and the best ask; NaN without both sides. Only the two best levels count,
    which are quickly withdrawn. Source: Gatheral and Oomen (2010), Zero-intelligence realized
    variance estimation, Finance and Stochastics 14; Stoikov (2018) calls it the weighted mid.
    """
    if not book.two_sided:
        return math.nan
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return float(bid + (ask - bid) * (bid_size / (bid_size + ask_size)))


def imbalance(book: Book, levels: int | None = None) -> float:
    """Return (bids - asks) / (bids + asks) of the sizes of `levels` a side (None: all), -1 … 1.

    Above 0 more is bid for. NaN without both sides. A side that has fewer levels than the other is
    taken as it is. Orders far from the middle weigh as much as near ones, and cost nothing to show.
    """
    if not book.two_sided:
        return math.nan
    return _imbalance(book.bids[:levels, SIZE].sum(), book.asks[:levels, SIZE].sum())


def imbalance_within(book: Book, fraction: float) -> float:
    """Return the imbalance of what rests within a `fraction` of the middle, -1 … 1.

    NaN without both sides, and where nothing rests so near. A book cut off nearer than that on one
    side looks emptier there than it is: see `reach`.
    """
    return _imbalance(*depth_within(book, fraction))


def depth_within(book: Book, fraction: float) -> tuple[float, float]:
    """Return the sizes bid and asked for within a `fraction` of the middle; NaN without both."""
    if not book.two_sided:
        return math.nan, math.nan
    near_bids = book.bids[:, PRICE] >= mid(book) * (1.0 - fraction)
    near_asks = book.asks[:, PRICE] <= mid(book) * (1.0 + fraction)
    return float(book.bids[near_bids, SIZE].sum()), float(book.asks[near_asks, SIZE].sum())


def reach(book: Book) -> float:
    """Return how far from the middle both sides are known, a fraction; NaN without both sides."""
    if not book.two_sided:
        return math.nan
    middle = mid(book)
    return float(min(book.asks[-1, PRICE] - middle, middle - book.bids[-1, PRICE])) / middle


def impact(book: Book, size: float, side: int) -> float:
    """Return how much worse than the middle an order at market is filled, a fraction above 0.

    `side` 1 buys `size` from the asks, -1 sells it to the bids: the mean price of all it takes.
    NaN where the book is too thin for it, or one-sided. What hides behind the visible sizes, and
    who withdraws on seeing the order, is not known. Raises ValueError unless `size` is above 0.
    """
    if not size > 0:
        raise ValueError(f"an order's size is above 0, not {size}")
    rows = book.asks if side == BID else book.bids
    if not book.two_sided or rows[:, SIZE].sum() < size:
        return math.nan
    before = np.cumsum(rows[:, SIZE]) - rows[:, SIZE]
    taken = np.clip(size - before, 0.0, rows[:, SIZE])
    worse = side * (rows[:, PRICE] - mid(book)) / mid(book)
    return float(taken @ worse / taken.sum())


def _imbalance(bid: float, ask: float) -> float:
    return float((bid - ask) / (bid + ask)) if bid + ask > 0 else math.nan


def _side(rows: Any, name: str, side: int) -> np.ndarray:
    """Return a checked, read-only copy of one side, shape (n, 2)."""
    checked = np.array(rows, dtype="float64")
    if checked.size == 0:
        checked = checked.reshape(0, 2)
    if checked.ndim != 2 or checked.shape[1] != 2:  # noqa: PLR2004 (price and size)
        raise ValueError(f"{name} are rows of price and size, not of shape {checked.shape}")
    if not (np.isfinite(checked).all() and (checked > 0).all()):
        raise ValueError(f"{name} have a price or a size that is no finite number above 0")
    if not (np.diff(checked[:, PRICE]) * -side > 0).all():
        raise ValueError(f"{name} are not sorted, best price first and each price once")
    checked.setflags(write=False)
    return checked
