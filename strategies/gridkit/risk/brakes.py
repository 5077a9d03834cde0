"""Moments at which less is added: one-sided flow, illiquid hours, a wide spread (SPEC L)."""

from typing import Literal

from gridkit.grid.situation import Block
from gridkit.settings import BrakeSettings, Settings

SPREAD = "spread"


def flow_block(imbalance: float, side: int, settings: Settings) -> Block | None:
    """Refuse to add into one-sided flow. `imbalance` -1 … 1; NaN (unknown) refuses nothing.

    `side` is 1 for long, -1 for short.
    """
    threshold = settings.orderflow.one_sided
    if not settings.brakes.orderflow or not side * imbalance <= -threshold:
        return None
    return Block("one-sided order flow against the grid", imbalance, -side * threshold)


def illiquid(hour: int, settings: BrakeSettings) -> Literal["thin", "pause"] | None:
    """Return what the settings make of an hour (UTC); None outside the illiquid ones.

    They may reach over midnight; from an hour to itself is none at all.
    """
    first, end = settings.illiquid_from, settings.illiquid_to
    if settings.illiquid == "ignore":
        return None
    inside = first <= hour < end if first <= end else hour >= first or hour < end
    return settings.illiquid if inside else None


def spread_block(spread: float, settings: BrakeSettings) -> Block | None:
    """Refuse to add at a wider spread, a fraction of price. NaN (unknown) refuses nothing.

    What rests pays no spread, so that it may rest in a wide one.
    """
    if spread > settings.max_spread:
        return Block(SPREAD, spread, settings.max_spread, spares_resting=True)
    return None
