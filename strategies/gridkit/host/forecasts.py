"""What hourly candles, the other pairs and the option market say of a pair's volatility."""

from collections.abc import Iterator
from functools import partial
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
    hours, wanted = analyst.candles(frame, pair, HOURLY), tuple(_wanted(analyst))
    if hours is None:
        return {name: np.full(len(frame), np.nan) for name in wanted}
    return {
        name: analyst.features.run(
            name,
            pair,
            partial(_MAKERS[name], frame, hours, pair, analyst),
            lambda: np.full(len(frame), np.nan),
        )
        for name in wanted
    }


def _wanted(analyst: "Analyst") -> Iterator[str]:
    measured = analyst.settings.volatility
    if measured.garch.enabled:
        yield "garch"
    if measured.basket.enabled:
        yield "basket"
    if analyst.index is not None:
        yield "implied"


def _by_garch(
    frame: pd.DataFrame, hours: pd.DataFrame, pair: str, analyst: "Analyst"
) -> np.ndarray:
    made = analyst.computed(pair, hours, garch.compute)
    return analyst.beside(frame, hours, made, HOURLY).iloc[:, 0].to_numpy()


def _by_basket(
    frame: pd.DataFrame, hours: pd.DataFrame, _pair: str, analyst: "Analyst"
) -> np.ndarray:
    shared = analyst.whitelist.basket(hours, analyst.settings)
    together = analyst.beside(frame, shared, shared[["basket_volatility"]], HOURLY)
    return together["basket_volatility"].to_numpy()


def _by_index(
    frame: pd.DataFrame, hours: pd.DataFrame, pair: str, analyst: "Analyst"
) -> np.ndarray:
    index = analyst.index
    if index is None:  # taken away since it was looked for
        return np.full(len(frame), np.nan)
    made = _implied(hours, pair, index, analyst)
    return analyst.beside(frame, hours, made, HOURLY).iloc[:, 0].to_numpy()


_MAKERS = {"garch": _by_garch, "basket": _by_basket, "implied": _by_index}


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
