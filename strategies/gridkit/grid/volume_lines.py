"""Lines move to prices at which much is traded, or rests in the book (SPEC D).

Each line moves between its neighbours: no nearer to the inner one than the least distance, and no
nearer than that to where the outer one stands before it moves. So any line may stay where it is,
whatever the others do. Between two lines a level belongs to the one that is nearer.
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from gridkit.grid.costs import lowest_target
from gridkit.grid.layout import Layout, Terrain, entry_on_tick
from gridkit.grid.rows import Row
from gridkit.settings import VolumeLineSettings

CLOSEST = 0.5  # of the gap between two lines, that must remain of it
_SLACK = 1e-9  # of a price, that rounding may make of a distance


@dataclass(frozen=True, slots=True)
class Moved:
    """Prices of lines after moving, and how many moved, how many had a level that they may not use.

    `mean_move` is that of those that moved, a fraction of price; 0 where none did.
    """

    prices: tuple[float, ...]
    moved: int = 0
    fell_back: int = 0
    mean_move: float = 0.0


def moved(row: Row, terrain: Terrain, layout: Layout) -> Moved:
    """Move the free lines of a row, each on its own; unchanged where there is nothing to move to.

    A line moves to the nearest level of `levels_for`, from where the book's imbalance puts it. It
    moves by `most` at most (and the bias), towards the market by `beyond` at most.
    """
    rule, lines = layout.volume_lines, row.prices[1:-1]
    if rule is None:
        return Moved(lines)
    found = levels_for(terrain, row.side, rule)
    levels = sorted(entry_on_tick(level, row.side, layout.tick) for level in found)
    bias = bias_of(terrain.imbalance, row.side, rule)
    if not levels and bias == 0.0:
        return Moved(lines)
    prices, fell_back = [row.prices[0]], 0
    for index, line in enumerate(lines, start=1):
        price, stayed = line, False
        if row.free[index - 1] and (bias != 0.0 or _near(levels, line, row.side, rule)):
            price, stayed = _placed(row, index, prices[-1], levels, bias, layout, rule)
        prices.append(price)
        fell_back += stayed
    return _told(lines, tuple(prices[1:]), fell_back)


def levels_for(terrain: Terrain, side: int, rule: VolumeLineSettings) -> list[float]:
    """Return the prices a line may move to: nodes of the profile, and strong levels of the book.

    Of the book those of the lines' own side, where it is to be trusted at all.
    """
    found = list(terrain.nodes)
    book = terrain.book
    if book is not None and book.quality > rule.least_quality:
        found += [
            level.price
            for level in book.levels
            if level.side == side
            and level.strength >= rule.least_strength
            and level.rank <= rule.least_rank
        ]
    return [price for price in found if 0 < price < math.inf]


def bias_of(imbalance: float, side: int, rule: VolumeLineSettings) -> float:
    """Return how far all lines move towards the market, a fraction; 0 while that is unknown.

    More bids than asks raise the lines of a long grid, more asks lower those of a short one.
    """
    if not side * imbalance > rule.imbalance:
        return 0.0
    return min(rule.most_bias, rule.bias * abs(imbalance))


def least_distance(inner: float, line: float, side: int, layout: Layout) -> float:
    """Return how near, in price, a line may come to its inner neighbour, from where both stand.

    Half of the way between them; where a lot is sold at the next line, at least what its costs
    need, so that no target is pushed beyond that line. Never more than the way there is.
    """
    way = side * (inner - line)
    least = CLOSEST * way
    if layout.grid.target == "next_line":
        least = max(least, side * (lowest_target(line, side, layout.costs) - line))
    return min(way, least)


def _placed(
    row: Row,
    index: int,
    inner: float,
    levels: list[float],
    bias: float,
    layout: Layout,
    rule: VolumeLineSettings,
) -> tuple[float, bool]:
    """Return where a line goes, and whether its neighbours keep it from a level that is near.

    `inner` is where the line on its inner side has gone, `levels` ascend.
    """
    reach = _reach(row, index, inner, layout)
    start = _biased(row.prices[index], bias, reach, row.side, layout.tick)
    near = _near(levels, start, row.side, rule)
    usable = [level for level in near if _within(level, reach)]
    price = min(usable, key=lambda level: abs(level / start - 1.0), default=start)
    return price, bool(near) and price == start and start not in near


def _near(levels: list[float], price: float, side: int, rule: VolumeLineSettings) -> list[float]:
    """Return those of ascending levels that a line at this price may move to."""
    towards = min(rule.beyond, rule.most) + _SLACK
    below, above = (rule.most + _SLACK, towards)[::side]
    low, high = price * (1.0 - below), price * (1.0 + above)
    return levels[bisect_left(levels, low) : bisect_right(levels, high)]


def _reach(row: Row, index: int, inner: float, layout: Layout) -> tuple[float, float]:
    """Return the lowest and the highest price a line may move to, for its neighbours."""
    line, outer = row.prices[index], row.prices[index + 1]
    towards = inner - row.side * least_distance(row.prices[index - 1], line, row.side, layout)
    away = outer + row.side * least_distance(line, outer, row.side, layout)
    return min(towards, away), max(towards, away)


def _within(level: float, reach: tuple[float, float]) -> bool:
    low, high = reach
    return low * (1 - _SLACK) <= level <= high * (1 + _SLACK)


def _biased(line: float, bias: float, reach: tuple[float, float], side: int, tick: float) -> float:
    """Return a line moved towards the market, as far as its inner neighbour allows."""
    if bias == 0.0:
        return line
    limit = reach[1] if side > 0 else reach[0]
    wanted = line * (1 + side * bias)
    allowed = min(wanted, limit) if side > 0 else max(wanted, limit)
    placed = entry_on_tick(allowed, side, tick)
    return placed if side * (placed - line) > 0 else line


def _told(before: tuple[float, ...], after: tuple[float, ...], fell_back: int) -> Moved:
    moves = [abs(new / old - 1.0) for old, new in zip(before, after, strict=True) if new != old]
    return Moved(after, len(moves), fell_back, sum(moves) / len(moves) if moves else 0.0)
