"""The portfolio as people see it: profits, diversification, correlations, risk and exposure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridkit.analytics.correlation import diversification_ratio
from gridkit.risk.groups import groups
from gridkit.risk.holding import Holding, limits, of_matrix
from gridkit.settings import Settings


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs that count together, and their stakes as a share of capital."""

    pairs: tuple[str, ...]
    exposure: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """One look at the portfolio. Money in stake currency, exposures as shares of capital.

    `profits` are by pair, realised and open; `diversification_ratio` is 1 where all moves as one,
    NaN unknown; `risk_left` is what new positions may still add, never below 0; `exposures` are
    by pair, and `groups` those of correlated pairs; `correlations` are rows of `pairs` by `pairs`.
    """

    profits: Mapping[str, float]
    total_profit: float
    diversification_ratio: float
    risk_used: float
    risk_left: float
    exposures: Mapping[str, float]
    groups: tuple[Group, ...]
    pairs: tuple[str, ...]
    correlations: tuple[tuple[float, ...], ...]
    risen: bool

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it: what is unknown is null."""
        return {
            "profits": {pair: _json(value) for pair, value in self.profits.items()},
            "total_profit": _json(self.total_profit),
            "diversification_ratio": _json(self.diversification_ratio),
            "risk_used": _json(self.risk_used),
            "risk_left": _json(self.risk_left),
            "exposures": {pair: _json(value) for pair, value in self.exposures.items()},
            "groups": [
                {"pairs": list(group.pairs), "exposure": _json(group.exposure)}
                for group in self.groups
            ],
            "pairs": list(self.pairs),
            "correlations": [[_json(value) for value in row] for row in self.correlations],
            "correlation_risen": self.risen,
        }


def metrics(
    holdings: Sequence[Holding],
    profits: Mapping[str, float],
    capital: float,
    matrix: pd.DataFrame,
    settings: Settings,
    *,
    risen: bool = False,
) -> Metrics:
    """Return the figures of these holdings; `profits` by pair, of pairs no longer held, too.

    `matrix` has the correlations as `analytics.correlation.latest` returns them.
    """
    bounds = limits(capital, settings, risen=risen)
    used = sum((holding.risk for holding in holdings), 0.0)
    exposures = {holding.pair: _share(holding.stake, capital) for holding in holdings}
    together = groups(list(exposures), of_matrix(matrix), settings.portfolio.correlation)
    return Metrics(
        profits=dict(profits),
        total_profit=sum(profits.values(), 0.0),
        diversification_ratio=_diversification(holdings, matrix),
        risk_used=used,
        risk_left=_not_below_0(bounds.total_risk - used),
        exposures=exposures,
        groups=tuple(Group(pairs, sum(exposures[pair] for pair in pairs)) for pairs in together),
        pairs=tuple(str(pair) for pair in matrix.columns),
        correlations=tuple(tuple(map(float, row)) for row in matrix.to_numpy("float64")),
        risen=risen,
    )


def _diversification(holdings: Sequence[Holding], matrix: pd.DataFrame) -> float:
    pairs = [holding.pair for holding in holdings]
    stakes = pd.Series([one.side * one.stake for one in holdings], pairs, dtype="float64")
    volatilities = pd.Series([one.volatility for one in holdings], pairs, dtype="float64")
    return diversification_ratio(stakes, volatilities, matrix)


def _share(stake: float, capital: float) -> float:
    return stake / capital if capital > 0 else math.nan


def _not_below_0(value: float) -> float:
    return value if math.isnan(value) else max(0.0, value)


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
