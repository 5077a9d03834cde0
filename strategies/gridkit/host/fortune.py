"""What the account has made and lost: marked profit, its peak, lots that are gone, recovery losses.

Everything is counted in profit and not in balances, so that deposits and withdrawals move no
drawdown. Profit is what freqtrade counts as such: of closed trades, what was realised of open ones,
and what these would bring at the last closes, funding included, fees of the way out apart.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import LocalTrade

from gridkit.grid.lots import Ledger
from gridkit.host import account, orders
from gridkit.host.kept import Kept
from gridkit.host.lot_record import LotRecord, Peak
from gridkit.risk.guards import RunFailed
from gridkit.risk.performance import Performance, Tally

if TYPE_CHECKING:
    from gridkit.host.context import Context
    from gridkit.host.cycle import Cycle

logger = logging.getLogger(__name__)

BASE_SECONDS = 60.0  # live, how long what was paid in may stand before it is read again


class Fortune:
    """One per strategy object; `cycles` are those of the open trades, by their ids.

    All amounts in stake currency. `base` is what was paid in, times the tradable ratio; `profit` is
    marked, `realised` is not; `peak` never falls. NaN is unknown: until the first look, and live
    while a look fails or an open trade has no price yet.
    """

    def __init__(self, context: "Context", cycles: "Mapping[int, Cycle]") -> None:
        self._context = context
        self._cycles = cycles
        self._kept = Kept("peak")
        self.forget()

    def forget(self) -> None:
        """Start anew: in hyperopt one object runs many times, and trade ids start again at 1."""
        self.base = self.profit = self.realised = math.nan
        self.holding = False
        self.peak: Peak | None = None
        self._record = LotRecord(self._cycles, live=self._context.live)
        self._base_read = -math.inf
        self._marks: dict[str, float] = {}
        self._funding: dict[int, tuple[int, float]] = {}
        self._rebuilt = not self._context.live
        self._failed = False

    @property
    def tally(self) -> Tally:
        """Return the count of lots that are gone."""
        return self._record.tally

    @property
    def capital(self) -> float:
        """Return tradable capital now (SPEC A.1)."""
        return account.capital(self._context, orders.open_trades())

    @property
    def equity(self) -> float:
        """Return the marked value of the account: what was paid in and the profit."""
        return self.base + self.profit

    @property
    def peak_profit(self) -> float:
        """Return the most marked profit there was; NaN before the first look."""
        return self.peak.profit if self.peak else math.nan

    @property
    def peak_time(self) -> float:
        """Return when that was, in seconds UTC; NaN before the first look."""
        return self.peak.time if self.peak else math.nan

    @property
    def drawdown(self) -> float:
        """Return the fall from the peak as a fraction of the equity there; NaN where unknown."""
        equity, lost = self.base + self.peak_profit, self.peak_profit - self.profit
        return lost / equity if equity > 0 else math.nan

    def look(self, now: datetime) -> None:
        """Value the account, once per loop or candle of a backtest.

        An error ends a backtest; live it leaves the profit unknown, and breakers refuse by that.
        """
        try:
            self._look(now.timestamp())
            self._failed = False
        except Exception as error:
            self.profit = self.realised = math.nan
            if getattr(self._context.strategy, "errors_are_fatal", False):
                raise RunFailed("bot_loop_start", error) from error
            if not self._failed:
                logger.exception("the account's profit is unknown, so nothing is added")
            self._failed = True

    def take(self, trade: LocalTrade, ledger: Ledger) -> None:
        """Count what is new in a trade's ledger: lots that are gone, losses of recovery.

        A ledger that was read anew from the same orders counts nothing twice.
        """
        self._record.take(trade, ledger)

    def recovery_loss(self) -> float:
        """Return what recovery has lost since the peak, a positive number (SPEC E.5)."""
        return self._record.recovery_loss(self.peak.time if self.peak else -math.inf)

    def performance(self) -> Performance:
        """Return how closed lots have done, open losing ones counted as losses (SPEC A.3)."""
        open_trades = orders.open_trades()
        return self.tally.seen(sum(self._losing(trade) for trade in open_trades))

    def _losing(self, trade: LocalTrade) -> int:
        cycle, mark = self._cycles.get(trade.id), self._marks.get(trade.pair)
        if cycle is None or mark is None:
            return 0
        side = -1 if trade.is_short else 1
        return sum(side * (mark - lot.price) < 0 for lot in cycle.book.ledger.lots.values())

    def _look(self, now: float) -> None:
        if not self._rebuilt:
            self._record = LotRecord(self._cycles, live=True)  # a failed attempt counts nothing
            realised = self._record.rebuild(self._context.strategy.get_strategy_name())
            self.peak = _peak_of(self._kept.read()) or realised
            self._rebuilt = True
        self._value(now)
        self._follow(now)

    def _value(self, now: float) -> None:
        """Add up what the trades made. A backtest does so at every candle."""
        open_trades = orders.open_trades()
        self._record.notice(open_trades)
        realised, unrealised, holding = self._record.closed_profit, 0.0, False
        for trade in open_trades:
            realised += trade.realized_profit or 0.0
            amount = trade.amount
            if amount:
                holding = True
                gain = amount * (self._mark(trade.pair, now) - trade.open_rate)
                unrealised += -gain if trade.is_short else gain
                if trade.funding_fees:
                    unrealised += self._funding_of(trade)
        self.realised, self.profit, self.holding = realised, realised + unrealised, holding
        if self._context.live or self.base != self.base:
            self._read_base(open_trades, now)

    def _follow(self, now: float) -> None:
        """Raise the peak; at first it is what was realised, 0 in a new account."""
        if self.peak is None and not math.isnan(self.profit):
            self.peak = Peak(self.realised, now)
        if self.peak is not None and self.profit > self.peak.profit:
            self.peak = Peak(self.profit, now)
        if self._context.live and self.peak is not None:
            self._kept.write(asdict(self.peak), now)

    def _read_base(self, open_trades: Iterable[LocalTrade], now: float) -> None:
        """Tell what was paid in. In a backtest that is what it began with."""
        if now < self._base_read + BASE_SECONDS and not math.isnan(self.base):
            return
        config = self._context.strategy.config
        ratio = float(config.get("tradable_balance_ratio", 1.0))
        made = 0.0 if config.get("available_capital") else self.profit * ratio
        self.base, self._base_read = account.capital(self._context, open_trades) - made, now

    def _mark(self, pair: str, now: float) -> float:
        """Return a pair's last known close; NaN before there was one."""
        series = self._context.market.series.get(pair)
        if series is not None:
            index = series.index_at(now)
            if index >= 0:
                close = series.close.item(index)
                if close > 0:
                    self._marks[pair] = close
                    return close
        return self._marks.get(pair, math.nan)

    def _funding_of(self, trade: LocalTrade) -> float:
        """Return funding that is not in the realised profit yet: since the last exit."""
        last = trade.orders[-1]
        key = len(trade.orders) * 2 + last.ft_is_open
        known = self._funding.get(trade.id)
        if known is None or known[0] != key:
            known = self._funding[trade.id] = key, _funding_in_orders(trade)
        return known[1] + (trade.funding_fee_running or 0.0)


def _peak_of(document: dict[str, Any] | None) -> Peak | None:
    try:
        return Peak(float(document["profit"]), float(document["time"])) if document else None
    except (KeyError, TypeError, ValueError) as error:
        logger.warning("the peak in the database is unreadable and found anew: %r", error)
        return None


def _funding_in_orders(trade: LocalTrade) -> float:
    """Funding that freqtrade has put into the entries filled since the last exit."""
    total = 0.0
    for order in reversed(trade.orders):
        if order.ft_is_open or not order.filled:
            continue
        if order.ft_order_side != trade.entry_side:
            break
        total += order.funding_fee or 0.0
    return total
