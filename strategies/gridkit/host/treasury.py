"""Capital, and how much of it a pair may still use."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from freqtrade.persistence import Trade

from gridkit.grid.situation import Block
from gridkit.host import account, lines, orders
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.market_data import Reading, closes_until
from gridkit.host.pair_rules import PairRules
from gridkit.risk import caps, sizing
from gridkit.risk.caps import Account
from gridkit.settings import Settings

if TYPE_CHECKING:
    from freqtrade.persistence import LocalTrade

    from gridkit.host.fortune import Fortune


@dataclass(frozen=True, slots=True)
class Means:
    """Stake a pair may add, what binds it, and the notional at which it is trimmed."""

    room: float
    binding: Block
    asset_limit: float


def opening_lines(settings: Settings, capital: float) -> int:
    """Return how many lines a cycle's first order takes: the initial inventory, at least one."""
    if not settings.grid.initial_inventory:
        return 1
    levels = min(lines.levels_of(None, settings, capital), settings.caps.max_lots)
    return max(1, round(settings.grid.initial_inventory * levels))


class Treasury:
    """Reads wallets and open trades; knows the cycles to reserve for their next lines."""

    def __init__(
        self,
        context: Context,
        rules: PairRules,
        cycles: Mapping[int, Cycle],
        fortune: "Fortune",
    ) -> None:
        self._context = context
        self._rules = rules
        self._cycles = cycles
        self._fortune = fortune
        self._correlations = account.Correlations(self._closes)

    def forget(self) -> None:
        """Drop what was remembered of another run."""
        self._correlations.forget()

    def pairs(self) -> int:
        """Return how many pairs share the capital: the whitelist, or fewer slots."""
        strategy = self._context.strategy
        return max(1, int(min(len(strategy.dp.current_whitelist()), strategy.max_open_trades)))

    def capital(self) -> float:
        """Return tradable capital in stake currency (SPEC A.1)."""
        return account.capital(self._context, self._open_trades())

    def share(self, capital: float) -> float:
        """Return the stake one pair may tie up."""
        context = self._context
        return sizing.pair_share(capital, self.pairs(), context.leverage, context.settings.caps)

    def budget(
        self, pair: str, rate: float, leverage: float, capital: float | None = None
    ) -> sizing.Budget:
        """Return the lines a new cycle can afford. Raises ValueError when not even one.

        `capital` where it is known already.
        """
        capital = self.capital() if capital is None else capital
        settings, reading = self._context.settings, self._context.reading(pair)
        least = self._rules.limits(pair).least_stake(rate, leverage)
        return sizing.level_budget(
            self.share(capital),
            lines.levels_of(reading, settings, capital),
            sizing.meaningful_stake(capital, least),
            settings.caps.max_lots,
            self.sized(pair, reading).stake,
        )

    def sized(self, pair: str, reading: Reading | None) -> sizing.Sized:
        """Return what a line should cost, and why, before shares and minimums (SPEC A).

        Live, where the account is unknown or sizing fails, a plain share of base capital.
        """
        context, fortunes = self._context, self._fortunes()
        settings, base = context.settings, partial(self._plain, fortunes)
        if context.live and not sizing.is_known(fortunes, settings.sizing):
            return base()
        return context.features.run("sizing", pair, partial(self._by_rule, fortunes, reading), base)

    def _by_rule(self, fortunes: sizing.Fortune, reading: Reading | None) -> sizing.Sized:
        settings = self._context.settings
        annual = reading.annual if reading else math.nan
        performance = self._fortune.performance()
        return sizing.level_stake(
            fortunes, performance, annual, settings.breakers.orange, settings.sizing
        )

    def _plain(self, fortunes: sizing.Fortune) -> sizing.Sized:
        return sizing.base_stake(fortunes, self._context.settings.sizing)

    def _fortunes(self) -> sizing.Fortune:
        """Return the account as sizing wants it; at a start, capital without a past."""
        fortune = self._fortune
        if math.isnan(fortune.base):
            capital = self.capital()
            return sizing.Fortune(capital, 0.0, capital, math.nan)
        return sizing.Fortune(fortune.base, fortune.realised, fortune.equity, fortune.drawdown)

    def asset_limit(self, leverage: float, capital: float) -> float:
        """Return the notional at which an asset is trimmed."""
        return caps.asset_limit(capital, self.pairs(), leverage, self._context.settings.caps)

    def means(
        self, pair: str, trade: Trade | None, now: datetime, capital: float | None = None
    ) -> Means:
        """Return what a pair may add now, its own resting entry apart: that would be replaced.

        `capital` where it is known already.
        """
        rule, open_trades = self._context.settings.caps, self._open_trades()
        if capital is None:
            capital = account.capital(self._context, open_trades)
        seen = self._account(pair, trade, now, open_trades, capital)
        room, binding = caps.room(seen, rule)
        if binding.condition == caps.FREE_CASH:  # so it matters what the others really need
            reserved = self._reserved(pair, open_trades, seen.capital, seen.pairs)
            room, binding = caps.room(replace(seen, reserved=reserved), rule)
        limit = caps.asset_limit(seen.capital, seen.pairs, seen.leverage, rule)
        return Means(room, binding, limit)

    def _account(
        self,
        pair: str,
        trade: Trade | None,
        now: datetime,
        open_trades: list[Any],
        capital: float,
    ) -> Account:
        """Return the account as a pair sees it, with the most that may be reserved."""
        pairs = self.pairs()
        stakes = {one.pair: account.committed(one) for one in open_trades}
        leverage = trade.leverage if trade else self._context.leverage
        resting = stakes.get(pair, 0.0) - float(trade.stake_amount) if trade else 0.0
        tied = sum(stakes.values()) - resting
        together = self._correlations.stake_with_correlates(
            pair, {pair: 0.0, **stakes}, now, self._context.settings.caps.correlation
        )
        return Account(
            capital=capital,
            free=self._free(),
            reserved=self._most_reserved(pair, open_trades, capital, pairs),
            tied=tied,
            notional=tied * leverage,
            asset=together - resting,
            pairs=pairs,
            leverage=leverage,
        )

    def _open_trades(self) -> list[Any]:
        return orders.open_trades()

    def _free(self) -> float:
        strategy = self._context.strategy
        wallets = strategy.wallets
        return float(wallets.get_free(strategy.config["stake_currency"])) if wallets else 0.0

    def _most_reserved(
        self, pair: str, open_trades: list[Any], capital: float, pairs: int
    ) -> float:
        """Return a quick bound of `_reserved`: no line costs more than a pair's share."""
        others = [one for one in open_trades if one.pair != pair]
        most = sum(map(self._next_stake, others))
        waiting = max(0, pairs - len(others) - 1)
        if waiting:
            share = max(0.0, self.share(capital))
            most += waiting * opening_lines(self._context.settings, capital) * share
        return most

    def _reserved(self, pair: str, open_trades: list[Any], capital: float, pairs: int) -> float:
        """Cash for the next line of every other pair, and for what already rests (DESIGN 2.7)."""
        others = [one for one in open_trades if one.pair != pair]
        taken = {pair, *(one.pair for one in others)}
        whitelist = self._context.strategy.dp.current_whitelist()
        waiting = max(0, pairs - len(others) - 1)
        starts = sorted(
            (self._first_stake(one, capital) for one in whitelist if waiting and one not in taken),
            reverse=True,
        )
        return sum(self._next_stake(one) for one in others) + sum(starts[:waiting])

    def _first_stake(self, pair: str, capital: float) -> float:
        """Stake a waiting pair would open with; 0 where it cannot afford a line."""
        context = self._context
        try:
            budget = self.budget(pair, context.mark(pair) or 0.0, context.leverage, capital)
        except ValueError:
            return 0.0
        return budget.level_stake * opening_lines(context.settings, capital)

    def _next_stake(self, trade: "LocalTrade") -> float:
        working = orders.working_order(trade)
        if working is not None and working.ft_order_side == trade.entry_side:
            frozen_already = not self._context.strategy.config.get("dry_run", True)
            counted_already = not trade.amount
            return 0.0 if frozen_already or counted_already else orders.stake_of(working, trade)
        cycle = self._cycles.get(trade.id)
        if cycle is None:
            return orders.stake_of(trade.orders[0], trade) if trade.orders else 0.0
        ledger = cycle.book.ledger
        for line in cycle.plan.lines:
            if line.level not in ledger.lots and line.level not in ledger.stopped:
                return cycle.plan.level_stake
        return 0.0

    def _closes(self, pair: str, end: float, step: int, count: int) -> np.ndarray:
        context = self._context
        series = context.hourly.series.get(pair) or context.market.series.get(pair)
        return closes_until(series, end, step, count)
