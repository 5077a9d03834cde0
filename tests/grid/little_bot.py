"""A bot of the pure core alone: what the host keeps, what an exchange does with its orders.

What it holds in memory (plan, ledger, what is stuck) follows from what it would keep: the fills,
and the plan and the stuck lots as JSON.
"""

import json
import math
from dataclasses import asdict, dataclass, field, replace

from gridkit.grid import plan as plans
from gridkit.grid import recovery, tags
from gridkit.grid.decisions import decide
from gridkit.grid.lots import Closed, Fill, Ledger, Lot
from gridkit.grid.plan import EMPTY, Layout, Plan, Terrain
from gridkit.grid.situation import Block, Order, Resting, Rules, Situation, Stuck, Verdict
from gridkit.grid.spacing import Spacing
from gridkit.risk import caps
from gridkit.risk.caps import Account
from gridkit.settings import CapSettings

FORCED = "force_exit"  # the tag of what a user sells
LEAST_ORDER = 5.0


@dataclass(frozen=True, slots=True)
class World:
    """What does not change. `stake` is a line's, `step` the lot step; `base_fee` is in coins.

    `budget` is what recovery may lose in all.
    """

    side: int
    layout: Layout
    rules: Rules
    caps: CapSettings
    levels: int
    stake: float
    budget: float
    step: float = 0.001
    base_fee: float = 0.0
    wallet: float = 1_000.0
    pairs: int = 1


@dataclass(slots=True)
class Sold:
    """An exit as it was filled: the lots as they were, what was closed, the harvest before it.

    `is_whole` is false for a part of an order, `is_own` where a user traded since that was placed.
    """

    fill: Fill
    held: dict[int, Lot]
    closed: list[Closed]
    harvest: float
    allowed: float  # recovery's budget just before
    is_whole: bool
    is_own: bool


@dataclass
class Bot:
    """One pair, from cycle to cycle. `others` is stake of other pairs, `reserved` their cash."""

    world: World
    rate: float
    now: float = 0.0
    terrain: Terrain = EMPTY
    block: Block | None = None
    flatten: str | None = None
    thin: bool = False
    scale: float = 1.0  # what a prediction makes of stakes
    others: float = 0.0
    reserved: float = 0.0
    frozen: float = 0.0  # of the others' stake, what only rests: it is still cash
    asset_limit: float = math.inf
    cash: float = 0.0
    lost: float = 0.0  # by recovery, in cycles that are over
    by_hand: float = 0.0  # stake that a user added in this cycle
    touched: bool = False  # by a user, since the order in work was placed
    whole: bool = True
    sold: list[Sold] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cash = self.world.wallet
        self.begin(0.01)

    def begin(self, step: float) -> None:
        """Start a cycle a step from the market, its first line resting."""
        world = self.world
        gap = Spacing(step, 0.02)
        self.plan = plans.make(
            self.rate, gap, world.side, world.levels, world.stake, self.now, world.layout,
            self.terrain,
        )  # fmt: skip
        self.laid = frozenset(line.level for line in self.plan.lines)
        self.ledger = Ledger(world.side < 0, world.step)
        self.fills: list[Fill] = []
        self.gone: set[int] = set()  # levels that a stop emptied in this cycle
        self.recovered: set[int] = set()  # ... and recovery
        self.stuck: dict[int, Stuck] = {}
        self.resting: Resting | None = None
        self.share: float | None = None
        self.raised = 1.0
        self.position = self.by_hand = 0.0
        self.orders = 0
        self.room, self.room_block = math.inf, None
        line = self.plan.lines[0]
        self.place(Order(True, (1,), line.price, tags.entry_tag((1,)), "opening"))

    @property
    def is_over(self) -> bool:
        return bool(self.fills) and not self.ledger.lots

    @property
    def lost_by_recovery(self) -> float:
        return self.lost + sum(loss for _, loss in self.ledger.recovery_losses)

    @property
    def tied(self) -> float:
        return self.ledger.cost + self.others

    # -- what the host does ---------------------------------------------------------------

    def situation(self) -> Situation:
        self.room, self.room_block = self.means()
        return Situation(
            plan=self.plan,
            lots=self.ledger.lots,
            stopped=frozenset(self.ledger.stopped),
            recovered=frozenset(self.ledger.recovered),
            resting=self.resting,
            entry_rate=self.rate,
            exit_rate=self.rate,
            orders=self.orders,
            harvest=self.ledger.harvest,
            peak_cost=self.ledger.peak_cost,
            dust=self.ledger.dust,
            block=self.block,
            flatten=self.flatten,
            thin=self.thin,
            scale=self.scale,
            stuck=self.stuck,
            recovery_budget=self.world.budget - self.lost_by_recovery,
            room=self.room,
            room_block=self.room_block,
            least_value_left=LEAST_ORDER,
            least_order_value=LEAST_ORDER,
            asset_limit=self.asset_limit,
        )

    def means(self) -> tuple[float, Block]:
        """What may be added, its own resting entry apart."""
        capital = self.cash + self.tied - self.frozen
        tied = self.tied
        asset, pairs = self.ledger.cost, self.world.pairs
        seen = Account(capital, self.cash, self.reserved, tied, tied, asset, pairs, 1.0)
        return caps.room(seen, self.world.caps)

    def decide(self) -> Verdict:
        return decide(self.situation(), self.world.rules)

    def mark(self) -> None:
        kept = {
            level: one
            for level, one in self.stuck.items()
            if level in self.ledger.lots and self.ledger.lots[level].opened <= one.since
        }
        found = recovery.newly_stuck(
            self.ledger.lots, kept, self.plan, self.rate, self.now, self.world.rules
        )
        self.stuck = kept | found

    def look(self) -> Verdict:
        """Mark, decide, do; the next cycle begins when this one is over."""
        self.mark()
        verdict = self.decide()
        if verdict.order and verdict.place:
            self.place(verdict.order)
        return verdict

    def revise(self, step: float) -> None:
        held = set(self.ledger.lots)
        if not self.fills:
            return
        gap = Spacing(step, 0.02)
        before = self.plan
        self.plan = plans.revised(
            before, held, gap, self.rate, self.now, self.world.layout, self.terrain
        )
        outside = {line.level for line in self.plan.lines} - set(range(min(held), max(held) + 1))
        is_laid = self.plan.step == step and self.plan.lines != before.lines
        self.laid = frozenset(outside) if is_laid else frozenset()

    def restart(self) -> None:
        """Know only what was kept."""
        self.plan = Plan.from_document(json.loads(json.dumps(self.plan.as_document())))
        kept = json.loads(json.dumps({str(lv): asdict(one) for lv, one in self.stuck.items()}))
        self.stuck = {int(level): Stuck(**one) for level, one in kept.items()}
        self.ledger = Ledger(self.world.side < 0, self.world.step)
        self.ledger.apply_all(self.fills)

    # -- what the exchange and the user do ------------------------------------------------

    def place(self, order: Order) -> None:
        price = self.rate if order.price is None else order.price
        self.resting = Resting(order.is_entry, order.levels, price, order.tag)
        self.share, self.touched, self.raised = order.share, False, order.scale
        self.orders += 1

    def cancel(self) -> None:
        self.resting = None

    def fill(self, part: float = 1.0) -> None:
        """Fill a part of the order in work at its price, and take the rest back."""
        resting, step = self.resting, self.world.step
        if resting is None:
            return
        self.resting = None
        wanted = self._wanted(resting)
        amount = math.floor(part * wanted / step + 1e-6) * step
        self.whole = part == 1
        if amount > 0:
            self._trade(resting.is_entry, resting.levels, resting.price, amount, resting.tag)

    def _wanted(self, resting: Resting) -> float:
        if resting.is_entry:
            return self.raised * self.plan.level_stake * len(resting.levels) / resting.price
        lots = self.ledger.lots
        held = sum(lots[level].amount for level in resting.levels if level in lots)
        return held + self.ledger.dust if self.share is None else held * self.share

    def buy_by_hand(self, stake: float) -> None:
        """What names no line belongs to the nearest, as the host reads it."""
        near = min(self.plan.lines, key=lambda line: (abs(line.price - self.rate), line.level))
        amount = math.floor(stake / self.rate / self.world.step) * self.world.step
        self.by_hand += amount * self.rate
        self.touched = True
        self._trade(True, (near.level,), self.rate, amount, "")

    def sell_by_hand(self, part: float) -> None:
        amount = math.floor(part * self.position / self.world.step) * self.world.step
        self.touched = True
        if amount > 0:
            self._trade(False, (), self.rate, amount, FORCED)

    def _trade(
        self, is_entry: bool, levels: tuple[int, ...], price: float, amount: float, tag: str
    ) -> None:
        world, costs = self.world, self.world.rules.costs
        got = amount * (1 - world.base_fee) if is_entry else amount
        fee = amount * price * (costs.entry_fee if is_entry else costs.exit_fee)
        held, harvest = dict(self.ledger.lots), self.ledger.harvest
        allowed, cost = world.budget - self.lost_by_recovery, self.ledger.cost
        done = Fill(is_entry, levels, price, got, self.now, fee, tag)
        closed = self.ledger.apply(done)
        self.fills.append(done)
        self.position += got if is_entry else -got
        self._note_losses(is_entry, levels, tag)
        self.cash -= self.ledger.cost - cost - sum(piece.profit for piece in closed)
        if not is_entry:
            self.sold.append(
                Sold(done, held, closed, harvest, allowed, self.whole, not self.touched)
            )

    def _note_losses(self, is_entry: bool, levels: tuple[int, ...], tag: str) -> None:
        verb, emptied = tags.verb_of(tag), set(levels) - self.ledger.lots.keys()
        if is_entry:
            self.gone -= set(levels)
            self.recovered -= set(levels)
        elif verb == tags.STOP:
            self.gone |= emptied
        elif verb == tags.RECOVER:
            self.recovered |= emptied

    def close(self, step: float) -> None:
        """Let the next cycle begin; the dust stays behind."""
        self.lost = self.lost_by_recovery
        self.begin(step)


def shifted(world: World, **rules: object) -> World:
    """The same world with other rules."""
    return replace(world, rules=replace(world.rules, **rules))
