"""Stuck lots of the open trades: when they become so, and what their recovery may still lose.

What is stuck is kept in `Cycle.stuck`, and live in freqtrade's custom data, as the price at which a
lot became stuck cannot be read from the orders. In a backtest it lives as long as the cycle.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Protocol

from freqtrade.persistence import Trade

from gridkit.grid import recovery, tags
from gridkit.grid.situation import Rules, Stuck
from gridkit.host import orders
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.pair_rules import PairRules

if TYPE_CHECKING:
    from freqtrade.persistence import Order

logger = logging.getLogger(__name__)

# `_` and `%` are wildcards in freqtrade's look-up of keys
STUCK_KEY = "gridstuck"
HEDGE_KEY = "gridhedge"


class Results(Protocol):
    """What the account earned and lost, marked. Stake currency."""

    @property
    def capital(self) -> float:
        """What is traded with."""

    @property
    def peak_profit(self) -> float:
        """The most profit there was."""

    def recovery_loss(self) -> float:
        """Return what recovery lost since that peak, by the orders read so far."""


class RecoveryDesk:
    """One per strategy object. Keeps nothing itself: what it marks is the cycle's."""

    def __init__(self, context: Context, cycles: Mapping[int, Cycle], fortune: Results) -> None:
        self._context = context
        self._cycles = cycles
        self._fortune = fortune
        self._rules = PairRules(context)

    def mark(self, cycle: Cycle, trade: Trade, now: float, rate: float) -> None:
        """Look which lots are stuck, and forget those that are gone. `now` in seconds UTC.

        Looks at the first call in each stretch of `check_minutes`, so that backtest and live agree.
        """
        self._context.features.run(
            "recovery",
            trade.pair,
            partial(self._mark, cycle, trade, now, rate),
            partial(_forget, cycle),
        )

    def _mark(self, cycle: Cycle, trade: Trade, now: float, rate: float) -> None:
        before = cycle.stuck
        if self._context.live and math.isinf(cycle.looked):
            before = cycle.stuck = load(trade)
        lots = cycle.book.ledger.lots
        stuck = {
            level: one
            for level, one in before.items()
            if level in lots and lots[level].opened <= one.since
        }
        if self._slot(now) != self._slot(cycle.looked):
            stuck |= recovery.newly_stuck(
                lots, stuck, cycle.plan, rate, now, self._rules.rules(trade)
            )
            cycle.looked = now
        if stuck != before:
            cycle.stuck = stuck
            if self._context.live:
                save(trade, stuck)
        self._publish_hedge(trade, cycle)

    def of_age(self, cycle: Cycle, now: float) -> frozenset[int]:
        """Return the levels that are stuck as soon as the rate is too far from their target."""
        lots = cycle.book.ledger.lots
        return recovery.of_age(lots, cycle.stuck, now, self._timeout())

    def next_look(self, cycle: Cycle, now: float) -> float:
        """Return when a decision has to be made again for `mark`, in seconds UTC; infinity: never.

        Between two looks that is at the next one, for lots that may become stuck then; after a look
        at `now`, the rate alone makes a lot that is of age stuck, and bounds the verdict.
        """
        lots = cycle.book.ledger.lots
        if cycle.looked != now and self.of_age(cycle, now):
            return self._next_slot(now)
        return self._next_slot(recovery.next_age(lots, cycle.stuck, now, self._timeout()))

    def budget(self, capital: float | None = None) -> float:
        """Return what recovery may lose in all since the equity peak (SPEC E.5).

        `capital` where it is known already.
        """
        rule, fortune = self._context.settings.recovery, self._fortune
        of_capital, of_profit = rule.budget, rule.budget_of_profit
        capital = fortune.capital if capital is None else capital
        return max(of_capital * capital, of_profit * fortune.peak_profit)

    def budget_left(self, trade: Trade, capital: float | None = None) -> float:
        """Return what recovery of this trade may still lose; negative where it lost too much.

        Less what was lost, and what orders of recovery that were not yet read may lose: those of
        all other trades, and of this trade what is filled already, as the rest would be replaced.
        """
        open_trades = orders.open_trades()
        trades = [*open_trades, *self._closed_unread(open_trades)]
        pending = sum(self._pending(one, trade) for one in trades)
        return self.budget(capital) - self._fortune.recovery_loss() - pending

    def left_after(self, trade: Trade, loss: float) -> float:
        """Return what recovery may still lose after an exit of this trade just read lost so much.

        `loss` is not yet among what the account has counted.
        """
        others = [one for one in orders.open_trades() if one.id != trade.id]
        pending = sum(self._pending(one, trade) for one in others)
        return self.budget() - self._fortune.recovery_loss() - pending - loss

    def _closed_unread(self, open_trades: list[Any]) -> list[Any]:
        """Return the trades that closed since the account was last looked at."""
        if self._context.live:
            gone = self._cycles.keys() - {one.id for one in open_trades}
            return list(Trade.get_trades([Trade.id.in_(gone)])) if gone else []
        closed = reversed(Trade.get_trades_proxy(is_open=False))
        return list(takewhile(self._is_unread, closed))

    def _is_unread(self, one: Any) -> bool:
        cycle = self._cycles.get(one.id)
        return cycle is not None and cycle.book.read < len(one.orders)

    def _pending(self, one: Any, asking: Trade) -> float:
        """Return what the unread orders of recovery of an open trade may lose; profits are 0."""
        cycle = self._cycles.get(one.id)
        if cycle is None:
            return 0.0
        unread = one.orders[cycle.book.read :]
        recovering = [each for each in unread if tags.verb_of(each.ft_order_tag) == tags.RECOVER]
        if not recovering or not cycle.book.belongs_to(one):
            return 0.0
        rules = self._rules.rules(one)
        return sum(
            max(0.0, self._loss_of(order, cycle, rules, filled_only=one.id == asking.id))
            for order in recovering
        )

    @staticmethod
    def _loss_of(order: "Order", cycle: Cycle, rules: Rules, *, filled_only: bool) -> float:
        ledger, side = cycle.book.ledger, cycle.plan.side
        filled = filled_only or not order.ft_is_open
        left = float(order.safe_filled if filled else order.safe_amount)
        price, lost = float(order.safe_price), 0.0
        for level in tags.levels_of(order.ft_order_tag):
            lot = ledger.lots.get(level)
            if lot is None:
                continue
            sold = min(left, lot.amount)
            lost += recovery.loss_of([(lot, sold)], price, side, rules.costs.exit_fee)
            left -= sold
        return lost

    def _publish_hedge(self, trade: Trade, cycle: Cycle) -> None:
        """Live: say what another bot should hedge, whenever that is not what was said last."""
        if not self._context.live or self._context.settings.recovery.mode != "hedge":
            return
        if cycle.hedge is None:
            cycle.hedge = trade.get_custom_data(HEDGE_KEY) or {}
        request = recovery.hedge_request(cycle.plan, cycle.book.ledger.lots, cycle.stuck) or {}
        if request != cycle.hedge:
            cycle.hedge = request
            trade.set_custom_data(HEDGE_KEY, request)

    def _timeout(self) -> float:
        minutes = self._context.settings.recovery.position_timeout_minutes
        return minutes * recovery.SECONDS_PER_MINUTE

    def _seconds(self) -> float:
        return self._context.settings.recovery.check_minutes * recovery.SECONDS_PER_MINUTE

    def _slot(self, now: float) -> float:
        return now // self._seconds()

    def _next_slot(self, now: float) -> float:
        return (self._slot(now) + 1) * self._seconds() if now < math.inf else math.inf


def _forget(cycle: Cycle) -> None:
    """Take no lot for stuck, until they are read anew from what was kept with the trade."""
    cycle.stuck, cycle.looked = {}, -math.inf


def save(trade: Trade, stuck: Mapping[int, Stuck]) -> None:
    """Keep what is stuck with the trade, as JSON whose keys are levels."""
    trade.set_custom_data(STUCK_KEY, {str(level): asdict(one) for level, one in stuck.items()})


def load(trade: Trade) -> dict[int, Stuck]:
    """Return what was kept with the trade; nothing where it cannot be read."""
    document = trade.get_custom_data(STUCK_KEY) or {}
    try:
        return {int(level): Stuck(**one) for level, one in document.items()}
    except (AttributeError, TypeError, ValueError) as error:
        logger.warning("%s: what was stuck cannot be read and is looked for: %r", trade.pair, error)
        return {}
