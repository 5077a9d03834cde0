"""How far the lines of a grid stand apart, and how many there are (SPEC B.1 to B.4)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from gridkit.analytics import forecast, volatility
from gridkit.settings import SpacingSettings, VolatilitySettings

MICRO_BELOW = 1_000.0  # method auto: capital in stake currency
NORMAL_DAY = 0.02  # method micro: daily volatility at which the gap is as it is
LEAST_MULTIPLIER, MOST_MULTIPLIER = 0.5, 2.5
CHOSEN_BY_AUTO = ("micro", "volatility")


class Class(NamedTuple):
    """Method micro below a capital: share of the gap, times as many lines, and the most of them."""

    below: float
    share: float
    times: int
    most: int


CLASSES = (Class(500.0, 0.3, 3, 20), Class(MICRO_BELOW, 0.5, 2, 15), Class(math.inf, 1.0, 1, 20))


@dataclass(frozen=True, slots=True)
class Spacing:
    """The gap between lines, a fraction of price, and the daily forecast of volatility then.

    `method` is the one that gave it, never "auto"; `wanted` the gap before the method's bounds,
    None where nobody said.
    """

    step: float
    volatility: float
    method: str = "volatility"
    wanted: float | None = None


def method_for(capital: float, settings: SpacingSettings) -> str:
    """Return the method a cycle starts with: `auto` chooses by capital; NaN counts as large."""
    if settings.method != "auto":
        return settings.method
    return "micro" if capital < MICRO_BELOW else "volatility"


def spacing_now(
    daily_volatility: float,
    settings: SpacingSettings,
    measured: VolatilitySettings,
    gap_factor: float = 1.0,
    *,
    method: str,
    capital: float = math.nan,
    smooth: float = math.nan,
) -> Spacing | None:
    """Gap between lines by a method that `method_for` gave; None while what it needs is unknown.

    `gap_factor` is stress times liquidity, at least 1; method `regime` alone heeds it. `micro`
    needs the capital, and goes by `smooth`, the smoothed daily volatility of the past: where that
    is unknown, by a normal day.
    """
    if method == "fixed":
        wanted = settings.grid_step
    elif method == "micro":
        wanted = _micro_step(capital, smooth, settings)
    elif method == "regime":
        wanted = _regime_step(daily_volatility, settings, measured) * gap_factor
    else:
        wanted = settings.volatility_factor * daily_volatility
    if not wanted > 0:
        return None
    low, high = _bounds(method, settings)
    return Spacing(min(max(wanted, low), high), daily_volatility, method, wanted)


def levels_now(
    daily_volatility: float,
    wanted: int,
    settings: SpacingSettings,
    measured: VolatilitySettings,
    *,
    method: str,
    capital: float = math.nan,
) -> int:
    """Lines of a cycle that starts now.

    Method `regime` lays more where the market is calm. Method `micro` has a number of its own: more
    of them the smaller the capital. Where what they go by is unknown, `wanted`.
    """
    if method == "micro" and not math.isnan(capital):
        kind = _class_of(capital)
        return min(kind.times * settings.micro_levels, kind.most)
    if method != "regime" or not daily_volatility > 0:
        return wanted
    number = _regime(daily_volatility, measured)
    dense = max(1, round(wanted * settings.regime_densities[number]))
    return min(dense, settings.regime_levels[number])


def band(
    daily_volatility: float,
    change: float,
    settings: SpacingSettings,
    measured: VolatilitySettings,
    *,
    method: str,
) -> tuple[float, float]:
    """Daily volatilities between which a plan made at this one keeps its lines.

    A change by a fraction in general, another class of volatility with method `regime`.
    """
    if method == "fixed" or not daily_volatility > 0:
        return -math.inf, math.inf
    if method == "regime":
        number = _regime(daily_volatility, measured)
        bounds = (-math.inf, *measured.regimes, math.inf)
        return volatility.daily(bounds[number]), volatility.daily(bounds[number + 1])
    return daily_volatility * (1 - change), daily_volatility * (1 + change)


def narrowest(settings: SpacingSettings) -> float:
    """Return the smallest gap these settings can lead to, density apart."""
    return min(_extremes(method, settings)[0] for method in _methods(settings))


def widest(settings: SpacingSettings) -> float:
    """Return the largest gap these settings can lead to."""
    return max(_extremes(method, settings)[1] for method in _methods(settings))


def most_levels(wanted: int, settings: SpacingSettings) -> int:
    """Return the most lines these settings can lead to, where `wanted` are asked for."""
    most = {
        "micro": max(min(kind.times * settings.micro_levels, kind.most) for kind in CLASSES),
        "regime": max(
            min(max(1, round(wanted * density)), number)
            for density, number in zip(
                settings.regime_densities, settings.regime_levels, strict=True
            )
        ),
    }
    return max(most.get(method, wanted) for method in _methods(settings))


def _micro_step(capital: float, smooth: float, settings: SpacingSettings) -> float:
    """Return the gap before its bounds (SPEC B.2); NaN while the capital is unknown."""
    if math.isnan(capital):
        return math.nan
    multiplier = 1.0 + 2.0 * (smooth / NORMAL_DAY - 1.0) if smooth > 0 else 1.0
    multiplier = min(max(multiplier, LEAST_MULTIPLIER), MOST_MULTIPLIER)
    return settings.micro_range / settings.micro_levels * _class_of(capital).share * multiplier


def _class_of(capital: float) -> Class:
    return next((kind for kind in CLASSES if capital < kind.below), CLASSES[-1])


def _regime_step(
    daily_volatility: float, settings: SpacingSettings, measured: VolatilitySettings
) -> float:
    if not daily_volatility > 0:
        return math.nan
    return settings.regime_steps[_regime(daily_volatility, measured)]


def _regime(daily_volatility: float, measured: VolatilitySettings) -> int:
    annual = daily_volatility * math.sqrt(volatility.DAYS_PER_YEAR)
    return forecast.regime_now(annual, measured.regimes)


def _methods(settings: SpacingSettings) -> tuple[str, ...]:
    return CHOSEN_BY_AUTO if settings.method == "auto" else (settings.method,)


def _bounds(method: str, settings: SpacingSettings) -> tuple[float, float]:
    return {
        "fixed": (settings.grid_step, settings.grid_step),
        "micro": (settings.micro_min_step, settings.micro_max_step),
        "volatility": (settings.min_step, settings.max_step),
        "regime": (settings.regime_min_step, settings.regime_max_step),
    }[method]


def _extremes(method: str, settings: SpacingSettings) -> tuple[float, float]:
    """Return the smallest and the largest gap a method can lead to."""
    low, high = _bounds(method, settings)
    if method == "regime":
        return max(low, min(settings.regime_steps)), high
    if method != "micro":
        return low, high
    base = settings.micro_range / settings.micro_levels
    least = base * min(kind.share for kind in CLASSES) * LEAST_MULTIPLIER
    most = base * max(kind.share for kind in CLASSES) * MOST_MULTIPLIER
    return min(max(least, low), high), min(max(most, low), high)
