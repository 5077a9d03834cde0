"""Successive books: which side is added to and taken from, and how deep it is against before."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridkit.analytics.books import ASK, BID, SIZE, Book
from gridkit.candles import SECONDS_PER_HOUR

EATEN = 0.5  # a level is eaten once so little of it is left
REFILLED = 0.9  # and refilled once so much of it is back
LEAST_REFILLS = 3  # fewer are chance
LEAST_BOOKS = 10  # that make a mean of depth
LEAST_COVER = 0.5  # of the window that they must cover


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Best levels of successive books; NaN where a book has fewer.

    `times` (seconds UTC, ascending) has shape (n,), the others (n, levels).
    """

    times: np.ndarray
    bid_price: np.ndarray
    bid_size: np.ndarray
    ask_price: np.ndarray
    ask_size: np.ndarray


@dataclass(frozen=True, slots=True)
class Iceberg:
    """A best price that keeps being refilled. `side`: 1 bid, -1 ask."""

    price: float
    refills: int
    side: int


def quotes_of(books: Sequence[Book], levels: int) -> Quotes:
    """Return so many best levels of books in ascending order of time, as arrays."""
    table = np.full((4, len(books), levels), np.nan)
    for place, book in enumerate(books):
        for first, rows in ((0, book.bids[:levels]), (2, book.asks[:levels])):
            table[first : first + 2, place, : len(rows)] = rows.T
    return Quotes(np.array([book.time for book in books]), *table)


def order_flow(quotes: Quotes) -> np.ndarray:
    """Return what each book adds to the bids less what it adds to the asks, in base currency.

    Above 0: bids were added or improved, or asks were taken or withdrawn. Each level by itself,
    shape (n, levels). NaN for the first book, and where either book has no such
    level. Between two snapshots only their difference counts: what came and went is not seen.
    Source: Cont, Kukanov and Stoikov (2014), The Price Impact of Order Book Events, Journal of
    Financial Econometrics 12(1), the e_n of section 2.1; by level: Xu, Gould and Howison (2018),
    Multi-Level Order-Flow Imbalance in a Limit Order Book.
    """
    flow = np.full(np.shape(quotes.bid_price), np.nan)
    # An ask is a bid at the negative price, and what it adds counts the other way.
    flow[1:] = _added(quotes.bid_price, quotes.bid_size) - _added(
        -quotes.ask_price, quotes.ask_size
    )
    return flow


def total_flow(quotes: Quotes) -> np.ndarray:
    """Return each book's order flow over all levels given, shape (n,); NaN where none is known."""
    flow = order_flow(quotes)
    return np.where(np.isnan(flow).all(axis=1), np.nan, np.nansum(flow, axis=1))


def summed(flow: np.ndarray, times: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the order flow of each interval after one edge, up to and with the next.

    `flow` and `times` have shape (n,), `edges` (seconds UTC, ascending) one more than the result.
    NaN where an interval knows of no change; changes that are not known are left out.
    """
    known = ~np.isnan(flow)
    total = np.concatenate([[0.0], np.cumsum(flow[known])])
    places = np.searchsorted(times[known], edges, side="right")
    return np.where(np.diff(places) > 0, total[places[1:]] - total[places[:-1]], np.nan)


def pressure(flow: np.ndarray) -> float:
    """Return the sum of the order flow over the sum of its sizes, -1 … 1.

    1 where every change favours the buyers. NaN where nothing changed, or nothing is known.
    """
    known = flow[~np.isnan(flow)]
    moved = float(np.abs(known).sum())
    return float(known.sum()) / moved if moved > 0 else math.nan


def depth_ratio(
    depth: np.ndarray, times: np.ndarray, window_seconds: float = SECONDS_PER_HOUR
) -> np.ndarray:
    """Return each depth over the mean of those in the window before it; 0.5 is half as deep.

    `depth` (above 0, NaN where not known) and `times` (seconds UTC, ascending) have shape (n,), as
    has the result. NaN until 10 books are known that cover half the window.
    """
    ratio = np.full(len(depth), np.nan)
    known = np.flatnonzero(~np.isnan(depth))
    moments, total = times[known], np.concatenate([[0.0], np.cumsum(depth[known])])
    now = np.arange(len(known))
    begin = np.searchsorted(moments, moments - window_seconds, side="left")
    covered = moments - moments[begin] >= LEAST_COVER * window_seconds
    enough = np.flatnonzero(covered & (now - begin >= LEAST_BOOKS))
    mean = (total[enough] - total[begin[enough]]) / (enough - begin[enough])
    ratio[known[enough]] = depth[known[enough]] / mean
    return ratio


def icebergs(quotes: Quotes) -> tuple[Iceberg, ...]:
    """Return the best prices of now that were eaten and refilled at least 3 times, bids first.

    Eaten is half gone, refilled is nine tenths back, while the best price stays. A hint, no proof:
    withdrawing and placing anew looks the same, and what an iceberg refills between two books is
    not seen. Trades of more than was shown would prove it.
    """
    sides = ((quotes.bid_price, quotes.bid_size, BID), (quotes.ask_price, quotes.ask_size, ASK))
    found = []
    for prices, sizes, side in sides:
        price, size = prices[:, 0], sizes[:, 0]
        refills = _refills(size[_unchanged_since(price) :])
        if refills >= LEAST_REFILLS:
            found.append(Iceberg(float(price[-1]), refills, side))
    return tuple(found)


def depth_of(book: Book, levels: int) -> float:
    """Return what rests at the best levels of both sides together; NaN without both sides."""
    if not book.two_sided:
        return math.nan
    return float(book.bids[:levels, SIZE].sum() + book.asks[:levels, SIZE].sum())


def _added(price: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return what each book adds to a side whose better prices are higher, shape (n - 1, ...)."""
    known = ~np.isnan(price + size)
    new = np.where(price[1:] >= price[:-1], size[1:], 0.0)
    old = np.where(price[1:] <= price[:-1], size[:-1], 0.0)
    return np.where(known[1:] & known[:-1], new - old, np.nan)


def _unchanged_since(price: np.ndarray) -> int:
    """Return the position from which on the last price has stood."""
    other = np.flatnonzero(price != price[-1]) if len(price) else price
    return int(other[-1]) + 1 if len(other) else 0


def _refills(sizes: np.ndarray) -> int:
    refills, full, eaten = 0, 0.0, False
    for size in sizes.tolist():
        if eaten and size >= REFILLED * full:
            refills, full, eaten = refills + 1, size, False
        elif not eaten:
            full = max(full, size)
            eaten = size <= EATEN * full
    return refills
