"""The plan of a cycle: anchor, spacing, lines and stakes, one frozen value.

`side` is 1 for a long grid (lines below the anchor) and -1 for a short one (above). Lines are
numbered from the anchor outwards; line 1 is the first to be taken.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Self

from gridkit.grid.costs import Costs, lowest_target, on_tick
from gridkit.grid.spacing import Spacing
from gridkit.settings import GridSettings, SpacingSettings


@dataclass(frozen=True, slots=True)
class Line:
    """Where a level is entered, and where the lot it buys is sold again. Prices."""

    level: int
    price: float
    target: float


@dataclass(frozen=True, slots=True)
class Plan:
    """`step` is a fraction of price; `level_stake` in stake currency; `made` in seconds UTC.

    `volatility` is the daily forecast the step came from; NaN where the step did not need one.
    `regime` is the market's regime when the lines were laid (analytics.regime.Regime).
    """

    side: int
    anchor: float
    step: float
    lines: tuple[Line, ...]
    level_stake: float
    made: float
    volatility: float
    regime: int = 0

    def line(self, level: int) -> Line | None:
        """Return the line of a level, or None when the plan has no such level."""
        return next((line for line in self.lines if line.level == level), None)

    def as_document(self) -> dict[str, Any]:
        """Return plain JSON types, for freqtrade's custom data; JSON knows no NaN, so None."""
        known = None if math.isnan(self.volatility) else self.volatility
        return {**asdict(self), "volatility": known}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        lines = tuple(Line(**line) for line in document["lines"])
        volatility = document["volatility"]
        known = math.nan if volatility is None else volatility
        return cls(**{**document, "lines": lines, "volatility": known})


@dataclass(frozen=True, slots=True)
class Layout:
    """What lines are laid by: settings, costs, the exchange's price step."""

    spacing: SpacingSettings
    grid: GridSettings
    costs: Costs
    tick: float = 0.0


def line_price(anchor: float, step: float, index: int, side: int, progression: str) -> float:
    """Price `index` steps outwards from the anchor; negative indices lead inwards."""
    if progression == "arithmetic":
        return anchor * (1 - side * index * step)
    return anchor * (1 - side * step) ** index


def anchor_of(price: float, step: float, index: int, side: int, progression: str) -> float:
    """Return the anchor whose line `index` stands at `price`."""
    return price / line_price(1.0, step, index, side, progression)


def make(
    anchor: float, gap: Spacing, side: int, levels: int, stake: float, now: float, layout: Layout
) -> Plan:
    """Lay a cycle's lines. Raises ValueError where they reach zero, meet or are unknown."""
    prices = [
        _entry_on_tick(
            line_price(anchor, gap.step, index, side, layout.spacing.progression), side, layout
        )
        for index in range(1, levels + 1)
    ]
    _check_spaced([anchor, *prices], side)
    inner = [anchor, *prices]
    lines = tuple(
        Line(index + 1, price, _target(price, inner[index], side, layout))
        for index, price in enumerate(prices)
    )
    return Plan(side, anchor, gap.step, lines, stake, now, gap.volatility)


def revised(
    plan: Plan, held: Collection[int], gap: Spacing, price: float, now: float, layout: Layout
) -> Plan:
    """Lay the free lines anew with another step; lines with a lot keep price and target.

    With trailing down, free lines on the inner side (of lots that were stopped or sold by hand) get
    new numbers beyond the outermost line once `price` has fallen through every line. Where the
    lines would reach zero or fall together, the old ones stay.
    """
    unchanged = replace(plan, made=now, volatility=gap.volatility)
    kept = [line for line in plan.lines if line.level in held]
    if not kept:
        return unchanged
    levels = [line.level for line in plan.lines]
    if layout.grid.trailing_down and plan.side * (price - plan.lines[-1].price) < 0:
        levels = _moved_outwards(levels, held)
    next_plan = replace(unchanged, step=gap.step)
    prices = _laid_around(kept, levels, next_plan, layout)
    try:
        _check_spaced(prices, plan.side)
    except ValueError:
        return unchanged
    return replace(next_plan, lines=_with_targets(prices, levels, kept, next_plan, layout))


def _moved_outwards(levels: list[int], held: Collection[int]) -> list[int]:
    """Give the free inner levels new numbers beyond the outermost one."""
    first_held = min(held)
    kept = [level for level in levels if level >= first_held]
    moved = len(levels) - len(kept)
    return kept + [kept[-1] + index for index in range(1, moved + 1)]


def _laid_around(kept: list[Line], levels: list[int], plan: Plan, layout: Layout) -> list[float]:
    """Prices of all levels: held ones where they are, free ones a step from their neighbour.

    A free line between two held ones shares the way between them, whatever the step.
    """
    fixed = {line.level: line.price for line in kept}
    first, last = kept[0], kept[-1]
    prices = []
    for level in levels:
        if level in fixed:
            prices.append(fixed[level])
        elif level < first.level:
            prices.append(_apart(first.price, level - first.level, plan, layout))
        elif level > last.level:
            prices.append(_apart(last.price, level - last.level, plan, layout))
        else:
            prices.append(_between(level, fixed, plan.side, layout))
    return prices


def _apart(price: float, index: int, plan: Plan, layout: Layout) -> float:
    """Price `index` steps outwards from another line; arithmetic steps are parts of the anchor."""
    wanted = line_price(price, plan.step, index, plan.side, "geometric")
    if layout.spacing.progression == "arithmetic":
        wanted = price - plan.side * index * plan.step * plan.anchor
    return _entry_on_tick(wanted, plan.side, layout)


def _between(level: int, fixed: Mapping[int, float], side: int, layout: Layout) -> float:
    inner = max(other for other in fixed if other < level)
    outer = min(other for other in fixed if other > level)
    share = (level - inner) / (outer - inner)
    wanted = fixed[inner] * (fixed[outer] / fixed[inner]) ** share
    if layout.spacing.progression == "arithmetic":
        wanted = fixed[inner] + (fixed[outer] - fixed[inner]) * share
    return _entry_on_tick(wanted, side, layout)


def _with_targets(
    prices: list[float], levels: list[int], kept: list[Line], plan: Plan, layout: Layout
) -> tuple[Line, ...]:
    held = {line.level: line for line in kept}
    inner = [_apart(prices[0], -1, plan, layout), *prices]
    return tuple(
        held.get(level) or Line(level, price, _target(price, inner[index], plan.side, layout))
        for index, (level, price) in enumerate(zip(levels, prices, strict=True))
    )


def _target(price: float, inner: float, side: int, layout: Layout) -> float:
    wanted = price * (1 + side * layout.grid.take_profit)
    if layout.grid.target == "next_line":
        wanted = inner
    least = lowest_target(price, side, layout.costs)
    far_enough = max(wanted, least) if side > 0 else min(wanted, least)
    return on_tick(far_enough, layout.tick, up=side > 0)


def _entry_on_tick(price: float, side: int, layout: Layout) -> float:
    if not math.isfinite(price):
        return price
    return on_tick(price, layout.tick, up=side < 0)


def _check_spaced(prices: list[float], side: int) -> None:
    """Refuse lines that are unknown, reach zero, stand still or turn back."""
    if not all(math.isfinite(price) for price in prices):
        raise ValueError("lines of an unknown price")
    if min(prices) <= 0:
        raise ValueError(
            f"{len(prices) - 1} lines reach a price of zero: fewer levels or less step"
        )
    gaps = [side * (inner - outer) for inner, outer in pairwise(prices)]
    if min(gaps, default=1.0) <= 0:
        raise ValueError("lines fall together on the exchange's price step: a wider step is needed")
