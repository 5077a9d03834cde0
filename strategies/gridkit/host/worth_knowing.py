"""What settings allow and yet may surprise: said once, when the bot starts."""

import math
from collections.abc import Iterator

from gridkit.grid import spacing
from gridkit.settings import Settings


def worth_knowing(settings: Settings) -> Iterator[str]:
    """Yield what these settings lead to that may not be meant."""
    yield from _depth(settings)
    yield from _recovery(settings)


def _depth(settings: Settings) -> Iterator[str]:
    stops, narrowest = settings.stops, spacing.narrowest(settings.spacing)
    reached = math.ceil(stops.lot_stop / narrowest)
    levels = settings.grid.levels
    if settings.spacing.method == "micro":
        levels = spacing.most_levels(levels, settings.spacing)
    if stops.lot_stop_enabled and reached < levels:
        yield (
            f"stops.lot_stop = {stops.lot_stop:.2%} sells a lot once price is {reached} lines "
            f"deeper (steps of {narrowest:.2%} or more), so that {levels} lines "
            "are seldom held together"
        )


def _recovery(settings: Settings) -> Iterator[str]:
    """Say where the lot stop comes before recovery can (SPEC E.2)."""
    stops, recovery, grid = settings.stops, settings.recovery, settings.grid
    if not stops.lot_stop_enabled or recovery.mode == "none":
        return
    if recovery.mode == "aggressive":
        yield (
            "recovery.mode = 'aggressive' sells a stuck lot once it lost stops.lot_stop, and the "
            "lot stop itself does so first: recovery never acts while stops.lot_stop_enabled"
        )
        return
    fixed = grid.target == "fixed"
    nearest = grid.take_profit if fixed else spacing.narrowest(settings.spacing)
    needed = nearest_target(settings)
    if nearest < needed:
        yield (
            f"stops.lot_stop = {stops.lot_stop:.2%} sells a lot before its target is "
            f"recovery.away = {recovery.away:.2%} away, if that target is nearer than {needed:.2%} "
            f"(here it may be at {nearest:.2%}): such a lot never becomes stuck, and recovery "
            "cannot be reached"
        )


def nearest_target(settings: Settings) -> float:
    """Return the distance from entry to target from which on a lot gets stuck before its stop.

    A fraction of the entry; negative where every lot does. A long lot is `away` from a target of
    entry x (1 + distance) at (1 + distance) / (1 + away) of its entry, and stopped at 1 - lot_stop;
    a short one likewise with the signs turned. Of both directions, the larger distance.
    """
    stop, away = settings.stops.lot_stop, settings.recovery.away
    by_side = {"long": (1 - stop) * (1 + away) - 1, "short": 1 - (1 + stop) * (1 - away)}
    return by_side.get(settings.direction, max(by_side.values()))
