"""The desk: turns freqtrade's questions about a trade into decisions of the grid, and back.

It holds one `Cycle` per open trade, which is a cache: everything in it follows from the trade's
orders, the candles and the settings.
"""

import logging
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade

from gridkit import candles
from gridkit.grid.decisions import decide
from gridkit.grid.situation import Block, Order, Resting, Situation, Verdict
from gridkit.host import account, commands, orders, plan_store, shut, summary
from gridkit.host.analyst import Analyst
from gridkit.host.announcer import Announcer
from gridkit.host.breakers import Breakers
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.flow import FlowDesk
from gridkit.host.fortune import Fortune
from gridkit.host.history import History
from gridkit.host.market_data import NO_CANDLE, MarketData, Reading
from gridkit.host.opening import Opening
from gridkit.host.pair_rules import PairRules
from gridkit.host.planning import Planner
from gridkit.host.prediction.beliefs import Beliefs
from gridkit.host.raising import Starts
from gridkit.host.reconcile import Reconciler
from gridkit.host.recovery import RecoveryDesk
from gridkit.host.requests import ends_in_loss, entry_stake, exit_stake
from gridkit.host.situations import COOLDOWN, Situations
from gridkit.host.surroundings import Surroundings
from gridkit.host.terrain import Surveyor
from gridkit.host.treasury import Treasury
from gridkit.risk import caps
from gridkit.settings import Settings

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

logger = logging.getLogger(__name__)

CASH_SECONDS = 3_600  # how long a backtest may take to notice that marks alone made room


class GridDesk:
    """One per strategy object. `live` is trade mode, dry-run included."""

    def __init__(
        self, strategy: "IStrategy", known: History, *, live: bool, timeframe: str
    ) -> None:
        seconds = candles.seconds_of(timeframe)
        hourly = MarketData(account.CORRELATION_STEP)
        self.cycles: dict[int, Cycle] = {}
        self.context = Context(strategy, known.settings, live, seconds, MarketData(seconds), hourly)
        self.analyst = Analyst(self.context, known.profile_timeframe)
        self.flow = FlowDesk(self.context, self.analyst.sources)
        self.rules = PairRules(self.context)
        self.fortune = Fortune(self.context, self.cycles)
        self.treasury = Treasury(self.context, self.rules, self.cycles, self.fortune)
        self.recovery = RecoveryDesk(self.context, self.cycles, self.fortune)
        self.breakers = Breakers(self.context, self.fortune)
        self.surroundings = Surroundings(self.context, self.breakers, self.flow)
        self.surveyor = Surveyor(self.context, self.flow)
        self.starts = Starts(self.context)
        self.opening = Opening(
            self.context, self.rules, self.treasury, self.surroundings, self.surveyor, self.starts
        )
        self.planner = Planner(self.context, self.rules, self.treasury, self.surveyor, self.starts)
        self.situations = Situations(self.context, self.rules, self.treasury, self.recovery)
        self.announcer = Announcer(self.context, self.recovery)
        self.beliefs = Beliefs(self.context, self.announcer.messages)
        self.reconciler = Reconciler(self.context, self.cycles, self.announcer.mismatch)
        if live:
            self.context.features.tell = self.announcer.messages.feature
            self.breakers.tell = self.announcer.breaker
            self.breakers.markets.tell = self.announcer.market
            self.breakers.markets.books = self.flow.book
            self.surroundings.refusals += [self._failing, self._told_by_user, self._unreconciled]
        self._started = not live  # a backtest says it before its first candle
        self._blind = False  # in a start's first loop: no candle was there to value the account by
        self._account = 0  # counts what moved cash, so that pairs short of it ask again

    @property
    def settings(self) -> Settings:
        """Return the settings in force: in hyperopt, an epoch's."""
        return self.context.settings

    def begin_loop(self, now: datetime) -> None:
        """Notice a new run: in hyperopt one object runs many, and trade ids start again at 1."""
        context = self.context
        if not context.live and (context.now is None or now <= context.now):
            self.cycles.clear()
            context.reasons.clear()
            self.treasury.forget()
            self.fortune.forget()
            self.breakers.forget()
            self.planner.placed.clear()
            self.opening.forget()
            self.starts.forget()
        self._blind = context.live and context.now is None
        context.now = now
        if context.live:
            self._drop_closed()  # before anybody else reads their last fills
        self.fortune.look(now)
        self.breakers.look(now)
        if context.live:
            self.opening.look_for_taken_back(now)
            self.flow.look(now)
            self.reconciler.look(now)
            self.announcer.look(self.cycles, now)
            self._start(now)

    def _start(self, now: datetime) -> None:
        """Say once, as soon as the account's standing is known, what came and what is to come."""
        if self._started or math.isnan(self.fortune.equity):
            return
        self._started = True
        self.announcer.catch_up(now)
        summary.tell(self.context.strategy, self)

    def _failing(self, pair: str, _side: int) -> Block | None:
        return self.context.features.block(pair)

    def _told_by_user(self, _pair: str, side: int) -> Block | None:
        return commands.block(self.context.strategy, side)

    def _unreconciled(self, pair: str, _side: int) -> Block | None:
        return self.reconciler.block(pair)

    def _drop_closed(self) -> None:
        open_trades = {trade.id for trade in orders.open_trades()}
        for number in self.cycles.keys() - open_trades:
            self.announcer.closed(number, self.cycles.pop(number))

    def use(self, settings: Settings) -> None:
        """Take other settings; what was decided by the old ones is dropped."""
        if settings != self.context.settings:
            self.context.settings = settings
            self.cycles.clear()

    def withdraws(self, trade: "Trade", order: Any, now: datetime) -> bool:
        """Whether a resting entry should be taken back; not for what only a start does not know."""
        if self._blind:
            return False
        series = self.context.market.series.get(trade.pair)
        index = series.index_at(now.timestamp()) if series else -1
        if series is None or index < 0:
            return bool(trade.amount) and self._unwanted(trade)
        if trade.amount:
            stopped = self.surroundings.stops_additions(series, index, trade.pair, _side_of(trade))
            return stopped or self._unwanted(trade)
        stopped = self.surroundings.stops_starts(series, index, trade.pair, _side_of(trade))
        return self.opening.stale(trade, order, series, index, stopped=stopped)

    def _unwanted(self, trade: "Trade") -> bool:
        """Whether the last decision wanted nothing to rest, for a reason that lasts."""
        cycle = self.cycles.get(trade.id)
        verdict = cycle.verdict if cycle else None
        if verdict is None or verdict.order is not None or verdict.block is None:
            return False
        return verdict.block.condition != COOLDOWN and not verdict.block.spares_resting

    def next_order(
        self, trade: "Trade", now: datetime, entry_rate: float, exit_rate: float
    ) -> tuple[float, str] | None:
        """Return stake (negative: exit) and tag of the order to place; None leaves all as it is."""
        if self._blind and _entry_rests(trade):
            return None
        series = self.context.market.series.get(trade.pair)
        timestamp = now.timestamp()
        index = series.index_at(timestamp) if series else -1
        if series is None or index < 0:
            return self._decide_blindly(trade, now, entry_rate, exit_rate)
        outlook = self.surroundings.code(series, index, _side_of(trade))
        cycle = self.cycles.get(trade.id)
        # Live, what refuses may change from loop to loop.
        if (
            not self.context.live
            and cycle is not None
            and cycle.decided_for(
                trade,
                timestamp,
                exit_rate,
                series.volatility.item(index),
                outlook,
                series.regime.item(index),
                self._account,
            )
        ):
            return None
        if math.isnan(series.close.item(index)):
            return self._decide_blindly(trade, now, entry_rate, exit_rate)
        return self._decide(trade, series.reading(index), now, entry_rate, exit_rate, outlook)

    def _decide_blindly(
        self, trade: "Trade", now: datetime, entry_rate: float, exit_rate: float
    ) -> tuple[float, str] | None:
        """Live, without a candle: nothing is added, and stops and targets go on by the rate."""
        if not self.context.live:
            return None
        return self._decide(trade, NO_CANDLE, now, entry_rate, exit_rate, 0)

    def order_price(self, trade: "Trade", tag: str | None, proposed: float) -> float:
        """Return the price of the order just asked for; freqtrade's proposal for any other."""
        cycle = self.cycles.get(trade.id)
        order = cycle.verdict.order if cycle and cycle.verdict else None
        if order is None or order.tag != tag or order.price is None:
            return proposed
        return order.price

    def _decide(
        self,
        trade: "Trade",
        reading: Reading | None,
        now: datetime,
        entry_rate: float,
        exit_rate: float,
        outlook: int,
    ) -> tuple[float, str] | None:
        if not trade.amount or reading is None:
            return None
        cycle = self._cycle(trade, reading)
        if cycle is None or self._must_wait(cycle, trade, now):
            return None
        if reading.known:
            self.planner.revise(cycle, trade, reading, now, exit_rate)
        self.recovery.mark(cycle, trade, now.timestamp(), exit_rate)
        spread = abs(entry_rate - exit_rate) / exit_rate if exit_rate > 0 else math.nan
        outside = self.surroundings.of_trade(trade.pair, reading, _side_of(trade), spread)
        until = math.inf
        if outside.block is None:
            block, until = self.situations.cooldown(cycle, now)
            outside = outside if block is None else replace(outside, block=block)
        situation = self.situations.of(cycle, trade, now, entry_rate, exit_rate, outside)
        verdict = decide(situation, self.rules.rules(trade))
        order = verdict.order
        if order is None or not verdict.place:
            valid_until = self._valid_until(cycle, verdict, until, now)
            cycle.remember(trade, verdict, outlook, valid_until)
            self._tell(cycle, trade, now)
            return None
        cycle.remember(trade, verdict, outlook, -math.inf)
        self._tell(cycle, trade, now)
        request = self._request(order, cycle, trade, entry_rate, now, outside.flatten)
        self._foresee(cycle, trade, situation, until, now)
        return request

    def _foresee(
        self, cycle: Cycle, trade: "Trade", situation: Situation, until: float, now: datetime
    ) -> None:
        """In a backtest, decide at once what holds while the order just asked for rests."""
        order = cycle.verdict.order if cycle.verdict else None
        if self.context.live or order is None or order.price is None:
            return
        resting = Resting(order.is_entry, order.levels, order.price, order.tag)
        situation, rules = replace(situation, resting=resting), self.rules.rules(trade)
        if until < math.inf:  # where the exit rests after the cooldown, too, its end is no event
            free = self.situations.unpaused(situation, trade, now)
            if self._expect(cycle, trade, decide(free, rules), math.inf, now):
                return
        self._expect(cycle, trade, decide(situation, rules), until, now)

    def _expect(
        self, cycle: Cycle, trade: "Trade", after: Verdict, until: float, now: datetime
    ) -> bool:
        """Keep what follows on the order just asked for, where that stays; and say whether."""
        order = cycle.verdict.order if cycle.verdict else None
        if after.order != order or after.place:
            return False
        valid_until = self._valid_until(cycle, after, until, now)
        cycle.expect(trade, after, cycle.validity.outlook, valid_until)
        return True

    def _cycle(self, trade: "Trade", reading: Reading) -> Cycle | None:
        cycle = self.cycles.get(trade.id)
        if cycle is None or not cycle.book.belongs_to(trade):
            cycle = self.planner.load(trade, reading)
            if cycle is None:
                return None
            self.cycles[trade.id] = cycle
            if cycle.is_new:
                self.announcer.opened(cycle, trade)
        if cycle.book.has_read(trade):
            return cycle
        levels = {line.level: line.price for line in cycle.plan.lines}
        tell = self.announcer.teller(trade) if self.context.live else None
        if cycle.book.read_on(trade, levels, tell):
            self._account += 1
            self.fortune.take(trade, cycle.book.ledger)
        return cycle

    def _must_wait(self, cycle: Cycle, trade: "Trade", now: datetime) -> bool:
        """Whether nothing may be placed: a fill of this candle, or a user who forced an exit."""
        if not self.context.live:
            return cycle.book.ledger.last_fill >= now.timestamp()
        forced = orders.forced_at(trade)
        pause = shut.pause(self.context)
        over = now.timestamp() >= forced + pause.total_seconds()
        if not forced or (over and not orders.forced_exit_rests(trade)):
            return False
        if forced != cycle.book.forced_at:
            cycle.book.forced_at = forced
            until = datetime.fromtimestamp(forced, UTC) + pause
            self.context.lock(trade.pair, until, shut.REASON)
        cycle.verdict = Verdict(None, False, Block("forceexit", forced, pause.total_seconds()))
        self._tell(cycle, trade, now)
        return True

    def _valid_until(self, cycle: Cycle, verdict: Verdict, until: float, now: datetime) -> float:
        """Return when the verdict is made again whatever the price; soon where cash binds it."""
        band = self.planner.volatility_band(cycle.plan)
        cycle.validity.volatility_above, cycle.validity.volatility_below = band
        until = min(until, self.planner.due(cycle.plan))
        look = partial(self.recovery.next_look, cycle, now.timestamp())
        pair = cycle.book.pair
        until = min(until, self.context.features.run("recovery", pair, look, lambda: math.inf))
        by_caps = verdict.block is not None and verdict.block.condition in caps.CONDITIONS
        bound = by_caps or verdict.withheld is not None
        cycle.validity.account = self._account if bound else None
        return min(until, now.timestamp() + CASH_SECONDS) if bound else until

    def _request(
        self,
        order: Order,
        cycle: Cycle,
        trade: "Trade",
        entry_rate: float,
        now: datetime,
        flatten: str | None,
    ) -> tuple[float, str]:
        """Return what freqtrade is asked for. Who flattens from outside keeps the pair closed."""
        step = orders.amount_step(trade)
        if order.is_entry:
            stake = len(order.levels) * cycle.plan.level_stake * order.scale
            price = order.price or entry_rate
            return entry_stake(stake, price, trade.leverage or 1.0, step), order.tag
        if ends_in_loss(order, cycle) and order.reason != flatten:
            pause = timedelta(hours=self.settings.stops.pause_hours)
            self.context.lock(trade.pair, now + pause, order.reason)
        return exit_stake(order, cycle, trade, step), order.tag

    def _tell(self, cycle: Cycle, trade: "Trade", now: datetime) -> None:
        """Live: publish the state, and log why when it changed."""
        if not self.context.live or cycle.verdict is None:
            return
        publish = partial(self._publish, cycle, cycle.verdict, trade, now)
        self.context.features.run("state", trade.pair, publish, lambda: None)

    def _publish(self, cycle: Cycle, verdict: Verdict, trade: "Trade", now: datetime) -> None:
        reason = self.context.reasons.decided(trade.pair, verdict, now)
        up = self.breakers.up  # the account's; that of one market is what blocks the pair
        standing = plan_store.Standing(
            self.recovery.budget(),
            max(0.0, self.recovery.budget_left(trade)),
            () if up is None else (up,),
            tuple(self.context.features.documents(trade.pair)),
            self.beliefs.document(trade.pair),
        )
        cycle.published = plan_store.publish(
            trade, cycle, now, since=reason.since, standing=standing
        )


def _entry_rests(trade: "Trade") -> bool:
    order = orders.working_order(trade)
    return order is not None and order.ft_order_side == trade.entry_side


def _side_of(trade: "Trade") -> int:
    return -1 if trade.is_short else 1
