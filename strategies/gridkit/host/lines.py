"""What the last candle means for the lines of a grid: how far apart, and how many."""

from gridkit.grid import spacing
from gridkit.grid.spacing import Spacing
from gridkit.host.market_data import Reading
from gridkit.settings import Settings


def spacing_of(reading: Reading | None, settings: Settings) -> Spacing | None:
    """Return the gap between lines by a candle's forecast; None while it is unknown."""
    if reading is None:
        return None
    return spacing.spacing_now(
        reading.volatility, settings.spacing, settings.volatility, reading.gap_factor
    )


def levels_of(reading: Reading | None, settings: Settings) -> int:
    """Return how many lines a cycle should have that starts after a candle."""
    wanted = settings.grid.levels
    if reading is None:
        return wanted
    return spacing.levels_now(reading.volatility, wanted, settings.spacing, settings.volatility)
