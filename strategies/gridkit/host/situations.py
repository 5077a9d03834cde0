"""What a decision about an open trade is made from, gathered from everyone who knows a part."""

import math
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from gridkit.grid.situation import Block, Situation
from gridkit.host import orders
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.pair_rules import PairRules
from gridkit.host.recovery import RecoveryDesk
from gridkit.host.surroundings import Outside
from gridkit.host.treasury import Means, Treasury

if TYPE_CHECKING:
    from freqtrade.persistence import Trade

COOLDOWN = "cooldown between additions"
NO_MEANS = Means(0.0, Block("caps failed", math.nan, math.nan), math.inf)


class Situations:
    """Asks the orders, the exchange's limits, the treasury and the recovery desk."""

    def __init__(
        self, context: Context, rules: PairRules, treasury: Treasury, recovery: RecoveryDesk
    ) -> None:
        self._context = context
        self._rules = rules
        self._treasury = treasury
        self._recovery = recovery

    def cooldown(self, cycle: Cycle, now: datetime) -> tuple[Block | None, float]:
        """Return the pause between additions, if it still runs, and when it ends (SPEC C)."""
        context, ledger = self._context, cycle.book.ledger
        waited = now.timestamp() - ledger.last_entry
        base = context.settings.grid.wait_time_seconds if context.live else float(context.seconds)
        wanted = base * (1 + len(ledger.lots) / max(1, len(cycle.plan.lines)))
        if waited >= wanted:
            return None, math.inf
        return Block(COOLDOWN, waited, wanted), ledger.last_entry + wanted

    def of(
        self,
        cycle: Cycle,
        trade: "Trade",
        now: datetime,
        entry_rate: float,
        exit_rate: float,
        outside: Outside,
    ) -> Situation:
        """Return what a decision about a trade is made from, at these rates."""
        ledger, limits = cycle.book.ledger, self._rules.limits(trade.pair)
        capital = self._treasury.capital()
        means = self._means(trade, outside.block, now, capital)
        return Situation(
            plan=cycle.plan,
            lots=ledger.lots,
            stopped=frozenset(ledger.stopped),
            recovered=frozenset(ledger.recovered),
            resting=orders.resting_of(trade),
            entry_rate=entry_rate,
            exit_rate=exit_rate,
            orders=len(trade.orders),
            harvest=ledger.harvest,
            peak_cost=ledger.peak_cost,
            dust=ledger.dust,
            block=outside.block,
            flatten=outside.flatten,
            thin=outside.thin,
            adverse=outside.adverse,
            scale=outside.scale,
            stuck=cycle.stuck,
            of_age=self._of_age(cycle, trade.pair, now),
            recovery_budget=self._budget_left(trade, capital) if cycle.stuck else math.inf,
            room=means.room,
            room_block=means.binding,
            least_value_left=limits.left_value,
            least_amount_left=limits.left_amount,
            least_order_value=limits.order_value,
            least_order_amount=limits.order_amount,
            asset_limit=means.asset_limit,
        )

    def unpaused(self, situation: Situation, trade: "Trade", now: datetime) -> Situation:
        """Return what would be decided from if nothing stood against additions."""
        means = self._means(trade, None, now, self._treasury.capital())
        return replace(situation, block=None, room=means.room, room_block=means.binding)

    def _means(self, trade: "Trade", block: Block | None, now: datetime, capital: float) -> Means:
        """Ask for the room there is only where something may be added. No answer is no room."""
        if block is not None:
            limit = self._treasury.asset_limit(trade.leverage or 1.0, capital)
            return Means(0.0, block, limit)
        ask = partial(self._treasury.means, trade.pair, trade, now, capital)
        return self._context.features.guard("caps", trade.pair, ask, lambda: NO_MEANS)

    def _of_age(self, cycle: Cycle, pair: str, now: datetime) -> frozenset[int]:
        ask = partial(self._recovery.of_age, cycle, now.timestamp())
        return self._context.features.run("recovery", pair, ask, frozenset[int])

    def _budget_left(self, trade: "Trade", capital: float) -> float:
        """Return what recovery may still lose: nothing where that fails."""
        ask = partial(self._recovery.budget_left, trade, capital)
        return self._context.features.run("recovery", trade.pair, ask, lambda: 0.0)
