"""What a run leaves behind, and what must be true of it: pure functions over orders and samples.

Nothing of gridkit is asked here: levels are read from the tags again and lots are counted anew, so
that a mistake in gridkit's own book-keeping cannot hide itself.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

REPLACED = "cancelled to be replaced"
AMOUNT_TOLERANCE = 1e-9
_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")
_QUERY = """
    SELECT t.id AS trade, t.pair, t.is_short, t.is_open AS trade_is_open, t.amount AS held,
           o.id, o.ft_order_side AS side, o.ft_is_open AS is_open, o.ft_order_tag AS tag,
           o.ft_cancel_reason AS cancel_reason, o.price, o.filled, o.order_date
    FROM trades t JOIN orders o ON o.ft_trade_id = t.id ORDER BY t.id, o.id
"""


@dataclass(frozen=True)
class Placed:
    """One order as freqtrade keeps it. `placed_ms` is UTC; `side` is 1 in a long trade, else -1."""

    trade: int
    pair: str
    side: int
    is_entry: bool
    is_open: bool
    tag: str
    cancel_reason: str
    price: float
    filled: float
    placed_ms: int

    @property
    def levels(self) -> set[int]:
        runs = _NUMBERS.findall(self.tag.partition("L")[2])
        return {n for first, last in runs for n in range(int(first), int(last or first) + 1)}


@dataclass(frozen=True)
class Trade:
    """One cycle: its orders, oldest first, and what freqtrade says is held."""

    number: int
    pair: str
    is_open: bool
    held: float
    orders: tuple[Placed, ...]


def read(database: Path) -> list[Trade]:
    """Every trade of a database that has orders."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(_QUERY).fetchall()
    numbers = dict.fromkeys(row["trade"] for row in rows)
    return [_trade([row for row in rows if row["trade"] == number]) for number in numbers]


def _trade(rows: list[sqlite3.Row]) -> Trade:
    one = rows[0]
    orders = tuple(_placed(row) for row in rows)
    return Trade(one["trade"], one["pair"], bool(one["trade_is_open"]), one["held"], orders)


def _placed(row: sqlite3.Row) -> Placed:
    when = datetime.fromisoformat(row["order_date"]).replace(tzinfo=UTC)
    return Placed(
        row["trade"],
        row["pair"],
        -1 if row["is_short"] else 1,
        row["side"] == ("sell" if row["is_short"] else "buy"),
        bool(row["is_open"]),
        row["tag"] or "",
        row["cancel_reason"] or "",
        row["price"],
        row["filled"] or 0.0,
        round(when.timestamp() * 1000),
    )


def fills(trades: Iterable[Trade]) -> tuple[int, int]:
    """Filled entries and filled exits."""
    filled = [order.is_entry for trade in trades for order in trade.orders if order.filled]
    return sum(filled), len(filled) - sum(filled)


def bought_twice(trade: Trade) -> list[str]:
    """Entries, whole or part, at a level that was still held."""
    held: set[int] = set()
    wrong = []
    for order in trade.orders:
        if not order.filled:
            continue
        if order.is_entry:
            wrong += [f"{trade.pair} #{trade.number}: {order.tag}"] if held & order.levels else []
            held |= order.levels
        else:
            held -= order.levels
    return wrong


def entered_less_left(trade: Trade) -> float:
    """Amount that the filled orders leave (no fee is taken in the base coin in these runs)."""
    return sum(order.filled if order.is_entry else -order.filled for order in trade.orders)


def replacements(trades: Iterable[Trade]) -> Iterator[tuple[Placed, Placed]]:
    """Each order cancelled for another one, with that other one."""
    for trade in trades:
        for order, following in pairwise(trade.orders):
            if REPLACED in order.cancel_reason:
                yield order, following


def unexplained(cancelled: Placed, placed: Placed, prices: list[float], band: float) -> str | None:
    """Why a replacement was not due: the market was not past the middle by `band` of the way.

    `prices` were in force while it was decided; one of them beyond the border is enough.
    """
    if cancelled.is_entry == placed.is_entry:
        return f"{cancelled.pair}: {cancelled.tag} gave way to {placed.tag} on the same side"
    entry, exit_ = (cancelled, placed) if cancelled.is_entry else (placed, cancelled)
    positions = [(price - entry.price) / (exit_.price - entry.price) for price in prices]
    outermost = max(positions) if cancelled.is_entry else 1 - min(positions)
    if outermost >= 0.5 + band:
        return None
    return (
        f"{cancelled.pair}: {cancelled.tag} gave way to {placed.tag} at {outermost:.2f} of the way"
    )


@dataclass(frozen=True)
class Sample:
    """What the REST API showed at one moment. `grids` is custom data by trade, then by key."""

    monotonic: float
    status: list[dict[str, Any]]
    grids: dict[int, dict[str, Any]]


def disagreements(samples: Iterable[Sample]) -> dict[int, float]:
    """Longest time, in seconds, for which a trade's published lots were not its position.

    A fill and the grid's account of it are written within one loop of the bot; so long, they may.
    """
    since: dict[int, float] = {}
    longest: dict[int, float] = {}
    for sample in samples:
        for trade in sample.status:
            number = trade["trade_id"]
            if trade["amount"] and not lots_match(trade, sample.grids.get(number, {})):
                lasted = sample.monotonic - since.setdefault(number, sample.monotonic)
                longest[number] = max(longest.get(number, 0.0), lasted)
            else:
                since.pop(number, None)
    return longest


def lots_match(trade: dict[str, Any], grid: dict[str, Any]) -> bool:
    """Whether lots and dust add up to freqtrade's position."""
    if "gridstate" not in grid:
        return False
    state = grid["gridstate"]["value"]
    held = sum(lot["amount"] for lot in state["lots"]) + state["dust"]
    return abs(held - trade["amount"]) < AMOUNT_TOLERANCE


def first(items: Iterable[Any], condition: Callable[[Any], bool]) -> Any:
    return next((item for item in items if condition(item)), None)
