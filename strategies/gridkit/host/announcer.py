"""Says what happens to the grids of a running bot: to Telegram, and one log line per fill."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade

from gridkit.grid import tags
from gridkit.grid.lots import Closed, Fill
from gridkit.grid.situation import Stuck
from gridkit.host import orders, plan_store
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.failing import EVERY_PAIR
from gridkit.host.fill_log import FillLog
from gridkit.host.messages import Ended, Messages, code
from gridkit.host.reconcile import EXPLAINED, log
from gridkit.host.recovery import RecoveryDesk

if TYPE_CHECKING:
    from freqtrade.persistence import Order

logger = logging.getLogger(__name__)

SECONDS_PER_MINUTE = 60
ALERT_SECONDS = 3_600  # shortest time between two alerts of one cycle's stuck lots
MISSED = timedelta(days=1)
ALERTS_KEY = (
    "gridalerts"  # of custom data; `_` and `%` are wildcards in freqtrade's look-up of keys
)


@dataclass(slots=True)
class Announcer:
    """Live only. `fees` are what was paid in each cycle under way, stake currency."""

    context: Context
    recovery: RecoveryDesk
    messages: Messages = field(init=False)
    fills: FillLog = field(default_factory=FillLog)
    _told: dict[int, dict[int, float]] = field(default_factory=dict)  # trade, level, stuck since
    _last_alert: dict[int, float] = field(default_factory=dict)  # trade, seconds UTC

    def __post_init__(self) -> None:
        self.messages = Messages(self.context)

    def look(self, cycles: dict[int, Cycle], now: datetime) -> None:
        """Tell of lots that are stuck for long, and of reasons to wait that lasted."""
        self._run(EVERY_PAIR, partial(self._look, cycles, now))

    def _run(self, pair: str, tell: Callable[[], object]) -> None:
        """Tell, if it can be told: orders never wait for words."""
        self.context.features.run("messages", pair, tell, lambda: None)

    def _look(self, cycles: dict[int, Cycle], now: datetime) -> None:
        for number, cycle in cycles.items():
            self._alert(number, cycle, now.timestamp())
        self.messages.look(self.context.reasons.all(), now)

    def _alert(self, number: int, cycle: Cycle, now: float) -> None:
        """Tell of lots that are stuck for long: each once, also over restarts, all of an hour."""
        least = self.context.settings.recovery.alert_minutes * SECONDS_PER_MINUTE
        lots, mark = cycle.book.ledger.lots, self.context.mark(cycle.book.pair)
        late = {
            level: one
            for level, one in cycle.stuck.items()
            if level in lots and now - one.since >= least
        }
        if not late or mark is None or now - self._last_alert.get(number, 0.0) < ALERT_SECONDS:
            return
        new = {level: one for level, one in late.items() if not self._is_told(number, level, one)}
        if not new:
            return
        self._last_alert[number] = now
        self._keep_told(number, {level: one.since for level, one in late.items()})
        since = min(one.since for one in new.values())
        loss = sum(
            cycle.plan.side * (lots[level].price - mark) * lots[level].amount for level in new
        )
        self.messages.stuck(cycle.book.pair, new, now - since, max(0.0, loss))

    def _is_told(self, number: int, level: int, one: Stuck) -> bool:
        if number not in self._told:
            trade = _open_trade(number)
            kept = trade.get_custom_data(ALERTS_KEY) if trade else None
            self._told[number] = {int(key): since for key, since in (kept or {}).items()}
        return self._told[number].get(level) == one.since

    def _keep_told(self, number: int, told: dict[int, float]) -> None:
        self._told[number] = told
        trade = _open_trade(number)
        if trade is not None:
            trade.set_custom_data(ALERTS_KEY, {str(level): since for level, since in told.items()})

    def opened(self, cycle: Cycle, trade: Trade) -> None:
        """Tell that the first order of a cycle was filled."""
        self._run(trade.pair, partial(self._opened, cycle, trade))

    def _opened(self, cycle: Cycle, trade: Trade) -> None:
        plan = cycle.plan
        side = "short" if trade.is_short else "long"
        first = plan.lines[0].price
        self.messages.opened(trade.pair, side, len(plan.lines), plan.level_stake, first)

    def teller(self, trade: Trade) -> "Callable[[Order, Fill, list[Closed]], None]":
        """Return what is to be called with each fill of a trade as it is read."""

        def tell(order: "Order", fill: Fill, closed: list[Closed]) -> None:
            log = partial(self.fills.tell, trade, order, fill, closed)
            # Each is tried, whichever failed before: the log is the record of the fills.
            is_new = self.context.features.run(
                "fill_log", trade.pair, log, lambda: False, insist=True
            )
            if is_new and tags.verb_of(fill.tag) == tags.RECOVER:
                self._run(trade.pair, partial(self._recovered, trade, fill, closed))

        return tell

    def _recovered(self, trade: Trade, fill: Fill, closed: list[Closed]) -> None:
        loss = max(0.0, -sum(piece.profit for piece in closed))
        left = self.recovery.left_after(trade, loss)
        self.messages.recovered(trade.pair, fill.tag, loss, max(0.0, left))

    def catch_up(self, now: datetime) -> None:
        """Tell of cycles whose last fills came while no bot of ours looked on."""
        self._run(EVERY_PAIR, partial(self._catch_up, now))

    def _catch_up(self, now: datetime) -> None:
        ours = Trade.strategy == self.context.strategy.get_strategy_name()
        lately = Trade.close_date >= now - MISSED
        for trade in Trade.get_trades([Trade.is_open.is_(False), lately, ours]).all():
            made = plan_store.load(trade)
            if made is not None and self.fills.missed(trade):
                self._tell_end(trade, Cycle(orders.new_book(trade), made))
            self.fills.forget(trade.id)

    def closed(self, number: int, cycle: Cycle) -> None:
        """Tell how a cycle ended, once its trade is closed."""
        trade = Trade.get_trades([Trade.id == number]).first()
        if trade is not None:  # else deleted by the user, with its orders
            self._run(trade.pair, partial(self._tell_end, trade, cycle))
        self.fills.forget(number)
        self._told.pop(number, None)
        self._last_alert.pop(number, None)

    def _tell_end(self, trade: Trade, cycle: Cycle) -> None:
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

    def breaker(self, kind: str, text: str) -> None:
        """Tell of the account's breaker that went up or down."""
        self.messages.breaker(kind, text)

    def market(self, kind: str, text: str) -> None:
        """Tell of the breaker of one market; there are many, so within the limits."""
        self.messages.market(kind, text)

    def mismatch(self, kind: str, pair: str, text: str) -> None:
        """Tell of a difference between lots and exchange; what explains itself goes to the log."""
        log(kind, pair, text)
        if kind != EXPLAINED:
            self.messages.mismatch(pair, text)
        elif all(trade.pair != pair for trade in orders.open_trades()):
            self.messages.send("mismatch", pair, code(text))  # coins of a lost database, perhaps


def _open_trade(number: int) -> Any:
    return next((trade for trade in orders.open_trades() if trade.id == number), None)


def _fees(trade: Trade) -> float:
    """Fees of all filled orders of a trade, in stake currency."""
    filled = (order for order in trade.orders if order.safe_filled > 0)
    return sum(orders.fill_of(order, trade, {}).fee for order in filled)
