"""Lots: what each level's entry bought, as a pure function of the filled orders.

The orders of the trade are the truth (DESIGN 3). A `Ledger` reads them one by one, so that a run
pays for every fill once; reading them all again gives the same lots.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gridkit.grid import tags


@dataclass(frozen=True, slots=True)
class Fill:
    """One closed order with something filled.

    `amount` is in base currency, for entries after a fee taken in the base coin; `price` is the
    average fill; `fee` is in stake currency; `timestamp` is in seconds UTC; `levels` is empty for
    an order that names none (a manual one).
    """

    is_entry: bool
    levels: tuple[int, ...]
    price: float
    amount: float
    timestamp: float
    fee: float = 0.0
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Lot:
    """What is still held of one level. `price` is its average entry, `fee` what that entry cost."""

    level: int
    amount: float
    price: float
    opened: float
    fee: float = 0.0

    @property
    def cost(self) -> float:
        """Stake currency paid, fees apart."""
        return self.amount * self.price


@dataclass(frozen=True, slots=True)
class Closed:
    """A lot, or a piece of one, that was sold. `profit` is in stake currency after both fees."""

    level: int
    amount: float
    entry_price: float
    exit_price: float
    opened: float
    closed: float
    fees: float
    profit: float
    tag: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A lot that is gone, all its pieces together. `cost` and `profit` in stake currency.

    `cost` leaves fees out; `profit` is after all of them. Times are in seconds UTC.
    """

    level: int
    profit: float
    cost: float
    opened: float
    closed: float


@dataclass(slots=True)
class Ledger:
    """Lots of one trade. `amount_step` is the exchange's lot step in base currency.

    `stopped` are the levels whose last lot a stop sold, `recovered` those recovery emptied. `done`
    are the lots that are gone, oldest first; `recovery_losses` is when recovery lost how
    much (seconds UTC, stake currency, positive), one entry for each exit at a loss.
    """

    is_short: bool = False
    amount_step: float = 0.0
    lots: dict[int, Lot] = field(default_factory=dict)
    dust: float = 0.0
    harvest: float = 0.0
    stopped: set[int] = field(default_factory=set)
    recovered: set[int] = field(default_factory=set)
    last_entry: float = 0.0
    last_fill: float = 0.0
    peak_cost: float = 0.0
    done: list[Finished] = field(default_factory=list)
    recovery_losses: list[tuple[float, float]] = field(default_factory=list)
    parts: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def amount(self) -> float:
        """Base currency held: all lots and the dust that was too small to sell."""
        return sum(lot.amount for lot in self.lots.values()) + self.dust

    @property
    def cost(self) -> float:
        """Stake currency in the open lots at their entry prices."""
        return sum(lot.cost for lot in self.lots.values())

    def apply(self, fill: Fill) -> list[Closed]:
        """Take one fill in; returns the pieces it closed."""
        self.last_fill = max(self.last_fill, fill.timestamp)
        if fill.is_entry:
            self._enter(fill)
            return []
        closed = self._leave(fill)
        self._account_for(closed, tags.verb_of(fill.tag), fill)
        return closed

    def apply_all(self, fills: Iterable[Fill]) -> list[Closed]:
        """Take many fills in, oldest first."""
        return [piece for fill in fills for piece in self.apply(fill)]

    def _account_for(self, closed: list[Closed], verb: str, fill: Fill) -> None:
        profit = sum(piece.profit for piece in closed)
        self.harvest += profit
        for piece in closed:
            self._finish(piece)
        if verb == tags.RECOVER and profit < 0:
            self.recovery_losses.append((fill.timestamp, -profit))
        gone = [level for level in fill.levels if level not in self.lots]
        if verb == tags.STOP:
            self.stopped.update(gone)
        if verb == tags.RECOVER:
            self.recovered.update(gone)

    def _finish(self, piece: Closed) -> None:
        """Add a piece to the others of its lot; the last one completes it."""
        profit, cost = self.parts.pop(piece.level, (0.0, 0.0))
        profit, cost = profit + piece.profit, cost + piece.amount * piece.entry_price
        if piece.level in self.lots:
            self.parts[piece.level] = profit, cost
            return
        self.done.append(Finished(piece.level, profit, cost, piece.opened, piece.closed))

    def _enter(self, fill: Fill) -> None:
        self.last_entry = max(self.last_entry, fill.timestamp)
        levels = fill.levels or (self._nearest(fill.price),)
        share = 1 / len(levels)
        for level in levels:
            bought = Lot(level, fill.amount * share, fill.price, fill.timestamp, fill.fee * share)
            self.lots[level] = merged(self.lots.get(level), bought)
            self.stopped.discard(level)
            self.recovered.discard(level)
        self.peak_cost = max(self.peak_cost, self.cost)

    def _leave(self, fill: Fill) -> list[Closed]:
        closed = []
        left = fill.amount
        for level in self._order_of_sale(fill):
            lot = self.lots[level]
            sold = min(lot.amount, left)
            if sold <= 0:
                break
            closed.append(self._close(lot, sold, fill))
            left -= sold
            self._keep_rest(lot, sold, named=level in fill.levels)
        self.dust = max(0.0, self.dust - left)
        return closed

    def _order_of_sale(self, fill: Fill) -> list[int]:
        """Return the named levels, then the others by how near their entry is to the price."""
        named = [level for level in fill.levels if level in self.lots]
        wanted = sum(self.lots[level].amount for level in named) + self.dust
        if named and fill.amount <= wanted + self.amount_step / 2:
            return named
        others = sorted(
            (level for level in self.lots if level not in named),
            key=lambda level: (abs(self.lots[level].price - fill.price), level),
        )
        return named + others

    def _close(self, lot: Lot, sold: float, fill: Fill) -> Closed:
        side = -1 if self.is_short else 1
        fees = lot.fee * sold / lot.amount + fill.fee * sold / fill.amount
        profit = side * sold * (fill.price - lot.price) - fees
        return Closed(
            lot.level,
            sold,
            lot.price,
            fill.price,
            lot.opened,
            fill.timestamp,
            fees,
            profit,
            fill.tag,
        )

    def _keep_rest(self, lot: Lot, sold: float, *, named: bool) -> None:
        rest = lot.amount - sold
        if rest > self.amount_step / 2 and not (named and rest < self.amount_step):
            kept = rest / lot.amount
            self.lots[lot.level] = replace(lot, amount=rest, fee=lot.fee * kept)
            return
        del self.lots[lot.level]
        self.dust += max(0.0, rest)

    def _nearest(self, price: float) -> int:
        """Level for an entry that names none: the nearest held one, else the first."""
        if not self.lots:
            return 1
        return min(self.lots, key=lambda level: (abs(self.lots[level].price - price), level))


def merged(held: Lot | None, bought: Lot) -> Lot:
    """Add a purchase to a level's lot at the average price; its age stays that of the first."""
    if held is None:
        return bought
    amount = held.amount + bought.amount
    price = (held.cost + bought.cost) / amount
    return replace(held, amount=amount, price=price, fee=held.fee + bought.fee)
