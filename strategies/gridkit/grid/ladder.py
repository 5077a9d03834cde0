"""The ladder: a stuck lot leaves in parts, on the way up from where it became stuck (SPEC E.3).

Thirds rest at the first, second and last rung. Where a third is too small for the exchange, or for
freqtrade to remain, halves rest at the first and last one, or the whole lot at the middle one. How
many parts are gone follows from the amount left.

Which rungs are used is a setting: all, those at which a lot loses (one that earns is out of
trouble, and its target is its exit), or these while the market trends against the grid, as it does
not bring a lot to its target then.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gridkit.grid import tags
from gridkit.grid.costs import lowest_target, on_tick
from gridkit.grid.lots import Lot
from gridkit.grid.recovery import over_budget
from gridkit.grid.situation import Order, RecoveryRules, Stuck
from gridkit.grid.sizes import REMAINDER_BAND, amount_is_taken, amount_may_remain, rest_is_too_small
from gridkit.grid.view import View
from gridkit.grid.working import out_of_reach

_ROUNDING = 1e-6  # of a lot's amount: what floats leave of a part that is gone


@dataclass(frozen=True, slots=True)
class Part:
    """What may be sold of a stuck lot next, in base currency, and at which price."""

    level: int
    price: float
    amount: float


def ladder_exit(targets: Mapping[int, float], view: View) -> Order | None:
    """Return the nearest rung's exit, where it is nearer than any target (prices, by level)."""
    part = _nearest_part(view)
    if part is None or view.mirrored(part.price) >= min(map(view.mirrored, targets.values())):
        return None
    lot = view.situation.lots[part.level]
    share = None if part.amount >= lot.amount else part.amount / lot.amount
    tag = tags.exit_tag((part.level,), tags.RECOVER)
    resting = Order(False, (part.level,), part.price, tag, "next rung of recovery", share)
    if _rests(part, view) or _is_ahead(part, view):
        return None if out_of_reach(resting, view) else resting
    if not _is_taken_now(part.amount, view):
        return None
    return Order(False, (part.level,), None, tag, "price is beyond the rung of recovery", share)


def rung_prices(stuck: Stuck, recovery: RecoveryRules, view: View) -> tuple[float, ...]:
    """Return the prices of the three rungs, on the exchange's price step."""
    return _on_ticks(stuck.price, recovery.ladder, view.side, view.rules.tick)


@lru_cache
def _on_ticks(
    start: float, distances: tuple[float, ...], side: int, tick: float
) -> tuple[float, ...]:
    """Return prices so far from where a lot became stuck: every decision asks for the same."""
    wanted = (start * (1 + side * distance) for distance in distances)
    return tuple(on_tick(price, tick, up=side > 0) for price in wanted)


def rungs(stuck: Stuck, recovery: RecoveryRules, view: View) -> list[tuple[float, float]]:
    """Return the rungs that are used: price, and the share of the lot that is gone after it."""
    first, middle, last = rung_prices(stuck, recovery, view)
    worst = min(stuck.price, last)
    for used in ((first, middle, last), (first, last)):
        part = stuck.amount / len(used)
        if amount_is_taken(part, worst, view) and amount_may_remain(part, worst, view):
            return [(price, (index + 1) / len(used)) for index, price in enumerate(used)]
    return [(middle, 1.0)]


def _nearest_part(view: View) -> Part | None:
    recovery, stuck = view.rules.recovery, view.situation.stuck
    if recovery is None or recovery.mode != "ladder":
        return None
    if recovery.rungs == "against" and not view.situation.adverse:
        return None
    levels = [level for level in sorted(stuck) if level in view.situation.lots]
    firsts = (next(_parts(level, recovery, view), None) for level in levels)
    found = [part for part in firsts if part is not None]
    return min(found, key=lambda part: (view.mirrored(part.price), part.level), default=None)


def _parts(level: int, recovery: RecoveryRules, view: View) -> Iterator[Part]:
    """Yield what may be sold of a lot at each rung to come."""
    lot, stuck = view.situation.lots[level], view.situation.stuck[level]
    end = _end_of_recovery(lot, recovery, view)
    for price, share in rungs(stuck, recovery, view):
        if view.mirrored(price) >= end:
            return
        part = Part(level, price, _amount_due(lot, stuck, share, view))
        if part.amount > _ROUNDING * stuck.amount and _may_be_sold(part, lot, view):
            yield part


def _end_of_recovery(lot: Lot, recovery: RecoveryRules, view: View) -> float:
    """Return the price, mirrored, from which a lot may be sold without being recovered."""
    if recovery.rungs == "always":
        return math.inf
    return view.mirrored(lowest_target(lot.price, view.side, view.rules.costs))


def _amount_due(lot: Lot, stuck: Stuck, share: float, view: View) -> float:
    """Return what has to go until `share` of the lot is gone, in whole steps; all at the end."""
    if share >= 1:
        return lot.amount
    gone = max(0.0, stuck.amount - lot.amount)
    return on_tick(max(0.0, stuck.amount * share - gone), view.rules.amount_step, up=False)


def _may_be_sold(part: Part, lot: Lot, view: View) -> bool:
    if not amount_is_taken(part.amount, part.price, view):
        return False
    others = sum(one.amount for level, one in view.situation.lots.items() if level != part.level)
    if rest_is_too_small(others + lot.amount - part.amount, _caution_about(part, view), view):
        return False
    return not over_budget([(lot, part.amount)], part.price, view)


def _caution_about(part: Part, view: View) -> float:
    """Factor on the least remainder that keeps a rung's exit sticky, as `sizes.caution_about`."""
    resting = view.situation.resting
    if resting is None or not resting.recovers or resting.levels != (part.level,):
        return 1.0
    return 0.0 if _rests(part, view) else 1.0 + REMAINDER_BAND


def _rests(part: Part, view: View) -> bool:
    """Whether an exit of this lot's recovery rests at this rung."""
    resting = view.situation.resting
    if resting is None or not resting.recovers or resting.levels != (part.level,):
        return False
    return abs(resting.price - part.price) <= max(view.rules.tick / 2, 1e-9 * part.price)


def _is_ahead(part: Part, view: View) -> bool:
    price = view.mirrored(part.price)
    view.bounds.event(price)
    return view.exit < price


def _is_taken_now(amount: float, view: View) -> bool:
    """Whether the exchange takes so much at the rate now: a short's is below the rung's price."""
    view.bounds.event(view.mirrored(view.situation.least_order_value / amount))
    return amount_is_taken(amount, view.situation.exit_rate, view)
