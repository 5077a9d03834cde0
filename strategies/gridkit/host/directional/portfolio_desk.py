"""The pairs of Confluence in one account: what a new position may take, and what is shrunk.

Everything is derived from the open trades when it is asked for; only correlations are remembered,
for six hours, and the last look at the limits until every pair has answered it.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gridkit.host import account, orders
from gridkit.host.context import Context
from gridkit.host.directional.positions import Held, Positions
from gridkit.host.directional.signal_series import SignalSeries
from gridkit.host.market_data import closes_until
from gridkit.host.pair_rules import PairRules
from gridkit.risk import portfolio
from gridkit.risk.exits import first_stop
from gridkit.risk.portfolio import Account, Candidate, Holding, Room, Shrink

if TYPE_CHECKING:
    from gridkit.risk.portfolio import Metrics

logger = logging.getLogger(__name__)

LONG_AGO = datetime.min.replace(tzinfo=UTC)


class PortfolioDesk:
    """One per strategy object. `signals` are those of all pairs."""

    def __init__(
        self,
        context: Context,
        rules: PairRules,
        positions: Positions,
        signals: dict[str, SignalSeries],
    ) -> None:
        self._context = context
        self._rules = rules
        self._positions = positions
        self._signals = signals
        self._correlations = account.Correlations(self._closes)
        self.forget()

    def forget(self) -> None:
        """Drop what was remembered of another run."""
        self._correlations.forget()
        self._due: dict[str, Shrink] = {}
        self._looked, self._looks_next = math.nan, LONG_AGO

    def capital(self) -> float:
        """Return tradable capital in stake currency (SPEC A.1); NaN where it is unknown."""
        return account.capital(self._context, orders.open_trades())

    def stake(self, candidate: Candidate, now: datetime) -> Room:
        """Return the stake an entry takes, and what sets it."""
        open_trades = orders.open_trades()
        return portfolio.stake(
            candidate,
            self.holdings(open_trades),
            self._account(open_trades),
            self._between(now),
            self._context.settings,
            risen=self.risen(now),
        )

    def caps_room(self) -> Room:
        """Return the stake an entry the user forces may take: cash, exposure, own maxima."""
        settings = self._context.settings
        off = settings.with_values({"portfolio": {"enabled": False}})
        wanted = Candidate("", 1, 0.0, math.nan, 1.0)
        open_trades = orders.open_trades()
        return portfolio.room(
            wanted, (), self._account(open_trades), lambda _one, _other: math.nan, off
        )

    def holdings(self, open_trades: Iterable[Any]) -> list[Holding]:
        """Return the open positions, entries in work included."""
        return [self._holding(trade) for trade in open_trades]

    def is_to_look(self, now: datetime) -> bool:
        """Whether `shrinks` may answer: a new period began, or a pair was not asked yet."""
        return bool(self._due) or now >= self._looks_next

    def shrinks(self, pair: str, now: datetime) -> Shrink | None:
        """Return what a pair is to sell; looked at in the first candle of each period, for all.

        It is due until it `was_asked`: in a later candle as far as it is above its limits then.
        """
        context = self._context
        opened = now.timestamp() // context.seconds * context.seconds
        if opened != self._looked:
            rule = context.settings.portfolio
            following = portfolio.next_rebalance(opened, rule)
            self._looked, self._looks_next = opened, datetime.fromtimestamp(following, UTC)
            first = portfolio.rebalances(opened, context.seconds, rule)
            found = self._look(now) if first or self._due else []
            self._due = {one.pair: one for one in found if first or one.pair in self._due}
        return self._due.get(pair)

    def was_asked(self, pair: str) -> None:
        """Note that an order was asked for that sells what was due."""
        self._due.pop(pair, None)

    def risen(self, now: datetime) -> bool:
        """Whether all pairs have come to move together, which cuts the limits."""
        rise = math.nan
        for pair, seen in self._signals.items():
            index = self._context.market.series[pair].index_at(now.timestamp())
            if index >= 0 and not math.isnan(seen.rise.item(index)):
                rise = float(seen.rise.item(index))
                break
        return portfolio.has_risen(rise, self._context.settings.portfolio)

    def metrics(self, now: datetime, realised: Mapping[str, float]) -> "Metrics":
        """Return the figures people see; `realised` is profit by pair, without what is open."""
        open_trades = orders.open_trades()
        return portfolio.metrics(
            self.holdings(open_trades),
            self._profits(realised, open_trades),
            self.capital(),
            self._matrix(now),
            self._context.settings,
            risen=self.risen(now),
        )

    def _profits(self, realised: Mapping[str, float], open_trades: list[Any]) -> dict[str, float]:
        """Add what is open, as freqtrade reckons it, fees included; NaN without a price."""
        found = dict(realised)
        for trade in open_trades:
            if trade.amount:
                mark = self._context.mark(trade.pair)
                made = trade.calculate_profit(mark).profit_abs if mark else math.nan
                found[trade.pair] = found.get(trade.pair, 0.0) + made
        return found

    def _look(self, now: datetime) -> list[Shrink]:
        context, open_trades = self._context, orders.open_trades()
        holdings = self.holdings(trade for trade in open_trades if trade.amount)
        if not holdings:
            return []
        return portfolio.shrink_due(
            holdings,
            portfolio.limits(self.capital(), context.settings, risen=self.risen(now)),
            self._between(now),
            context.settings.portfolio,
            cost=max(self._positions.held(trade).cost for trade in open_trades),
            least={trade.pair: self._least(trade) for trade in open_trades},
        )

    def _least(self, trade: Any) -> float:
        rate = self._context.mark(trade.pair) or float(trade.open_rate)
        return self._rules.limits(trade.pair).least_stake(rate, trade.leverage or 1.0)

    def _holding(self, trade: Any) -> Holding:
        context, held = self._context, self._positions.held(trade)
        mark = context.mark(trade.pair) or float(trade.open_rate)
        leverage = float(trade.leverage or 1.0)
        paid = account.committed(trade)
        stake = float(trade.amount) * mark / leverage if trade.amount else paid
        stop, entry = self._stop(trade, held), float(trade.open_rate)
        distance = portfolio.stop_distance(held.side, entry, stop, held.cost)
        reading = context.reading(trade.pair)
        return Holding(
            trade.pair,
            held.side,
            stake,
            distance * paid * leverage,
            reading.annual if reading else math.nan,
            held.entry.confidence or math.nan,
        )

    def _stop(self, trade: Any, held: Held) -> float:
        """Return the stop in force, or the one to come: freqtrade begins each with its net."""
        entry, seen, stands = float(trade.open_rate), held.entry, float(trade.stop_loss or math.nan)
        first = first_stop(held.side, entry, seen.atr, seen.regime, self._context.settings)
        return first if first > 0 and not held.side * first <= held.side * stands else stands

    def _account(self, open_trades: list[Any]) -> Account:
        context = self._context
        leverage = context.leverage
        tied = sum(account.committed(trade) for trade in open_trades)
        wallets: Any = context.strategy.wallets
        currency = context.strategy.config["stake_currency"]
        return Account(
            capital=account.capital(context, open_trades),
            free=float(wallets.get_free(currency)) if wallets else 0.0,
            reserved=self._frozen(open_trades),
            tied=tied,
            notional=sum(account.committed(one) * (one.leverage or 1.0) for one in open_trades),
            asset=0.0,
            pairs=1,
            leverage=leverage,
        )

    def _frozen(self, open_trades: list[Any]) -> float:
        """Return the stake of entries that rest on top of a position: dry-run counts it as free."""
        if not self._context.strategy.config.get("dry_run", True):
            return 0.0
        return sum(account.committed(one) - float(one.stake_amount) for one in open_trades)

    def _matrix(self, now: datetime) -> pd.DataFrame:
        pairs, between = list(self._signals), self._between(now)
        rows = [[1.0 if one == other else between(one, other) for other in pairs] for one in pairs]
        return pd.DataFrame(rows, index=pairs, columns=pairs)

    def _between(self, now: datetime) -> portfolio.Correlations:
        return lambda one, other: self._correlations.between(one, other, now)

    def _closes(self, pair: str, end: float, step: int, count: int) -> np.ndarray:
        context = self._context
        series = context.hourly.series.get(pair) or context.market.series.get(pair)
        return closes_until(series, end, step, count)
