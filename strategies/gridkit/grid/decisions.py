"""What the grid does next: the one order that should rest, with its reason, or why there is none.

freqtrade gives a trade one working order (DESIGN 2.1), so the decision is which line rests, and it
must be sticky. Everything here is a pure function of plain numbers and small frozen values.
"""

import math

from gridkit.grid.entries import next_entry
from gridkit.grid.exits import next_exit
from gridkit.grid.recovery import note_ages
from gridkit.grid.situation import Block, Order, Rules, Situation, Verdict
from gridkit.grid.urgent import urgent_exit
from gridkit.grid.view import View
from gridkit.grid.working import out_of_reach, rests_already


def decide(situation: Situation, rules: Rules) -> Verdict:
    """Return what should rest now. Rates that are not positive numbers change nothing."""
    if not (0 < situation.entry_rate < math.inf and 0 < situation.exit_rate < math.inf):
        return Verdict(None, False, Block("rate unknown", situation.exit_rate, 0.0))
    view = View(situation, rules)
    note_ages(view)
    urgent = urgent_exit(view)
    if urgent:
        return _verdict(urgent, view, None)
    entry, block = next_entry(view)
    order, far = _choose(entry, next_exit(view), view)
    return _verdict(order, view, block or far)


def _verdict(order: Order | None, view: View, block: Block | None) -> Verdict:
    place = order is not None and not rests_already(order, view)
    if view.entry != view.exit:
        return Verdict(order, place, block, withheld=view.withheld)
    low, high = sorted((view.side * view.bounds.low, view.side * view.bounds.high))
    return Verdict(order, place, block, low, high, view.withheld)


def _choose(
    entry: Order | None, exit_: Order | None, view: View
) -> tuple[Order | None, Block | None]:
    """Let the nearer one rest, the other where that is too far to be placed.

    An entry that only this keeps from resting is told. How far the other one is plays no part while
    the nearer one may rest, so it does not bound the verdict.
    """
    block = None
    for order in _nearer_first(entry, exit_, view):
        far = out_of_reach(order, view)
        if far is None:
            return order, block
        block = far if order.is_entry else block
    return None, block


def _nearer_first(entry: Order | None, exit_: Order | None, view: View) -> list[Order]:
    """Order them, with hysteresis for the one that rests (DESIGN 2.1)."""
    if entry is None or exit_ is None:
        return [order for order in (entry, exit_) if order]
    return [entry, exit_] if _is_nearer(entry, exit_, view) else [exit_, entry]


def _is_nearer(entry: Order, exit_: Order, view: View) -> bool:
    if exit_.price is None or entry.price is None:
        return exit_.price is not None
    low, high = view.mirrored(entry.price), view.mirrored(exit_.price)
    if view.exit >= high or view.entry <= low:
        return view.exit < high
    return _position(low, high, view)


def _position(low: float, high: float, view: View) -> bool:
    """Whether the market is in the entry's part of the way from entry to target."""
    resting, band = view.situation.resting, view.rules.hysteresis
    switch = 0.5
    if resting is not None:
        switch = 0.5 + band if resting.is_entry else 0.5 - band
    border = low + switch * (high - low)
    view.bounds.event(border)
    return view.exit < border
