"""Prices at which a market may turn: volume nodes, swing points and averages (SPEC B.7, D).

Known at each full hour, from candles closed by then. A swing point is the highest high or the
lowest low of so many candles on each side, so it is known only that many candles later.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import hourly_nodes
from gridkit.analytics.hourly_nodes import Nodes, Traded
from gridkit.settings import Settings

AVERAGE_HOURS = (50, 200)
HOUR = candles.SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Supports:
    """Prices, ascending: `nodes` of the volume profile, and `levels`, swing points and averages."""

    nodes: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is known at each full hour from the first candle's on.

    `begin` is the number of the first hour since 1970. `swings` are prices with the hours in which
    each happened and became known; `averages` has shape (hours, 2), NaN unknown.
    """

    begin: int
    nodes: Nodes
    swings: np.ndarray
    happened: np.ndarray
    known: np.ndarray
    averages: np.ndarray
    window: int

    def at(self, moment: float) -> Supports:
        """Return what is known at the last full hour before a moment, in seconds UTC."""
        hour = int(moment // HOUR) - self.begin
        if not 0 <= hour < len(self.averages):
            return Supports()
        begin = int(np.searchsorted(self.happened, hour - self.window, side="right"))
        end = int(np.searchsorted(self.known, hour, side="right"))
        averages = self.averages[hour]
        levels = {*self.swings[begin:end].tolist(), *averages[averages > 0].tolist()}
        return Supports(self.nodes.at(hour), tuple(sorted(levels)))


_NOTHING = Survey(
    begin=0,
    nodes=Nodes(np.empty(0), np.zeros(1, "int64")),
    swings=np.empty(0),
    happened=np.empty(0),
    known=np.empty(0),
    averages=np.empty((0, len(AVERAGE_HOURS))),
    window=1,
)


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until everything is known."""
    hours = max(hourly_nodes.window_hours(settings.profile), *AVERAGE_HOURS)
    return -(-hours * HOUR // int(timeframe_seconds))


def survey(frame: pd.DataFrame, settings: Settings, timeframe_seconds: float) -> Survey:
    """Return what candles tell of supports, hour by hour.

    Nodes are those of the trailing profile of `profile.days` (whether or not its columns are
    computed); swing points are of the same time; averages are of closes. What is not yet covered
    by candles is unknown, and so is what more than half of the closes are missing of.
    """
    candles.check(frame)
    if frame.empty:
        return _NOTHING
    times = candles.times(frame)
    closes = times + timeframe_seconds
    begin = math.ceil(times[0] / HOUR) + 1  # the first hour that is wholly covered
    count = max(0, int(closes[-1] // HOUR) - begin + 1)  # the last one may not be over
    hours = np.ceil(closes / HOUR).astype("int64") - begin
    return Survey(
        begin,
        hourly_nodes.nodes(_traded(frame, hours), count, settings.profile),
        *_swings(frame, hours, settings.density.swing_candles),
        _averages(frame, hours, count, timeframe_seconds),
        hourly_nodes.window_hours(settings.profile),
    )


def _traded(frame: pd.DataFrame, hours: np.ndarray) -> Traded:
    """Return the candles whose figures are known and in which something traded."""
    low, high, volume = (frame[name].to_numpy("float64") for name in ("low", "high", "volume"))
    usable = (low > 0) & (high >= low) & (high < np.inf) & (volume > 0) & (volume < np.inf)
    return Traded(low[usable], high[usable], volume[usable], hours[usable])


def _swings(
    frame: pd.DataFrame, hours: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the prices of swing points, and the hours in which they happened and were known."""
    found = []
    for name, sign in (("high", 1.0), ("low", -1.0)):
        prices = frame[name].where(frame[name] > 0)
        rows = _tops(sign * prices, reach)
        found.append((prices.to_numpy("float64")[rows], rows))
    prices, rows = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    return prices[order], hours[rows], hours[rows + reach]


def _tops(values: pd.Series, reach: int) -> np.ndarray:
    """Return the rows of values that none of `reach` others on either side is above."""
    window = 2 * reach + 1
    highest = values.rolling(window, min_periods=1).max().to_numpy()[window - 1 :]
    inner = values.to_numpy()[reach : reach + len(highest)]
    return np.flatnonzero(inner == highest) + reach


def _averages(
    frame: pd.DataFrame, hours: np.ndarray, count: int, timeframe_seconds: float
) -> np.ndarray:
    """Return the mean close over each of AVERAGE_HOURS before each hour's end, shape (count, 2)."""
    closes = frame["close"].to_numpy("float64")
    known = (closes > 0) & (closes < np.inf)
    sums = np.append(0.0, np.cumsum(np.where(known, closes, 0.0)))
    counts = np.append(0, np.cumsum(known))
    now = np.arange(count)
    ends = np.searchsorted(hours, now, side="right")
    averages = np.full((count, len(AVERAGE_HOURS)), np.nan)
    for column, span in enumerate(AVERAGE_HOURS):
        begins = np.searchsorted(hours, now - span, side="right")
        number = counts[ends] - counts[begins]
        enough = (now >= span - 1) & (number >= span * HOUR / timeframe_seconds / 2)
        averages[enough, column] = (sums[ends] - sums[begins])[enough] / number[enough]
    return averages
