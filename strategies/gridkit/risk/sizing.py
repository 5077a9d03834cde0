"""What a line costs, and how many lines a pair can afford (SPEC A).

The dynamic rule, in its order: base risk, times results and drawdown, then the factor of a small
account, then the clamp to [least_risk, most_risk], which has the last word on the share of capital.
A volatility target scales the stake that share makes, and `level_budget` fits it in: never more
than the pair's share over its lines, never less than the smallest stake worth placing.
"""

import math
from dataclasses import dataclass

from gridkit.risk.line_risk import (
    MIDDLE_CAPITAL,
    SMALL_CAPITAL,
    dynamic_risk,
    effective_capital,
    factor_told,
    kelly_risk,
)
from gridkit.risk.performance import Performance
from gridkit.settings import CapSettings, SizingSettings

TINY_CAPITAL = 300.0
TINY_SHARE, SMALL_SHARE = 0.015, 0.005  # of capital: stakes below are not worth an order
FALLBACK_RISK = 0.02

BY_SIZING = "sizing"
BY_SHARE = "the pair's share over its lines"
BY_MINIMUM = "the smallest stake worth placing"


@dataclass(frozen=True, slots=True)
class Fortune:
    """The account, in stake currency.

    `base` is what was put in, `profit` the net realised profit, `equity` the marked capital of
    SPEC A.1; `drawdown` is how far equity stands below its peak, a fraction of the peak.
    """

    base: float
    profit: float
    equity: float
    drawdown: float


@dataclass(frozen=True, slots=True)
class Sized:
    """Stake of a line (infinite: as much as the pair's share allows) and how it came about.

    `fraction` is its share of the effective capital; NaN where no such share was reckoned.
    """

    stake: float
    fraction: float
    why: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What one pair may use, in stake currency: `levels` lines of `level_stake` each.

    `binds` names what set the stake: one of BY_SIZING, BY_SHARE, BY_MINIMUM.
    """

    levels: int
    level_stake: float
    binds: str


def exposure_fraction(capital: float, caps: CapSettings) -> float:
    """Share of capital that may be in the market (SPEC A.6)."""
    if caps.exposure is not None:
        return caps.exposure
    if capital < SMALL_CAPITAL:
        return 0.90
    return 0.85 if capital < MIDDLE_CAPITAL else 0.80


def share_limits(
    capital: float, pairs: int, leverage: float, caps: CapSettings
) -> dict[str, float]:
    """Return the stake each cap leaves one of `pairs` pairs, by the setting's name."""
    limits = {"exposure": capital * exposure_fraction(capital, caps) / pairs}
    if pairs > 1:
        limits["inventory"] = capital * caps.inventory
    if caps.max_margin is not None:
        limits["max_margin"] = caps.max_margin / pairs
    if caps.max_position is not None:
        limits["max_position"] = caps.max_position / pairs / leverage
    return limits


def pair_share(capital: float, pairs: int, leverage: float, caps: CapSettings) -> float:
    """Stake one of `pairs` pairs may tie up: its part of the exposure, under every other cap."""
    return min(share_limits(capital, pairs, leverage, caps).values())


def meaningful_stake(capital: float, exchange_least: float) -> float:
    """Return the smallest stake worth placing (SPEC A.5); NaN where either is unknown.

    `exchange_least` is the exchange's own minimum, its margin of a tenth included.
    """
    if math.isnan(capital) or math.isnan(exchange_least):
        return math.nan
    if capital < TINY_CAPITAL:
        return max(TINY_SHARE * capital, exchange_least)
    return max(SMALL_SHARE * capital if capital < MIDDLE_CAPITAL else 0.0, exchange_least)


def level_budget(
    share: float,
    wanted_levels: int,
    least_stake: float,
    max_lots: int,
    wanted_stake: float = math.inf,
) -> Budget:
    """Spread a pair's share over its lines: fewer only where the smallest stake asks for more each.

    A line costs `wanted_stake`, at most the share over the lines, at least `least_stake`. Raises
    ValueError with the figures when not even one line can be had, or a figure is unknown.
    """
    if not share > 0:
        raise ValueError(f"the pair's share of {share:.2f} buys no line")
    if math.isnan(least_stake) or math.isnan(wanted_stake):
        raise ValueError(f"a line of {wanted_stake:.2f}, at least {least_stake:.2f}, is unknown")
    levels = min(wanted_levels, max_lots)
    if levels * least_stake > share:
        levels = math.floor(share / least_stake)
    if levels < 1:
        raise ValueError(
            f"the pair's share of {share:.2f} is below {least_stake:.2f}, the least one line needs"
        )
    affordable = share / levels
    if min(wanted_stake, affordable) <= least_stake:
        return Budget(levels, least_stake, BY_MINIMUM)
    if wanted_stake < affordable:
        return Budget(levels, wanted_stake, BY_SIZING)
    return Budget(levels, affordable, BY_SHARE)


def level_stake(
    fortune: Fortune,
    performance: Performance,
    annual_volatility: float,
    orange: float,
    settings: SizingSettings,
) -> Sized:
    """Return the stake one line should cost, before leverage.

    `annual_volatility` is the forecast, a fraction, NaN unknown: then a target changes nothing;
    `orange` is the drawdown at which stakes are halved. Raises ValueError where base or equity is
    unknown and the mode needs them.
    """
    if settings.mode == "fixed":
        sized = _fixed(settings)
    else:
        sized = _by_risk(fortune, performance, orange, settings)
    return _at_target(sized, annual_volatility, settings.volatility_target)


def is_known(fortune: Fortune, settings: SizingSettings) -> bool:
    """Whether `level_stake` knows what it needs of the account."""
    return settings.mode == "fixed" or math.isfinite(fortune.base + fortune.equity)


def base_stake(fortune: Fortune, settings: SizingSettings) -> Sized:
    """Return a plain share of base capital: the base risk, 2 % at most (SPEC A.7).

    What a line costs where sizing fails. A stake of 0 where even the base is unknown:
    `level_budget` then takes the smallest worth placing.
    """
    risk = min(settings.risk, FALLBACK_RISK)
    stake = risk * fortune.base
    known = math.isfinite(stake) and stake > 0
    why = f"{risk:.1%} of base capital, as nothing better is known"
    return Sized(stake if known else 0.0, risk, why)


def _fixed(settings: SizingSettings) -> Sized:
    if settings.stake is None:
        return Sized(math.inf, math.nan, "fixed: the pair's share over its lines")
    return Sized(settings.stake, math.nan, f"fixed: {settings.stake:,.2f}")


def _by_risk(
    fortune: Fortune, performance: Performance, orange: float, settings: SizingSettings
) -> Sized:
    capital = effective_capital(fortune.base, fortune.profit, fortune.equity)
    risk, told = dynamic_risk(fortune.equity, fortune.drawdown, performance, orange, settings)
    if settings.mode == "kelly":
        risk, said = kelly_risk(performance.kelly, risk, settings)
        told = [*told, said]
    why = [f"{settings.risk:.1%} of {capital:,.2f}", *told]
    return Sized(risk * capital, risk, ", ".join(why))


def _at_target(sized: Sized, volatility: float, target: float | None) -> Sized:
    if target is None or not volatility > target:
        return sized
    factor = target / volatility
    why = ", ".join([sized.why, *factor_told(factor, "the volatility")])
    return Sized(sized.stake * factor, sized.fraction * factor, why)
