"""Leaving in parts (SPEC M): a share of what was entered at each target, the rest at the last.

The amount of a part is its share x all that was entered, never more than is held; the third takes
what is left. Parts whose targets are passed at once leave together. Which were sold is read from
the trade's orders, so that each leaves once, restarts or not: a part of which most stayed unfilled
is due again, as far as it was not sold.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gridkit.grid.situation import Block
from gridkit.risk.position import Exit, Position
from gridkit.settings import ExitSettings, Settings

PART = "part"
LAST = 3
ENOUGH = 0.5  # share of what was asked for that makes a part sold
UNREWARDING = "first target over the fees of both sides"


def reward_block(atr: float, cost: float, settings: Settings) -> Block | None:
    """Refuse an entry whose first target pays its fees too few times. NaN (unknown) refuses.

    `atr` and `cost`, the fees of both sides, are fractions of the price.
    """
    least, target = settings.entries.least_reward, settings.exits.targets[0] * atr
    if target >= least * cost:
        return None
    return Block(UNREWARDING, target / cost if cost else math.nan, least)


def part_tag(numbers: Iterable[int]) -> str:
    """Name parts: `part 2`, `part 1-3`. Parts leave in their order, so there is never a gap."""
    first, last = min(numbers), max(numbers)
    return f"{PART} {first}" if first == last else f"{PART} {first}-{last}"


def parts_in(tags: Iterable[str]) -> frozenset[int]:
    """Return the parts these exit tags name; other tags name none."""
    found: set[int] = set()
    for tag in tags:
        word, _, numbers = tag.partition(" ")
        first, _, last = numbers.partition("-")
        if word == PART and first.isdecimal() and (last or first).isdecimal():
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Asked:
    """An exit order of a position: its tag, and amounts in base currency."""

    tag: str
    amount: float
    filled: float


def parts_sold(orders: Iterable[Asked]) -> tuple[frozenset[int], float]:
    """Return the parts that were sold, and what was sold of those that are not, base currency.

    Parts are sold where at least half of what their tag first asked for was filled, by one order
    or by several.
    """
    asked: dict[str, float] = {}
    filled: dict[str, float] = {}
    for order in orders:
        asked.setdefault(order.tag, order.amount)
        filled[order.tag] = filled.get(order.tag, 0.0) + order.filled
    sold = parts_in(tag for tag in asked if filled[tag] > 0 and _is_enough(filled[tag], asked[tag]))
    begun = (tag for tag in asked if parts_in([tag]) and not parts_in([tag]) & sold)
    return sold, sum(filled[tag] for tag in begun)


def _is_enough(filled: float, asked: float) -> bool:
    return filled >= ENOUGH * asked


def parts_left(position: Position, rule: ExitSettings) -> bool:
    """Whether the first or second part is still to leave.

    One without a share is done once the best price was at its target.
    """
    return any(
        number not in position.parts_done
        and (share > 0 or not position.reached(position.best, position.at(target)))
        for number, share, target in zip((1, 2), rule.parts, rule.targets, strict=False)
    )


def part_due(
    position: Position, price: float, rule: ExitSettings, least: float = 0.0
) -> Exit | None:
    """Return the parts whose targets `price` has passed, in one exit; None: none is due.

    `least` is the smallest amount the exchange takes, base currency: a part is at least that, and
    one that would leave less than that takes all. Nothing is due while price or ATR is unknown.
    """
    if not (position.measurable and math.isfinite(price) and position.amount > 0):
        return None
    if not position.reached(price, position.at(rule.targets[0])):
        return None  # as targets ascend: asked at every candle
    due = [number for number in _numbers(rule) if _is_due(number, position, price, rule)]
    amount = _amount(due, position, rule, least)
    if amount <= 0:
        return None
    return Exit(amount, part_tag(due), _reason(due, amount, position, price, rule))


def _numbers(rule: ExitSettings) -> range:
    return range(1, LAST + (rule.rest == "target"))


def _is_due(number: int, position: Position, price: float, rule: ExitSettings) -> bool:
    target = position.at(rule.targets[number - 1])
    return number not in position.parts_done and position.reached(price, target)


def _amount(due: list[int], position: Position, rule: ExitSettings, least: float) -> float:
    if LAST in due:
        return position.amount
    amount = sum(rule.parts[number - 1] for number in due) * position.bought - position.begun
    if amount <= 0:
        return 0.0
    amount = max(amount, least)
    left = position.amount - amount
    return position.amount if left <= 0 or left < least else amount


def _reason(
    due: list[int], amount: float, position: Position, price: float, rule: ExitSettings
) -> str:
    multiple = rule.targets[max(due) - 1]
    target = position.at(multiple)
    return (
        f"{price:.6g} is at target {max(due)}, {target:.6g} ({multiple:g} ATR from "
        f"{position.entry:.6g}): {amount:.6g} of {position.amount:.6g} leaves"
    )
