"""What lots that are gone earned, and what recovery lost, over all trades of the strategy."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freqtrade.persistence import LocalTrade, Trade

from gridkit.grid.lots import Finished, Ledger
from gridkit.host import orders
from gridkit.risk.performance import Tally

if TYPE_CHECKING:
    from gridkit.host.cycle import Cycle


@dataclass(frozen=True, slots=True)
class Peak:
    """The most profit there was, stake currency, and when, in seconds UTC."""

    profit: float
    time: float


class LotRecord:
    """Counts each lot once, however often a trade's orders are read.

    `cycles` are those of the open trades, by their ids; `closed_profit` is freqtrade's, of closed
    trades, in stake currency.
    """

    def __init__(self, cycles: "Mapping[int, Cycle]", *, live: bool) -> None:
        self._cycles = cycles
        self._live = live
        self.tally = Tally()
        self.closed_profit = 0.0
        self._losses: list[tuple[float, float]] = []
        self._dropped = -math.inf  # losses up to then are
        self._read: dict[int, tuple[int, int]] = {}
        self._closed = 0
        self._open: set[int] = set()
        self._newest = 0

    def take(self, trade: LocalTrade, ledger: Ledger) -> None:
        """Count what is new in a trade's ledger."""
        lots, losses = self._read.get(trade.id, (0, 0))
        self._count(ledger.done[lots:])
        self._losses += ledger.recovery_losses[losses:]
        self._read[trade.id] = len(ledger.done), len(ledger.recovery_losses)

    def recovery_loss(self, since: float) -> float:
        """Return what recovery has lost after a moment, a positive number; older ones are dropped.

        `since` in seconds UTC never goes back.
        """
        if since > self._dropped:
            self._losses = [one for one in self._losses if one[0] > since]
            self._dropped = since
        return sum(loss for when, loss in self._losses if when > since)

    def notice(self, open_trades: list[LocalTrade]) -> None:
        """Count the last lots of trades that closed: no callback is asked about these again."""
        if self._live:
            self._notice_live(open_trades)
            return
        closed = LocalTrade.bt_trades
        if len(closed) != self._closed:
            for trade in closed[self._closed :]:
                self._take_last(trade)
            self._closed = len(closed)
        self.closed_profit = LocalTrade.bt_total_profit

    def rebuild(self, strategy: str) -> Peak | None:
        """Read all trades of a strategy from freqtrade's database, once after a start.

        Returns the peak of the realised profit, for want of the marked one; None without lots.
        """
        trades = Trade.get_trades([Trade.strategy == strategy, Trade.orders.any()])
        read = [(trade, _ledger_of(trade)) for trade in trades]
        lots = [lot for _, ledger in read for lot in ledger.done]
        lots.sort(key=lambda lot: lot.closed)
        self._count(lots)
        self._losses = [loss for _, ledger in read for loss in ledger.recovery_losses]
        self._read = {
            trade.id: (len(ledger.done), len(ledger.recovery_losses))
            for trade, ledger in read
            if trade.is_open
        }
        self._open = set(self._read)
        self._newest = max((trade.id for trade, _ in read), default=0)
        self.closed_profit = float(Trade.get_total_closed_profit())
        harvest = sum(ledger.harvest for trade, ledger in read if trade.is_open)
        return _highest(lots, self.closed_profit + harvest)

    def _notice_live(self, open_trades: list[LocalTrade]) -> None:
        """Ask the database where a trade is gone, or the profit of closed ones is another."""
        still, profit = {trade.id for trade in open_trades}, float(Trade.get_total_closed_profit())
        gone = self._open - still
        if gone or profit != self.closed_profit:
            new = Trade.id.in_(gone) | (Trade.id > self._newest)
            for trade in Trade.get_trades([new, Trade.is_open.is_(False)]):
                self._take_last(trade)
                self._newest = max(self._newest, trade.id)
        self._open, self.closed_profit = still, profit
        self._newest = max([self._newest, *still])

    def _take_last(self, trade: LocalTrade) -> None:
        cycle = self._cycles.get(trade.id)
        if cycle is not None and cycle.book.belongs_to(trade):
            cycle.book.read_on(trade, {})
            self.take(trade, cycle.book.ledger)
        else:
            self.take(trade, _ledger_of(trade))
        self._read.pop(trade.id, None)

    def _count(self, lots: Iterable[Finished]) -> None:
        for lot in lots:
            self.tally.add(lot.profit, lot.cost)


def _ledger_of(trade: LocalTrade) -> Ledger:
    """Read a trade from its first order on."""
    book = orders.new_book(trade)
    book.read_on(trade, {})
    return book.ledger


def _highest(lots: list[Finished], realised: float) -> Peak | None:
    """Return the peak of what the lots brought together.

    `realised` is the profit now, that of other strategies' trades included: a peak counts as this.
    """
    if not lots:
        return None
    total, best = 0.0, Peak(0.0, 0.0)
    for lot in lots:
        total += lot.profit
        if total > best.profit:
            best = Peak(total, lot.closed)
    return Peak(realised + best.profit - total, best.time)
