"""What the modules say of a pair's candles, for the predictor: from its frame, or made anew.

freqtrade analyses a pair's last candles with every module. FreqAI trains on many more, of which it
has the candles alone: there the modules are asked again, by the same functions.
"""

from typing import TYPE_CHECKING, Any

import pandas as pd

from gridkit import candles
from gridkit.analytics import scores_crypto
from gridkit.host import columns
from gridkit.host.analyst import Analyst
from gridkit.host.features import Features
from gridkit.host.sources import HOURLY, Sources
from gridkit.prediction import context

if TYPE_CHECKING:
    from gridkit.host.context import Context

PREFIX = "context_"
BROUGHT = tuple(f"{PREFIX}features_{feature.name}" for feature in context.FEATURES)
MODULES = ("profile", "regime", "confluence", "orderflow")
AGGREGATED = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def of_frame(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return the features an analysed frame brings along; None where it brings none."""
    found = [name for name in BROUGHT if name in frame]
    if not found:
        return None
    return frame[found].rename(columns=lambda name: name.removeprefix(PREFIX))


def brought(frame: pd.DataFrame, pair: str, analyst: Analyst) -> pd.DataFrame:
    """Return the columns that an analysed frame brings along to FreqAI."""
    return _made(frame, pair, analyst).rename(columns=lambda name: PREFIX + name)


def of_history(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Return the features of candles that no module has seen, by the candles FreqAI holds."""
    historian = Historian(strategy)
    families = _families(historian)
    wanted = [part for part in columns.shared(historian.settings) if _module(part) in families]
    made = [part(frame, pair, historian) for part in wanted if _module(part) in MODULES]
    return _made(pd.concat([frame, *made], axis=1), pair, historian)


def _made(frame: pd.DataFrame, pair: str, analyst: Analyst) -> pd.DataFrame:
    families, seen = _families(analyst), frame
    if "funding" in families and "funding_contrarian" not in frame:
        seen = seen.assign(funding_contrarian=_funding(frame, pair, analyst))
    if "correlation" in families:
        seen = seen.assign(correlation_mean=_correlation(frame, pair, analyst))
    return context.compute(seen, families)


def _families(analyst: Analyst) -> tuple[str, ...]:
    return context.active(analyst.settings, is_futures=analyst.is_futures)


def _module(part: columns.Part) -> str:
    return part.__name__.removeprefix("_")


def _funding(frame: pd.DataFrame, pair: str, analyst: Analyst) -> Any:
    closes = candles.times(frame) + analyst.seconds
    rates = analyst.sources.funding(pair)
    return scores_crypto.against_the_crowd(rates, closes, analyst.settings.confluence)


def _correlation(frame: pd.DataFrame, pair: str, analyst: Analyst) -> Any:
    hourly = analyst.reads_hours() or analyst.sources.timeframe == HOURLY
    hours = analyst.candles(frame, pair, HOURLY) if hourly else None
    if hours is None or hours.empty:
        return float("nan")
    together = analyst.whitelist.correlation(hours, analyst.settings)
    seen = analyst.beside(frame, together, together[["correlation_mean"]], HOURLY)
    return seen["correlation_mean"].to_numpy()


class Historian(Analyst):
    """Analyses the candles FreqAI trains on. What fails is raised, and nothing is told twice."""

    def __init__(self, strategy: Any) -> None:
        own: Context = strategy.desk.context
        super().__init__(own, strategy.desk.analyst.profile_timeframe)
        self.sources = Archive(own, strategy)
        self.whitelist = type(self.whitelist)(self.sources)
        self._features = Features(live=False, seconds=own.seconds)

    @property
    def features(self) -> Features:
        """Return a board of its own: training runs beside trading."""
        return self._features

    def tell(self, pair: str, topic: str, text: str) -> None:
        """Say nothing: what changed long ago is no news."""


class Archive(Sources):
    """The candles that FreqAI holds in memory; a timeframe it has not is made of the own one."""

    def __init__(self, own: "Context", strategy: Any) -> None:
        super().__init__(own)
        self._held = strategy.freqai.dd.historic_data

    def of(self, pair: str, timeframe: str) -> pd.DataFrame | None:
        """Return a pair's candles of a timeframe; where FreqAI has none of it, freqtrade's."""
        held = self._held.get(pair, {})
        if timeframe in held:
            return held[timeframe]
        if self.timeframe not in held:
            return super().of(pair, timeframe)
        return aggregated(held[self.timeframe], timeframe)


def aggregated(frame: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    """Return candles of a longer timeframe, the last one only if it is complete."""
    length = pd.Timedelta(seconds=candles.seconds_of(timeframe))
    groups = frame.set_index("date").resample(length, origin="epoch")
    made = groups.agg(AGGREGATED).dropna(subset=["close"]).reset_index()
    if len(frame) < 2:  # noqa: PLR2004 (one candle does not know its length)
        return made.iloc[:0]
    ends = frame["date"].iloc[-1] + (frame["date"].iloc[-1] - frame["date"].iloc[-2])
    return made[made["date"] + length <= ends]
