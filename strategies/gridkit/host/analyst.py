"""Analyses a pair: hands the analytics the candles they want, and the frame their columns."""

import logging
from typing import TYPE_CHECKING

import pandas as pd
from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.feeds import volatility_index
from gridkit.host import timeframes
from gridkit.host.sources import FUNDING, HOURLY, Sources
from gridkit.host.whitelist import Whitelist
from gridkit.settings import SettingsError

if TYPE_CHECKING:
    from gridkit.analytics.implied import VolatilityIndex
    from gridkit.host.context import Context
    from gridkit.settings import Settings

logger = logging.getLogger(__name__)

Wanted = tuple[str, str] | tuple[str, str, str]


class Analyst:
    """One per strategy object. `profile_timeframe` is that of the volume profile's candles."""

    def __init__(self, context: "Context", profile_timeframe: str) -> None:
        self._context = context
        self.profile_timeframe = profile_timeframe
        self.sources = Sources(context)
        self.whitelist = Whitelist(self.sources)
        self.index = _index(context.settings)
        self._told: dict[tuple[str, str], str] = {}

    @property
    def settings(self) -> "Settings":
        """Return the settings in force."""
        return self._context.settings

    @property
    def live(self) -> bool:
        """Whether the bot trades, dry-run included."""
        return self._context.live

    @property
    def seconds(self) -> int:
        """Length of the strategy's own candles."""
        return self._context.seconds

    def candles(self, frame: pd.DataFrame, pair: str, timeframe: str) -> pd.DataFrame | None:
        """Return a pair's candles of a timeframe, `frame` itself where it is the strategy's own."""
        if timeframe == self.sources.timeframe:
            return frame
        return self.sources.of(pair, timeframe)

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

    def index_pair(self, pair: str) -> str:
        """Return the pair of the volatility index's coin, in a pair's own kind of market."""
        _, rest = pair.split("/", maxsplit=1)
        return f"{self.settings.volatility.implied.asset}/{rest}"

    def wanted(self) -> list[Wanted]:
        """Name the candles that are read beside the strategy's own, for `informative_pairs`."""
        pairs, own = self.sources.whitelist(), self.sources.timeframe
        wanted: list[Wanted] = [
            (pair, one) for pair in pairs for one in sorted(self._timeframes() - {own})
        ]
        if self.index is not None:
            wanted += sorted({(self.index_pair(pair), HOURLY) for pair in pairs} - set(wanted))
        if self._reads_funding():
            timeframe = self._context.strategy.dp.get_funding_rate_timeframe()
            wanted += [(pair, timeframe, FUNDING) for pair in pairs]
        return wanted

    def tell(self, pair: str, topic: str, text: str) -> None:
        """Log what is new of a topic, once."""
        if text and self._told.get((pair, topic)) != text:
            self._told[pair, topic] = text
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


def _index(settings: "Settings") -> "VolatilityIndex | None":
    """Read the volatility index where a file is named; a wrong one stops the bot."""
    implied = settings.volatility.implied
    if not implied.enabled or implied.file is None:
        return None
    try:
        return volatility_index.read(implied.file)
    except SettingsError as error:
        raise OperationalException(str(error)) from None
