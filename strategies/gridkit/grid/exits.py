"""The exit that is next: the nearest target, or the lots the market already pays for."""

from collections.abc import Mapping

from gridkit.grid import tags
from gridkit.grid.ladder import ladder_exit
from gridkit.grid.situation import Order, Resting
from gridkit.grid.sizes import caution_about, grown, least_exit_rate, sells_now
from gridkit.grid.targets import target_of
from gridkit.grid.view import View


def next_exit(view: View) -> Order | None:
    """All lots the market already pays for, at market; or else the nearest rung or target."""
    situation = view.situation
    targets = {
        level: target_of(lot, situation.plan, view.rules) for level, lot in situation.lots.items()
    }
    for target in targets.values():
        view.bounds.event(view.mirrored(target))
    if not targets:
        return None
    verb = tags.SELL if view.side > 0 else tags.COVER
    paid = tuple(sorted(lv for lv, target in targets.items() if view.exit >= view.mirrored(target)))
    if paid:
        return _exit_at_market(paid, verb, targets, view)
    rung = ladder_exit(targets, view)
    if rung:
        return rung
    nearest = min(view.mirrored(target) for target in targets.values())
    levels = tuple(sorted(lv for lv, t in targets.items() if view.mirrored(t) == nearest))
    levels = _with_nearest(levels, view.side * nearest, targets, view)
    levels = grown(levels, view, caution_about(levels, view))
    return _exit_at_target(levels, verb, targets, "nearest target", view)


def _exit_at_market(
    paid: tuple[int, ...], verb: str, targets: Mapping[int, float], view: View
) -> Order:
    resting = view.situation.resting
    if resting and _is_target_of(resting, paid):
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


def _is_target_of(resting: Resting, paid: tuple[int, ...]) -> bool:
    """Whether an exit of lots the market pays for rests, and none of recovery."""
    if resting.is_entry or resting.recovers or not resting.levels:
        return False
    return set(resting.levels) <= set(paid)


def _exit_at_target(
    levels: tuple[int, ...], verb: str, targets: Mapping[int, float], reason: str, view: View
) -> Order:
    """One exit for these lots at the furthest of their targets, so that each of them pays."""
    price = view.side * max(view.mirrored(targets[level]) for level in levels)
    return Order(False, levels, price, tags.exit_tag(levels, verb), reason)


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
