"""Exits of a size that is taken: by the exchange, and by freqtrade for what they leave.

An exit that is not, takes other lots along. What lots are worth follows the rate, so an exit that
was made larger becomes small again only well beyond the limit.
"""

import math
from collections.abc import Sequence

from gridkit.grid.costs import on_tick
from gridkit.grid.view import View

REMAINDER_BAND = 0.05


def grown(levels: tuple[int, ...], view: View, caution: float = 1.0) -> tuple[int, ...]:
    """Return these lots, or all where the rest is too small to remain (DESIGN 2.6)."""
    if _remainder_too_small(levels, view, caution):
        return tuple(sorted(view.situation.lots))
    return levels


def sellable(levels: tuple[int, ...], lots: Sequence[int], view: View) -> tuple[int, ...]:
    """Return these levels, and the first of `lots` until they make an order at the market."""
    for level in lots:
        if sells_now(levels, view):
            break
        levels = levels if level in levels else (*levels, level)
    return tuple(sorted(levels))


def sells_now(levels: tuple[int, ...], view: View) -> bool:
    """Whether these lots make an order at the market, well so where more of them are in work."""
    least_rate = max(1.0, caution_about(levels, view)) * least_exit_rate(levels, view)
    view.bounds.event(view.mirrored(least_rate))
    return view.situation.exit_rate >= least_rate


def least_exit_rate(levels: tuple[int, ...], view: View) -> float:
    """Return the rate from which the exchange takes an order of these lots; infinity: at none."""
    situation = view.situation
    return _least_rate(sum(situation.lots[level].amount for level in levels) + situation.dust, view)


def _least_rate(held: float, view: View) -> float:
    situation = view.situation
    amount = on_tick(held, view.rules.amount_step, up=False)
    if amount <= 0 or amount < situation.least_order_amount * (1 - 1e-9):
        return math.inf
    return situation.least_order_value / amount


def amount_is_taken(amount: float, price: float, view: View) -> bool:
    """Whether the exchange takes an order of this amount at this price."""
    return price >= _least_rate(amount, view)


def amount_may_remain(amount: float, price: float, view: View) -> bool:
    """Whether freqtrade lets a position of this amount remain at this price."""
    situation = view.situation
    return amount * price >= situation.least_value_left and amount >= situation.least_amount_left


def _remainder_too_small(levels: tuple[int, ...], view: View, caution: float) -> bool:
    lots = view.situation.lots
    rest = sum(lot.amount for level, lot in lots.items() if level not in levels)
    return rest_is_too_small(rest, caution, view)


def rest_is_too_small(rest: float, caution: float, view: View) -> bool:
    """Whether freqtrade vetoes an exit that leaves this amount; nothing at all may be left."""
    situation = view.situation
    if rest <= 0:
        return False
    least_rate = caution * situation.least_value_left / rest
    view.bounds.event(view.mirrored(least_rate))
    return situation.exit_rate < least_rate or rest < caution * situation.least_amount_left


def caution_about(levels: tuple[int, ...], view: View) -> float:
    """Factor on the least remainder, and on the least order, that keeps an exit sticky.

    Both are worth more or less with every rate. freqtrade asks about what remains when an exit is
    placed, so what rests may stay; and an exit of more becomes one of less only well beyond the
    limit.
    """
    resting = view.situation.resting
    if resting is None or resting.is_entry:
        return 1.0
    if resting.recovers and len(resting.levels) == 1:  # it may be of a part only
        return 1.0
    if set(resting.levels) == set(levels):
        return 0.0
    return 1.0 + REMAINDER_BAND if set(resting.levels) > set(levels) else 1.0
