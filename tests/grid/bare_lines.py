"""Readable twin: lines without density and volume, each worked out on its own."""

import math

from gridkit.grid.costs import lowest_target
from gridkit.grid.layout import Layout
from gridkit.grid.lines import Plan


def on_tick(price: float, tick: float, *, up: bool) -> float:
    if not tick:
        return price
    steps = price / tick
    near = round(steps)
    if math.isclose(steps, near, abs_tol=1e-9):
        return near * tick
    return (math.ceil(steps) if up else math.floor(steps)) * tick


def target(price: float, inner: float, side: int, how: Layout) -> float:
    wanted = inner if how.grid.target == "next_line" else price * (1 + side * how.grid.take_profit)
    least = lowest_target(price, side, how.costs)
    return on_tick(max(wanted, least) if side > 0 else min(wanted, least), how.tick, up=side > 0)


def made(anchor: float, step: float, side: int, levels: int, how: Layout) -> list[tuple]:
    """Level, price and target of each line of a new cycle."""
    lines, inner, exact = [], anchor, anchor
    for level in range(1, levels + 1):
        by_ratio = how.spacing.progression == "geometric"
        exact = exact * (1 - side * step) if by_ratio else exact - side * step * anchor
        price = on_tick(exact, how.tick, up=side < 0)
        lines.append((level, price, target(price, inner, side, how)))
        inner = price
    return lines


def revised(plan: Plan, held: set[int], step: float, how: Layout) -> list[tuple]:
    """The same after a revision without trailing down, for lines that do not reach zero."""
    side, by_ratio = plan.side, how.spacing.progression == "geometric"

    def away(price: float, index: int) -> float:
        exact = price * (1 - side * step) ** index
        exact = exact if by_ratio else price - side * index * step * plan.anchor
        return on_tick(exact, how.tick, up=side < 0)

    def shared(level: int, inner: int, outer: int) -> float:
        share = (level - inner) / (outer - inner)
        one, other = at[inner], at[outer]
        exact = one * (other / one) ** share if by_ratio else one + (other - one) * share
        return on_tick(exact, how.tick, up=side < 0)

    at = {line.level: line.price for line in plan.lines if line.level in held}
    first, last = min(at), max(at)
    prices = {}
    for level in (line.level for line in plan.lines):
        if level in at:
            prices[level] = at[level]
        elif level < first or level > last:
            nearest = first if level < first else last
            prices[level] = away(at[nearest], level - nearest)
        else:
            inner = max(one for one in at if one < level)
            prices[level] = shared(level, inner, min(one for one in at if one > level))
    lines, inner = [], away(prices[min(prices)], -1)
    for level, price in prices.items():
        kept = plan.line(level)
        own = kept.target if level in held and kept else target(price, inner, side, how)
        lines.append((level, price, own))
        inner = price
    return lines
