"""How many lines a pair can afford, and what each may cost."""

import math
from dataclasses import dataclass

from gridkit.settings import CapSettings

SMALL_CAPITAL = 500.0
MIDDLE_CAPITAL = 1_000.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What one pair may use, in stake currency: `levels` lines of `level_stake` each."""

    levels: int
    level_stake: float


def exposure_fraction(capital: float, caps: CapSettings) -> float:
    """Share of capital that may be in the market (SPEC A.6)."""
    if caps.exposure is not None:
        return caps.exposure
    if capital < SMALL_CAPITAL:
        return 0.90
    return 0.85 if capital < MIDDLE_CAPITAL else 0.80


def pair_share(capital: float, pairs: int, leverage: float, caps: CapSettings) -> float:
    """Stake one of `pairs` pairs may tie up: its part of the exposure, under every other cap."""
    limits = [capital * exposure_fraction(capital, caps) / pairs]
    if pairs > 1:
        limits.append(capital * caps.inventory)
    if caps.max_margin is not None:
        limits.append(caps.max_margin / pairs)
    if caps.max_position is not None:
        limits.append(caps.max_position / pairs / leverage)
    return min(limits)


def level_budget(share: float, wanted_levels: int, least_stake: float, max_lots: int) -> Budget:
    """Spread a pair's share over its lines: fewer where the exchange's minimum asks for more each.

    `least_stake` is the smallest stake a line may have. Raises ValueError with the figures when not
    even one line can be had.
    """
    if not share > 0:
        raise ValueError(f"the pair's share of {share:.2f} buys no line")
    levels = min(wanted_levels, max_lots)
    if levels * least_stake > share:
        levels = math.floor(share / least_stake)
    if levels < 1:
        raise ValueError(
            f"the pair's share of {share:.2f} is below {least_stake:.2f}, the least one line needs"
        )
    return Budget(levels, share / levels)
