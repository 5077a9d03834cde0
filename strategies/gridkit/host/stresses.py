"""What makes a pair's market dangerous now, as known at each candle (SPEC G.6)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import scores_parts, stress
from gridkit.host.sources import HOURLY

if TYPE_CHECKING:
    from gridkit.host.analyst import Analyst


def of_pair(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> pd.DataFrame:
    """Return `stress_factor` and `stress_liquidity_factor`, float32, NaN where unknown."""
    hours = analyst.candles(frame, pair, HOURLY)
    if hours is None:
        names = ["stress_factor", "stress_liquidity_factor"]
        return pd.DataFrame(np.nan, index=frame.index, columns=names, dtype="float32")
    thin = analyst.computed(pair, hours, stress.compute)
    factor = stress.combined(
        _funding(hours, pair, analyst),
        _correlation(hours, analyst),
        thin["stress_liquidity"].to_numpy(),
    )
    made = thin[["stress_liquidity_factor"]].assign(stress_factor=factor.astype("float32"))
    return analyst.beside(frame, hours, made, HOURLY)


def _correlation(hours: pd.DataFrame, analyst: "Analyst") -> np.ndarray:
    """Return how unusual it is that all pairs move together, 0 … 1."""
    if not analyst.settings.correlation.enabled:
        return np.full(len(hours), np.nan)
    shared = analyst.whitelist.correlation(hours, analyst.settings)
    values = stress.stressed(shared["correlation_mean"].to_numpy(), *_scale(analyst))
    made = pd.DataFrame({"correlation": values})
    return analyst.between(hours, shared, made)["correlation"].to_numpy()


def _funding(hours: pd.DataFrame, pair: str, analyst: "Analyst") -> np.ndarray:
    """Return how unusual the funding rate in force each hour is, 0 … 1; NaN on spot."""
    rates = analyst.sources.funding(pair)
    if rates is None:
        return np.full(len(hours), np.nan)
    paid = candles.moments(rates.index)
    closes = candles.times(hours) + candles.SECONDS_PER_HOUR
    hourly, ages = scores_parts.latest(paid, rates.to_numpy(), closes)
    hourly[ages > candles.SECONDS_PER_DAY] = np.nan
    return stress.funding_stress(hourly, *_scale(analyst))


def _scale(analyst: "Analyst") -> tuple[int, float]:
    """Return the hours a stress is measured among, and the percentile it begins at."""
    rule = analyst.settings.stress
    return rule.window_days * stress.HOURS_PER_DAY, rule.percentile
