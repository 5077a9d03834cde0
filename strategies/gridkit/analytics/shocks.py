"""Shocks of one market: a sudden move, a burst of volume or of volatility (SPEC F)."""

import math
from enum import IntEnum

import bottleneck  # type: ignore[import-untyped]
import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import correlation, estimators
from gridkit.analytics.estimators import Prices
from gridkit.settings import BreakerSettings, Settings

MEDIAN_SECONDS = candles.SECONDS_PER_DAY
VOLATILITY_SECONDS = candles.SECONDS_PER_HOUR
SECONDS_PER_MINUTE = 60
HOURS_PER_DAY = 24
LEAST_OF_DAY = 12  # returns in common
KIND, VALUE = "shocks_kind", "shocks_value"


class Shock(IntEnum):
    """What trips a breaker; the first of several counts. Each has a column of its name."""

    MOVE = 1
    VOLUME = 2
    VOLATILITY = 3
    CORRELATION = 4

    @property
    def column(self) -> str:
        """Return the name of its column."""
        return f"shocks_{self.name.lower()}"


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until every number is known."""
    medians = _rows(MEDIAN_SECONDS, timeframe_seconds)
    needed = medians + _rows(VOLATILITY_SECONDS, timeframe_seconds)
    return 1 + max(needed, _rows(_move_seconds(settings), timeframe_seconds))


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return what is sudden in each candle, float32.

    `shocks_move`: the largest move, a fraction of where it began and never negative, that ended in
    this candle and began within `move_minutes` before its close. A candle that rose is taken to
    have had its low before its high, one that fell the other way round. `shocks_volume`: volume
    over its 24 h median. `shocks_volatility`: volatility of the last hour (Parkinson) over its 24 h
    median. NaN in a candle without prices, until a window is covered, and where a median is 0, as
    of markets that mostly stand still. They say nothing of where price goes next.
    """
    candles.check(frame)
    prices, times = Prices.of(frame), candles.times(frame)
    volume = frame["volume"].to_numpy("float64")
    volume = np.where(prices.known() & (volume >= 0) & (volume < np.inf), volume, np.nan)
    volatility = estimators.parkinson(prices, times, VOLATILITY_SECONDS)
    return pd.DataFrame(
        {
            Shock.MOVE.column: _moves(prices, times, _move_seconds(settings)),
            Shock.VOLUME.column: _in_medians(volume, times),
            Shock.VOLATILITY.column: _in_medians(volatility, times),
        },
        index=frame.index,
    ).astype("float32")


def broken(returns: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `shocks_correlation`: the pairs' mean correlation over the last 24 hours, float32.

    `returns` as `correlation.returns` has them. NaN unless the mean of `correlation.window_days` is
    `correlation_from` or more: pairs that did not move together have nothing to break.
    """
    usual = correlation.mean_pairwise(returns, settings)["correlation_mean"].to_numpy()
    now = correlation.rolling_mean(returns, HOURS_PER_DAY, LEAST_OF_DAY)
    now[~(usual >= settings.breakers.correlation_from)] = np.nan
    return pd.DataFrame({Shock.CORRELATION.column: now.astype("float32")}, index=returns.index)


def tripping(columns: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return what trips in each candle: all that has to be remembered of the columns of Shock.

    `shocks_kind`: a Shock, 0 for none, int8; `shocks_value`: its figure, NaN for none, float32.
    """
    kinds, values = np.zeros(len(columns), "int8"), np.full(len(columns), np.nan, "float32")
    for shock in reversed(Shock):
        if shock.column in columns:
            known = columns[shock.column].to_numpy()
            hits = trips(shock, known, settings.breakers)
            kinds[hits], values[hits] = shock, known[hits]
    return pd.DataFrame({KIND: kinds, VALUE: values}, index=columns.index)


def tripped(frame: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return the Shock that holds at each candle, 0 for none. int8, shape (n,).

    The last one holds, until `pause_minutes` after the candle that tripped it. `frame` has `date`
    and what `tripping` returns; without it nothing holds.
    """
    kinds, times = np.asarray(frame.get(KIND, np.zeros(len(frame), "int8"))), candles.times(frame)
    if not len(kinds):
        return kinds
    last = np.maximum.accumulate(np.where(kinds > 0, np.arange(len(kinds)), -1))
    ago = times - np.where(last >= 0, times[last], -np.inf)
    pause = settings.breakers.pause_minutes * SECONDS_PER_MINUTE
    return np.where(ago <= pause, kinds[last], 0).astype("int8")


def trips(shock: Shock, values: np.ndarray, rule: BreakerSettings) -> np.ndarray:
    """Whether each value of a shock's column trips it; NaN does not. Shape (n,), bool."""
    threshold = threshold_of(shock, rule)
    return values < threshold if shock is Shock.CORRELATION else values >= threshold


def threshold_of(shock: Shock, rule: BreakerSettings) -> float:
    """Return where a shock begins; that of correlation is the end it falls below."""
    return {
        Shock.MOVE: rule.move,
        Shock.VOLUME: rule.volume,
        Shock.VOLATILITY: rule.volatility,
        Shock.CORRELATION: rule.correlation_to,
    }[shock]


def _moves(prices: Prices, times: np.ndarray, seconds: float) -> np.ndarray:
    """Largest move to each candle's extremes; the close before a candle belongs to it."""
    known = prices.known()
    high, low, close = (
        np.where(known, one, np.nan) for one in (prices.high, prices.low, prices.close)
    )
    before, rose = pd.Series(close).ffill().shift().to_numpy(), prices.close >= prices.open
    lowest = _earlier(np.fmin(low, before), times, seconds, "min")
    highest = _earlier(np.fmax(high, before), times, seconds, "max")
    own_lowest = np.fmin(before, np.where(rose, low, prices.open))
    own_highest = np.fmax(before, np.where(rose, prices.open, high))
    rises = high / np.fmin(lowest, own_lowest) - 1.0
    falls = 1.0 - low / np.fmax(highest, own_highest)
    moves = np.maximum(np.maximum(rises, falls), 0.0)
    return np.where(_covered(close, times, seconds), moves, np.nan)


def _earlier(values: np.ndarray, times: np.ndarray, seconds: float, what: str) -> np.ndarray:
    """`min` or `max` of what is known of the last `seconds`, this candle left out, shape (n,)."""
    steps = np.diff(times)
    if not _regular(steps):
        return _by_time(values, times, seconds, "neither", what)
    rows = min(_rows(seconds, steps[0]), len(values)) - 1
    if not rows:
        return np.full(len(values), np.nan)
    return _by_rows(np.concatenate([[np.nan], values[:-1]]), rows, what)


def _in_medians(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    medians = _medians(values, times)
    usable = _covered(values, times, MEDIAN_SECONDS) & (medians > 0)
    return np.divide(values, medians, out=np.full(len(values), np.nan), where=usable)


def _covered(values: np.ndarray, times: np.ndarray, seconds: float) -> np.ndarray:
    """Whether something was known so long ago, and half of the candles since."""
    known = np.isfinite(values)
    if not known.any():
        return known
    counts = np.concatenate([[0], np.cumsum(known)])
    rows = np.arange(len(times))
    begins = np.searchsorted(times, times - seconds, side="right")
    half = 2 * (counts[rows + 1] - counts[begins]) >= rows + 1 - begins
    return half & (times - times[np.argmax(known)] >= seconds)


def _medians(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Median of what is known of the last day, shape (n,)."""
    steps = np.diff(times)
    if not _regular(steps):
        return _by_time(values, times, MEDIAN_SECONDS, "right", "median")
    return _by_rows(values, min(_rows(MEDIAN_SECONDS, steps[0]), len(values)), "median")


def _regular(steps: np.ndarray) -> bool:
    return bool(len(steps)) and bool((steps == steps[0]).all())


def _by_rows(values: np.ndarray, rows: int, what: str) -> np.ndarray:
    return getattr(bottleneck, f"move_{what}")(values, rows, min_count=1)


def _by_time(
    values: np.ndarray, times: np.ndarray, seconds: float, closed: str, what: str
) -> np.ndarray:
    """Do the same where candles are missing, several times as slow."""
    index = pd.DatetimeIndex((times * 1e9).astype("int64"))
    window = pd.Series(values, index=index).rolling(pd.Timedelta(seconds=seconds), closed=closed)
    return getattr(window, what)().to_numpy()


def _rows(seconds: float, timeframe_seconds: float) -> int:
    return max(1, math.ceil(seconds / timeframe_seconds))


def _move_seconds(settings: Settings) -> float:
    return settings.breakers.move_minutes * SECONDS_PER_MINUTE
