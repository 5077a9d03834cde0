"""Analyses a pair: hands the analytics the candles they want, and the frame their columns."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from gridkit import candles
from gridkit.host import timeframes
from gridkit.host.index_file import IndexFile
from gridkit.host.sources import FUNDING, HOURLY, OPEN_INTEREST, Sources
from gridkit.host.whitelist import Whitelist

if TYPE_CHECKING:
    from gridkit.analytics.implied import VolatilityIndex
    from gridkit.host.context import Context
    from gridkit.host.features import Features
    from gridkit.settings import Settings

logger = logging.getLogger(__name__)

Compute = Callable[[pd.DataFrame, "Settings"], pd.DataFrame]
Wanted = tuple[str, str] | tuple[str, str, str]


class Analyst:
    """One per strategy object. `profile_timeframe` is that of the volume profile's candles."""

    def __init__(self, context: "Context", profile_timeframe: str) -> None:
        self._context = context
        self.profile_timeframe = profile_timeframe
        self.sources = Sources(context)
        self.whitelist = Whitelist(self.sources)
        # Those at the start: hyperopted ones come later live, and a backtest never sees them here.
        self.configured = context.settings
        self._index = IndexFile(context.settings.volatility.implied)
        self._told: dict[tuple[str, str], str] = {}
        self._made: dict[tuple[str, str], tuple[object, pd.DataFrame]] = {}

    @property
    def settings(self) -> "Settings":
        """Return the settings in force."""
        return self._context.settings

    @property
    def index(self) -> "VolatilityIndex | None":
        """Return the volatility index as its file has it now; None where none is named."""
        return self._index.current()

    @property
    def features(self) -> "Features":
        """Return which features failed."""
        return self._context.features

    @property
    def live(self) -> bool:
        """Whether the bot trades, dry-run included."""
        return self._context.live

    @property
    def is_futures(self) -> bool:
        """Whether this bot trades futures."""
        return self._context.is_futures

    @property
    def seconds(self) -> int:
        """Length of the strategy's own candles."""
        return self._context.seconds

    def candles(self, frame: pd.DataFrame, pair: str, timeframe: str) -> pd.DataFrame | None:
        """Return a pair's candles of a timeframe, `frame` itself where it is the strategy's own."""
        if timeframe == self.sources.timeframe:
            return frame
        other, length = self.sources.of(pair, timeframe), candles.seconds_of(timeframe)
        if other is not None:
            late = timeframes.late(frame, self.seconds, other, length)
            if late:
                self.sources.say_late(pair, timeframe, late, len(frame))
        return other

    def computed(self, pair: str, other: pd.DataFrame, compute: Compute) -> pd.DataFrame:
        """Return a module's columns of some candles; live, made anew only when these change.

        In trade mode a module of hourly candles would else be computed at every candle of 5m.
        """
        if not self.live or other.empty:
            return compute(other, self.settings)
        begin, end = other["date"].iloc[0], other["date"].iloc[-1]
        key, state = (pair, compute.__module__), (begin, end, len(other), self.settings)
        known = self._made.get(key)
        if known is None or known[0] != state:
            known = state, compute(other, self.settings)
            self._made[key] = known
        return known[1]

    def beside(
        self, frame: pd.DataFrame, other: pd.DataFrame, columns: pd.DataFrame, timeframe: str
    ) -> pd.DataFrame:
        """Return columns of other candles as they were known at the close of each of `frame`."""
        length = candles.seconds_of(timeframe)
        found = timeframes.last_closed(frame, self.seconds, other, length)
        return timeframes.taken(columns, found, frame.index)

    def between(
        self, hours: pd.DataFrame, other: pd.DataFrame, columns: pd.DataFrame
    ) -> pd.DataFrame:
        """Return columns of other hourly candles as they were known at the close of each hour."""
        length = candles.SECONDS_PER_HOUR
        found = timeframes.last_closed(hours, length, other, length)
        return timeframes.taken(columns, found, hours.index)

    def confluence_timeframes(self) -> list[str]:
        """Return the timeframes confluence reads: none faster than the strategy's own candles."""
        own = self.sources.timeframe
        names = self.settings.confluence.weights_for(own)
        return [one for one in names if candles.seconds_of(one) >= self.seconds]

    def index_pair(self, pair: str) -> str | None:
        """Return the pair of the volatility index's coin in a pair's own currency, if there is."""
        _, rest = pair.split("/", maxsplit=1)
        name = f"{self.settings.volatility.implied.asset}/{rest}"
        return name if name == pair or self.sources.is_market(name) else None

    def wanted(self) -> list[Wanted]:
        """Name the candles that are read beside the strategy's own, for `informative_pairs`."""
        pairs, own = self.sources.whitelist(), self.sources.timeframe
        wanted: list[Wanted] = [
            (pair, one) for pair in pairs for one in sorted(self._timeframes() - {own})
        ]
        if self.index is not None:
            bases = {base for base in map(self.index_pair, pairs) if base is not None}
            wanted += sorted({(base, HOURLY) for base in bases} - set(wanted))
        if self._reads_funding():
            timeframe = self._context.strategy.dp.get_funding_rate_timeframe()
            wanted += [(pair, timeframe, FUNDING) for pair in pairs]
        interest = self.settings.confluence.open_interest_timeframe
        if self._context.is_futures and self.settings.confluence.enabled and interest:
            wanted += [(pair, interest, OPEN_INTEREST) for pair in pairs]
        return wanted

    def tell(self, pair: str, topic: str, text: str) -> None:
        """Log what is new of a topic, once; nothing is said of an empty text."""
        if self._told.get((pair, topic), "") != text:
            self._told[pair, topic] = text
            if text:
                logger.info("%s: %s", pair, text)

    def reads_hours(self) -> bool:
        """Whether hourly candles are loaded beside the strategy's own."""
        return HOURLY in self._timeframes() and self.sources.timeframe != HOURLY

    def _timeframes(self) -> set[str]:
        settings = self.settings
        found = {settings.regime.timeframe} if settings.regime.enabled else set()
        if settings.profile.enabled:
            found.add(self.profile_timeframe)
        if settings.confluence.enabled:
            found.update(self.confluence_timeframes())
        # Hours are read by most; live, correlations of the caps go by them too.
        return {*found, HOURLY} if self._reads_hourly() else found

    def _reads_hourly(self) -> bool:
        settings = self.settings
        return (
            (self._context.live and self.seconds < candles.SECONDS_PER_HOUR)
            or settings.volatility.method == "composite"
            or settings.thresholds.enabled
            or self._reads_stress()
        )

    def _reads_stress(self) -> bool:
        return self.settings.stress.enabled and self.settings.spacing.method == "regime"

    def _reads_funding(self) -> bool:
        return self._context.is_futures and (
            self.settings.confluence.enabled or self._reads_stress()
        )
