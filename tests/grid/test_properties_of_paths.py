"""Whatever path the price takes: several pairs on one account, and prices in other units."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid import little_bot, replay
from grid.little_bot import Bot
from grid.replay import Bar, Cycle
from gridkit.grid import tags
from gridkit.grid.costs import Costs
from gridkit.grid.plan import EMPTY, Layout, Terrain
from gridkit.grid.situation import Order, RecoveryRules
from gridkit.grid.spacing import Spacing
from gridkit.risk.sizing import exposure_fraction
from gridkit.settings import (
    CapSettings,
    DensitySettings,
    GridSettings,
    SpacingSettings,
    VolumeLineSettings,
)
from strategies import LADDER, SIDES

SEEDS = st.integers(0, 2**32 - 1)
CANDLES = 150


# -- several pairs on one account -------------------------------------------------------------


class Accounts:
    """Pairs that share cash. What rests is frozen, as on an exchange; what is next is reserved."""

    def __init__(self, seed: int, pairs: int, cash: float, stake: float, caps: CapSettings):
        self.noise, self.caps = random.Random(seed), caps
        self.cash = self.most = cash
        self.placed = 0
        costs = Costs(0.001, 0.001, 0.0001, 0.001)
        world = little_bot.World(
            side=1,
            layout=Layout(SpacingSettings(), GridSettings(), costs, 0.01),
            rules=replace(replay.usual(1).rules, answers_gaps=False, amount_step=0.001),
            caps=caps, levels=8, stake=stake, budget=10.0, wallet=cash, pairs=pairs,
        )  # fmt: skip
        self.bots = [Bot(world, 100.0) for _ in range(pairs)]
        for bot in self.bots:
            bot.cancel()

    def turn(self, bot: Bot) -> None:
        """A candle of one pair: the market moves, what it passes is filled, the bot looks."""
        before, bot.now = bot.rate, bot.now + 300.0
        bot.rate *= math.exp(self.noise.gauss(-0.001, 0.01))
        low, high = sorted((before, bot.rate))
        if bot.resting and low <= bot.resting.price <= high:
            self._told(bot)
            bot.fill(self.noise.choice((1.0, 1.0, 0.5)))
            self.cash = bot.cash
        self._told(bot)
        if bot.is_over:
            bot.close(0.01)
            bot.cancel()
        if bot.fills:
            verdict = bot.look()
            if verdict.order and verdict.place and verdict.order.is_entry:
                self._check_placed(bot, len(verdict.order.levels))
        elif bot.resting is None and bot.means()[0] >= bot.world.stake:
            bot.begin(0.01)
            self._check_placed(bot, 1)

    def _told(self, bot: Bot) -> None:
        """What the bot reads of the account before it decides."""
        others = [one for one in self.bots if one is not bot]
        bot.others = sum(one.ledger.cost + resting(one) for one in others)
        bot.frozen = sum(map(resting, others))
        bot.reserved = bot.frozen + sum(next_stake(one) for one in others if not resting(one))
        bot.cash = self.cash

    def _check_placed(self, bot: Bot, lines: int) -> None:
        """By the account's own books: cash for the others' next lines is left, exposure holds."""
        self.placed += 1
        stake = lines * bot.world.stake
        others = [one for one in self.bots if one is not bot]
        needed = sum(resting(one) or next_stake(one) for one in others)
        assert self.cash - stake >= needed - 1e-6
        cost = sum(one.ledger.cost for one in self.bots)
        capital = self.cash + cost
        tied = cost + sum(map(resting, others)) + stake
        assert tied <= exposure_fraction(capital, self.caps) * capital + 1e-6
        if len(self.bots) > 1:
            assert bot.ledger.cost + stake <= self.caps.inventory * capital + 1e-6


def resting(bot: Bot) -> float:
    """Stake of the entry in work."""
    order = bot.resting
    return len(order.levels) * bot.world.stake if order and order.is_entry else 0.0


def next_stake(bot: Bot) -> float:
    ledger = bot.ledger
    taken = ledger.lots.keys() | ledger.stopped
    return bot.world.stake if any(line.level not in taken for line in bot.plan.lines) else 0.0


@settings(max_examples=60)
@given(
    seed=SEEDS,
    pairs=st.integers(1, 4),
    cash=st.sampled_from((150.0, 400.0, 2_000.0)),
    stake=st.sampled_from((10.0, 25.0, 60.0)),
    margin=st.sampled_from((None, 120.0)),
)
def test_pairs_that_share_an_account_never_spend_what_is_not_theirs(
    seed, pairs, cash, stake, margin
):
    caps = CapSettings(max_margin=margin)
    account = Accounts(seed, pairs, cash, stake, caps)
    for _ in range(CANDLES):
        for bot in account.bots:
            account.turn(bot)
            assert account.cash >= -1e-6
            cost = sum(one.ledger.cost for one in account.bots)
            account.most = max(account.most, account.cash + cost)
            assert cost <= exposure_fraction(account.most, caps) * account.most + 1e-6
            assert margin is None or cost <= margin + 1e-6


def test_shared_accounts_add_and_run_short():
    """So that the above is not true because nothing happens."""
    placed = short = 0
    for seed in range(10):
        account = Accounts(seed, 4, 400.0, 25.0, CapSettings())
        for _ in range(CANDLES):
            for bot in account.bots:
                account.turn(bot)
                short += bot.means()[0] < bot.world.stake
        placed += account.placed
    assert placed > 100
    assert short > 100


# -- prices in other units --------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> replay.World:
    world = replay.usual(draw(SIDES))
    around = draw(st.lists(st.floats(85.0, 115.0), max_size=6))
    terrain = Terrain(tuple(sorted(around[:3])), tuple(sorted(around[3:])))
    tick = draw(st.sampled_from((0.0, 0.01)))
    layout = replace(
        world.layout,
        tick=tick,
        density=draw(st.sampled_from((None, DensitySettings()))),
        volume_lines=draw(st.sampled_from((None, VolumeLineSettings()))),
    )
    stuck = RecoveryRules("ladder", LADDER, 0.03, 1_800.0, 0.05)
    rules = replace(
        world.rules,
        tick=tick,
        amount_step=world.step,
        lot_stop=draw(st.sampled_from((0.05, math.inf))),
        recovery=draw(st.sampled_from((None, stuck))),
    )
    return replace(
        world,
        layout=layout,
        rules=rules,
        terrain=draw(st.sampled_from((EMPTY, terrain))),
        spacing=Spacing(draw(st.sampled_from((0.004, 0.01))), 0.02),
        levels=draw(st.integers(1, 10)),
        least_order=draw(st.sampled_from((0.0, 20.0))),
        least_value=draw(st.sampled_from((0.0, 20.0))),
    )


def scaled(world: replay.World, factor: float) -> replay.World:
    """The same market with prices in another unit: coins are smaller where they cost less."""
    terrain = world.terrain
    return replace(
        world,
        step=world.step / factor,
        layout=replace(world.layout, tick=world.layout.tick * factor),
        rules=replace(
            world.rules,
            tick=world.rules.tick * factor,
            amount_step=world.rules.amount_step / factor,
        ),
        terrain=Terrain(
            tuple(price * factor for price in terrain.nodes),
            tuple(price * factor for price in terrain.supports),
        ),
    )


def placed(world: replay.World, seed: int, factor: float = 1.0) -> Cycle:
    cycle = None
    for candle, bar in enumerate(replay.walk(seed, CANDLES, 0.004)):
        prices = (bar.open, bar.high, bar.low, bar.close)
        moved = Bar(*(price * factor for price in prices))
        if cycle is None:
            cycle = replay.start(world, moved.open, 0.0)
        replay.advance(cycle, moved, candle)
        if cycle.flat:
            break
    assert cycle is not None
    return cycle


def order_of(order: Order, factor: float) -> tuple[str, object]:
    price = None if order.price is None else pytest.approx(order.price * factor, rel=1e-9)
    return order.tag, price


@settings(max_examples=120)
@given(worlds(), SEEDS, st.sampled_from((-5, -3, -1, 1, 2, 4)))
def test_prices_in_another_unit_give_the_same_orders(world, seed, power):
    factor = 10.0**power
    here, there = placed(world, seed), placed(scaled(world, factor), seed, factor)
    wanted = [(candle, order_of(order, factor)) for candle, order in here.placed]
    found = [(candle, (order.tag, order.price)) for candle, order in there.placed]
    assert found == wanted
    assert there.ledger.harvest == pytest.approx(here.ledger.harvest, rel=1e-6, abs=1e-6)


def test_orders_in_another_unit_are_of_every_kind():
    """So that the above is not true because nothing happens."""
    stuck = RecoveryRules("ladder", LADDER, 0.002, 600.0, 0.05)
    verbs = set()
    for seed in range(40):
        world = replay.usual(1)
        world = replace(world, rules=replace(world.rules, recovery=stuck, lot_stop=0.02))
        verbs |= {tags.verb_of(order.tag) for _, order in placed(world, seed).placed}
    assert {"", tags.SELL, tags.STOP, tags.RECOVER} <= verbs


@settings(max_examples=60)
@given(worlds(), SEEDS)
def test_the_same_path_gives_the_same_orders(world, seed):
    one, other = placed(world, seed), placed(world, seed)
    assert (one.placed, one.fills, one.ledger) == (other.placed, other.fills, other.ledger)
