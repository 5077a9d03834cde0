"""What the grid does next: the one order that should rest, with its reason, or why there is none.

freqtrade gives a trade one working order (DESIGN 2.1), so the decision is which line rests, and it
must be sticky. Everything here is a pure function of plain numbers and small frozen values.

Prices are compared as `side * price`: for a short grid everything is mirrored and "inwards", the
direction in which lots earn, is always up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gridkit.grid import tags
from gridkit.grid.costs import Costs, lowest_target, on_tick
from gridkit.grid.lots import Lot
from gridkit.grid.plan import Line, Plan

CHEAP_END_SHARE = 0.1
REPRICE_FRACTION = 0.0005
REMAINDER_BAND = 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """An order that should rest. `price` None means: at the market's price now."""

    is_entry: bool
    levels: tuple[int, ...]
    price: float | None
    tag: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resting:
    """The order in work, as freqtrade has it."""

    is_entry: bool
    levels: tuple[int, ...]
    price: float
    tag: str


@dataclass(frozen=True, slots=True)
class Block:
    """Why nothing is added: the condition, its value and the threshold it misses."""

    condition: str
    value: float
    threshold: float

    def __str__(self) -> str:
        return f"{self.condition}: {self.value:.6g} against {self.threshold:.6g}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings a decision needs, and what they become on this pair. Fractions and prices.

    `max_distance` is how far from the market an order may stand; None in a price means unset;
    infinity switches a stop off; `amount_step` is in base currency. `answers_gaps` says whether an
    order the market jumped over has to be placed again (backtest) or is the exchange's to fill.
    """

    hysteresis: float
    lot_stop: float
    cycle_stop: float
    stop_price: float | None
    pause_price: float | None
    max_lots: int
    max_orders: int
    max_distance: float
    answers_gaps: bool
    costs: Costs
    tick: float = 0.0
    amount_step: float = 0.0


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision is made from. Stakes and values in stake currency.

    `entry_rate` and `exit_rate` are what an entry or exit at market would get now. `block` is a
    reason from outside against any addition (trend, cooldown, a lock); `room` is how much stake may
    be added, `room_block` what binds it; `least_value_left` and `least_amount_left` are the
    smallest position freqtrade lets a partial exit leave, `least_order_value` and
    `least_order_amount` the smallest order the exchange takes; `asset_limit` is the most this asset
    may be worth before it is trimmed.
    """

    plan: Plan
    lots: Mapping[int, Lot]
    stopped: frozenset[int]
    resting: Resting | None
    entry_rate: float
    exit_rate: float
    orders: int = 0
    harvest: float = 0.0
    dust: float = 0.0
    block: Block | None = None
    room: float = math.inf
    room_block: Block | None = None
    least_value_left: float = 0.0
    least_amount_left: float = 0.0
    least_order_value: float = 0.0
    least_order_amount: float = 0.0
    asset_limit: float = math.inf


@dataclass(frozen=True, slots=True)
class Verdict:
    """The order that should rest, or None; and between which rates this stays the answer.

    `place` is False where that order is already in work. `holds_above` and `holds_below` bound the
    open interval of rates; `block` says why nothing is added, if so.
    """

    order: Order | None
    place: bool
    block: Block | None
    holds_above: float = math.nan
    holds_below: float = math.nan

    def holds_at(self, rate: float) -> bool:
        """Whether the same situation at this rate would get the same verdict."""
        return self.holds_above < rate < self.holds_below


@dataclass(slots=True)
class _Bounds:
    """Narrow the interval of rates (as side * price) in which a verdict stays right.

    A rate exactly on an event leaves no interval: next to it, on either side, the verdict may
    differ.
    """

    now: float
    low: float = -math.inf
    high: float = math.inf

    def event(self, at: float) -> None:
        if at <= self.now:
            self.low = max(self.low, at)
        if at >= self.now:
            self.high = min(self.high, at)


@dataclass(slots=True)
class _View:
    """A situation in mirrored prices, with what follows from it."""

    situation: Situation
    rules: Rules
    side: int = field(init=False)
    entry: float = field(init=False)
    exit: float = field(init=False)
    bounds: _Bounds = field(init=False)

    def __post_init__(self) -> None:
        self.side = self.situation.plan.side
        self.entry = self.side * self.situation.entry_rate
        self.exit = self.side * self.situation.exit_rate
        self.bounds = _Bounds(self.exit)

    def mirrored(self, price: float) -> float:
        return self.side * price


def decide(situation: Situation, rules: Rules) -> Verdict:
    """Return what should rest now. Rates that are not positive numbers change nothing."""
    if not (0 < situation.entry_rate < math.inf and 0 < situation.exit_rate < math.inf):
        return Verdict(None, False, Block("rate unknown", situation.exit_rate, 0.0))
    view = _View(situation, rules)
    urgent = _flatten(view) or _stop_lots(view) or _end_early(view) or _trim(view)
    if urgent:
        return _verdict(urgent, view, None)
    entry, block = _next_entry(view)
    exit_ = _next_exit(view)
    return _verdict(_choose(entry, exit_, view), view, block)


def _verdict(order: Order | None, view: _View, block: Block | None) -> Verdict:
    place = order is not None and not _rests_already(order, view)
    if view.entry != view.exit:
        return Verdict(order, place, block)
    low, high = sorted((view.side * view.bounds.low, view.side * view.bounds.high))
    return Verdict(order, place, block, low, high)


def _rests_already(order: Order, view: _View) -> bool:
    resting = view.situation.resting
    if resting is None:
        return False
    if order.price is None:
        return _is_named(order, resting) and _still_near_market(resting, view)
    if not _is_in_place(order, order.price, view):
        return False
    return not (view.rules.answers_gaps and _jumped_over(resting, view))


def _is_named(order: Order, resting: Resting) -> bool:
    return (resting.is_entry, resting.tag) == (order.is_entry, order.tag)


def _is_in_place(order: Order, price: float, view: _View) -> bool:
    """Whether the order in work is this one, at this price."""
    resting = view.situation.resting
    if resting is None or not _is_named(order, resting):
        return False
    return abs(resting.price - price) <= max(view.rules.tick / 2, 1e-9 * price)


def _still_near_market(resting: Resting, view: _View) -> bool:
    """Leave an order at market that did not fill, until the market has left it."""
    if view.rules.answers_gaps:
        return False
    away = REPRICE_FRACTION * resting.price
    if resting.is_entry:
        limit = view.mirrored(resting.price) + away
        view.bounds.event(limit)
        return view.entry <= limit
    limit = view.mirrored(resting.price) - away
    view.bounds.event(limit)
    return view.exit >= limit


def _jumped_over(resting: Resting, view: _View) -> bool:
    price = view.mirrored(resting.price)
    view.bounds.event(price)
    return view.entry < price if resting.is_entry else view.exit > price


def _flatten(view: _View) -> Order | None:
    situation, rules = view.situation, view.rules
    if not situation.lots:
        return None
    if rules.stop_price is not None:
        limit = view.mirrored(rules.stop_price)
        view.bounds.event(limit)
        if view.exit <= limit:
            return _sell_all(view, tags.FLATTEN, f"price beyond stop_price {rules.stop_price:g}")
    cost = sum(lot.cost for lot in situation.lots.values())
    amount = sum(lot.amount for lot in situation.lots.values())
    limit = view.mirrored(cost / amount) - rules.cycle_stop * cost / amount
    view.bounds.event(limit)
    if view.exit <= limit:
        reason = f"open lots lost {rules.cycle_stop:.2%} of their cost"
        return _sell_all(view, tags.FLATTEN, reason)
    return None


def _sell_all(view: _View, verb: str, reason: str) -> Order:
    levels = tuple(sorted(view.situation.lots))
    return Order(False, levels, None, tags.exit_tag(levels, verb), reason)


def _stop_lots(view: _View) -> Order | None:
    hit = []
    for level, lot in view.situation.lots.items():
        limit = view.mirrored(lot.price) - view.rules.lot_stop * lot.price
        view.bounds.event(limit)
        if view.exit <= limit:
            hit.append(level)
    if not hit:
        return None
    lots = view.situation.lots
    worst = sorted(lots, key=lambda level: (-view.mirrored(lots[level].price), level))
    levels = _grown(_sellable(tuple(sorted(hit)), worst, view), view)
    tag = tags.exit_tag(levels, tags.STOP)
    return Order(False, levels, None, tag, f"lot lost {view.rules.lot_stop:.2%} of its entry price")


def _end_early(view: _View) -> Order | None:
    """End a cycle of too many orders where that costs little (DESIGN 2.15)."""
    situation = view.situation
    if situation.orders < view.rules.max_orders or not situation.lots:
        return None
    amount = sum(lot.amount for lot in situation.lots.values())
    spent = sum(lot.cost + lot.fee for lot in situation.lots.values())
    allowed = CHEAP_END_SHARE * max(0.0, situation.harvest)
    fee = view.rules.costs.exit_fee
    paid = sum(lot.cost for lot in situation.lots.values())
    fees = spent - paid
    limit = view.side * _even_price(paid, fees - allowed, amount, view.side, fee)
    view.bounds.event(limit)
    if view.exit < limit:
        return None
    reason = f"{situation.orders} orders in the cycle, and its end is cheap here"
    return _sell_all(view, tags.END, reason)


def _even_price(paid: float, lost: float, amount: float, side: int, fee: float) -> float:
    """Price at which selling all brings `lost` above what was paid, after the exit fee."""
    return (paid + side * lost) / (amount * (1 - side * fee))


def _trim(view: _View) -> Order | None:
    """Sell the best lot of an asset that outgrew its share, unless that takes a loss."""
    situation = view.situation
    if not situation.lots or math.isinf(situation.asset_limit):
        return None
    amount = sum(lot.amount for lot in situation.lots.values())
    best = sorted(situation.lots.values(), key=lambda lot: (view.mirrored(lot.price), lot.level))
    outgrown = situation.asset_limit / amount
    view.bounds.event(view.mirrored(outgrown))
    if situation.exit_rate <= outgrown:
        return None
    levels = _grown(_sellable((best[0].level,), [lot.level for lot in best], view), view)
    even = max(_least_sale(situation.lots[level], view) for level in levels)
    view.bounds.event(even)
    if view.exit < even:
        return None
    return Order(False, levels, None, tags.exit_tag(levels, tags.TRIM), "asset above its share")


def _least_sale(lot: Lot, view: _View) -> float:
    """Return the first rate, mirrored, that pays for a lot and the way out."""
    return view.side * lowest_target(lot.price, view.side, view.rules.costs)


def _next_entry(view: _View) -> tuple[Order | None, Block | None]:
    """Return the entry that may rest, or why none may."""
    situation, rules = view.situation, view.rules
    free = _free_lines(view)
    for line in free:
        view.bounds.event(view.mirrored(line.price))
    for limit in (rules.pause_price, rules.stop_price):
        if limit is not None:
            view.bounds.event(view.mirrored(limit))
    block = situation.block or _own_block(view, free)
    if block:
        return None, block
    affordable = _affordable(situation)
    if affordable < 1:
        return None, situation.room_block or Block(
            "stake left", situation.room, situation.plan.level_stake
        )
    return _entry_at(free, min(affordable, rules.max_lots - len(situation.lots)), view)


def _affordable(situation: Situation) -> int:
    if math.isinf(situation.room):
        return len(situation.plan.lines)
    return math.floor(situation.room / situation.plan.level_stake + 1e-9)


def _free_lines(view: _View) -> list[Line]:
    situation = view.situation
    return [
        line
        for line in situation.plan.lines
        if line.level not in situation.lots and line.level not in situation.stopped
    ]


def _own_block(view: _View, free: list[Line]) -> Block | None:
    situation, rules = view.situation, view.rules
    if not free:
        return Block("all lines are held", len(situation.lots), len(situation.plan.lines))
    if len(situation.lots) >= rules.max_lots:
        return Block("open lots", len(situation.lots), rules.max_lots)
    if situation.orders >= rules.max_orders:
        return Block("orders in the cycle", situation.orders, rules.max_orders)
    if rules.pause_price is not None and view.entry <= view.mirrored(rules.pause_price):
        return Block("price beyond pause_price", situation.entry_rate, rules.pause_price)
    if rules.stop_price is not None and view.entry <= view.mirrored(rules.stop_price):
        return Block("price beyond stop_price", situation.entry_rate, rules.stop_price)
    return None


def _entry_at(free: list[Line], most: int, view: _View) -> tuple[Order | None, Block | None]:
    """One order: all lines the price is already beyond, at market, or else the next line."""
    resting = view.situation.resting
    beyond = [line for line in free if view.entry <= view.mirrored(line.price)][:most]
    if beyond:
        jumped = [line for line in beyond if resting and _is_entry_of(resting, line)]
        if jumped:
            return _entry(jumped, jumped[0].price, "line was jumped over"), None
        return _entry(beyond, None, "price is beyond the line"), None
    line = max(free, key=lambda one: view.mirrored(one.price))
    order = _entry([line], line.price, "next free line")
    block = _out_of_reach(order, line.price, view)
    return (None, block) if block else (order, None)


def _is_entry_of(resting: Resting, line: Line) -> bool:
    return resting.is_entry and resting.levels == (line.level,)


def _entry(lines: list[Line], price: float | None, reason: str) -> Order:
    levels = tuple(line.level for line in lines)
    return Order(True, levels, price, tags.entry_tag(levels), reason)


def _out_of_reach(order: Order, price: float, view: _View) -> Block | None:
    """Live, freqtrade moves a price further than this to the limit; such an order waits.

    One that rests already may stay: the limit is for placing.
    """
    if _is_in_place(order, price, view):
        return None
    reach = view.rules.max_distance
    rate = view.situation.entry_rate if order.is_entry else view.situation.exit_rate
    lowest, highest = price / (1 + reach), price / (1 - reach) if reach < 1 else math.inf
    view.bounds.event(view.mirrored(lowest))
    view.bounds.event(view.mirrored(highest))
    if lowest <= rate <= highest:
        return None
    return Block("line too far for freqtrade", abs(price / rate - 1), reach)


def _next_exit(view: _View) -> Order | None:
    """All lots the market already pays for, at market; or else the nearest target."""
    situation = view.situation
    targets = {level: _target(level, view) for level in situation.lots}
    for target in targets.values():
        view.bounds.event(view.mirrored(target))
    if not targets:
        return None
    verb = tags.SELL if view.side > 0 else tags.COVER
    paid = tuple(sorted(lv for lv, target in targets.items() if view.exit >= view.mirrored(target)))
    if paid:
        return _exit_at_market(paid, verb, targets, view)
    nearest = min(view.mirrored(target) for target in targets.values())
    levels = tuple(sorted(lv for lv, t in targets.items() if view.mirrored(t) == nearest))
    levels = _with_nearest(levels, view.side * nearest, targets, view)
    levels = _grown(levels, view, _caution(levels, view))
    return _exit_at_target(levels, verb, targets, "nearest target", view)


def _exit_at_target(
    levels: tuple[int, ...], verb: str, targets: Mapping[int, float], reason: str, view: _View
) -> Order | None:
    """One exit for these lots at the furthest of their targets, so that each of them pays."""
    price = view.side * max(view.mirrored(targets[level]) for level in levels)
    order = Order(False, levels, price, tags.exit_tag(levels, verb), reason)
    return None if _out_of_reach(order, price, view) else order


def _exit_at_market(
    paid: tuple[int, ...], verb: str, targets: Mapping[int, float], view: _View
) -> Order | None:
    resting = view.situation.resting
    if resting and not resting.is_entry and resting.levels and set(resting.levels) <= set(paid):
        levels = resting.levels
        price = view.side * max(view.mirrored(targets[level]) for level in levels)
        if price >= _least_rate(levels, view):
            tag = tags.exit_tag(levels, verb)
            return Order(False, levels, price, tag, "target was jumped over")
    price = view.situation.exit_rate if _sells_now(paid, view) else 0.0
    levels = _with_nearest(paid, price, targets, view)
    levels = _grown(levels, view, _caution(levels, view))
    if set(levels) <= set(paid):
        tag = tags.exit_tag(levels, verb)
        return Order(False, levels, None, tag, "price is beyond the target")
    return _exit_at_target(levels, verb, targets, "with more lots, as alone too small", view)


def _target(level: int, view: _View) -> float:
    """Return the plan's target of a lot, but never below what pays for the way out."""
    lot = view.situation.lots[level]
    least = lowest_target(lot.price, view.side, view.rules.costs)
    line = view.situation.plan.line(level)
    if line is None or view.mirrored(line.target) < view.mirrored(least):
        return on_tick(least, view.rules.tick, up=view.side > 0)
    return line.target


def _with_nearest(
    levels: tuple[int, ...], price: float, targets: Mapping[int, float], view: _View
) -> tuple[int, ...]:
    """Return these lots, sold at this price, and the next targets' until they make an order."""
    others = [level for level in targets if level not in levels]
    for level in sorted(others, key=lambda one: (view.mirrored(targets[one]), one)):
        if price >= _least_rate(levels, view):
            break
        levels, price = (*levels, level), targets[level]
    return tuple(sorted(levels))


def _sellable(levels: tuple[int, ...], lots: Sequence[int], view: _View) -> tuple[int, ...]:
    """Return these levels, and the first of `lots` until they make an order at the market."""
    for level in lots:
        if _sells_now(levels, view):
            break
        levels = levels if level in levels else (*levels, level)
    return tuple(sorted(levels))


def _sells_now(levels: tuple[int, ...], view: _View) -> bool:
    """Whether these lots make an order at the market, well so where more of them are in work."""
    least_rate = max(1.0, _caution(levels, view)) * _least_rate(levels, view)
    view.bounds.event(view.mirrored(least_rate))
    return view.situation.exit_rate >= least_rate


def _least_rate(levels: tuple[int, ...], view: _View) -> float:
    """Return the rate from which the exchange takes an order of these lots; infinity: at none."""
    situation = view.situation
    held = sum(situation.lots[level].amount for level in levels) + situation.dust
    amount = on_tick(held, view.rules.amount_step, up=False)
    if amount <= 0 or amount < situation.least_order_amount * (1 - 1e-9):
        return math.inf
    return situation.least_order_value / amount


def _grown(levels: tuple[int, ...], view: _View, caution: float = 1.0) -> tuple[int, ...]:
    """Return these lots, or all where the rest is too small to remain (DESIGN 2.6)."""
    if _remainder_too_small(levels, view, caution):
        return tuple(sorted(view.situation.lots))
    return levels


def _caution(levels: tuple[int, ...], view: _View) -> float:
    """Factor on the least remainder that keeps an exit at a target sticky.

    What remains is worth more or less with every rate. freqtrade asks when an exit is placed, so
    what rests may stay; and an exit of all becomes one of some only well beyond the limit.
    """
    resting = view.situation.resting
    if resting is None or resting.is_entry:
        return 1.0
    if set(resting.levels) == set(levels):
        return 0.0
    return 1.0 + REMAINDER_BAND if set(resting.levels) > set(levels) else 1.0


def _remainder_too_small(levels: tuple[int, ...], view: _View, caution: float) -> bool:
    situation = view.situation
    rest = sum(lot.amount for level, lot in situation.lots.items() if level not in levels)
    if rest <= 0:
        return False
    least_rate = caution * situation.least_value_left / rest
    view.bounds.event(view.mirrored(least_rate))
    return situation.exit_rate < least_rate or rest < caution * situation.least_amount_left


def _choose(entry: Order | None, exit_: Order | None, view: _View) -> Order | None:
    """Let the nearer one rest, with hysteresis for the one that does (DESIGN 2.1)."""
    if entry is None or exit_ is None:
        return entry or exit_
    if exit_.price is None or entry.price is None:
        return exit_ if exit_.price is None else entry
    low, high = view.mirrored(entry.price), view.mirrored(exit_.price)
    if view.exit >= high or view.entry <= low:
        return exit_ if view.exit >= high else entry
    return entry if _position(low, high, view) else exit_


def _position(low: float, high: float, view: _View) -> bool:
    """Whether the market is in the entry's part of the way from entry to target."""
    resting, band = view.situation.resting, view.rules.hysteresis
    switch = 0.5
    if resting is not None:
        switch = 0.5 + band if resting.is_entry else 0.5 - band
    border = low + switch * (high - low)
    view.bounds.event(border)
    return view.exit < border
