"""Exits that come before anything else: flatten, stop, recover, end, trim. All at market."""

import math

from gridkit.grid import tags
from gridkit.grid.costs import lowest_target
from gridkit.grid.lots import Lot
from gridkit.grid.recovery import market_recovery
from gridkit.grid.situation import Order
from gridkit.grid.sizes import grown, sellable
from gridkit.grid.view import View

CHEAP_END_SHARE = 0.1


def urgent_exit(view: View) -> Order | None:
    """Return the most urgent exit, None when there is none."""
    return (
        _flatten(view)
        or _stop_lots(view)
        or market_recovery(view)
        or _end_early(view)
        or _trim(view)
    )


def _flatten(view: View) -> Order | None:
    situation, rules = view.situation, view.rules
    if not situation.lots:
        return None
    if situation.flatten:
        return _sell_all(view, tags.FLATTEN, situation.flatten)
    if rules.stop_price is not None:
        limit = view.mirrored(rules.stop_price)
        view.bounds.event(limit)
        if view.exit <= limit:
            return _sell_all(view, tags.FLATTEN, f"price beyond stop_price {rules.stop_price:g}")
    cost = sum(lot.cost for lot in situation.lots.values())
    amount = sum(lot.amount for lot in situation.lots.values())
    allowed = rules.cycle_stop * max(cost, situation.peak_cost) + situation.harvest
    limit = (view.mirrored(cost) - allowed) / amount
    view.bounds.event(limit)
    if view.exit <= limit:
        return _sell_all(view, tags.FLATTEN, f"cycle lost {rules.cycle_stop:.2%} of its cost")
    return None


def _sell_all(view: View, verb: str, reason: str) -> Order:
    levels = tuple(sorted(view.situation.lots))
    return Order(False, levels, None, tags.exit_tag(levels, verb), reason)


def _stop_lots(view: View) -> Order | None:
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
    levels = grown(sellable(tuple(sorted(hit)), worst, view), view)
    tag = tags.exit_tag(levels, tags.STOP)
    return Order(False, levels, None, tag, f"lot lost {view.rules.lot_stop:.2%} of its entry price")


def _end_early(view: View) -> Order | None:
    """End a cycle of too many orders where that costs little (DESIGN 2.15)."""
    situation = view.situation
    if situation.orders < view.rules.max_orders or not situation.lots:
        return None
    amount = sum(lot.amount for lot in situation.lots.values())
    paid = sum(lot.cost for lot in situation.lots.values())
    fees = sum(lot.fee for lot in situation.lots.values())
    allowed = CHEAP_END_SHARE * max(0.0, situation.harvest)
    fee = view.rules.costs.exit_fee
    limit = view.side * _even_price(paid, fees - allowed, amount, view.side, fee)
    view.bounds.event(limit)
    if view.exit < limit:
        return None
    reason = f"{situation.orders} orders in the cycle, and its end is cheap here"
    return _sell_all(view, tags.END, reason)


def _even_price(paid: float, lost: float, amount: float, side: int, fee: float) -> float:
    """Price at which selling all brings `lost` above what was paid, after the exit fee."""
    return (paid + side * lost) / (amount * (1 - side * fee))


def _trim(view: View) -> Order | None:
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
    levels = grown(sellable((best[0].level,), [lot.level for lot in best], view), view)
    even = max(_least_sale(situation.lots[level], view) for level in levels)
    view.bounds.event(even)
    if view.exit < even:
        return None
    return Order(False, levels, None, tags.exit_tag(levels, tags.TRIM), "asset above its share")


def _least_sale(lot: Lot, view: View) -> float:
    """Return the first rate, mirrored, that pays for a lot and the way out."""
    return view.side * lowest_target(lot.price, view.side, view.rules.costs)
