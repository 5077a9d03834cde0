"""What the last candle means for the lines of a grid: how far apart, and how many."""

import math

from gridkit.grid import spacing
from gridkit.grid.spacing import Spacing
from gridkit.host.market_data import Reading
from gridkit.settings import Settings


def spacing_of(
    reading: Reading | None,
    settings: Settings,
    capital: float = math.nan,
    method: str | None = None,
) -> Spacing | None:
    """Return the gap between lines after a candle; None while it is unknown.

    `method` is the one a cycle started with; without it, the one a new cycle would have.
    """
    if reading is None:
        return None
    return spacing.spacing_now(
        reading.volatility,
        settings.spacing,
        settings.volatility,
        reading.gap_factor,
        method=method or spacing.method_for(capital, settings.spacing),
        capital=capital,
        smooth=reading.smooth,
    )


def levels_of(
    reading: Reading | None,
    settings: Settings,
    capital: float = math.nan,
    method: str | None = None,
) -> int:
    """Return how many lines a cycle should have that starts after a candle."""
    return spacing.levels_now(
        math.nan if reading is None else reading.volatility,
        settings.grid.levels,
        settings.spacing,
        settings.volatility,
        method=method or spacing.method_for(capital, settings.spacing),
        capital=capital,
    )
