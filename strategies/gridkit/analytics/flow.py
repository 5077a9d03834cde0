"""Order flow: what the book, its changes and the trades say, in numbers and in plain words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridkit.analytics import book_flow, book_levels, evidence, findings
from gridkit.analytics.book_flow import Iceberg
from gridkit.analytics.book_levels import Levels
from gridkit.analytics.books import BID, Book, book_of
from gridkit.analytics.evidence import Vote
from gridkit.analytics.trades import Tape
from gridkit.analytics.walls import Wall, standing, walls
from gridkit.candles import SECONDS_PER_HOUR
from gridkit.settings import OrderflowSettings, Settings

NAMED_WALLS = 3  # in the summary, the largest

_EMPTY = Book(np.empty((0, 2)), np.empty((0, 2)))


@dataclass(frozen=True, slots=True)
class Measures:
    """All numbers of the books; NaN is not known. What each is, `books` and `book_flow` say.

    `imbalance_best` is the microprice's lean too: -1 at the best bid … 1 at the best ask.
    `imbalance` is over the setting's depth, `imbalance_near` within one bucket of the middle.
    `order_flow` (base currency) and `flow_pressure` (the same net of its size, -1 … 1) are over
    `tape_seconds`, `depth_ratio` is against the mean of the last hour. `impact_buy` and
    `impact_sell` are what an order at market for `impact_quote` costs, as fractions of the middle.
    """

    mid: float = math.nan
    spread: float = math.nan
    microprice: float = math.nan
    imbalance_best: float = math.nan
    imbalance_five: float = math.nan
    imbalance: float = math.nan
    imbalance_all: float = math.nan
    imbalance_near: float = math.nan
    order_flow: float = math.nan
    flow_pressure: float = math.nan
    depth_ratio: float = math.nan
    impact_buy: float = math.nan
    impact_sell: float = math.nan


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of the order flow, and what follows.

    `walls`: those that stood in all books of the last `max_age_seconds`. `direction`: 1 up, -1
    down, 0 unless `strength` (0 … 1) reaches the action threshold. `reasons`: what the votes say
    that have a direction, the heaviest first. `unavailable`: what is not known, and why.
    """

    measures: Measures
    tape: Tape | None
    walls: tuple[Wall, ...]
    levels: Levels
    icebergs: tuple[Iceberg, ...]
    votes: tuple[Vote, ...]
    direction: int
    strength: float
    reasons: tuple[str, ...]
    unavailable: tuple[str, ...]
    summary: str


def analyze(
    book: Book | Mapping[str, Any] | None,
    history: Sequence[Book],
    tape: Tape | None,
    settings: Settings,
    now: float,
) -> Analysis:
    """Say what book, earlier books and trades tell about the next move. Never raises for bad data.

    `book` may be raw, as an exchange gives it: one that is none (crossed, say) is listed as
    unavailable, as is everything else that is missing, too old or too little. `history` are earlier
    books in any order; `book` itself may be among them. `now` is in seconds UTC. The measures vote
    as `evidence` says. Nothing known: direction 0, strength 0.

    Pressure is read from what is shown: orders may be withdrawn, and it explains the move it
    accompanies far better than the next.
    """
    orderflow = settings.orderflow
    current, why = _current(book, now, orderflow)
    last_hour = _in_order(history, current, now, orderflow)
    recent = [item for item in last_hour if item.time > now - orderflow.tape_seconds]
    just_before = [item for item in recent if item.time > now - orderflow.max_age_seconds]
    parts = (
        findings.without_book(why) if why else findings.in_book(current, orderflow),
        findings.in_changes(recent, now, orderflow),
        findings.in_depth(last_hour if current.two_sided else (), orderflow),
        findings.in_trades(tape, orderflow),
    )
    votes = [vote for part in parts for vote in part.votes]
    score = evidence.strength(votes)
    analysis = Analysis(
        measures=Measures(**{name: part.numbers[name] for part in parts for name in part.numbers}),
        tape=tape,
        walls=standing(walls(current, orderflow.wall_multiple), just_before),
        levels=book_levels.levels(current, orderflow),
        icebergs=book_flow.icebergs(book_flow.quotes_of(recent if current.two_sided else (), 1)),
        votes=tuple(votes),
        direction=_direction(score, orderflow.action_threshold),
        strength=abs(score),
        reasons=_reasons(votes),
        unavailable=tuple(line for part in parts for line in part.unavailable),
        summary="",
    )
    return replace(analysis, summary=summary(analysis, orderflow))


def summary(analysis: Analysis, settings: OrderflowSettings) -> str:
    """Return the analysis as one paragraph in plain words."""
    sentences = [_verdict(analysis, settings.action_threshold)]
    if analysis.reasons:
        sentences.append(f"What says so or against it: {'; '.join(analysis.reasons)}.")
    if not math.isnan(analysis.measures.spread):
        sentences.append(f"The spread is {analysis.measures.spread:.4%}.")
    sentences += _named_impacts(analysis.measures, settings.impact_quote)
    if not math.isnan(analysis.measures.depth_ratio):
        sentences.append(f"Depth is {analysis.measures.depth_ratio:.0%} of its hourly mean.")
    sentences += [*_named_walls(analysis.walls), *_named_icebergs(analysis.icebergs)]
    if analysis.unavailable:
        sentences.append(f"Not available: {'; '.join(analysis.unavailable)}.")
    return " ".join(sentences)


def _current(
    book: Book | Mapping[str, Any] | None, now: float, settings: OrderflowSettings
) -> tuple[Book, str]:
    """Return the book, and why it does not count as one of now; then the book is an empty one."""
    if book is None:
        return _EMPTY, "none"
    try:
        current = book if isinstance(book, Book) else book_of(book)
    except ValueError as error:
        return _EMPTY, str(error)
    why = findings.why_not_now(current.time, now, settings)
    return (_EMPTY if why else current), why


def _in_order(
    history: Sequence[Book], current: Book, now: float, settings: OrderflowSettings
) -> list[Book]:
    """Return the two-sided books of the last hour in order of time, each once, `current` last."""
    begin = now - SECONDS_PER_HOUR
    end = now + settings.max_age_seconds if math.isnan(current.time) else current.time
    timely = [book for book in (*history, current) if book.two_sided and begin <= book.time <= end]
    by_time = {book.time: book for book in timely}
    return [by_time[time] for time in sorted(by_time)]


def _direction(score: float, threshold: float) -> int:
    return int(math.copysign(1, score)) if abs(score) >= threshold else 0


def _reasons(votes: Iterable[Vote]) -> tuple[str, ...]:
    heaviest = sorted(votes, key=lambda vote: -abs(vote.value * vote.weight))
    return tuple(vote.reason for vote in heaviest if vote.value)


def _verdict(analysis: Analysis, threshold: float) -> str:
    strength = f"strength {analysis.strength:.2f} of 1"
    if not analysis.votes:
        return "Nothing is known of where order flow points."
    if not analysis.direction:
        return f"Order flow points nowhere: its {strength} is below {threshold:g}."
    way = "up" if analysis.direction == BID else "down"
    return f"Order flow points {way}: its {strength} reaches {threshold:g}."


def _named_impacts(measures: Measures, quote: float) -> list[str]:
    impacts = {"Buying": measures.impact_buy, "Selling": measures.impact_sell}
    return [
        f"{doing} for {quote:,.10g} moves price {impact:.4%}."
        for doing, impact in impacts.items()
        if not math.isnan(impact)
    ]


def _named_walls(found: Sequence[Wall]) -> list[str]:
    largest = sorted(found, key=lambda wall: -wall.size)[:NAMED_WALLS]
    return [
        f"A wall: {wall.size:g} {_resting(wall.side)} {wall.price:g}, "
        f"{wall.times:.0f} times its neighbours."
        for wall in largest
    ]


def _named_icebergs(found: Sequence[Iceberg]) -> list[str]:
    return [
        f"What is {_resting(hint.side)} {hint.price:g} was refilled {hint.refills} times."
        for hint in found
    ]


def _resting(side: int) -> str:
    return "bid at" if side == BID else "asked at"
