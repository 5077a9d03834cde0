"""A bot that markets, exchanges, users and restarts do anything to; what must hold meanwhile."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from grid.little_bot import Bot, World
from gridkit.analytics.book_levels import Level, Levels
from gridkit.grid import tags
from gridkit.grid.costs import Costs, lowest_target
from gridkit.grid.plan import EMPTY, Layout, Terrain
from gridkit.grid.situation import Block, RecoveryRules, Rules
from gridkit.grid.targets import target_of
from gridkit.grid.urgent import CHEAP_END_SHARE
from gridkit.grid.volume_lines import CLOSEST
from gridkit.risk.sizing import exposure_fraction
from gridkit.risk.worst_loss import stop_fraction, stopped_cycle, worst_loss
from gridkit.settings import (
    BreakerSettings,
    CapSettings,
    DensitySettings,
    GridSettings,
    SpacingSettings,
    StopSettings,
    VolumeLineSettings,
)
from strategies import LADDER, SIDES

MAY_LOSE = {tags.STOP, tags.RECOVER, tags.FLATTEN, tags.END, ""}  # "" is what a user sold
STEPS = st.sampled_from((0.004, 0.01, 0.03))
MOVES = st.floats(-0.012, 0.012)
JUMPS = st.floats(-0.12, 0.12)
CANDLES = 40
SEEDS = st.integers(0, 2**32 - 1)
SIGMAS = st.sampled_from((0.002, 0.008))
PARTS = st.sampled_from((0.2, 0.5, 0.9))
FAR = 0.03  # from its anchor an unfilled start is given up
NEAR_MARKET = 0.0006  # of a price: an order at market may stay until the rate is so far from it
RAISED = 1.1
SCALES = st.sampled_from((1.0, RAISED))
DENSITY = DensitySettings()
MOVED = 0.97  # of its price, that a line at least has after moving
DENSEST = DENSITY.near_factor * DENSITY.round_factor


@st.composite
def worlds(draw: st.DrawFn) -> World:
    fee = draw(st.sampled_from((0.0, 0.001)))
    costs = Costs(fee, fee, 0.0001, 0.001)
    tick = draw(st.sampled_from((0.0, 0.01)))
    side = draw(SIDES)
    grid = GridSettings(target=draw(st.sampled_from(("next_line", "fixed"))))
    spacing = SpacingSettings(progression=draw(st.sampled_from(("geometric", "arithmetic"))))
    density = draw(st.sampled_from((None, DENSITY)))
    lines = draw(st.sampled_from((None, VolumeLineSettings())))
    rules = Rules(
        hysteresis=0.15,
        lot_stop=draw(st.sampled_from((0.02, 0.05, math.inf, math.inf))),
        cycle_stop=draw(st.sampled_from((0.15, math.inf))),
        stop_price=draw(st.sampled_from((None, 100.0 * (1 - side * 0.2)))),
        pause_price=None,
        max_lots=draw(st.sampled_from((3, 25))),
        max_orders=draw(st.sampled_from((10, 150))),
        max_distance=draw(st.sampled_from((0.0196, 0.5))),
        answers_gaps=draw(st.booleans()),
        costs=costs,
        tick=tick,
        amount_step=0.001,
        recovery=draw(recoveries()),
    )
    return World(
        side,
        Layout(spacing, grid, costs, tick, density, lines),
        rules,
        CapSettings(max_margin=draw(st.sampled_from((None, 60.0)))),
        levels=draw(st.integers(1, 8)),
        stake=draw(st.sampled_from((12.0, 40.0))),
        budget=draw(st.sampled_from((0.0, 0.3, 3.0))),
        base_fee=draw(st.sampled_from((0.0, 0.001))) if side > 0 else 0.0,
        wallet=draw(st.sampled_from((150.0, 1_000.0))),
    )


def recoveries() -> st.SearchStrategy[RecoveryRules | None]:
    """Rules by which lots get stuck within minutes."""
    return st.none() | st.builds(
        RecoveryRules,
        mode=st.sampled_from(("ladder", "ladder", "aggressive", "none")),
        ladder=st.sampled_from((LADDER, (0.002, 0.005, 0.01))),
        away=st.sampled_from((0.002, 0.03)),
        timeout_seconds=st.just(300.0),
        threshold=st.sampled_from((0.01, 0.05)),
    )


def terrains() -> st.SearchStrategy[list[float]]:
    """Prices at which something stands, as fractions of the rate."""
    return st.lists(st.floats(0.85, 1.15), max_size=8)


class Grid(RuleBasedStateMachine):
    """Every rule is followed by a look, as every loop of a bot ends with one."""

    @initialize(world=worlds(), scale=SCALES)
    def starts(self, world, scale):
        self.bot = Bot(world, 100.0, scale=scale)
        self.checked = 0

    def _goes_on(self, seconds=60.0):
        bot = self.bot
        bot.now += seconds
        if bot.is_over or (not bot.fills and abs(bot.rate / bot.plan.anchor - 1) > FAR):
            bot.close(0.01)
            return
        if bot.fills:
            verdict = bot.look()
            if verdict.order and verdict.place and verdict.order.is_entry:
                self._may_be_placed(verdict.order)

    def _may_be_placed(self, order):
        bot, caps = self.bot, self.bot.world.caps
        stake = len(order.levels) * bot.plan.level_stake * order.scale
        capital = bot.cash + bot.tied
        slack = 1e-6
        assert bot.tied + stake <= exposure_fraction(capital, caps) * capital + slack
        assert bot.cash - bot.reserved >= stake - slack
        assert caps.max_margin is None or bot.tied + stake <= caps.max_margin + slack
        assert len(bot.ledger.lots) + len(order.levels) <= bot.world.rules.max_lots
        assert bot.block is None
        assert order.scale in (1.0, bot.scale)
        assert not bot.gone & set(order.levels)
        assert order.price is not None or not bot.recovered & set(order.levels)

    # -- the market ---------------------------------------------------------------------------

    @rule(move=MOVES)
    def price_moves(self, move):
        self.bot.rate *= 1 + move
        self._goes_on()

    @rule(jump=JUMPS)
    def price_jumps(self, jump):
        self.bot.rate *= 1 + jump
        self._goes_on()

    @rule()
    def time_passes(self):
        self._goes_on(1_800.0)

    @rule(seed=SEEDS, sigma=SIGMAS)
    def market_goes_nowhere(self, seed, sigma):
        self._wanders(seed, sigma, 0.0)

    @rule(seed=SEEDS, sigma=SIGMAS)
    def market_falls(self, seed, sigma):
        self._wanders(seed, sigma, -0.002)

    @rule(seed=SEEDS, sigma=SIGMAS)
    def market_rises(self, seed, sigma):
        self._wanders(seed, sigma, 0.002)

    def _wanders(self, seed, sigma, drift):
        """Candle by candle; an order that a move passes is filled, some in part."""
        bot, noise = self.bot, random.Random(seed)
        for _ in range(CANDLES):
            before = bot.rate
            bot.rate *= math.exp(noise.gauss(drift, sigma))
            low, high = sorted((before, bot.rate))
            if bot.resting and low <= bot.resting.price <= high:
                bot.fill(1.0 if noise.random() < 0.9 else 0.5)
            self._goes_on(300.0)
            self._check()

    # -- the exchange -------------------------------------------------------------------------

    @precondition(lambda self: self.bot.resting)
    @rule()
    def the_order_is_filled_as_price_gets_there(self):
        self.bot.rate = self.bot.resting.price
        self.bot.fill()
        self._goes_on()

    @precondition(lambda self: self.bot.resting)
    @rule()
    def the_order_is_filled_elsewhere(self):
        """A fill that is told late, when the market is away again."""
        self.bot.fill()
        self._goes_on()

    @precondition(lambda self: self.bot.resting)
    @rule(part=PARTS)
    def the_order_is_filled_in_part_and_taken_back(self, part):
        self.bot.fill(part)
        self._goes_on()

    # -- the user -----------------------------------------------------------------------------

    @precondition(lambda self: self.bot.fills)
    @rule()
    def the_user_cancels(self):
        self.bot.cancel()
        self._goes_on()

    @precondition(lambda self: self.bot.ledger.lots)
    @rule(part=PARTS)
    def the_user_sells_a_part(self, part):
        self.bot.sell_by_hand(part)
        self._goes_on()

    @precondition(lambda self: self.bot.fills and self.bot.cash > 40)
    @rule()
    def the_user_buys(self):
        self.bot.buy_by_hand(15.0)
        self._goes_on()

    # -- what stands around -------------------------------------------------------------------

    @precondition(lambda self: self.bot.ledger.lots)
    @rule(step=STEPS)
    def lines_are_laid_anew(self, step):
        self.bot.revise(step)
        self._goes_on()

    @rule(nodes=terrains(), supports=terrains(), imbalance=st.sampled_from((math.nan, -0.6, 0.6)))
    def the_terrain_changes(self, nodes, supports, imbalance):
        at = self.bot.rate
        levels = tuple(
            Level(at * node, 0.5, rank, self.bot.world.side)
            for rank, node in enumerate(nodes[:3], start=1)
        )
        self.bot.terrain = Terrain(
            tuple(sorted(at * one for one in nodes[3:])),
            tuple(sorted(at * one for one in supports)),
            Levels(levels, 0.8) if levels else None,
            imbalance,
        )

    @rule()
    def the_terrain_is_unknown(self):
        self.bot.terrain = EMPTY

    @rule(is_on=st.booleans())
    def something_outside_objects(self, is_on):
        self.bot.block = Block("a gate", 1.0, 2.0) if is_on else None
        self._goes_on()

    @rule(is_on=st.booleans())
    def something_outside_flattens(self, is_on):
        self.bot.flatten = "a breaker" if is_on else None
        self.bot.block = Block("a breaker", 1.0, 2.0) if is_on else None
        self._goes_on()

    @rule(is_on=st.booleans())
    def hours_are_illiquid(self, is_on):
        self.bot.thin = is_on
        self._goes_on()

    @rule(scale=SCALES)
    def something_is_predicted(self, scale):
        self.bot.scale = scale
        self._goes_on()

    @rule(others=st.sampled_from((0.0, 50.0, 400.0)), reserved=st.sampled_from((0.0, 30.0)))
    def other_pairs_trade(self, others, reserved):
        self.bot.cash += self.bot.others - others
        self.bot.others, self.bot.reserved = others, reserved
        self._goes_on()

    @rule(limit=st.sampled_from((math.inf, 30.0)))
    def the_asset_outgrows_its_share(self, limit):
        self.bot.asset_limit = limit
        self._goes_on()

    @rule()
    def the_bot_is_restarted(self):
        bot = self.bot
        before, ledger = repr(bot.decide()), bot.ledger
        bot.restart()
        assert bot.ledger == ledger
        assert repr(bot.decide()) == before

    # -- what must hold -----------------------------------------------------------------------

    def _check(self):
        self.lots_sum_to_the_position()
        self.nothing_is_sold_below_its_costs_but_by_stop_recovery_and_user()
        self.recovery_stays_within_its_budget()
        self.lines_stand_in_order_and_apart()
        self.every_target_pays_for_its_costs()
        self.total_risk_is_at_most_what_was_stated_at_the_start()

    @invariant()
    def lots_sum_to_the_position(self):
        bot = self.bot
        step = bot.world.step
        assert bot.ledger.amount == pytest.approx(bot.position, abs=step * 1e-6)
        assert all(lot.amount > step / 2 for lot in bot.ledger.lots.values())

    @invariant()
    def nothing_is_sold_below_its_costs_but_by_stop_recovery_and_user(self):
        bot = self.bot
        for sold in bot.sold[self.checked :]:
            self._is_sold_well(sold)
        self.checked = len(bot.sold)

    def _is_sold_well(self, sold):
        """A user who buys may raise what a lot costs, while its exit at market is still in work."""
        side, costs = self.bot.world.side, self.bot.world.rules.costs
        verb = tags.verb_of(sold.fill.tag)
        if verb not in MAY_LOSE and sold.is_own:
            levels = [piece.level for piece in sold.closed]
            assert levels
            for level in levels:
                least = lowest_target(sold.held[level].price, side, costs)
                assert side * sold.fill.price >= side * least * (1 - side * 1e-12)
        profit = sum(piece.profit for piece in sold.closed)
        if verb == tags.RECOVER:
            assert -profit <= max(0.0, sold.allowed) + 1e-9
        if verb == tags.END and sold.is_whole and sold.is_own:
            cost = sum(piece.amount * piece.entry_price for piece in sold.closed)
            allowed = CHEAP_END_SHARE * max(0.0, sold.harvest)
            assert profit >= -allowed - NEAR_MARKET * cost - 1e-9

    @invariant()
    def recovery_stays_within_its_budget(self):
        assert self.bot.lost_by_recovery <= self.bot.world.budget * (1 + 1e-9)

    @invariant()
    def lines_stand_in_order_and_apart(self):
        bot = self.bot
        plan, side, tick = bot.plan, bot.world.side, bot.world.layout.tick
        for inner, outer in pairwise(plan.lines):
            distance = side * (inner.price - outer.price)
            assert distance > 0
            assert outer.level == inner.level + 1
            if {inner.level, outer.level} <= bot.laid:
                nearest = min(inner.price, outer.price, plan.anchor)
                assert distance >= CLOSEST * plan.step * nearest / DENSEST * MOVED - 2 * tick

    @invariant()
    def every_target_pays_for_its_costs(self):
        bot = self.bot
        side, costs = bot.world.side, bot.world.rules.costs
        for line in bot.plan.lines:
            least = lowest_target(line.price, side, costs)
            assert side * line.target >= side * least - 1e-9 * least
        for lot in bot.ledger.lots.values():
            target = target_of(lot, bot.plan, bot.world.rules)
            least = lowest_target(lot.price, side, costs)
            assert side * target >= side * least - 1e-9 * least

    @invariant()
    def the_same_input_gives_the_same_decision(self):
        assert repr(self.bot.decide()) == repr(self.bot.decide())

    @invariant()
    def total_risk_is_at_most_what_was_stated_at_the_start(self):
        bot = self.bot
        world, ledger = bot.world, bot.ledger
        fraction = stop_fraction(_stops(world.rules), trailing_down=False)
        costs = world.rules.costs

        def at_risk(stake):
            return stopped_cycle(stake, 1.0, fraction, costs)

        stated = worst_loss(
            [at_risk(RAISED * world.levels * world.stake)], 1, world.budget, world.wallet,
            (world.wallet, world.wallet), BreakerSettings(enabled=False),
        )  # fmt: skip
        free = [
            line
            for line in bot.plan.lines
            if line.level not in ledger.lots and line.level not in ledger.stopped
        ]
        lots = sum(at_risk(lot.cost) for lot in ledger.lots.values())
        lines = at_risk(RAISED * len(free) * world.stake)
        left = max(0.0, world.budget - bot.lost_by_recovery)
        by_hand = at_risk(bot.by_hand)
        assert lots + lines + left <= stated.round + by_hand + 1e-6


def _stops(rules):
    known = {
        name: getattr(rules, name)
        for name in ("lot_stop", "cycle_stop")
        if math.isfinite(getattr(rules, name))
    }
    switches = {f"{name}_enabled": name in known for name in ("lot_stop", "cycle_stop")}
    return StopSettings(**known, **switches)


TestGrid = Grid.TestCase
TestGrid.settings = settings(max_examples=250, stateful_step_count=40)
