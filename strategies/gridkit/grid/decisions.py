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
from gridkit.grid.working import rests_already


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
    exit_ = next_exit(view)
    return _verdict(_choose(entry, exit_, view), view, block)


def _verdict(order: Order | None, view: View, block: Block | None) -> Verdict:
    place = order is not None and not rests_already(order, view)
    if view.entry != view.exit:
        return Verdict(order, place, block, withheld=view.withheld)
    low, high = sorted((view.side * view.bounds.low, view.side * view.bounds.high))
    return Verdict(order, place, block, low, high, view.withheld)


def _choose(entry: Order | None, exit_: Order | None, view: View) -> Order | None:
    """Let the nearer one rest, with hysteresis for the one that does (DESIGN 2.1)."""
    if entry is None or exit_ is None:
        return entry or exit_
    if exit_.price is None or entry.price is None:
        return exit_ if exit_.price is None else entry
    low, high = view.mirrored(entry.price), view.mirrored(exit_.price)
    if view.exit >= high or view.entry <= low:
        return exit_ if view.exit >= high else entry
    return entry if _position(low, high, view) else exit_


def _position(low: float, high: float, view: View) -> bool:
    """Whether the market is in the entry's part of the way from entry to target."""
    resting, band = view.situation.resting, view.rules.hysteresis
    switch = 0.5
    if resting is not None:
        switch = 0.5 + band if resting.is_entry else 0.5 - band
    border = low + switch * (high - low)
    view.bounds.event(border)
    return view.exit < border
