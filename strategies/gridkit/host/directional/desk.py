"""The directional desk: puts the parts together that answer freqtrade's questions for Confluence.

It shares analysts, breakers and marked profit with the grid's desk. What a position is follows from
freqtrade's orders and the candles, so that nothing has to be repaired after a restart.
"""

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gridkit import candles
from gridkit.host import account, orders, shut
from gridkit.host.analyst import Analyst
from gridkit.host.breakers import Breakers
from gridkit.host.context import Context
from gridkit.host.directional import summary
from gridkit.host.directional.board import Board
from gridkit.host.directional.entering import Entering
from gridkit.host.directional.guards import Guards
from gridkit.host.directional.leaving import Leaving
from gridkit.host.directional.portfolio_desk import PortfolioDesk
from gridkit.host.directional.positions import Positions
from gridkit.host.directional.published import Publisher
from gridkit.host.directional.signal_series import SignalSeries
from gridkit.host.directional.teller import Teller
from gridkit.host.flow import FlowDesk
from gridkit.host.fortune import Fortune
from gridkit.host.history import History
from gridkit.host.market_data import MarketData
from gridkit.host.pair_rules import PairRules
from gridkit.host.prediction.beliefs import Beliefs
from gridkit.host.surroundings import Surroundings

if TYPE_CHECKING:
    from freqtrade.persistence import Order, Trade
    from freqtrade.strategy import IStrategy

    from gridkit.settings import Settings


class DirectionalDesk:
    """One per strategy object. `live` is trade mode, dry-run included."""

    def __init__(
        self, strategy: "IStrategy", known: History, *, live: bool, timeframe: str
    ) -> None:
        seconds = candles.seconds_of(timeframe)
        hourly = MarketData(account.CORRELATION_STEP)
        self.context = Context(strategy, known.settings, live, seconds, MarketData(seconds), hourly)
        self.signals: dict[str, SignalSeries] = {}
        self.analyst = Analyst(self.context, known.profile_timeframe)
        self.flow = FlowDesk(self.context, self.analyst.sources)
        self.rules = PairRules(self.context)
        self.fortune = Fortune(self.context, {})
        self.breakers = Breakers(self.context, self.fortune)
        self.positions = Positions(self.context, self.signals)
        self.portfolio = PortfolioDesk(self.context, self.rules, self.positions, self.signals)
        wide = Surroundings(self.context, self.breakers, self.flow).wide
        self.guards = Guards(self.context, self.breakers, wide, self.flow)
        self.entering = Entering(
            self.context, self.rules, self.guards, self.portfolio, self.signals, self.flow
        )
        self.leaving = Leaving(
            self.context, self.rules, self.positions, self.portfolio, self.breakers
        )
        self.board = Board(self.context, self.guards, self.positions, self.signals)
        self.teller = Teller(self.context)
        self.beliefs = Beliefs(self.context, self.teller.messages)
        self.publisher = Publisher(
            self.context, self.positions, self.portfolio, self.breakers, self.beliefs
        )
        if live:
            self.context.features.tell = self.teller.messages.feature
            self.breakers.tell = self.teller.messages.breaker
            self.breakers.markets.tell = self.teller.messages.market
            self.breakers.markets.books = self.flow.book
        self._started = not live  # a backtest says it before its first candle

    @property
    def settings(self) -> "Settings":
        """Return the settings in force: in hyperopt, an epoch's."""
        return self.context.settings

    def use(self, settings: "Settings") -> None:
        """Take other settings; what was read by the old ones is dropped."""
        if settings != self.context.settings:
            self.context.settings = settings
            self.positions.forget()

    def begin_loop(self, now: datetime) -> None:
        """Notice a new run: in hyperopt one object runs many, and trade ids start again at 1."""
        context = self.context
        if not context.live and (context.now is None or now <= context.now):
            context.reasons.clear()
            for part in (self.positions, self.portfolio, self.fortune, self.breakers):
                part.forget()
        context.now = now
        self.fortune.look(now)
        self.breakers.look(now)
        if context.live:
            self.flow.look(now)
            self._let_go()
            self._start()

    def next_part(self, trade: "Trade", now: datetime, rate: float) -> tuple[float, str] | None:
        """Return stake and tag of a part to sell now; live, say how the position stands."""
        found = self.leaving.part(trade, now, rate)
        if self.context.live and trade.amount:
            self.board.note_open(trade)
            self.publisher.publish(trade, now)
        return found

    def filled(self, trade: "Trade", order: "Order", now: datetime) -> None:
        """Live, tell people what an order did; a pair that was forced out stays out for a while."""
        if not self.context.live:
            return
        self.teller.filled(trade, order)
        if not trade.is_open:
            shut.recently_forced(self.context, trade.pair, now)

    def is_late(self, order: "Order", now: datetime, *, entry: bool) -> bool:
        """Whether an order has rested for too long."""
        rule = self.settings.entries if entry else self.settings.exits
        return now - order.order_date_utc >= timedelta(minutes=rule.timeout_minutes)

    def _let_go(self) -> None:
        open_trades = {trade.id for trade in orders.open_trades()}
        self.positions.forget_closed(open_trades)
        self.publisher.forget_closed(open_trades)

    def _start(self) -> None:
        """Say once, as soon as the account's standing is known, what is to come."""
        if self._started or math.isnan(self.fortune.equity):
            return
        self._started = True
        summary.tell(self)
