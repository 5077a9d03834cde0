"""What the portfolio knows of a position, of one that may be entered, and its limits (SPEC N)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from gridkit.risk.position import break_even
from gridkit.risk.sizing import exposure_fraction
from gridkit.settings import Settings

Correlations = Callable[[str, str], float]  # of two pairs, -1 … 1; NaN: unknown


@dataclass(frozen=True, slots=True)
class Holding:
    """An open position, or one whose entry is in work. Money in stake currency.

    `stake` is the margin in it at the price now, and `risk` what it loses at its stop, never below
    0; NaN in either is unknown, and then nothing may be added to the account. `volatility` is a
    fraction per any one time, the same for all; `confidence` 0 … 1; NaN in these is neutral.
    """

    pair: str
    side: int
    stake: float
    risk: float
    volatility: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that is wanted. `distance` is from break-even to its stop, a fraction of the entry.

    `size` 0 … 1 is what regime, volume, funding and hours leave of the stake.
    """

    pair: str
    side: int
    distance: float
    volatility: float
    confidence: float
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be in one pair, in a correlated group and in all, and at risk.

    In stake currency; NaN where the capital is unknown.
    """

    single: float
    correlated: float
    exposure: float
    total_risk: float


def limits(capital: float, settings: Settings, *, risen: bool = False) -> Limits:
    """Return the limits of this capital; times `rise_factor` where correlation has `risen`."""
    rule = settings.portfolio
    base = capital * (rule.rise_factor if risen else 1.0)
    exposure = exposure_fraction(capital, settings.caps) * base
    return Limits(rule.single * base, rule.correlated * base, exposure, rule.total_risk * base)


def stop_distance(side: int, entry: float, stop: float, cost: float) -> float:
    """Return how far the stop is beyond break-even (fees included), a fraction of the entry.

    0 for a stop at break-even or better, NaN for an unknown one. Times what was paid for what is
    held, leverage included, it is the risk of a position.
    """
    distance = side * (break_even(side, entry, cost) - stop) / entry
    return distance if math.isnan(distance) else max(0.0, distance)


def of_matrix(matrix: pd.DataFrame) -> Correlations:
    """Return a matrix as a function; pairs it does not have are unknown."""
    places = {str(pair): place for place, pair in enumerate(matrix.columns)}
    values = matrix.to_numpy("float64")

    def correlation(one: str, other: str) -> float:
        known = one in places and other in places
        return float(values[places[one], places[other]]) if known else math.nan

    return correlation
