"""The desk: turns freqtrade's questions about a trade into decisions of the grid, and back.

It knows the strategy's settings, candles and wallets; it holds one `Cycle` per open trade, which is
a cache: everything in it follows from the trade's orders, the candles and the settings.
"""

import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade

from gridkit import candles
from gridkit.grid import plan as plans
from gridkit.grid import tags
from gridkit.grid.costs import Costs
from gridkit.grid.decisions import Block, Order, Rules, Situation, Verdict, decide
from gridkit.grid.plan import Layout, Plan, Spacing
from gridkit.host import account, orders, plan_store
from gridkit.host.cycle import Cycle
from gridkit.host.limits import Limits, limits_of
from gridkit.host.market_data import MarketData, Reading, closes_at
from gridkit.risk import caps, gates, sizing
from gridkit.settings import Settings

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

logger = logging.getLogger(__name__)

MAX_DISTANCE_DEFAULT = 0.02
DISTANCE_MARGIN = 0.98  # stay inside freqtrade's clamp although the rate moves a little meanwhile
STALE_CANDLES = 2


class GridDesk:
    """One per strategy object. `live` is trade mode, dry-run included."""

    def __init__(
        self, strategy: "IStrategy", settings: Settings, *, live: bool, timeframe: str
    ) -> None:
        self.strategy = strategy
        self.settings = settings
        self.live = live
        self.seconds = candles.seconds_of(timeframe)
        self.market = MarketData(self.seconds)
        self.hourly = MarketData(account.CORRELATION_STEP)
        self.cycles: dict[int, Cycle] = {}
        self.notes: dict[str, str] = {}
        self._correlations = account.Correlations(self._closes_at)
        self._last_loop: datetime | None = None
        self._markets: dict[str, Mapping[str, Any] | None] = {}

    # -- a run ------------------------------------------------------------------------------

    def begin_loop(self, now: datetime) -> None:
        """Notice a new run: in hyperopt one object runs many, and trade ids start again at 1."""
        if not self.live and (self._last_loop is None or now <= self._last_loop):
            self.cycles.clear()
            self.notes.clear()
            self._correlations.forget()
        self._last_loop = now

    def use(self, settings: Settings) -> None:
        """Take other settings (a hyperopt epoch's); what was decided by the old ones is dropped."""
        if settings != self.settings:
            self.settings = settings
            self.cycles.clear()

    # -- first entries ----------------------------------------------------------------------

    def opening_lines(self) -> int:
        """How many lines the first order takes: the initial inventory, at least the first line."""
        grid = self.settings.grid
        return max(1, round(grid.initial_inventory * grid.levels))

    def opening_price(self, pair: str, now: datetime, rate: float, side: int) -> float | None:
        """Price of a cycle's first order; None where it cannot be known or may not be placed."""
        reading = self.market.at(pair, now)
        gap = self._spacing(reading)
        if gap is None:
            self.notes[pair] = "volatility unknown"
            return None
        anchor = self._highest_anchor(pair, rate, side)
        if self.settings.grid.initial_inventory > 0:
            return rate if side * (anchor - rate) >= 0 else None
        progression = self.settings.spacing.progression
        price = plans.line_price(anchor, gap.step, 1, side, progression)
        away = abs(price / rate - 1)
        if away > self._max_distance():
            self.notes[pair] = str(Block("line too far for freqtrade", away, self._max_distance()))
            return None
        return price

    def opening_stake(self, pair: str, now: datetime, rate: float, side: int, leverage: float) -> float:
        """Stake of a cycle's first order; 0 refuses it, with the reason in the notes."""
        refusal = self._refusal_to_open(pair, now, side)
        if refusal:
            self.notes[pair] = refusal
            return 0.0
        budget = self._budget(pair, rate, leverage)
        wanted = self.opening_lines()
        if budget.levels < wanted:
            self.notes[pair] = str(Block("lines for the initial inventory", budget.levels, wanted))
            return 0.0
        room, block = self._room(pair, None, now)
        affordable = math.floor(room / budget.level_stake + 1e-9)
        if affordable < wanted:
            self.notes[pair] = str(block)
            return 0.0
        self.notes[pair] = "opening"
        return wanted * budget.level_stake

    def may_open(self, pair: str, now: datetime, rate: float, amount: float, side: int) -> bool:
        """Last word on a cycle's first order, as freqtrade will place it."""
        refusal = self._refusal_to_open(pair, now, side)
        if refusal is None and not (rate > 0 and amount > 0):
            refusal = str(Block("rate or amount unknown", rate, 0.0))
        if refusal:
            self.notes[pair] = refusal
        return refusal is None

    def _refusal_to_open(self, pair: str, now: datetime, side: int) -> str | None:
        reading = self.market.at(pair, now)
        if reading is None or not reading.known:
            return "no usable candle"
        block = gates.trend_block(reading.trend_strength, reading.trend_side, side, self.settings.trend)
        if block:
            return str(block)
        return self._forced_recently(pair, now) if self.live else None

    def _forced_recently(self, pair: str, now: datetime) -> str | None:
        """Keep a pair the user just forced out from re-opening at once (DESIGN 2.9)."""
        since = now - self._force_exit_pause()
        closed = Trade.get_trades_proxy(pair=pair, is_open=False, close_date=since)
        forced = [trade for trade in closed if orders.forced_at(trade)]
        if not forced:
            return None
        until = max(trade.close_date_utc for trade in forced) + self._force_exit_pause()
        self.lock(pair, until, "forceexit: nothing is placed for a while")
        return "forceexit"

    def _highest_anchor(self, pair: str, rate: float, side: int) -> float:
        grid = self.settings.grid
        limits = [rate]
        if pair in grid.trailing_up_limit:
            limits.append(grid.trailing_up_limit[pair])
        if not grid.trailing_up:
            limits.extend(self._last_anchor(pair))
        return min(limits) if side > 0 else max(limits)

    def _last_anchor(self, pair: str) -> list[float]:
        closed = Trade.get_trades_proxy(pair=pair, is_open=False)
        if not closed:
            return []
        last = max(closed, key=lambda trade: trade.close_date_utc)
        made = self._plan_from_orders(last, self.market.at(pair, last.open_date_utc))
        return [made.anchor] if made else []

    def withdraws(self, trade: Trade, order: Any, now: datetime) -> bool:
        """Whether a resting entry should go: the market left the first line, or a gate closed."""
        side = -1 if trade.is_short else 1
        reading = self.market.at(trade.pair, now)
        if reading is None:
            return False
        if trade.nr_of_successful_entries == 0:
            return self._opening_is_stale(trade, order, reading, side)
        return self._gate(reading, side) is not None

    def _opening_is_stale(self, trade: Trade, order: Any, reading: Reading, side: int) -> bool:
        settings = self.settings
        if gates.trend_block(reading.trend_strength, reading.trend_side, side, settings.trend):
            return True
        gap = self._spacing(reading)
        if gap is None or not reading.close > 0 or order.safe_filled > 0:
            return False
        away = side * (reading.close / order.safe_placement_price - 1)
        anchor = self._highest_anchor(trade.pair, reading.close, side)
        return away > 2 * gap.step and side * (anchor - reading.close) >= 0

    # -- an open cycle ----------------------------------------------------------------------

    def next_order(
        self, trade: Trade, now: datetime, entry_rate: float, exit_rate: float
    ) -> tuple[float, str] | None:
        """Return stake (negative: exit) and tag of the order to place, None to leave all as it is."""
        timestamp = now.timestamp()
        side = -1 if trade.is_short else 1
        series = self.market.series.get(trade.pair)
        index = series.index_at(timestamp) if series else -1
        if series is None or index < 0:
            return None
        gate = self._gate_at(series, index, side)
        condition = gate.condition if gate else None
        cycle = self.cycles.get(trade.id)
        if cycle is not None and cycle.decided_for(
            trade, timestamp, exit_rate, series.volatility[index], condition
        ):
            return None
        reading = series.reading(index)
        assert reading is not None  # noqa: S101 (the index is not negative)
        return self._decide_anew(trade, reading, now, entry_rate, exit_rate, gate)

    def _decide_anew(
        self,
        trade: Trade,
        reading: Reading,
        now: datetime,
        entry_rate: float,
        exit_rate: float,
        gate: Block | None,
    ) -> tuple[float, str] | None:
        if not trade.amount:
            return None
        cycle = self._cycle(trade, reading, now)
        if cycle is None or self._must_wait(cycle, trade, now):
            return None
        self._replan(cycle, trade, reading, now, exit_rate)
        block, until = self._block(cycle, gate, now)
        situation = self._situation(cycle, trade, now, entry_rate, exit_rate, block)
        verdict = decide(situation, self._rules(trade))
        self._note(trade.pair, verdict)
        if verdict.order is None or not verdict.place:
            cycle.remember(trade, verdict, gate.condition if gate else None, self._until(cycle, verdict, until))
            self._publish(cycle, trade, now)
            return None
        cycle.verdict = verdict
        cycle.validity.until = -math.inf
        self._publish(cycle, trade, now)
        return self._request(verdict.order, cycle, trade, entry_rate, now)

    def order_price(self, trade: Trade, tag: str | None, proposed: float) -> float:
        """Price of the order the desk just asked for; freqtrade's proposal for any other."""
        cycle = self.cycles.get(trade.id)
        order = cycle.verdict.order if cycle and cycle.verdict else None
        if order is None or order.tag != tag or order.price is None:
            return proposed
        return order.price

    def _cycle(self, trade: Trade, reading: Reading, now: datetime) -> Cycle | None:
        cycle = self.cycles.get(trade.id)
        if cycle is None or not cycle.book.belongs_to(trade):
            cycle = self._load(trade, reading, now)
            if cycle is None:
                return None
            self.cycles[trade.id] = cycle
        cycle.book.read_on(trade, {line.level: line.price for line in cycle.plan.lines})
        return cycle

    def _load(self, trade: Trade, reading: Reading, now: datetime) -> Cycle | None:
        stored = plan_store.load(trade) if self.live else None
        opened = self.market.at(trade.pair, trade.open_date_utc) or reading
        made = stored or self._plan_from_orders(trade, opened) or self._plan_from_orders(trade, reading)
        if made is None:
            return None
        if self.live and stored is None:
            plan_store.save(trade, made)
        return Cycle(orders.new_book(trade), made)

    def _plan_from_orders(self, trade: Trade, reading: Reading | None) -> Plan | None:
        """Lay the plan the first order was placed by: the same again, from its price and candle."""
        gap = self._spacing(reading)
        entries = [order for order in trade.orders if order.ft_order_side == trade.entry_side]
        if gap is None or not entries:
            return None
        first = entries[0]
        levels = tags.levels_of(first.ft_order_tag) or (1,)
        side = -1 if trade.is_short else 1
        price = float(first.safe_placement_price)
        progression = self.settings.spacing.progression
        anchor = plans.anchor_of(price, gap.step, max(levels), side, progression)
        stake = float(first.safe_amount) * price / (trade.leverage or 1.0) / len(levels)
        share = sizing.pair_share(self.capital(), self.pairs(), trade.leverage, self.settings.caps)
        affordable = math.floor(share / stake + 1e-6)
        count = max(max(levels), min(self.settings.grid.levels, affordable))
        made = trade.open_date_utc.timestamp()
        try:
            return plans.make(anchor, gap, side, count, stake, made, self._layout(trade))
        except ValueError as error:
            logger.error("%s: no plan, so the cycle adds nothing: %s", trade.pair, error)
            return None

    def _replan(
        self, cycle: Cycle, trade: Trade, reading: Reading, now: datetime, rate: float
    ) -> None:
        """Lay free lines anew when time passed or the forecast moved (SPEC C)."""
        grid, made = self.settings.grid, cycle.plan
        gap = self._spacing(reading)
        due = now.timestamp() >= made.made + grid.replan_hours * 3_600
        moved = not self._volatility_band(made)[0] <= reading.volatility <= self._volatility_band(made)[1]
        if gap is None or not (due or moved):
            return
        held = set(cycle.book.ledger.lots)
        cycle.plan = plans.revised(made, held, gap, rate, now.timestamp(), self._layout(trade))
        if self.live:
            plan_store.save(trade, cycle.plan)

    def _volatility_band(self, made: Plan) -> tuple[float, float]:
        if self.settings.spacing.method == "fixed" or math.isnan(made.volatility):
            return -math.inf, math.inf
        change = self.settings.grid.replan_volatility_change
        return made.volatility * (1 - change), made.volatility * (1 + change)

    def _must_wait(self, cycle: Cycle, trade: Trade, now: datetime) -> bool:
        """Whether nothing may be placed: a fill of this candle, or a user who forced an exit."""
        if not self.live and cycle.book.ledger.last_fill >= now.timestamp():
            return True
        if not self.live:
            return False
        forced = orders.forced_at(trade)
        if not forced or now.timestamp() >= forced + self._force_exit_pause().total_seconds():
            return False
        if forced != cycle.book.forced_until:
            cycle.book.forced_until = forced
            until = datetime.fromtimestamp(forced, UTC) + self._force_exit_pause()
            self.lock(trade.pair, until, "forceexit: nothing is placed for a while")
        self.notes[trade.pair] = "forceexit"
        return True

    def _block(self, cycle: Cycle, gate: Block | None, now: datetime) -> tuple[Block | None, float]:
        """Return what forbids additions from outside the grid, and until when at most that is so."""
        if gate is not None:
            return gate, math.inf
        ledger = cycle.book.ledger
        waited = now.timestamp() - ledger.last_entry
        base = self.settings.grid.wait_time_seconds if self.live else float(self.seconds)
        wanted = base * (1 + len(ledger.lots) / max(1, len(cycle.plan.lines)))
        if waited < wanted:
            return Block("cooldown between additions", waited, wanted), ledger.last_entry + wanted
        return None, math.inf

    def _situation(
        self,
        cycle: Cycle,
        trade: Trade,
        now: datetime,
        entry_rate: float,
        exit_rate: float,
        block: Block | None,
    ) -> Situation:
        ledger = cycle.book.ledger
        limits = self.limits(trade.pair)
        room, room_block = self._room(trade.pair, trade, now)
        capital = self.capital()
        return Situation(
            plan=cycle.plan,
            lots=ledger.lots,
            stopped=frozenset(ledger.stopped),
            resting=orders.resting_of(trade),
            entry_rate=entry_rate,
            exit_rate=exit_rate,
            orders=len(trade.orders),
            harvest=ledger.harvest,
            dust=ledger.dust,
            block=block,
            room=room,
            room_block=room_block,
            least_value_left=limits.value,
            least_amount_left=limits.amount,
            asset_limit=caps.asset_limit(
                capital, self.pairs(), trade.leverage, self.settings.caps
            ),
        )

    def _until(self, cycle: Cycle, verdict: Verdict, until: float) -> float:
        """When the verdict has to be made again whatever the price: cash may come free, time pass."""
        replan = cycle.plan.made + self.settings.grid.replan_hours * 3_600
        cycle.validity.volatility_above, cycle.validity.volatility_below = self._volatility_band(
            cycle.plan
        )
        bound_by_room = verdict.block is not None and verdict.block.condition in caps.CONDITIONS
        return -math.inf if bound_by_room else min(until, replan)

    def _request(
        self, order: Order, cycle: Cycle, trade: Trade, entry_rate: float, now: datetime
    ) -> tuple[float, str] | None:
        step = orders.amount_step(trade)
        if order.is_entry:
            stake = len(order.levels) * cycle.plan.level_stake
            price = order.price or entry_rate
            return _stake_for(stake, price, trade.leverage or 1.0, step), order.tag
        if tags.verb_of(order.tag) == tags.FLATTEN:
            pause = timedelta(hours=self.settings.stops.pause_hours)
            self.lock(trade.pair, now + pause, order.reason)
        logger.info("%s: %s, %s", trade.pair, order.tag, order.reason)
        return _exit_stake(order, cycle, trade, step), order.tag

    # -- what decisions are made from -------------------------------------------------------

    def _gate_at(self, series: Any, index: int, side: int) -> Block | None:
        return gates.trend_block(
            series.strength[index], series.side[index], side, self.settings.trend
        )

    def _gate(self, reading: Reading, side: int) -> Block | None:
        return gates.trend_block(
            reading.trend_strength, reading.trend_side, side, self.settings.trend
        )

    def _spacing(self, reading: Reading | None) -> Spacing | None:
        return plans.spacing_now(reading.volatility, self.settings.spacing) if reading else None

    def _rules(self, trade: Trade) -> Rules:
        settings, pair = self.settings, trade.pair
        stops = settings.stops
        return Rules(
            hysteresis=settings.grid.hysteresis,
            lot_stop=stops.lot_stop if stops.lot_stop_enabled else math.inf,
            cycle_stop=stops.cycle_stop if stops.cycle_stop_enabled else math.inf,
            stop_price=stops.stop_price.get(pair),
            pause_price=stops.pause_price.get(pair),
            max_lots=settings.caps.max_lots,
            max_orders=settings.caps.max_orders_per_cycle,
            max_distance=self._max_distance(),
            answers_gaps=not self.live,
            costs=self.costs(pair),
            tick=orders.price_tick(trade),
        )

    def _layout(self, trade: Trade) -> Layout:
        settings = self.settings
        return Layout(
            settings.spacing, settings.grid, self.costs(trade.pair), orders.price_tick(trade)
        )

    def costs(self, pair: str) -> Costs:
        """Fees from the settings, else from the config, else from the market."""
        settings = self.settings
        market = self.market_of(pair) or {}
        fee = settings.costs.fee
        if fee is None:
            fee = self.strategy.config.get("fee")
        if fee is None:
            fee = max(market.get("taker") or 0.0, market.get("maker") or 0.0)
        return Costs(fee, fee, settings.costs.half_spread, settings.grid.min_profit)

    def limits(self, pair: str) -> Limits:
        """Return the exchange's smallest order on this pair."""
        return limits_of(self.market_of(pair), self.strategy.config)

    def market_of(self, pair: str) -> Mapping[str, Any] | None:
        """Return ccxt's market, kept: freqtrade builds it anew at every call."""
        if self.live:
            return self.strategy.dp.market(pair)
        if pair not in self._markets:
            self._markets[pair] = self.strategy.dp.market(pair)
        return self._markets[pair]

    def _max_distance(self) -> float:
        config = self.strategy.config
        ratio = config.get("custom_price_max_distance_ratio", MAX_DISTANCE_DEFAULT)
        return float(ratio) * DISTANCE_MARGIN

    def _force_exit_pause(self) -> timedelta:
        return timedelta(seconds=self.settings.stops.force_exit_pause_candles * self.seconds)

    def pairs(self) -> int:
        """How many pairs share the capital: the whitelist, or the slots if they are fewer."""
        return max(1, int(min(len(self._whitelist()), self.strategy.max_open_trades)))

    def _whitelist(self) -> list[str]:
        return self.strategy.dp.current_whitelist()

    def _open_trades(self) -> list[Any]:
        return Trade.get_trades_proxy(is_open=True)

    def capital(self) -> float:
        """Return tradable capital in stake currency (SPEC A.1)."""
        wallets = self.strategy.wallets
        if wallets is None:
            raise RuntimeError("freqtrade has given the strategy no wallets yet")
        equity = account.marked_capital(
            wallets, self._open_trades(), self._mark, self.strategy.config
        )
        return equity * self.strategy.config.get("tradable_balance_ratio", 1.0)

    def _mark(self, pair: str) -> float | None:
        series = self.market.series.get(pair)
        if series is None or self._last_loop is None:
            return None
        index = series.index_at(self._last_loop.timestamp())
        return float(series.close[index]) if index >= 0 else None

    def _budget(self, pair: str, rate: float, leverage: float) -> sizing.Budget:
        settings = self.settings
        share = sizing.pair_share(self.capital(), self.pairs(), leverage, settings.caps)
        least = self.limits(pair).least_stake(rate, leverage)
        return sizing.level_budget(share, settings.grid.levels, least, settings.caps.max_lots)

    def _room(self, pair: str, trade: Trade | None, now: datetime) -> tuple[float, Block]:
        wallets = self.strategy.wallets
        open_trades = self._open_trades()
        stakes = {one.pair: account.committed(one) for one in open_trades}
        own = stakes.get(pair, 0.0) - (float(trade.stake_amount) if trade else 0.0)
        leverage = trade.leverage if trade else self._leverage()
        capital = self.capital()
        together = self._correlations.stake_with_correlates(
            pair, {pair: 0.0, **stakes}, now, self.settings.caps.correlation
        )
        seen = account.account_for(
            pair,
            stakes,
            together,
            self._reserved(pair, open_trades, capital),
            own,
            capital,
            wallets.get_free(self.strategy.config["stake_currency"]) if wallets else 0.0,
            self.pairs(),
            leverage,
        )
        return caps.room(seen, self.settings.caps)

    def _reserved(self, pair: str, open_trades: list[Any], capital: float) -> float:
        """Cash for the next line of every other pair, and for what already rests (DESIGN 2.7)."""
        share = sizing.pair_share(capital, self.pairs(), self._leverage(), self.settings.caps)
        usual = share / self.settings.grid.levels
        others = [one for one in open_trades if one.pair != pair]
        waiting = self.pairs() - len(others) - 1
        return sum(self._next_stake(one, usual) for one in others) + max(0, waiting) * usual

    def _next_stake(self, trade: Any, usual: float) -> float:
        working = orders.working_order(trade)
        if working is not None and working.ft_order_side == trade.entry_side:
            frozen_already = self.live and not self.strategy.config.get("dry_run", True)
            counted_already = not trade.amount
            return 0.0 if frozen_already or counted_already else float(working.stake_amount)
        cycle = self.cycles.get(trade.id)
        if cycle is None:
            return usual
        free = len(cycle.plan.lines) - len(cycle.book.ledger.lots)
        return cycle.plan.level_stake if free > 0 else 0.0

    def _leverage(self) -> float:
        return self.settings.leverage if self.strategy.config.get("trading_mode") == "futures" else 1.0

    def _closes_at(self, pair: str, moments: Any) -> Any:
        series = self.hourly.series.get(pair) or self.market.series.get(pair)
        return closes_at(series, moments)

    # -- what is told -----------------------------------------------------------------------

    def lock(self, pair: str, until: datetime, reason: str) -> None:
        """Keep a pair from opening; seen in /locks."""
        self.strategy.lock_pair(pair, until, reason=f"gridkit {reason}")

    def _note(self, pair: str, verdict: Verdict) -> None:
        if not self.live:
            return
        parts = []
        if verdict.order:
            parts.append(f"{verdict.order.tag}: {verdict.order.reason}")
        if verdict.block:
            parts.append(f"nothing is added: {verdict.block.condition}")
        note = "; ".join(parts) or "nothing to do"
        if self.notes.get(pair) != note:
            logger.info("%s: %s", pair, note)
        self.notes[pair] = note

    def _publish(self, cycle: Cycle, trade: Trade, now: datetime) -> None:
        if self.live:
            cycle.published = plan_store.publish(trade, cycle, now)


def _stake_for(stake: float, price: float, leverage: float, step: float) -> float:
    """Stake whose amount freqtrade truncates to the whole steps `stake` pays for (DESIGN 2.3)."""
    if step <= 0:
        return stake
    steps = math.floor(stake * leverage / price / step + 1e-9)
    return max(1, steps) * step * price / leverage + step * price / leverage / 2


def _exit_stake(order: Order, cycle: Cycle, trade: Trade, step: float) -> float:
    """Negative stake whose amount freqtrade truncates to these lots, and to all for the last ones."""
    ledger = cycle.book.ledger
    if set(order.levels) >= set(ledger.lots):
        return -float(trade.stake_amount)
    amount = sum(ledger.lots[level].amount for level in order.levels) + ledger.dust
    whole = math.floor(amount / step + 1e-6) * step + step / 2 if step > 0 else amount
    return -min(whole / trade.amount, 1.0) * float(trade.stake_amount)
