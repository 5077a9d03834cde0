"""Where a pair's other candles come from, and how they are laid beside its own."""

import logging
from typing import TYPE_CHECKING

import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.enums import RunMode

from gridkit import candles
from gridkit.analytics.trades import MS_PER_SECOND

if TYPE_CHECKING:
    from gridkit.host.context import Context

logger = logging.getLogger(__name__)

HOURLY = "1h"
FUNDING = "funding_rate"
OPEN_INTEREST = "open_interest"


class Sources:
    """Candles of every pair and timeframe. In a backtest whole: later ones too."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._missing: set[tuple[str, str]] = set()

    @property
    def timeframe(self) -> str:
        """Timeframe of the strategy's own candles."""
        return str(self._context.strategy.timeframe)

    @property
    def pairs_come_and_go(self) -> bool:
        """Whether this is one of freqtrade's bias analyses, which compare runs of other pairs."""
        return self._context.strategy.config.get("runmode") == RunMode.UTIL_NO_EXCHANGE

    def of(self, pair: str, timeframe: str) -> pd.DataFrame | None:
        """Return a pair's candles of a timeframe; None, said once, where there are none."""
        frame = self._context.strategy.dp.get_pair_dataframe(pair, timeframe)
        if frame.empty:
            self._say_missing(pair, f"{timeframe} candles")
            return None
        return frame

    def say_late(self, pair: str, timeframe: str, late: int, rows: int) -> None:
        """Say once that a pair's candles of a timeframe do not keep up with its own."""
        if (pair, f"late {timeframe}") not in self._missing:
            self._missing.add((pair, f"late {timeframe}"))
            logger.warning(
                "%s: the last %s candle is missing or old at %d of %d candles; what is read from "
                "them is unknown there",
                pair,
                timeframe,
                late,
                rows,
            )

    def is_market(self, pair: str) -> bool:
        """Whether the exchange knows a pair; if not, that is said once."""
        known = self._context.strategy.dp.market(pair) is not None
        if not known:
            self._say_missing(pair, "such market")
        return known

    def open_interest(self, pair: str) -> pd.Series | None:
        """Return a perpetual's open interest by the moment it was known; None where not asked for.

        freqtrade's candles carry it by their open time; it counts from their close.
        """
        timeframe = self._context.settings.confluence.open_interest_timeframe
        if timeframe is None or not self._context.is_futures:
            return None
        dp = self._context.strategy.dp
        frame = dp.get_pair_dataframe(pair, timeframe, OPEN_INTEREST)
        if frame.empty:
            self._say_missing(pair, "open interest")
            return None
        known = frame["date"] + pd.Timedelta(seconds=candles.seconds_of(timeframe))
        return frame.set_index(known)["open_interest_amount"]

    def funding(self, pair: str) -> pd.Series | None:
        """Return a perpetual's funding rates by the moment each was paid; None where unknown."""
        if not self._context.is_futures:
            return None
        dp = self._context.strategy.dp
        frame = dp.get_pair_dataframe(pair, dp.get_funding_rate_timeframe(), FUNDING)
        if frame.empty:
            self._say_missing(pair, "funding rates")
            return None
        return frame.set_index("date")["open"]

    def trades(self, pair: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a pair's public trades: live the last ones, in a backtest its file's of a frame.

        Empty, said once, where there are none.
        """
        found = self._context.strategy.dp.trades(pair, copy=False, timerange=self._span(frame))
        if found.empty:
            self._say_missing(pair, "public trades")
        # A file that freqtrade has appended to is not in order.
        return found.sort_values("timestamp", kind="stable", ignore_index=True)

    def _span(self, frame: pd.DataFrame) -> TimeRange | None:
        """Return the time a frame covers, in milliseconds: so freqtrade cuts files of trades."""
        if frame.empty:
            return None
        begin, last = (round(frame["date"].iloc[row].timestamp()) for row in (0, -1))
        end = last + self._context.seconds
        return TimeRange("date", "date", begin * MS_PER_SECOND, end * MS_PER_SECOND - 1)

    def whitelist(self) -> list[str]:
        """Return the pairs that are traded now."""
        return list(self._context.strategy.dp.current_whitelist())

    def _say_missing(self, pair: str, what: str) -> None:
        if (pair, what) not in self._missing:
            self._missing.add((pair, what))
            logger.warning("%s: no %s; what is read from them stays unknown", pair, what)
