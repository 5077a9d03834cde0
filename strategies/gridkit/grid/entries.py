"""The entry that is next: the next free line, or the lines the price is already beyond."""

import math

from gridkit.grid import tags
from gridkit.grid.plan import Line
from gridkit.grid.situation import Block, Order, Resting, Situation
from gridkit.grid.view import View
from gridkit.grid.working import rests_already

THIN = Block("illiquid hours, every second line waits", math.nan, math.nan)


def next_entry(view: View) -> tuple[Order | None, Block | None]:
    """Return the entry that is next, however far away, or why there is none.

    Both for one in work that may stay.
    """
    situation, rules = view.situation, view.rules
    lines = _free_lines(view)
    free = [line for line in lines if line.level % 2] if situation.thin else lines
    for line in free:
        view.bounds.event(view.mirrored(line.price))
    for limit in (rules.pause_price, rules.stop_price):
        if limit is not None:
            view.bounds.event(view.mirrored(limit))
    block = situation.block or _own_block(view, lines, free)
    if block:
        spared = block.spares_resting and _own_block(view, lines, free) is None
        return _left_alone(free, view) if spared else None, block
    affordable = _affordable(situation)
    if affordable < 1:
        return None, situation.room_block or Block(
            "stake left", situation.room, situation.plan.level_stake
        )
    return _entry_at(free, min(affordable, rules.max_lots - len(situation.lots)), view), None


def fitting(scale: float, stake: float, room: float) -> float:
    """Return by how much a stake is raised: not at all where that is more than there is room."""
    return scale if stake * scale <= room else 1.0


def _left_alone(free: list[Line], view: View) -> Order | None:
    """Return the entry in work where it is that of the next free line, at its price."""
    resting = view.situation.resting
    line = max(free, key=lambda one: view.mirrored(one.price))
    if resting is None or not _is_entry_of(resting, line):
        return None
    order = _entry([line], line.price, "next free line", view)
    return order if rests_already(order, view) else None


def _affordable(situation: Situation) -> int:
    if math.isinf(situation.room):
        return len(situation.plan.lines)
    return math.floor(situation.room / situation.plan.level_stake + 1e-9)


def _free_lines(view: View) -> list[Line]:
    """Lines without a lot, but for those stopped in this cycle or beyond a price limit."""
    situation = view.situation
    limits = (view.rules.pause_price, view.rules.stop_price)
    last = max((view.mirrored(one) for one in limits if one is not None), default=-math.inf)
    return [
        line
        for line in situation.plan.lines
        if line.level not in situation.lots
        and line.level not in situation.stopped
        and view.side * line.price > last
        and not (line.level in situation.recovered and _waits_for_price(line, view))
    ]


def _waits_for_price(line: Line, view: View) -> bool:
    """Whether price is still beyond a line recovery emptied: it is not bought at market."""
    price, resting = view.mirrored(line.price), view.situation.resting
    view.bounds.event(price)
    return view.entry <= price and not (resting and _is_entry_of(resting, line))


def _own_block(view: View, lines: list[Line], free: list[Line]) -> Block | None:
    situation, rules = view.situation, view.rules
    if rules.pause_price is not None and view.entry <= view.mirrored(rules.pause_price):
        return Block("price beyond pause_price", situation.entry_rate, rules.pause_price)
    if rules.stop_price is not None and view.entry <= view.mirrored(rules.stop_price):
        return Block("price beyond stop_price", situation.entry_rate, rules.stop_price)
    if not free:
        held = Block("no line is free", len(situation.lots), len(situation.plan.lines))
        return THIN if lines else held
    if len(situation.lots) >= rules.max_lots:
        return Block("open lots", len(situation.lots), rules.max_lots)
    if situation.orders >= rules.max_orders:
        return Block("orders in the cycle", situation.orders, rules.max_orders)
    return None


def _entry_at(free: list[Line], most: int, view: View) -> Order:
    """One order: all lines the price is already beyond, at market, or else the next line."""
    resting = view.situation.resting
    beyond = [line for line in free if view.entry <= view.mirrored(line.price)][:most]
    if beyond:
        jumped = [line for line in beyond if resting and _is_entry_of(resting, line)]
        if jumped:
            return _entry(jumped, jumped[0].price, "line was jumped over", view)
        return _entry(beyond, None, "price is beyond the line", view)
    line = max(free, key=lambda one: view.mirrored(one.price))
    return _entry([line], line.price, "next free line", view)


def _is_entry_of(resting: Resting, line: Line) -> bool:
    return resting.is_entry and resting.levels == (line.level,)


def _entry(lines: list[Line], price: float | None, reason: str, view: View) -> Order:
    levels, situation = tuple(line.level for line in lines), view.situation
    stake = len(lines) * situation.plan.level_stake
    scale = fitting(situation.scale, stake, situation.room)
    return Order(True, levels, price, tags.entry_tag(levels), reason, scale=scale)
