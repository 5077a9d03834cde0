"""One forecast of volatility from several estimates, and the class it falls in."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

import numpy as np

from gridkit.settings import VolatilityWeights


class VolatilityRegime(IntEnum):
    """How volatile a market is; known classes count from 0, as the settings per class do."""

    UNKNOWN = -1
    ULTRA_LOW = 0
    LOW = 1
    NORMAL = 2
    HIGH = 3
    EXTREME = 4


def composite(parts: Mapping[str, np.ndarray], weights: VolatilityWeights) -> np.ndarray:
    """Return the weighted mean of the estimates that are known, annual volatility, a fraction.

    `parts` are annual volatilities, all of one shape (n,), by the names the weights have (implied,
    basket, garch, realised); one that is not there is unknown. In each row the weights are
    renormalised over what is a positive number. NaN where nothing with a weight is.
    Weakness: where one estimate comes or goes, the mean steps though the market did not.
    """
    shares = weights.model_dump()
    if not parts or not set(parts) <= set(shares):
        named = ", ".join(parts) or "none"
        raise ValueError(f"estimates are {named}; allowed are some of {', '.join(shares)}")
    values = np.stack([np.asarray(part, "float64") for part in parts.values()])
    each = np.array([shares[name] for name in parts]).reshape(-1, *[1] * (values.ndim - 1))
    known = _known(values)
    weight = np.where(known, each, 0.0)
    total = weight.sum(axis=0)
    return (weight * np.where(known, values, 0.0)).sum(axis=0) / np.where(total > 0, total, np.nan)


def regime_of(annual: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """Return the VolatilityRegime of each annual volatility, int8, shape as given.

    `bounds` are where LOW, NORMAL, HIGH and EXTREME begin: a value on a bound is of the upper
    class. UNKNOWN where the volatility is no positive number: a price that stands has no class.
    """
    values = np.asarray(annual, "float64")
    classes = np.searchsorted(bounds, values, side="right")
    return np.where(_known(values), classes, VolatilityRegime.UNKNOWN).astype("int8")


def regime_now(annual: float, bounds: Sequence[float]) -> VolatilityRegime:
    """Return the class of one annual volatility, as `regime_of` does."""
    return VolatilityRegime(int(regime_of(np.asarray(annual), bounds)))


def _known(values: np.ndarray) -> np.ndarray:
    return (values > 0) & (values < np.inf)
