"""Round trips: what became of each lot, from entry to exit.

A lot is what `gridkit.grid.lots` says it is; here its pieces are put together again, and each
remembers whether all its orders filled strictly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridkit.grid import tags
from gridkit.grid.lots import Closed, Fill, Ledger
from gridkit.reports.equity import Marks, candle_index
from gridkit.reports.records import OrderFill, Run, TradeRecord

# Exits that somebody was forced into: what they bring is inventory profit, not harvest.
FORCED_VERBS = frozenset({tags.STOP, tags.FLATTEN, tags.END, tags.TRIM, tags.RECOVER})
FORCED_REASONS = frozenset(
    {
        "force_exit",
        "emergency_exit",
        "liquidation",
        "stop_loss",
        "stoploss_on_exchange",
        "trailing_stop_loss",
    }
)
TARGET_VERBS = frozenset({tags.SELL, tags.COVER})
END_OF_RUN = "force_exit"

MOST_DECIMALS = 9  # of an exchange's lot step
STUCK_AFTER_SECONDS = 3_600
STUCK_AWAY_FRACTION = 0.03  # of the rate, from there to the target


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One lot from its first entry to its last exit.

    `profit` is in stake currency after both fees, funding apart; `harvest` is the part of it that
    came from exits nobody was forced into, `strict_harvest` the part of that in which entry and
    exit both filled strictly. `entry_price` and `exit_price` are averages. `losses` are those of
    its exits by verb, where they lost.
    """

    pair: str
    level: int
    is_short: bool
    opened: int
    closed: int
    entry_price: float
    exit_price: float
    amount: float
    profit: float
    harvest: float
    strict_harvest: float
    exits: frozenset[str]
    losses: Mapping[str, float]
    ended_with_run: bool

    @property
    def hours(self) -> float:
        """How long it was held."""
        return (self.closed - self.opened) / 3_600

    @property
    def is_harvest(self) -> bool:
        """Whether any of it was sold by an exit nobody was forced into."""
        return self.harvest != 0

    @property
    def left_at_target(self) -> bool:
        """Whether all of it was sold at its own target."""
        return self.exits <= TARGET_VERBS


@dataclass(frozen=True, slots=True)
class _Piece:
    sale: Closed
    entry_is_strict: bool
    exit_is_strict: bool


def verb(tag: str) -> str:
    """Return the first word of one of our exit tags, which may name no level (`flatten regime`)."""
    return tags.verb_of(tag) or tag.split(" ", 1)[0]


def is_forced(tag: str) -> bool:
    """Whether an exit with this tag was forced rather than taken at the lot's own target."""
    return verb(tag) in FORCED_VERBS or tag in FORCED_REASONS


def round_trips(run: Run, strict: Sequence[Sequence[bool | None]]) -> list[RoundTrip]:
    """All lots of the run, oldest first; `strict` tells for each fill of each trade."""
    found = [
        trip
        for trade, flags in zip(run.trades, strict, strict=True)
        for trip in _trips_of(trade, flags, run.end)
    ]
    return sorted(found, key=lambda trip: (trip.opened, trip.pair, trip.level))


def _trips_of(trade: TradeRecord, strict: Sequence[bool | None], end: int) -> list[RoundTrip]:
    pieces: dict[tuple[int, float], list[_Piece]] = {}
    for piece in _pieces(trade, strict):
        pieces.setdefault((piece.sale.level, piece.sale.opened), []).append(piece)
    return [_joined(trade, parts, end) for parts in pieces.values()]


def _pieces(trade: TradeRecord, strict: Sequence[bool | None]) -> Iterable[_Piece]:
    ledger = Ledger(is_short=trade.is_short, amount_step=amount_step(trade))
    entered_strictly: dict[int, bool] = {}
    for order, flag in zip(trade.fills, strict, strict=True):
        before = dict(ledger.lots)
        for sale in ledger.apply(_ledger_fill(order)):
            yield _Piece(sale, entered_strictly.get(sale.level, False), flag is True)
        if order.is_entry:
            for level, lot in ledger.lots.items():
                if before.get(level) is not lot:
                    earlier = entered_strictly[level] if level in before else True
                    entered_strictly[level] = earlier and flag is True


def amount_step(trade: TradeRecord) -> float:
    """Return the lot step, as far as the amounts show it: a power of ten they are all multiples of.

    The export does not name it, and without one the rounding of sums would leave specks of lots.
    """
    amounts = np.array([fill.amount for fill in trade.fills])
    for decimals in range(MOST_DECIMALS):
        if np.allclose(amounts, amounts.round(decimals), rtol=0, atol=10.0 ** -(decimals + 6)):
            return float(10.0**-decimals)
    return float(10.0**-MOST_DECIMALS)


def _ledger_fill(order: OrderFill) -> Fill:
    return Fill(
        is_entry=order.is_entry,
        levels=tags.levels_of(order.tag),
        price=order.price,
        amount=order.amount,
        timestamp=float(order.seconds),
        fee=order.fee,
        tag=order.tag,
    )


def _joined(trade: TradeRecord, pieces: list[_Piece], end: int) -> RoundTrip:
    sales = [piece.sale for piece in pieces]
    amount = sum(sale.amount for sale in sales)
    taken = [piece for piece in pieces if not is_forced(piece.sale.tag)]
    losses: dict[str, float] = {}
    for sale in sales:
        losses[verb(sale.tag)] = losses.get(verb(sale.tag), 0.0) + max(0.0, -sale.profit)
    return RoundTrip(
        pair=trade.pair,
        level=sales[0].level,
        is_short=trade.is_short,
        opened=int(sales[0].opened),
        closed=int(sales[-1].closed),
        entry_price=sum(sale.amount * sale.entry_price for sale in sales) / amount,
        exit_price=sum(sale.amount * sale.exit_price for sale in sales) / amount,
        amount=amount,
        profit=sum(sale.profit for sale in sales),
        harvest=sum(piece.sale.profit for piece in taken),
        strict_harvest=sum(
            piece.sale.profit for piece in taken if piece.entry_is_strict and piece.exit_is_strict
        ),
        exits=frozenset(losses),
        losses=losses,
        ended_with_run=sales[-1].tag == END_OF_RUN and sales[-1].closed >= end,
    )


class Targets:
    """Where each lot was to be sold, prices.

    The export names no targets. A lot that left at its target says it by its exit; of the others it
    is taken to be as far from the entry as those were in the median of their pair, else of the run,
    and the entry itself where no lot left at its target.
    """

    def __init__(self, trips: Iterable[RoundTrip]) -> None:
        distances: dict[str, list[float]] = {}
        for trip in trips:
            if trip.left_at_target:
                distance = trip.exit_price / trip.entry_price - 1
                distances.setdefault(trip.pair, []).append(distance)
        every = [one for found in distances.values() for one in found]
        self._of_pair = {pair: float(np.median(found)) for pair, found in distances.items()}
        self._of_run = float(np.median(every)) if every else 0.0

    def of(self, trip: RoundTrip) -> float:
        """Return the price at which a lot was to be sold."""
        if trip.left_at_target:
            return trip.exit_price
        return trip.entry_price * (1 + self._of_pair.get(trip.pair, self._of_run))


def was_stuck(trip: RoundTrip, target: float, marks: Marks) -> bool:
    """Whether its target once was more than 3 % away from a close when it was older than an hour.

    Only closes before its exit count.
    """
    first, last = candle_index(
        marks.seconds, np.array([trip.opened + STUCK_AFTER_SECONDS, trip.closed])
    )
    closes = marks.closes[trip.pair][first:last]
    return bool(_away(trip, target, closes).any())


def is_stuck_at_end(trip: RoundTrip, target: float, marks: Marks) -> bool:
    """Whether it was still held at the end of the run, and stuck there."""
    old = trip.closed - trip.opened >= STUCK_AFTER_SECONDS
    last = marks.closes[trip.pair][-1:]
    return trip.ended_with_run and old and bool(_away(trip, target, last).any())


def _away(trip: RoundTrip, target: float, closes: np.ndarray) -> np.ndarray:
    if trip.is_short:
        return closes > target / (1 - STUCK_AWAY_FRACTION)
    return closes < target / (1 + STUCK_AWAY_FRACTION)
