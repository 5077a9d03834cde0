"""What the traded pairs say together, hour by hour: basket volatility, and their correlation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from gridkit.analytics import basket, correlation, shocks
from gridkit.host.sources import HOURLY, Sources
from gridkit.risk.groups import correlation_rise

if TYPE_CHECKING:
    from gridkit.settings import Settings

Frames = dict[str, pd.DataFrame]


class Whitelist:
    """Made once for all pairs that share their last hour; each hour uses only what it knew.

    freqtrade's `lookahead-analysis` compares a run of all pairs with runs of one: there every pair
    is taken alone, or what the others say would be found to be a bias.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._made: dict[str, tuple[object, pd.DataFrame]] = {}

    def basket(self, hours: pd.DataFrame, settings: "Settings") -> pd.DataFrame:
        """Return `date` and `basket_volatility`; `hours` is one pair's hourly candles."""
        return self._once("basket", hours, settings, basket.volatility)

    def correlation(self, hours: pd.DataFrame, settings: "Settings") -> pd.DataFrame:
        """Return `date` and `correlation_mean`; `hours` is one pair's hourly candles."""
        return self._once("correlation", hours, settings, _mean_correlation)

    def broken(self, hours: pd.DataFrame, settings: "Settings") -> pd.DataFrame:
        """Return `date` and `shocks_correlation`; `hours` is one pair's hourly candles."""
        return self._once("broken", hours, settings, _broken)

    def rise(self, hours: pd.DataFrame, settings: "Settings") -> pd.DataFrame:
        """Return `date` and `portfolio_rise`; `hours` is one pair's hourly candles."""
        return self._once("rise", hours, settings, _rise)

    def _once(
        self,
        name: str,
        hours: pd.DataFrame,
        settings: "Settings",
        make: Callable[[Frames, "Settings"], pd.DataFrame],
    ) -> pd.DataFrame:
        if self._sources.pairs_come_and_go:
            return make({"alone": hours}, settings).reset_index(names="date")
        pairs = tuple(self._sources.whitelist())
        key = (pairs, hours["date"].iloc[-1], settings)
        known = self._made.get(name)
        if known is None or known[0] != key:
            found = {pair: self._sources.of(pair, HOURLY) for pair in pairs}
            frames = {pair: frame for pair, frame in found.items() if frame is not None}
            known = key, make(frames, settings).reset_index(names="date")
            self._made[name] = known
        return known[1]


def _broken(frames: Frames, settings: "Settings") -> pd.DataFrame:
    return shocks.broken(correlation.returns(frames), settings)


def _rise(frames: Frames, settings: "Settings") -> pd.DataFrame:
    together = correlation.returns(frames)
    rise = correlation_rise(together, settings)
    return pd.DataFrame({"portfolio_rise": rise.astype("float32")}, index=together.index)


def _mean_correlation(frames: Frames, settings: "Settings") -> pd.DataFrame:
    return correlation.mean_pairwise(correlation.returns(frames), settings)
