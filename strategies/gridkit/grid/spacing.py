"""How far the lines of a grid stand apart, and how many there are (SPEC B.1, B.3, B.4)."""

import math
from dataclasses import dataclass

from gridkit.analytics import forecast, volatility
from gridkit.settings import SpacingSettings, VolatilitySettings


@dataclass(frozen=True, slots=True)
class Spacing:
    """The gap between lines, a fraction of price, and the daily volatility it came from."""

    step: float
    volatility: float


def spacing_now(
    daily_volatility: float,
    settings: SpacingSettings,
    measured: VolatilitySettings,
    gap_factor: float = 1.0,
) -> Spacing | None:
    """Gap between lines; None while the volatility it needs is unknown.

    `gap_factor` is stress times liquidity, at least 1; method `regime` alone heeds it.
    """
    if settings.method == "fixed":
        return Spacing(settings.grid_step, daily_volatility)
    if not daily_volatility > 0:
        return None
    if settings.method == "regime":
        wanted = settings.regime_steps[_class(daily_volatility, measured)] * gap_factor
        low, high = settings.regime_min_step, settings.regime_max_step
    else:
        wanted = settings.volatility_factor * daily_volatility
        low, high = settings.min_step, settings.max_step
    return Spacing(min(max(wanted, low), high), daily_volatility)


def levels_now(
    daily_volatility: float, wanted: int, settings: SpacingSettings, measured: VolatilitySettings
) -> int:
    """Lines of a cycle that starts now: method `regime` lays more where the market is calm."""
    if settings.method != "regime" or not daily_volatility > 0:
        return wanted
    number = _class(daily_volatility, measured)
    dense = max(1, round(wanted * settings.regime_densities[number]))
    return min(dense, settings.regime_levels[number])


def band(
    daily_volatility: float, change: float, settings: SpacingSettings, measured: VolatilitySettings
) -> tuple[float, float]:
    """Daily volatilities between which a plan made at this one keeps its lines.

    A change by a fraction in general, another class of volatility with method `regime`.
    """
    if settings.method == "fixed" or not daily_volatility > 0:
        return -float("inf"), float("inf")
    if settings.method == "regime":
        number = _class(daily_volatility, measured)
        bounds = (-float("inf"), *measured.regimes, float("inf"))
        return volatility.daily(bounds[number]), volatility.daily(bounds[number + 1])
    return daily_volatility * (1 - change), daily_volatility * (1 + change)


def narrowest(settings: SpacingSettings) -> float:
    """Return the smallest gap these settings can lead to."""
    return {
        "fixed": settings.grid_step,
        "volatility": settings.min_step,
        "regime": max(settings.regime_min_step, min(settings.regime_steps)),
    }[settings.method]


def widest(settings: SpacingSettings) -> float:
    """Return the largest gap these settings can lead to."""
    return {
        "fixed": settings.grid_step,
        "volatility": settings.max_step,
        "regime": settings.regime_max_step,
    }[settings.method]


def _class(daily_volatility: float, measured: VolatilitySettings) -> int:
    annual = daily_volatility * math.sqrt(volatility.DAYS_PER_YEAR)
    return forecast.regime_now(annual, measured.regimes)
