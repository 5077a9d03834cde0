"""A grid replayed over candles by the pure core alone: plan, ledger, decision, and nothing else.

The rules are the backtest's: one working order, decided at the open of a candle, filled when the
candle touches its price; what answers a fill waits for the next candle.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from gridkit.grid import plan as plans
from gridkit.grid import recovery, tags
from gridkit.grid.costs import Costs
from gridkit.grid.decisions import decide
from gridkit.grid.lots import Closed, Fill, Ledger
from gridkit.grid.plan import EMPTY, Layout, Plan, Terrain
from gridkit.grid.situation import Order, Resting, Rules, Situation, Stuck, Verdict
from gridkit.grid.spacing import Spacing
from gridkit.settings import GridSettings, SpacingSettings

CANDLE = 300.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle's prices."""

    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class World:
    """What a replay runs in. `step` is the lot step; `base_fee` is taken from the coins bought.

    `budget` is what recovery may lose in the cycle; `filled` is how much of an exit is filled
    before the rest of it is taken back; `terrain` is what lines are laid by.
    """

    layout: Layout
    rules: Rules
    spacing: Spacing
    side: int
    levels: int
    stake: float
    step: float
    base_fee: float = 0.0
    least_value: float = 0.0
    least_order: float = 0.0
    replan_candles: int = 72
    budget: float = math.inf
    filled: float = 1.0
    terrain: Terrain = EMPTY


@dataclass(slots=True)
class Cycle:
    """One trade, from its first order to flat, and everything that happened in it."""

    world: World
    plan: Plan
    ledger: Ledger
    resting: Resting | None = None
    share: float | None = None
    stuck: dict[int, Stuck] = field(default_factory=dict)
    position: float = 0.0
    cash: float = 0.0
    orders: int = 0
    placed: list[tuple[int, Order]] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    verdicts: int = 0

    @property
    def flat(self) -> bool:
        """Whether the trade has had its entry and nothing that could be sold is left."""
        return bool(self.fills) and not self.ledger.lots


def walk(seed: int, candles: int, sigma: float = 0.003, parts: int = 6) -> Iterator[Bar]:
    """Candles of a random walk with jumps between them."""
    noise = np.random.default_rng(seed)
    steps = noise.normal(0.0, sigma / math.sqrt(parts), (candles, parts))
    jumps = noise.normal(0.0, 6 * sigma, candles) * (noise.random(candles) < 0.03)
    price = 100.0
    for moves, jump in zip(steps, jumps, strict=True):
        path = price * math.exp(jump) * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
        yield Bar(float(path[0]), float(path.max()), float(path.min()), float(path[-1]))
        price = float(path[-1])


def start(world: World, price: float, now: float) -> Cycle:
    """A cycle whose first line rests a step from the market."""
    plan = plans.make(
        price, world.spacing, world.side, world.levels, world.stake, now, world.layout,
        world.terrain,
    )  # fmt: skip
    cycle = Cycle(world, plan, Ledger(world.side < 0, world.step))
    line = plan.lines[0]
    order = Order(True, (1,), line.price, tags.entry_tag((1,)), "opening")
    place(cycle, order, Bar(price, price, price, price), 0)
    return cycle


def mark(cycle: Cycle, rate: float, now: float) -> None:
    """Note the lots that are stuck, as the host does at each candle."""
    lots, how = cycle.ledger.lots, cycle.world.rules
    kept = {
        level: one
        for level, one in cycle.stuck.items()
        if level in lots and lots[level].opened <= one.since
    }
    cycle.stuck = kept | recovery.newly_stuck(lots, kept, cycle.plan, rate, now, how)


def situation(cycle: Cycle, rate: float) -> Situation:
    world = cycle.world
    lost = sum(loss for _, loss in cycle.ledger.recovery_losses)
    return Situation(
        plan=cycle.plan,
        lots=cycle.ledger.lots,
        stopped=frozenset(cycle.ledger.stopped),
        recovered=frozenset(cycle.ledger.recovered),
        resting=cycle.resting,
        entry_rate=rate,
        exit_rate=rate,
        orders=cycle.orders,
        harvest=cycle.ledger.harvest,
        dust=cycle.ledger.dust,
        least_value_left=world.least_value,
        least_order_value=world.least_order,
        stuck=cycle.stuck,
        recovery_budget=world.budget - lost,
    )


def place(cycle: Cycle, order: Order, bar: Bar, candle: int) -> None:
    """Let an order rest instead of the one that does, as freqtrade's backtest does.

    It lets no order be worse than the candle: a buy is placed at its high at most, a sale at its
    low at least.
    """
    buys = order.is_entry is (cycle.world.side > 0)
    price = bar.open if order.price is None else order.price
    price = min(price, bar.high) if buys else max(price, bar.low)
    cycle.resting = Resting(order.is_entry, order.levels, price, order.tag)
    cycle.share = order.share
    cycle.orders += 1
    cycle.placed.append((candle, order))


def advance(cycle: Cycle, bar: Bar, candle: int) -> Verdict | None:
    """One candle: decide at its open, place, fill what it touches; returns the decision."""
    verdict = None
    if cycle.fills:
        if candle % cycle.world.replan_candles == 0:
            held = set(cycle.ledger.lots)
            gap = replace(cycle.world.spacing, step=varied(cycle, candle))
            made = plans.revised(
                cycle.plan, held, gap, bar.open, candle * CANDLE, cycle.world.layout,
                cycle.world.terrain,
            )  # fmt: skip
            cycle.plan = made
        mark(cycle, bar.open, candle * CANDLE)
        verdict = decide(situation(cycle, bar.open), cycle.world.rules)
        cycle.verdicts += 1
        if verdict.order and verdict.place:
            place(cycle, verdict.order, bar, candle)
    resting = cycle.resting
    if resting is not None and bar.low <= resting.price <= bar.high:
        fill(cycle, resting, candle)
    return verdict


def varied(cycle: Cycle, candle: int) -> float:
    """A step that breathes as volatility does, between half and one and a half of the usual."""
    return cycle.world.spacing.step * (1 + 0.5 * math.sin(candle))


def fill(cycle: Cycle, resting: Resting, candle: int) -> None:
    """Fill the resting order at its price, a part of an exit if so; amounts are whole steps."""
    world, price = cycle.world, resting.price
    cycle.resting = None
    if resting.is_entry:
        wanted = world.stake * len(resting.levels) / price
        amount = math.floor(wanted / world.step + 1e-9) * world.step
        got, fee = amount * (1 - world.base_fee), amount * price * world.rules.costs.entry_fee
        cycle.position += got
        cycle.cash -= world.side * amount * price + (0.0 if world.base_fee else fee)
    else:
        amount = got = exit_amount(cycle, resting.levels)
        if not amount:
            return
        fee = amount * price * world.rules.costs.exit_fee
        cycle.position -= amount
        cycle.cash += world.side * amount * price - fee
    done = Fill(resting.is_entry, resting.levels, price, got, candle * CANDLE, fee, resting.tag)
    cycle.fills.append(done)
    cycle.closed += cycle.ledger.apply(done)


def exit_amount(cycle: Cycle, levels: tuple[int, ...]) -> float:
    """Whole steps of these lots and the dust, as the host asks freqtrade for them."""
    lots, world = cycle.ledger.lots, cycle.world
    held = sum(lots[level].amount for level in levels)
    held = held + cycle.ledger.dust if cycle.share is None else held * cycle.share
    return math.floor(world.filled * held / world.step + 1e-6) * world.step


def usual(side: int, **changes: object) -> World:
    """The defaults of the settings, on a pair with a tick and a lot step."""
    costs = Costs(0.001, 0.001, 0.0001, 0.001)
    how = Rules(
        hysteresis=0.15,
        lot_stop=0.05,
        cycle_stop=0.15,
        stop_price=None,
        pause_price=None,
        max_lots=25,
        max_orders=150,
        max_distance=0.0196,
        answers_gaps=True,
        costs=costs,
        tick=0.01,
    )
    layout = Layout(SpacingSettings(), GridSettings(), costs, how.tick)
    world = World(layout, how, Spacing(0.01, 0.02), side, 10, 25.0, 0.001)
    return replace(world, **changes)
