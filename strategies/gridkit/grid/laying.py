"""Lays the lines of a cycle, and lays the free ones anew.

In this order: a step of the spacing's method, closer by density, moved to volume. The fee floor
comes last and binds the target alone.
"""

from collections.abc import Collection
from dataclasses import replace

from gridkit.grid import rows, volume_lines
from gridkit.grid.costs import lowest_target, on_tick
from gridkit.grid.layout import EMPTY, Layout, Terrain
from gridkit.grid.lines import Line, Plan, Steps
from gridkit.grid.rows import Row
from gridkit.grid.spacing import Spacing
from gridkit.grid.volume_lines import Moved


def make(
    anchor: float,
    gap: Spacing,
    side: int,
    levels: int,
    stake: float,
    now: float,
    layout: Layout,
    terrain: Terrain = EMPTY,
    first: float | None = None,
    first_level: int = 1,
) -> Plan:
    """Lay a cycle's lines. Raises ValueError where they reach zero, meet or are unknown.

    `first` is the price of an opening order that is already placed and takes the lines up to
    `first_level`: this one stands exactly there, those before it whole steps apart. `anchor` is
    then the one that belongs to it (`layout.anchor_of`).
    """
    taken = 0 if first is None else first_level
    row = rows.outwards(anchor, gap.step, side, levels, layout, terrain, taken)
    if first is not None:
        row = rows.with_line(row, taken, first)
    moved = volume_lines.moved(row, terrain, layout)
    numbers = range(1, levels + 1)
    lines = _with_targets(numbers, moved.prices, row, layout)
    steps = _steps(gap, lines, row, moved, layout)
    return Plan(
        side, anchor, gap.step, lines, stake, now, gap.volatility, method=gap.method, steps=steps
    )


def first_line(
    anchor: float, gap: Spacing, side: int, layout: Layout, terrain: Terrain = EMPTY
) -> float:
    """Return where line 1 of a cycle stands, after density and volume. Raises as `make` does."""
    row = rows.outwards(anchor, gap.step, side, 1, layout, terrain)
    return volume_lines.moved(row, terrain, layout).prices[0]


def revised(
    plan: Plan,
    held: Collection[int],
    gap: Spacing,
    price: float,
    now: float,
    layout: Layout,
    terrain: Terrain = EMPTY,
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
    try:
        row = rows.around(kept, levels, next_plan, layout, terrain)
    except ValueError:
        return unchanged
    moved = volume_lines.moved(row, terrain, layout)
    lines = _with_targets(levels, moved.prices, row, layout, kept)
    return replace(next_plan, lines=lines, steps=_steps(gap, lines, row, moved, layout))


def _moved_outwards(levels: list[int], held: Collection[int]) -> list[int]:
    """Give the free inner levels new numbers beyond the outermost one."""
    first_held = min(held)
    kept = [level for level in levels if level >= first_held]
    moved = len(levels) - len(kept)
    return kept + [kept[-1] + index for index in range(1, moved + 1)]


def _with_targets(
    levels: Collection[int],
    prices: Collection[float],
    row: Row,
    layout: Layout,
    kept: Collection[Line] = (),
) -> tuple[Line, ...]:
    held = {line.level: line for line in kept}
    inner = (row.prices[0], *prices)
    return tuple(
        held.get(level) or Line(level, price, _target(price, inside, row.side, layout))
        for level, price, inside in zip(levels, prices, inner, strict=False)
    )


def _target(price: float, inner: float, side: int, layout: Layout) -> float:
    wanted = _wanted_target(price, inner, side, layout)
    least = lowest_target(price, side, layout.costs)
    far_enough = max(wanted, least) if side > 0 else min(wanted, least)
    return on_tick(far_enough, layout.tick, up=side > 0)


def _wanted_target(price: float, inner: float, side: int, layout: Layout) -> float:
    return (
        inner if layout.grid.target == "next_line" else price * (1 + side * layout.grid.take_profit)
    )


def _steps(gap: Spacing, lines: tuple[Line, ...], row: Row, moved: Moved, layout: Layout) -> Steps:
    """Return what each step of laying these lines came to; lines with a lot are not of them."""
    raised = sum(
        free and _is_raised(line, inner, row.side, layout)
        for line, inner, free in zip(lines, (row.prices[0], *moved.prices), row.free, strict=False)
    )
    return Steps(
        wanted=gap.wanted,
        bounded=gap.step,
        dense=gap.step * row.mean_gap,
        free=sum(row.free),
        moved=moved.moved,
        fell_back=moved.fell_back,
        mean_move=moved.mean_move,
        raised=raised,
    )


def _is_raised(line: Line, inner: float, side: int, layout: Layout) -> bool:
    """Whether the fee floor moved a target, by more than rounding to the price step does."""
    wanted = _wanted_target(line.price, inner, side, layout)
    return side * (line.target - wanted) > max(layout.tick, wanted * 1e-12)
