"""Where lines stand by the step and the density, before volume moves them: rows of prices.

Where closer lines would fall together on the exchange's price step, there is no density.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gridkit.grid import density
from gridkit.grid.layout import Layout, Terrain, entry_on_tick, line_price
from gridkit.grid.lines import Line, Plan


@dataclass(frozen=True, slots=True)
class Row:
    """Lines outwards from an inner neighbour to an outer one; `prices` has both at its ends.

    `free` says which of the lines between may move; it is two shorter. `mean_gap` is that of the
    free lines in steps: below 1 where density draws them closer.
    """

    prices: tuple[float, ...]
    free: tuple[bool, ...]
    side: int
    mean_gap: float = 1.0


@dataclass(frozen=True, slots=True)
class _Laid:
    """Prices of lines, and how many steps `way` it is over all those that are free."""

    prices: list[float]
    way: float


def outwards(
    anchor: float,
    step: float,
    side: int,
    count: int,
    layout: Layout,
    terrain: Terrain,
    taken: int = 0,
) -> Row:
    """Return `count` lines out from an anchor, which is their inner neighbour.

    The first `taken` stand whole steps apart and are not free. Raises ValueError where lines reach
    zero, meet or are unknown.
    """

    def price_at(place: float) -> float:
        return line_price(anchor, step, place, side, layout.spacing.progression)

    def laid(how: Layout) -> _Laid:
        beyond = density.places(
            count + 1 - taken, lambda place: price_at(taken + place), terrain.levels, how.density
        )
        places = [*range(1, taken + 1), *(taken + place for place in beyond)]
        prices = [entry_on_tick(price_at(place), side, layout.tick) for place in places]
        return _Laid([anchor, *prices], places[count - 1] - taken)

    found = _spaced(laid, layout, side, slice(0, -1))
    free = tuple(index >= taken for index in range(count))
    mean_gap = _mean(found.way, count - taken)
    return Row(tuple(found.prices), free, side, mean_gap)


def with_line(row: Row, number: int, price: float) -> Row:
    """Put the line of a number (from 1) at a price. Raises ValueError where others stand."""
    prices = (*row.prices[:number], price, *row.prices[number + 1 :])
    reason = wrong(prices[:-1], row.side)
    if reason:
        raise ValueError(reason)
    return replace(row, prices=prices)


def around(
    kept: list[Line], levels: list[int], plan: Plan, layout: Layout, terrain: Terrain
) -> Row:
    """Return lines for consecutive `levels`: those `kept` where they are, the others around them.

    Those on either side of all that are kept stand a step from their neighbour, closer by density;
    those between two share the way between them, whatever the step, and are not free. Raises
    ValueError as `outwards` does.
    """
    fixed = {line.level: line.price for line in kept}
    first, last = kept[0], kept[-1]

    def laid(how: Layout) -> _Laid:
        inner = _away(first.price, first.level - levels[0], -1, plan, how, terrain)
        outer = _away(last.price, levels[-1] - last.level, 1, plan, how, terrain)
        held = range(first.level, last.level + 1)
        middle = [fixed.get(level) or _between(level, fixed, plan.side, how) for level in held]
        prices = [*reversed(inner.prices), *middle, *outer.prices]
        return _Laid(prices, inner.way + outer.way)

    found = _spaced(laid, layout, plan.side, slice(None))
    prices = found.prices
    inner, outer = (_apart(prices[end], place, plan, layout) for end, place in ((0, -1), (-1, 1)))
    free = tuple(not first.level <= level <= last.level for level in levels)
    return Row(
        (inner, *prices, outer),
        free,
        plan.side,
        _mean(found.way, sum(free)),
    )


def _spaced(laid: Callable[[Layout], _Laid], layout: Layout, side: int, checked: slice) -> _Laid:
    """Return lines by density where these can be told apart, else without."""
    if layout.density is not None:
        dense = laid(layout)
        if not wrong(dense.prices[checked], side):
            return dense
        layout = replace(layout, density=None)
    plain = laid(layout)
    reason = wrong(plain.prices[checked], side)
    if reason:
        raise ValueError(reason)
    return plain


def wrong(prices: Sequence[float], side: int) -> str | None:
    """Say what is wrong with lines: they are unknown, reach zero, stand still or turn back."""
    if not all(map(math.isfinite, prices)):
        return "lines of an unknown price"
    if min(prices) <= 0:
        return f"{len(prices) - 1} lines reach a price of zero: fewer levels or less step"
    if min((side * (one - other) for one, other in pairwise(prices)), default=1.0) <= 0:
        return "lines fall together on the exchange's price step: a wider step is needed"
    return None


def _away(
    price: float, count: int, direction: int, plan: Plan, layout: Layout, terrain: Terrain
) -> _Laid:
    """Return `count` lines on from another one, nearest first; outwards by direction 1."""

    def price_at(place: float) -> float:
        return _exactly_apart(price, place, plan, layout)

    places = density.places(count, price_at, terrain.levels, layout.density, direction)
    prices = [entry_on_tick(price_at(place), plan.side, layout.tick) for place in places]
    return _Laid(prices, abs(places[-1]) if places else 0.0)


def _apart(price: float, index: float, plan: Plan, layout: Layout) -> float:
    return entry_on_tick(_exactly_apart(price, index, plan, layout), plan.side, layout.tick)


def _exactly_apart(price: float, index: float, plan: Plan, layout: Layout) -> float:
    """Price `index` steps outwards from another line; arithmetic steps are parts of the anchor."""
    if layout.spacing.progression == "arithmetic":
        return price - plan.side * index * plan.step * plan.anchor
    return line_price(price, plan.step, index, plan.side, "geometric")


def _between(level: int, fixed: Mapping[int, float], side: int, layout: Layout) -> float:
    inner = max(other for other in fixed if other < level)
    outer = min(other for other in fixed if other > level)
    share = (level - inner) / (outer - inner)
    wanted = fixed[inner] * (fixed[outer] / fixed[inner]) ** share
    if layout.spacing.progression == "arithmetic":
        wanted = fixed[inner] + (fixed[outer] - fixed[inner]) * share
    return entry_on_tick(wanted, side, layout.tick)


def _mean(way: float, lines: int) -> float:
    return way / lines if lines else 1.0
