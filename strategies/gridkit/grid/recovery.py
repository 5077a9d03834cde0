"""Stuck lots: which are, and the exit at market of those that lost too much (SPEC E.2, E.3).

A lot is stuck when it is old and its target far away. What was true then is kept (`Stuck`), so how
far its recovery has come follows from the amount left, and a restart needs nothing else.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gridkit.grid import tags
from gridkit.grid.lots import Lot
from gridkit.grid.plan import Plan
from gridkit.grid.situation import Block, Order, RecoveryRules, Rules, Stuck
from gridkit.grid.sizes import grown, sellable
from gridkit.grid.targets import target_of
from gridkit.grid.view import View
from gridkit.settings import RecoverySettings, StopSettings

__all__ = [
    "Stuck",
    "hedge_request",
    "loss_of",
    "market_recovery",
    "newly_stuck",
    "next_age",
    "note_ages",
    "of_age",
    "over_budget",
    "recovery_rules",
]

SECONDS_PER_MINUTE = 60.0


def recovery_rules(settings: RecoverySettings, stops: StopSettings) -> RecoveryRules:
    """Return the settings as decisions take them."""
    return RecoveryRules(
        mode=settings.mode,
        ladder=settings.ladder,
        away=settings.away,
        timeout_seconds=settings.position_timeout_minutes * SECONDS_PER_MINUTE,
        threshold=stops.lot_stop,
        rungs=settings.rungs,
    )


def of_age(
    lots: Mapping[int, Lot], stuck: Collection[int], now: float, timeout_seconds: float
) -> frozenset[int]:
    """Return the levels that are old enough to become stuck, and are not yet."""
    return frozenset(
        level
        for level, lot in lots.items()
        if level not in stuck and now - lot.opened > timeout_seconds
    )


def next_age(
    lots: Mapping[int, Lot], stuck: Collection[int], now: float, timeout_seconds: float
) -> float:
    """Return the time after which the next lot is of age, in seconds UTC; infinity: none will."""
    ages = (
        lot.opened + timeout_seconds
        for level, lot in lots.items()
        if level not in stuck and now - lot.opened <= timeout_seconds
    )
    return min(ages, default=math.inf)


def newly_stuck(
    lots: Mapping[int, Lot],
    stuck: Collection[int],
    plan: Plan,
    rate: float,
    now: float,
    rules: Rules,
) -> dict[int, Stuck]:
    """Return the lots that become stuck at this rate and time; none at a rate that is unknown."""
    recovery = rules.recovery
    if recovery is None or not 0 < rate < math.inf:
        return {}
    return {
        level: Stuck(rate, now, lots[level].amount)
        for level in sorted(of_age(lots, stuck, now, recovery.timeout_seconds))
        if plan.side * rate < plan.side * _stuck_from(lots[level], plan, rules, recovery)
    }


def note_ages(view: View) -> None:
    """Take note of the rates at which lots that are of age become stuck."""
    situation, recovery = view.situation, view.rules.recovery
    if recovery is None:
        return
    for level in situation.of_age:
        if level in situation.lots:
            lot = situation.lots[level]
            view.bounds.event(view.mirrored(_stuck_from(lot, situation.plan, view.rules, recovery)))


def _stuck_from(lot: Lot, plan: Plan, rules: Rules, recovery: RecoveryRules) -> float:
    """Return the rate beyond which a lot's target is too far away."""
    return target_of(lot, plan, rules) / (1 + plan.side * recovery.away)


def market_recovery(view: View) -> Order | None:
    """Sell the stuck lots that lost more than the threshold: all of them, or the ones that may be.

    With the lot stop switched on, that sells them first, and heeds no budget.
    """
    recovery, situation = view.rules.recovery, view.situation
    if recovery is None or recovery.mode not in ("ladder", "aggressive"):
        return None
    hit = [level for level in sorted(situation.stuck) if _lost_too_much(level, recovery, view)]
    if not hit:
        return None
    best = sorted(hit, key=lambda level: (view.mirrored(situation.lots[level].price), level))
    for chosen in (hit, *([level] for level in best)):
        levels = grown(sellable(tuple(chosen), _worst_first(view), view), view)
        sold = [(situation.lots[one], situation.lots[one].amount) for one in levels]
        if not over_budget(sold, None, view):
            tag = tags.exit_tag(levels, tags.RECOVER)
            reason = f"stuck lot lost {recovery.threshold:.2%} of its entry price"
            return Order(False, levels, None, tag, reason)
    return None


def _lost_too_much(level: int, recovery: RecoveryRules, view: View) -> bool:
    lot = view.situation.lots.get(level)
    if lot is None:
        return False
    limit = view.mirrored(lot.price) - recovery.threshold * lot.price
    view.bounds.event(limit)
    return view.exit <= limit


def _worst_first(view: View) -> list[int]:
    lots = view.situation.lots
    return sorted(lots, key=lambda level: (-view.mirrored(lots[level].price), level))


def over_budget(sold: Iterable[tuple[Lot, float]], price: float | None, view: View) -> bool:
    """Whether selling these amounts at a price may lose more than the budget; the view is told.

    `price` None: at the rate now, which is then bounded. What earns is never refused.
    """
    parts, budget = list(sold), view.situation.recovery_budget
    least = _price_of_loss(max(0.0, budget), parts, view)
    if price is None:
        view.bounds.event(view.mirrored(least))
    rate = view.situation.exit_rate if price is None else price
    if view.mirrored(rate) >= view.mirrored(least):
        return False
    loss = loss_of(parts, rate, view.side, view.rules.costs.exit_fee)
    view.withhold(Block("recovery budget", loss, budget))
    return True


def loss_of(sold: Iterable[tuple[Lot, float]], price: float, side: int, exit_fee: float) -> float:
    """Return what these amounts of lots lose at a price, all fees in; negative for a profit."""
    return sum(
        amount * (side * (lot.price - price) + exit_fee * price + lot.fee / lot.amount)
        for lot, amount in sold
    )


def _price_of_loss(loss: float, sold: list[tuple[Lot, float]], view: View) -> float:
    """Return the price at which these amounts lose so much: `loss_of`, solved for the price."""
    amount = sum(amount for _, amount in sold)
    at_zero = sum(amount * (view.side * lot.price + lot.fee / lot.amount) for lot, amount in sold)
    return (at_zero - loss) / (amount * (view.side - view.rules.costs.exit_fee))


def hedge_request(
    plan: Plan, lots: Mapping[int, Lot], stuck: Mapping[int, Stuck]
) -> dict[str, Any] | None:
    """Return what another bot would have to open against the stuck lots; None without any.

    `side` is the hedge's, `amount` in base currency, `price` the average entry of what is stuck,
    `stuck_price` the average at which it became so, `levels` and `since` (seconds UTC) name it.
    """
    held = {level: lots[level] for level in sorted(stuck) if level in lots}
    if not held:
        return None
    amount = sum(lot.amount for lot in held.values())
    at_stuck = sum(lot.amount * stuck[level].price for level, lot in held.items())
    return {
        "side": "short" if plan.side > 0 else "long",
        "amount": amount,
        "price": sum(lot.cost for lot in held.values()) / amount,
        "stuck_price": at_stuck / amount,
        "levels": list(held),
        "since": min(stuck[level].since for level in held),
    }
