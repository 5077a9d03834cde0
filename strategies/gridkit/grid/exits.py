"""The exit that may rest: the nearest target, or the lots the market already pays for."""

from collections.abc import Mapping

from gridkit.grid import tags
from gridkit.grid.costs import lowest_target, on_tick
from gridkit.grid.situation import Order
from gridkit.grid.sizes import caution_about, grown, least_exit_rate, sells_now
from gridkit.grid.view import View
from gridkit.grid.working import out_of_reach


def next_exit(view: View) -> Order | None:
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
    levels = grown(levels, view, caution_about(levels, view))
    return _exit_at_target(levels, verb, targets, "nearest target", view)


def _exit_at_market(
    paid: tuple[int, ...], verb: str, targets: Mapping[int, float], view: View
) -> Order | None:
    resting = view.situation.resting
    if resting and not resting.is_entry and resting.levels and set(resting.levels) <= set(paid):
        levels = resting.levels
        price = view.side * max(view.mirrored(targets[level]) for level in levels)
        if price >= least_exit_rate(levels, view):
            tag = tags.exit_tag(levels, verb)
            return Order(False, levels, price, tag, "target was jumped over")
    price = view.situation.exit_rate if sells_now(paid, view) else 0.0
    levels = _with_nearest(paid, price, targets, view)
    levels = grown(levels, view, caution_about(levels, view))
    if set(levels) <= set(paid):
        tag = tags.exit_tag(levels, verb)
        return Order(False, levels, None, tag, "price is beyond the target")
    return _exit_at_target(levels, verb, targets, "with more lots, as alone too small", view)


def _exit_at_target(
    levels: tuple[int, ...], verb: str, targets: Mapping[int, float], reason: str, view: View
) -> Order | None:
    """One exit for these lots at the furthest of their targets, so that each of them pays."""
    price = view.side * max(view.mirrored(targets[level]) for level in levels)
    order = Order(False, levels, price, tags.exit_tag(levels, verb), reason)
    return None if out_of_reach(order, price, view) else order


def _with_nearest(
    levels: tuple[int, ...], price: float, targets: Mapping[int, float], view: View
) -> tuple[int, ...]:
    """Return these lots, sold at this price, and the next targets' until they make an order."""
    others = [level for level in targets if level not in levels]
    for level in sorted(others, key=lambda one: (view.mirrored(targets[one]), one)):
        if price >= least_exit_rate(levels, view):
            break
        levels, price = (*levels, level), targets[level]
    return tuple(sorted(levels))


def _target(level: int, view: View) -> float:
    """Return the plan's target of a lot, but never below what pays for the way out."""
    lot = view.situation.lots[level]
    least = lowest_target(lot.price, view.side, view.rules.costs)
    line = view.situation.plan.line(level)
    if line is None or view.mirrored(line.target) < view.mirrored(least):
        return on_tick(least, view.rules.tick, up=view.side > 0)
    return line.target
