"""What lines are laid by: settings, costs, price step, and what is known of the prices around."""

import math
from dataclasses import dataclass, field

from gridkit.analytics.book_levels import Levels
from gridkit.grid.costs import Costs, on_tick
from gridkit.settings import (
    DensitySettings,
    GridSettings,
    SpacingSettings,
    VolumeLineSettings,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What lines are laid by: settings, costs, the exchange's price step.

    `density` and `volume_lines` None: lines stand closer, or move, nowhere.
    """

    spacing: SpacingSettings
    grid: GridSettings
    costs: Costs
    tick: float = 0.0
    density: DensitySettings | None = None
    volume_lines: VolumeLineSettings | None = None


@dataclass(frozen=True, slots=True)
class Terrain:
    """What is known of the prices around a grid; empty is nothing.

    `nodes`: prices at which much was traded; `supports`: at which price turned, and averages;
    `book`: levels of the book now; `imbalance`: of the book, -1 … 1, NaN unknown. `levels` are
    nodes and supports together, ascending.
    """

    nodes: tuple[float, ...] = ()
    supports: tuple[float, ...] = ()
    book: Levels | None = None
    imbalance: float = math.nan
    levels: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        together = sorted((*self.nodes, *self.supports))  # of two that ascend
        object.__setattr__(self, "levels", tuple(dict.fromkeys(together)))


EMPTY = Terrain()


def line_price(anchor: float, step: float, index: float, side: int, progression: str) -> float:
    """Price `index` steps outwards from the anchor; negative indices lead inwards."""
    if progression == "arithmetic":
        return anchor * (1 - side * index * step)
    return anchor * (1 - side * step) ** index


def anchor_of(price: float, step: float, index: int, side: int, progression: str) -> float:
    """Return the anchor whose line `index` stands at `price`."""
    return price / line_price(1.0, step, index, side, progression)


def entry_on_tick(price: float, side: int, tick: float) -> float:
    """Round the price of an entry outwards, to the exchange's price step."""
    if not math.isfinite(price):
        return price
    return on_tick(price, tick, up=side < 0)
