"""What is found in a book, in its changes, in its depth and in the trades, each by itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gridkit.analytics import book_flow, books, evidence
from gridkit.analytics.books import ASK, BID, Book
from gridkit.analytics.evidence import Vote
from gridkit.analytics.trades import Tape
from gridkit.settings import OrderflowSettings

LEAST_CHANGES = 10  # fewer changes of the book say nothing about who presses


@dataclass(frozen=True, slots=True)
class Finding:
    """Numbers by the name of their measure, what they vote for, and what is not known, and why."""

    numbers: dict[str, float] = field(default_factory=dict)
    votes: tuple[Vote, ...] = ()
    unavailable: tuple[str, ...] = ()


def why_not_now(time: float, now: float, settings: OrderflowSettings) -> str:
    """Return what is wrong with the age of a book of that time; empty where nothing is."""
    age = now - time
    if math.isnan(age):
        return "its time is not known"
    if abs(age) <= settings.max_age_seconds:
        return ""
    return f"{age:.0f} s old" if age > 0 else f"dated {-age:.0f} s ahead of now"


def in_book(book: Book, settings: OrderflowSettings) -> Finding:
    """Spread, middle, microprice, imbalances, impact of a book that is known to be one of now."""
    if not book.two_sided:
        empty = [name for name in ("bids", "asks") if not len(getattr(book, name))]
        return without_book(f"no {' and no '.join(empty)}")
    near, not_near = _near(book, settings)
    buy, no_buy = _impact(book, BID, settings)
    sell, no_sell = _impact(book, ASK, settings)
    numbers = {
        "mid": books.mid(book),
        "spread": books.spread(book),
        "microprice": books.microprice(book),
        "imbalance_best": books.imbalance(book, 1),
        "imbalance_five": books.imbalance(book, 5),
        "imbalance": books.imbalance(book, settings.imbalance_depth),
        "imbalance_all": books.imbalance(book),
        "imbalance_near": near,
        "impact_buy": buy,
        "impact_sell": sell,
    }
    votes = (
        evidence.of_imbalance(numbers["imbalance"], settings),
        evidence.of_microprice(numbers["imbalance_best"], settings),
    )
    return Finding(numbers, votes, not_near + no_buy + no_sell)


def without_book(why: str) -> Finding:
    """Say what is not known where there is no book of now, or half of one."""
    return Finding(unavailable=(f"book: {why}", "imbalance: no book", "microprice: no book"))


def in_changes(recent: Sequence[Book], now: float, settings: OrderflowSettings) -> Finding:
    """Order flow over two-sided books of the last `tape_seconds` in ascending order of time."""
    if len(recent) <= LEAST_CHANGES:
        had = f"{len(recent)} of the {LEAST_CHANGES + 1} books needed"
        why = f"{had} in the last {settings.tape_seconds:g} s"
        return Finding(unavailable=(f"order flow: {why}",))
    why = why_not_now(recent[-1].time, now, settings)
    if why:
        return Finding(unavailable=(f"order flow: the last book is {why}",))
    flow = book_flow.total_flow(book_flow.quotes_of(recent, settings.imbalance_depth))
    pressure = book_flow.pressure(flow)
    if math.isnan(pressure):
        return Finding(unavailable=(f"order flow: {len(recent)} books did not change",))
    numbers = {"order_flow": float(np.nansum(flow)), "flow_pressure": pressure}
    return Finding(numbers, (evidence.of_order_flow(pressure, len(recent), settings),))


def in_depth(last_hour: Sequence[Book], settings: OrderflowSettings) -> Finding:
    """Depth of the last book against the mean of those before; two-sided ones, in order of time."""
    depth = np.array([book_flow.depth_of(book, settings.depth) for book in last_hour])
    times = np.array([book.time for book in last_hour])
    ratio = float(book_flow.depth_ratio(depth, times)[-1]) if len(last_hour) else math.nan
    if math.isnan(ratio):
        return Finding(unavailable=("depth ratio: too few books over the last hour",))
    return Finding({"depth_ratio": ratio})


def in_trades(tape: Tape | None, settings: OrderflowSettings) -> Finding:
    """Delta and whales of the tape, if its last trade is not older than `tape_seconds`."""
    if tape is None or not tape.age_seconds <= settings.tape_seconds:
        when = f"in the last {settings.tape_seconds:g} s"
        return Finding(unavailable=(f"trades: none {when}", f"whales: no trades {when}"))
    votes, missing = [], []
    if math.isnan(tape.imbalance):
        missing.append("trades: nobody knows which were bought and which sold")
    else:
        votes.append(evidence.of_trades(tape, settings))
    if math.isnan(tape.whale_share):
        missing.append("whales: too few trades to know what is large")
    else:
        votes.append(evidence.of_whales(tape, settings))
    return Finding(votes=tuple(votes), unavailable=tuple(missing))


def _near(book: Book, settings: OrderflowSettings) -> tuple[float, tuple[str, ...]]:
    """Return the imbalance within one bucket of the middle, or NaN and why."""
    reach = books.reach(book)
    near = books.imbalance_within(book, settings.bucket)
    if reach >= settings.bucket and not math.isnan(near):
        return near, ()
    why = f"nothing rests within {settings.bucket:.2%}"
    if reach < settings.bucket:
        why = f"the book reaches {reach:.3%} and not {settings.bucket:.2%}"
    return math.nan, (f"imbalance near the middle: {why}",)


def _impact(book: Book, side: int, settings: OrderflowSettings) -> tuple[float, tuple[str, ...]]:
    """Return how far an order for `impact_quote` moves price, or NaN and why.

    `book` has both sides. The size is what that money is worth at the middle, bought or sold alike.
    """
    size = settings.impact_quote / books.mid(book)
    impact = books.impact(book, size, side)
    if not math.isnan(impact):
        return impact, ()
    doing, name, rows = "buying", "asks", book.asks
    if side == ASK:
        doing, name, rows = "selling", "bids", book.bids
    share = rows[:, books.SIZE].sum() / size
    why = f"the {name} hold {share:.1%} of what {settings.impact_quote:,.10g} is worth"
    return math.nan, (f"impact of {doing}: {why}",)
