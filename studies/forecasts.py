"""Each estimate of volatility as it was known every hour, beside what came."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import basket, forecast, garch, implied, volatility
from gridkit.analytics.estimators import close_to_close
from gridkit.settings import Settings
from studies.data import Window, hourly, option_index, window

SETTINGS = Settings()
MONTH = 30 * candles.SECONDS_PER_DAY
COINS = {
    "spot 2022-23": ("BTC", "ETH", "SOL", "XRP", "DOGE"),
    "futures 2023-24": ("BTC", "ETH", "LTC", "SUI", "1000PEPE"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Of one coin: hourly candles, estimates as known at each close, and what came.

    All annual volatilities, fractions, shape (n,). `parts` are by the names the composite knows.
    """

    hours: pd.DataFrame
    parts: dict[str, np.ndarray]
    composite: np.ndarray
    next_hour: np.ndarray
    next_day: np.ndarray
    next_month: np.ndarray


@cache
def estimates(data: Path, name: str, coin: str) -> Estimates:
    """Measure a coin of a window, by the default settings."""
    market = window(data, name)
    hours, base = market.candles(coin, "1h"), market.candles(coin, "5m")
    parts = {
        "implied": _implied(data, market, coin),
        "basket": _together(data, name).reindex(hours["date"]).to_numpy("float64"),
        "garch": garch.compute(hours, SETTINGS)["garch_volatility"].to_numpy("float64"),
        "realised": _as_of(base, volatility.realised(base, SETTINGS).to_numpy(), hours, 0),
    }
    return Estimates(
        hours,
        parts,
        forecast.composite(parts, SETTINGS.volatility.weights),
        _came(base, hours, candles.SECONDS_PER_HOUR),
        _came(base, hours, candles.SECONDS_PER_DAY),
        _came(base, hours, MONTH),
    )


@cache
def _together(data: Path, name: str) -> pd.Series:
    return basket.volatility(hourly(window(data, name)), SETTINGS)["basket_volatility"]


def _implied(data: Path, market: Window, coin: str) -> np.ndarray:
    """DVOL of bitcoin; of other coins scaled by the last month's ratio."""
    hours = market.candles(coin, "1h")
    moments = candles.times(hours) + candles.SECONDS_PER_HOUR
    known = implied.known_at(option_index(data), moments, SETTINGS.volatility.implied.max_age_days)
    if coin == SETTINGS.volatility.implied.asset:
        return known
    own, base = (_monthly(market.candles(each, "1h")) for each in (coin, "BTC"))
    return implied.scaled(known, own.to_numpy(), base.reindex(hours["date"]).to_numpy("float64"))


def _monthly(hours: pd.DataFrame) -> pd.Series:
    close = hours["close"].to_numpy("float64")
    return pd.Series(close_to_close(close, candles.times(hours), MONTH), index=hours["date"])


def _came(base: pd.DataFrame, hours: pd.DataFrame, seconds: float) -> np.ndarray:
    """Volatility by 5m closes over the time after each hour's close."""
    close = base["close"].to_numpy("float64")
    return _as_of(base, close_to_close(close, candles.times(base), seconds), hours, seconds)


def _as_of(base: pd.DataFrame, values: np.ndarray, hours: pd.DataFrame, later: float) -> np.ndarray:
    """Values of the base candle that closes so many seconds after each hour."""
    known = pd.Series(values, index=base["date"] + pd.Timedelta("5min"))
    moments = hours["date"] + pd.Timedelta("1h") + pd.Timedelta(seconds=later)
    return known.reindex(moments).to_numpy("float64")
