"""The kernels of the volume profile: sums of trailing windows, and what stands out in them.

Sums are made by additions alone. Taking old candles off a running sum would leave their rounding
behind: after a candle of 1e13, one of 1e-8 is lost. So time is cut into blocks as long as the
window. A window is the end of one block and the beginning of the next: `older` sums the former from
its last candle backwards, and what it was before each candle is saved, so that a candle leaves by
restoring it; `newer` sums the latter forwards. Blocks begin at multiples of the window since 1970,
so a sum is the same to the last bit wherever the frame began.

Volumes within a billionth of each other are equal: sums of the same candles in another order, or at
prices in another unit, must not tell a different story.

All in one file, as numba's cache does not notice when a function in another file changes.
"""

import math
from typing import NamedTuple

import numpy as np

from gridkit.analytics.compiled import Compiled

TIE = 1e-9
PRICES = ("poc", "vah", "val", "node_above", "node_below")
CODES = ("bias", "low_volume", "near")
POC, VAH, VAL, ABOVE, BELOW = range(len(PRICES))
BIAS, LOW_VOLUME, NEAR = range(len(CODES))


class Traded(NamedTuple):
    """Price range and volume of candles, arrays of shape (n,)."""

    low: np.ndarray
    high: np.ndarray
    volume: np.ndarray


class Windows(NamedTuple):
    """The window that ends with each candle, arrays of shape (n,).

    It runs from candle `start`; `border` begins the block of time it ends in (see above).
    `lowest` and `highest` are the extremes of what traded in it, NaN while the profile is unknown:
    until the candles reach back a whole window, and where nothing traded in it.
    """

    start: np.ndarray
    border: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


class Sums(NamedTuple):
    """Volume per bin of a window's two parts, and what `older` was before its earliest candles.

    `edges` (prices, ascending) has one more element than the sums have bins. `saved` is a stack,
    which may be too small for a block: then `older` is summed anew whenever it is used up.
    """

    edges: np.ndarray
    older: np.ndarray
    newer: np.ndarray
    saved: np.ndarray


class Rules(NamedTuple):
    """What counts as what: the settings of the same names."""

    value_area: float
    node_high: float
    node_low: float
    near: float


@Compiled
def trail(
    sums: Sums, traded: Traded, windows: Windows, close: np.ndarray, rules: Rules, divided: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return PRICES (n, 5) and CODES (n, 3) of the profile of each candle's window.

    `divided`: the bins divide each window's own range; otherwise they are as they come.
    """
    prices = np.full((len(close), len(PRICES)), np.nan)
    codes = np.zeros((len(close), len(CODES)), np.int8)
    oldest, border, saved = 0, -1, (0, 0)
    for now in range(len(close)):
        lowest, highest = windows.lowest[now], windows.highest[now]
        if math.isnan(lowest):
            border = -1
            continue
        start = windows.start[now]
        moved = divided and (sums.edges[0] != lowest or sums.edges[-1] != highest)
        if moved:
            divide(sums.edges, lowest, highest)
        if moved or border != windows.border[now]:
            border = windows.border[now]
            saved = begin(sums, traded, start, border, now)
        else:
            saved = forget(sums, traded, oldest, start, border, saved)
        oldest = start
        add(sums.newer, sums.edges, traded, now)
        edges, volumes = window_of(sums, lowest, highest)
        describe(edges, volumes, close[now], rules, prices[now], codes[now])
    return prices, codes


@Compiled
def window_of(sums: Sums, lowest: float, highest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return edges and volumes of the bins between the extremes of a window."""
    first, last = span(sums.edges, lowest, highest)
    volumes = sums.older[first : last + 1] + sums.newer[first : last + 1]
    return sums.edges[first : last + 2], volumes


@Compiled
def describe(
    edges: np.ndarray,
    volumes: np.ndarray,
    close: float,
    rules: Rules,
    prices: np.ndarray,
    codes: np.ndarray,
) -> None:
    """Write one profile's levels and the close's place among them to `prices` and `codes`."""
    control = point_of_control(volumes)
    low, high = value_area(volumes, control, rules.value_area)
    prices[POC] = (edges[control] + edges[control + 1]) / 2
    prices[VAH], prices[VAL] = edges[high + 1], edges[low]
    for node in peaks(volumes, rules.node_high * volumes[control]):
        middle = (edges[node] + edges[node + 1]) / 2
        if middle < close:
            prices[BELOW] = middle
        elif middle > close and math.isnan(prices[ABOVE]):
            prices[ABOVE] = middle
    codes[BIAS] = int(close > prices[VAH]) - int(close < prices[VAL])
    here, _ = span(edges, close, close)
    outside = close < edges[0] or close > edges[-1]
    codes[LOW_VOLUME] = outside or not exceeds(volumes[here], rules.node_low * volumes.mean())
    codes[NEAR] = _nearest(prices[: VAL + 1], close, rules.near)


@Compiled
def _nearest(levels: np.ndarray, close: float, within: float) -> int:
    """Return the place, from 1, of the level nearest to the close; 0 when none is within reach."""
    nearest, least = 0, np.inf
    for candidate in range(len(levels)):
        distance = abs(close / levels[candidate] - 1.0)
        if distance <= within and distance < least:
            nearest, least = candidate + 1, distance
    return nearest


@Compiled
def span(edges: np.ndarray, low: float, high: float) -> tuple[int, int]:
    """Return the first and last bin that prices from `low` to `high` reach into.

    A bin owns its lower edge; a range that ends on an edge does not reach into the bin above. What
    lies outside counts to the outermost bin.
    """
    bins = len(edges) - 1
    first = int(np.searchsorted(edges, low, side="right")) - 1
    last = int(np.searchsorted(edges, high, side="left")) - 1
    first = min(max(first, 0), bins - 1)
    return first, min(max(last, first), bins - 1)


@Compiled
def add(sums: np.ndarray, edges: np.ndarray, traded: Traded, candle: int) -> None:
    """Add a candle's volume, spread evenly over the prices from its low to its high."""
    low, high, volume = traded.low[candle], traded.high[candle], traded.volume[candle]
    first, last = span(edges, low, high)
    if first == last:
        sums[first] += volume
        return
    for place in range(first, last + 1):
        top = high if place == last else edges[place + 1]
        bottom = low if place == first else edges[place]
        sums[place] += volume * ((top - bottom) / (high - low))


@Compiled
def begin(sums: Sums, traded: Traded, start: int, border: int, now: int) -> tuple[int, int]:
    """Sum the window that runs from candle `start` to before `now`; `border` begins its block.

    Return the first candle that was not saved, and the height of the stack (see `forget`).
    """
    sums.newer[:] = 0.0
    for candle in range(border, now):
        add(sums.newer, sums.edges, traded, candle)
    return _save(sums, traded, start, border)


@Compiled
def forget(
    sums: Sums, traded: Traded, oldest: int, start: int, border: int, saved: tuple[int, int]
) -> tuple[int, int]:
    """Take the candles from `oldest` to before `start` off the window.

    `saved`, and what is returned, are as `begin` returns them.
    """
    until, height = saved
    if start > until:
        return _save(sums, traded, start, border)
    for candle in range(oldest, start):
        first, last = span(sums.edges, traded.low[candle], traded.high[candle])
        height -= last - first + 1
        sums.older[first : last + 1] = sums.saved[height : height + last - first + 1]
    return until, height


@Compiled
def _save(sums: Sums, traded: Traded, start: int, border: int) -> tuple[int, int]:
    """Sum candles from before `border` back to `start`, saving as many as there is room for."""
    until = _first_without_room(sums, traded, start, border)
    sums.older[:] = 0.0
    for candle in range(border - 1, until - 1, -1):
        add(sums.older, sums.edges, traded, candle)
    height = 0
    for candle in range(until - 1, start - 1, -1):
        first, last = span(sums.edges, traded.low[candle], traded.high[candle])
        sums.saved[height : height + last - first + 1] = sums.older[first : last + 1]
        height += last - first + 1
        add(sums.older, sums.edges, traded, candle)
    return until, height


@Compiled
def _first_without_room(sums: Sums, traded: Traded, start: int, border: int) -> int:
    room = len(sums.saved)
    for candle in range(start, border):
        first, last = span(sums.edges, traded.low[candle], traded.high[candle])
        room -= last - first + 1
        if room < 0:
            return candle
    return border


@Compiled
def divide(edges: np.ndarray, low: float, high: float) -> None:
    """Set the edges of bins of equal width in log price from `low` to `high`."""
    last = len(edges) - 1
    width = math.log(high / low) / last
    for place in range(last):
        edges[place] = min(low * math.exp(place * width), high)
    edges[last] = high


@Compiled
def exceeds(one: float, other: float) -> bool:
    """Whether one volume is clearly larger than another."""
    return one - other > TIE * max(abs(one), abs(other))


@Compiled
def point_of_control(volumes: np.ndarray) -> int:
    """Return the bin with the largest volume; of equals the nearest to the middle, then the lower.

    The usual rule of market profiles.
    """
    most = volumes.max() * (1.0 - TIE)
    last = len(volumes) - 1
    best = -1
    for place in range(len(volumes)):
        nearer = best < 0 or abs(2 * place - last) < abs(2 * best - last)
        if volumes[place] >= most and nearer:
            best = place
    return best


@Compiled
def value_area(volumes: np.ndarray, control: int, share: float) -> tuple[int, int]:
    """Return the lowest and highest bin of the value area around the point of control.

    The next two bins above are compared with the next two below, and the pair with more volume
    joins, until `share` of the volume is inside. Of equal pairs that one joins whose side has grown
    less so far, then the upper. A pair at the end of the profile may be one bin.
    Source: Dalton, Jones and Dalton (1990), Mind over Markets (the rule for ties is ours).
    """
    low = high = control
    inside = volumes[control]
    wanted = volumes.sum() * share * (1.0 - TIE)
    last = len(volumes) - 1
    while inside < wanted and (low > 0 or high < last):
        above = volumes[high + 1 : high + 3].sum()
        below = volumes[max(0, low - 2) : low].sum()
        upwards = high - control <= control - low
        if exceeds(above, below) or exceeds(below, above):
            upwards = above > below
        if low == 0 or (upwards and high < last):
            high = min(last, high + 2)
            inside += above
        else:
            low = max(0, low - 2)
            inside += below
    return low, high


@Compiled
def peaks(values: np.ndarray, least: float) -> np.ndarray:
    """Return the bins of local maxima that are at least `least`, ascending.

    A run of equal values is one maximum, at its middle (of two the lower). Beyond both ends there
    is nothing: 0. For minima, pass the negatives of values and bound; then an end is never one.
    """
    found = np.empty(len(values), np.int64)
    count = first = 0
    floor = least - TIE * abs(least)
    while first < len(values):
        last = first
        while last + 1 < len(values) and not _differ(values[last], values[last + 1]):
            last += 1
        before = values[first - 1] if first else 0.0
        after = values[last + 1] if last + 1 < len(values) else 0.0
        stands_out = exceeds(values[first], before) and exceeds(values[last], after)
        if stands_out and values[first] >= floor:
            found[count] = (first + last) // 2
            count += 1
        first = last + 1
    return found[:count]


@Compiled
def _differ(one: float, other: float) -> bool:
    return exceeds(one, other) or exceeds(other, one)
