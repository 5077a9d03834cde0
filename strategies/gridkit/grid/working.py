"""The order in work: whether it is the wanted one already, and which may be placed at all."""

import math

from gridkit.grid.situation import Block, Order, Resting
from gridkit.grid.view import View

REPRICE_FRACTION = 0.0005


def rests_already(order: Order, view: View) -> bool:
    """Whether the order in work is this one, and has not to be placed again."""
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


def _is_in_place(order: Order, price: float, view: View) -> bool:
    """Whether the order in work is this one, at this price."""
    resting = view.situation.resting
    if resting is None or not _is_named(order, resting):
        return False
    return abs(resting.price - price) <= max(view.rules.tick / 2, 1e-9 * price)


def _still_near_market(resting: Resting, view: View) -> bool:
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


def _jumped_over(resting: Resting, view: View) -> bool:
    price = view.mirrored(resting.price)
    view.bounds.event(price)
    return view.entry < price if resting.is_entry else view.exit > price


def _is_reached(order: Order, price: float, view: View) -> bool:
    if order.is_entry:
        return view.entry <= view.mirrored(price)
    return view.exit >= view.mirrored(price)


def out_of_reach(order: Order, view: View) -> Block | None:
    """Live, freqtrade moves a price further than this to the limit; such an order waits.

    One that rests already may stay: the limit is for placing. So may one that the market has come
    to, or jumped over.
    """
    price = order.price
    if price is None or _is_reached(order, price, view) or _is_in_place(order, price, view):
        return None
    reach = view.rules.max_distance
    rate = view.situation.entry_rate if order.is_entry else view.situation.exit_rate
    lowest, highest = price / (1 + reach), price / (1 - reach) if reach < 1 else math.inf
    view.bounds.event(view.mirrored(lowest))
    view.bounds.event(view.mirrored(highest))
    if lowest <= rate <= highest:
        return None
    return Block("line too far for freqtrade", abs(price / rate - 1), reach)
