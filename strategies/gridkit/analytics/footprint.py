"""At which prices takers bought and sold: volume by price bin and side."""

from dataclasses import dataclass

import numpy as np

from gridkit.analytics.trades import Trades
from gridkit.settings import OrderflowSettings


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Amounts by price bin, lowest first; bins without a trade are left out. Shape (n,)."""

    bins: np.ndarray  # int64: those next to each other differ by 1
    price: np.ndarray  # geometric middle of the bin
    bid: np.ndarray  # sold by takers
    ask: np.ndarray  # bought by takers
    unknown: np.ndarray  # by nobody knows whom

    @property
    def delta(self) -> np.ndarray:
        """Bought less sold."""
        return self.ask - self.bid

    @property
    def volume(self) -> np.ndarray:
        """All that was traded, whoever it was."""
        return self.ask + self.bid + self.unknown

    @property
    def point_of_control(self) -> float:
        """Price of the bin with the largest volume, the lowest of equals; NaN without trades."""
        return float(self.price[np.argmax(self.volume)]) if len(self.bins) else float("nan")


@dataclass(frozen=True, slots=True)
class Stack:
    """Neighbouring bins that takers of one side swept through."""

    side: int  # 1 buyers, -1 sellers
    lowest: float  # price of the lowest bin
    highest: float  # price of the highest bin
    bins: int


def footprint(trades: Trades, bin_width: float) -> Footprint:
    """Sort trades into bins of `bin_width` (log price; 0.001 is about 0.1 %).

    A bin begins at a whole multiple of the width, so it is the same bin for all footprints of one
    width, and needs memory only where somebody traded.
    """
    bins, place = np.unique(
        np.floor(np.log(trades.price) / bin_width).astype("int64"), return_inverse=True
    )
    bid, ask, unknown = (
        np.bincount(place, np.where(trades.sign == side, trades.amount, 0.0), len(bins))
        for side in (-1, 1, 0)
    )
    return Footprint(bins, np.exp((bins + 0.5) * bin_width), bid, ask, unknown)


def imbalances(prints: Footprint, settings: OrderflowSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each bin, whether buyers outweigh sellers there, and whether sellers do buyers.

    Compared diagonally, as one who sells at a price meets those who would buy one price above: what
    was bought in a bin with what was sold in the bin below it, what was sold with what was bought
    in the bin above. Outweighs is `footprint_ratio` times as much, in a bin that has at least
    `footprint_share` of all volume. Where the neighbouring bin has no trades, nothing does.
    """
    lower, upper = slice(None, -1), slice(1, None)
    adjacent = np.diff(prints.bins) == 1
    volume = prints.volume
    large = volume >= settings.footprint_share * volume.sum()
    buyers, sellers = np.zeros(len(volume), dtype=bool), np.zeros(len(volume), dtype=bool)
    buyers[upper] = prints.ask[upper] > settings.footprint_ratio * prints.bid[lower]
    sellers[lower] = prints.bid[lower] > settings.footprint_ratio * prints.ask[upper]
    buyers[upper] &= adjacent
    sellers[lower] &= adjacent
    return buyers & large, sellers & large


def stacks(prints: Footprint, settings: OrderflowSettings) -> tuple[Stack, ...]:
    """Return where imbalances of one side stand in at least `footprint_stack` bins in a row.

    Lowest first. Traders take them for prices that will be defended; nothing here says they are.
    """
    sides = zip((1, -1), imbalances(prints, settings), strict=True)
    found = [
        Stack(side, float(prints.price[begin]), float(prints.price[end - 1]), end - begin)
        for side, marked in sides
        for begin, end in _runs(marked)
        if end - begin >= settings.footprint_stack
    ]
    return tuple(sorted(found, key=lambda stack: (stack.lowest, stack.side)))


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """Positions from where to before where bins that follow each other are marked.

    What is marked has a neighbour in price, so no run goes across a price without trades.
    """
    places = np.flatnonzero(marked)
    if not len(places):
        return []
    ends = np.flatnonzero(np.diff(places) != 1) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(places, ends)]
