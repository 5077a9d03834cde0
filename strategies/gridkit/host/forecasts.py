"""What hourly candles, the other pairs and the option market say of a pair's volatility."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import garch, implied
from gridkit.analytics.estimators import close_to_close
from gridkit.host.sources import HOURLY

if TYPE_CHECKING:
    from gridkit.analytics.implied import VolatilityIndex
    from gridkit.host.analyst import Analyst

RATIO_SECONDS = 30 * candles.SECONDS_PER_DAY  # the option market's own horizon


def of_pair(frame: pd.DataFrame, pair: str, analyst: "Analyst") -> dict[str, np.ndarray]:
    """Return annual volatilities by name, each as known at the close of each candle."""
    settings = analyst.settings
    hours, wanted = analyst.candles(frame, pair, HOURLY), tuple(_wanted(analyst))
    if hours is None:
        return {name: np.full(len(frame), np.nan) for name in wanted}
    hourly = {}
    if "garch" in wanted:
        hourly["garch"] = analyst.computed(pair, hours, garch.compute)
    if "implied" in wanted and analyst.index is not None:
        hourly["implied"] = _implied(hours, pair, analyst.index, analyst)
    found = {
        name: analyst.beside(frame, hours, made, HOURLY).iloc[:, 0].to_numpy()
        for name, made in hourly.items()
    }
    if "basket" in wanted:
        shared = analyst.whitelist.basket(hours, settings)
        together = analyst.beside(frame, shared, shared[["basket_volatility"]], HOURLY)
        found["basket"] = together["basket_volatility"].to_numpy()
    return found


def _wanted(analyst: "Analyst") -> Iterator[str]:
    measured = analyst.settings.volatility
    if measured.garch.enabled:
        yield "garch"
    if measured.basket.enabled:
        yield "basket"
    if analyst.index is not None:
        yield "implied"


def _implied(
    hours: pd.DataFrame, pair: str, index: "VolatilityIndex", analyst: "Analyst"
) -> pd.DataFrame:
    """Return the index as known each hour, scaled to a coin that is not the index's own."""
    asked = analyst.settings.volatility.implied
    moments = candles.times(hours) + candles.SECONDS_PER_HOUR
    known = implied.known_at(index, moments, asked.max_age_days)
    base = analyst.index_pair(pair)
    if base != pair:
        other = analyst.sources.of(base, HOURLY) if base else None
        ratio_base = np.full(len(hours), np.nan)
        if other is not None:
            theirs = pd.DataFrame({"volatility": _monthly(other)})
            ratio_base = analyst.between(hours, other, theirs)["volatility"].to_numpy()
        known = implied.scaled(known, _monthly(hours), ratio_base)
    return pd.DataFrame({"implied_volatility": known})


def _monthly(hours: pd.DataFrame) -> np.ndarray:
    return close_to_close(hours["close"].to_numpy("float64"), candles.times(hours), RATIO_SECONDS)
