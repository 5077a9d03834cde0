"""Says what happens to the grids of a running bot: to Telegram, and one log line per fill."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from freqtrade.persistence import Trade

from gridkit.grid import tags
from gridkit.grid.lots import Closed, Fill
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.fill_log import FillLog
from gridkit.host.messages import Ended, Messages, code
from gridkit.host.reconcile import EXPLAINED, log
from gridkit.host.recovery import RecoveryDesk

if TYPE_CHECKING:
    from freqtrade.persistence import Order

logger = logging.getLogger(__name__)

SECONDS_PER_MINUTE = 60


@dataclass(slots=True)
class Announcer:
    """Live only. `fees` are what was paid in each cycle under way, stake currency."""

    context: Context
    recovery: RecoveryDesk
    messages: Messages = field(init=False)
    fills: FillLog = field(default_factory=FillLog)
    _alerted: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.messages = Messages(self.context)

    def look(self, cycles: dict[int, Cycle], now: datetime) -> None:
        """Tell of lots that are stuck for long, and of reasons to wait that lasted."""
        for number, cycle in cycles.items():
            self._alert(number, cycle, now.timestamp())
        self.messages.look(self.context.reasons.all(), now)

    def _alert(self, number: int, cycle: Cycle, now: float) -> None:
        least = self.context.settings.recovery.alert_minutes * SECONDS_PER_MINUTE
        lots, mark = cycle.book.ledger.lots, self.context.mark(cycle.book.pair)
        late = [
            level
            for level, one in cycle.stuck.items()
            if level in lots and now - one.since >= least and (number, level) not in self._alerted
        ]
        if not late or mark is None:
            return
        self._alerted.update((number, level) for level in late)
        since = min(cycle.stuck[level].since for level in late)
        loss = sum(
            cycle.plan.side * (lots[level].price - mark) * lots[level].amount for level in late
        )
        self.messages.stuck(cycle.book.pair, late, now - since, max(0.0, loss))

    def opened(self, cycle: Cycle, trade: Trade) -> None:
        """Tell that the first order of a cycle was filled."""
        plan = cycle.plan
        side = "short" if trade.is_short else "long"
        first = plan.lines[0].price
        self.messages.opened(trade.pair, side, len(plan.lines), plan.level_stake, first)

    def teller(self, trade: Trade) -> "Callable[[Order, Fill, list[Closed]], None]":
        """Return what is to be called with each fill of a trade as it is read."""

        def tell(order: "Order", fill: Fill, closed: list[Closed]) -> None:
            is_new = self.fills.tell(trade, order, fill, closed)
            if is_new and tags.verb_of(fill.tag) == tags.RECOVER:
                loss = max(0.0, -sum(piece.profit for piece in closed))
                left = self.recovery.budget_left(trade) - loss
                self.messages.recovered(trade.pair, fill.tag, loss, max(0.0, left))

        return tell

    def closed(self, number: int, cycle: Cycle) -> None:
        """Tell how a cycle ended, once its trade is closed."""
        self.fills.forget(number)
        self._alerted = {one for one in self._alerted if one[0] != number}
        trade = Trade.get_trades([Trade.id == number]).first()
        if trade is None:
            return  # deleted by the user, with its orders
        levels = {line.level: line.price for line in cycle.plan.lines}
        cycle.book.read_on(trade, levels, self.teller(trade))
        ledger, ended = cycle.book.ledger, trade.close_date_utc or self.context.now
        seconds = (ended - trade.open_date_utc).total_seconds() if ended else 0.0
        self.messages.closed(
            Ended(
                trade.pair,
                ledger.harvest,
                _fees(trade),
                float(trade.funding_fees or 0.0),
                len(ledger.done),
                seconds,
                tags.verb_of(trade.exit_reason) or trade.exit_reason or "",
            )
        )

    def feature(self, name: str, on: bool, why: str) -> None:
        """Tell that a module was left out after a failure, or works again."""
        self.messages.feature(name, on=on, why=why)

    def breaker(self, kind: str, text: str) -> None:
        """Tell of the account's breaker that went up or down."""
        logger.warning("%s", text)
        self.messages.send(kind, "", code(text), alert=True)

    def market(self, kind: str, text: str) -> None:
        """Tell of the breaker of one market; there are many, so within the limits."""
        logger.info("%s", text)
        self.messages.send(f"{kind} {text.partition(':')[0]}", "", code(text))

    def mismatch(self, kind: str, pair: str, text: str) -> None:
        """Tell of a difference between lots and exchange; what explains itself goes to the log."""
        log(kind, pair, text)
        if kind != EXPLAINED:
            self.messages.mismatch(pair, text)


def _fees(trade: Trade) -> float:
    """Fees of all filled orders of a trade, in stake currency."""
    return sum(
        float(order.safe_filled * order.safe_price)
        * float(
            (trade.fee_open if order.ft_order_side == trade.entry_side else trade.fee_close) or 0
        )
        for order in trade.orders
        if order.safe_filled > 0
    )
