"""Realised volatility of candles, by every estimator; estimators.py has the formulas."""

import math
from typing import TypeVar

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import estimators
from gridkit.analytics.estimators import Prices
from gridkit.settings import Settings, VolatilitySettings

DAYS_PER_YEAR = 365
BY_RANGES = {
    "parkinson": estimators.parkinson,
    "garman_klass": estimators.garman_klass,
    "rogers_satchell": estimators.rogers_satchell,
    "yang_zhang": estimators.yang_zhang,
}

Number = TypeVar("Number", float, np.ndarray, pd.Series)


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until every estimate is known."""
    volatility = settings.volatility
    half_lives = estimators.SETTLED_HALF_LIVES * _half_life(volatility)
    seconds = max(_window(volatility), half_lives)
    averaged = estimators.SETTLED_ATR_PERIODS * volatility.atr_period
    return max(math.ceil(seconds / timeframe_seconds), averaged) + 1


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return realised volatility by each estimator, float32; all but the ATR annual, fractions.

    `volatility_close`, `_parkinson`, `_garman_klass`, `_rogers_satchell` and `_yang_zhang` look
    back over `window_hours`, `volatility_ewma` by `ewma_half_life_hours`. `volatility_atr` is the
    average true range of `atr_period` candles as a fraction of the close. NaN in a candle without
    prices, until known, and while more than half of the candles looked at have no prices.
    """
    candles.check(frame)
    prices, times = Prices.of(frame), candles.times(frame)
    columns = {
        f"volatility_{name}": _annual(name, prices, times, settings.volatility)
        for name in ("close", *BY_RANGES, "ewma")
    }
    columns["volatility_atr"] = estimators.atr(prices, settings.volatility.atr_period)
    return pd.DataFrame(columns, index=frame.index).astype("float32")


def realised(frame: pd.DataFrame, settings: Settings) -> pd.Series:
    """Return the annual volatility by the configured estimator alone, a fraction, float64.

    By `atr` it is that of a random walk with this average true range (see `estimators.of_atr`).
    """
    candles.check(frame)
    volatility = settings.volatility
    annual = _annual(volatility.estimator, Prices.of(frame), candles.times(frame), volatility)
    return pd.Series(annual, index=frame.index, name="volatility")


def daily(annual: Number) -> Number:
    """Return the standard deviation of a day's log return, a fraction."""
    return annual / math.sqrt(DAYS_PER_YEAR)


def gap_as_annual(fractions: Number, settings: Settings) -> Number:
    """Return the annual volatility which spacing turns into a gap of `atr_multiple` ATR.

    `fractions` is an ATR as a fraction of price. A figure for spacing alone, where a day of it
    times `volatility_factor` is the gap: how volatile the market is, `realised` says.
    """
    per_gap = settings.volatility.atr_multiple / settings.spacing.volatility_factor
    return fractions * per_gap * math.sqrt(DAYS_PER_YEAR)


def _annual(
    name: str, prices: Prices, times: np.ndarray, settings: VolatilitySettings
) -> np.ndarray:
    if name == "close":
        return estimators.close_to_close(prices.close, times, _window(settings))
    if name == "ewma":
        return estimators.ewma(prices.close, times, _half_life(settings))
    if name == "atr":
        return estimators.of_atr(estimators.atr(prices, settings.atr_period), times)
    return BY_RANGES[name](prices, times, _window(settings))


def _window(settings: VolatilitySettings) -> float:
    return settings.window_hours * candles.SECONDS_PER_HOUR


def _half_life(settings: VolatilitySettings) -> float:
    return settings.ewma_half_life_hours * candles.SECONDS_PER_HOUR
