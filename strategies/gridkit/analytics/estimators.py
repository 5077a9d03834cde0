"""How volatile a market was, by its candles: annual volatilities as fractions (0.5 is 50 %).

All take time as it passed: a window is so many seconds, and missing candles, or candles without
prices, neither add nor hide volatility. NaN means "not known": in a candle without prices, until
the window is covered, and while more than half of its candles have no prices. Nothing looks beyond
the candle it stands at. `times` are seconds UTC, ascending; arrays have shape (n,), as has the
result.

Those that read high and low need far fewer candles for the same certainty, and pay for it: they do
not see what price jumps between candles, and they are biased low where trades are few, as price
then turns between them unseen: Parkinson's by about 0.67 / √m of the volatility where a candle is
m steps (an extreme is missed by 0.5826 steps: Broadie, Glasserman & Kou 1997, Mathematical Finance
7(4)).
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import talib

from gridkit import candles
from gridkit.analytics import windows
from gridkit.analytics.compiled import Compiled

SETTLED_HALF_LIVES = 2  # then three quarters of an endless past's weight are there
SETTLED_ATR_PERIODS = 4  # then the first mean true range counts for less than 2 % (e⁻⁴)
MEAN_RANGE = math.sqrt(8 / math.pi)  # of a Brownian motion, in standard deviations (Feller 1951)


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of candles as float64, each of shape (n,)."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """Read a frame of candles."""
        return cls(*(frame[name].to_numpy("float64") for name in ("open", "high", "low", "close")))

    def known(self) -> np.ndarray:
        """Whether all prices are positive numbers, open and close between low and high."""
        lowest = np.minimum(self.open, self.close)
        highest = np.maximum(self.open, self.close)
        return (self.low > 0) & (self.low <= lowest) & (highest <= self.high) & (self.high < np.inf)

    def logs(self, rows: np.ndarray) -> Self:
        """Logarithms of the prices of some candles."""
        return type(self)(
            np.log(self.open[rows]),
            np.log(self.high[rows]),
            np.log(self.low[rows]),
            np.log(self.close[rows]),
        )


def close_to_close(close: np.ndarray, times: np.ndarray, window_seconds: float) -> np.ndarray:
    """Return the annual volatility over `window_seconds` by the squared returns of closes.

    The squared returns of the window, over the time they took: so a return across missing candles,
    or candles without a price, counts for as long as it lasted. The mean return is taken to be
    zero, which errs less than estimating it over a day.
    """
    found = windows.trailing((close > 0) & (close < np.inf), times, window_seconds)
    logs = np.log(close[found.rows])
    squares = np.diff(logs, prepend=logs[:1]) ** 2
    return found.annual(found.sums(squares) / found.elapsed())


def parkinson(prices: Prices, times: np.ndarray, window_seconds: float) -> np.ndarray:
    """Return the annual volatility by the candles' ranges.

    Five times as efficient as close-to-close (the same certainty from a fifth of the candles). A
    steady drift within candles counts as volatility.
    Source: Parkinson (1980), Journal of Business 53(1).
    """
    found = windows.trailing(prices.known(), times, window_seconds)
    logs = prices.logs(found.rows)
    return found.annual_within((logs.high - logs.low) ** 2 / (4 * math.log(2)))


def garman_klass(prices: Prices, times: np.ndarray, window_seconds: float) -> np.ndarray:
    """Return the annual volatility by the candles' ranges and bodies.

    7.4 times as efficient as close-to-close. A steady drift within candles counts in part.
    Source: Garman & Klass (1980), Journal of Business 53(1), the practical estimator.
    """
    found = windows.trailing(prices.known(), times, window_seconds)
    logs = prices.logs(found.rows)
    ranges, bodies = logs.high - logs.low, logs.close - logs.open
    return found.annual_within(ranges**2 / 2 - (2 * math.log(2) - 1) * bodies**2)


def rogers_satchell(prices: Prices, times: np.ndarray, window_seconds: float) -> np.ndarray:
    """Return the annual volatility by where open and close stand within the candles' ranges.

    Six times as efficient as close-to-close, and blind to a steady drift, as it should be.
    Source: Rogers & Satchell (1991), Annals of Applied Probability 1(4).
    """
    found = windows.trailing(prices.known(), times, window_seconds)
    return found.annual_within(_rogers_satchell(prices.logs(found.rows)))


def yang_zhang(prices: Prices, times: np.ndarray, window_seconds: float) -> np.ndarray:
    """Return the annual volatility by jumps between candles, bodies and Rogers-Satchell together.

    Sees jumps between candles, and is blind to a steady drift. Without jumps 1 + 1/k times as
    efficient as the variance of closes: 14 for two candles, 8 for many. The jump over missing
    candles counts for as long as it lasted. NaN where the window holds one candle only.
    Source: Yang & Zhang (2000), Journal of Business 73(3).
    """
    found = windows.trailing(prices.known(), times, window_seconds)
    logs = prices.logs(found.rows)
    jumps = logs.open - np.concatenate([logs.open[:1], logs.close[:-1]])
    counts = found.counts()
    others = np.where(counts > 1, counts - 1, np.nan)
    weight = 0.34 / (1.34 + (counts + 1) / others)
    between = found.scatters(jumps) / others
    bodies = found.scatters(logs.close - logs.open) / others
    within = found.sums(_rogers_satchell(logs)) / counts
    variance = between + weight * bodies + (1 - weight) * within
    return found.annual(variance * counts / found.elapsed())


def ewma(close: np.ndarray, times: np.ndarray, half_life_seconds: float) -> np.ndarray:
    """Return the annual volatility by squared returns that count half after each half-life.

    The weighted squared returns over the weighted time they took, so unbiased from the first one
    on. Known once the first price is two half-lives old; of the candles, half by weight must have
    a price. On candles without gaps RiskMetrics' average, started without its bias.
    Source: J.P. Morgan/Reuters (1996), RiskMetrics Technical Document, section 5.2.
    """
    known = (close > 0) & (close < np.inf)
    logs = np.log(np.where(known, close, 1.0))
    return np.sqrt(_decayed(logs, known, times, half_life_seconds) * candles.SECONDS_PER_YEAR)


def atr(prices: Prices, period: int) -> np.ndarray:
    """Return Wilder's average true range as a fraction of the close: per candle, not annual.

    Candles without prices are left out. Known after four periods, when the start no longer shows,
    and where the last `period` known candles are at least half of the candles they span.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib's ATR.
    """
    result = np.full(len(prices.close), np.nan)
    rows = np.flatnonzero(prices.known())
    if len(rows) <= SETTLED_ATR_PERIODS * period:
        return result
    high, low, close = prices.high[rows], prices.low[rows], prices.close[rows]
    fractions = talib.ATR(high, low, close, timeperiod=period) / close
    fractions[: SETTLED_ATR_PERIODS * period] = np.nan
    fractions[period:][rows[period:] - rows[:-period] > 2 * period] = np.nan
    result[rows] = fractions
    return result


def of_atr(fractions: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the annual volatility of a random walk whose candles have this true range on average.

    `fractions` is what `atr` returns. Where calm and wild candles alternate it is lower than the
    other estimates, as a mean is lower than a root mean square.
    """
    per_year = candles.SECONDS_PER_YEAR / candles.lengths(times)
    return fractions / MEAN_RANGE * np.sqrt(per_year)


def _rogers_satchell(logs: Prices) -> np.ndarray:
    """Variance within each candle."""
    high, low = logs.high, logs.low
    return (high - logs.close) * (high - logs.open) + (low - logs.close) * (low - logs.open)


@Compiled
def _decayed(
    logs: np.ndarray, known: np.ndarray, times: np.ndarray, half_life: float
) -> np.ndarray:
    """Variance per second at each candle."""
    result = np.full(len(logs), np.nan)
    first = last = -1
    squares = elapsed = prices = rows = 0.0
    for now in range(len(logs)):
        if first < 0 and not known[now]:
            continue
        if first < 0:
            first = last = now
        decay = 0.5 ** ((times[now] - times[max(now - 1, first)]) / half_life)
        squares, elapsed = squares * decay, elapsed * decay
        prices, rows = prices * decay + known[now], rows * decay + 1
        if not known[now]:
            continue
        squares += (logs[now] - logs[last]) ** 2
        elapsed += times[now] - times[last]
        last = now
        settled = times[now] - times[first] >= SETTLED_HALF_LIVES * half_life
        if settled and 2 * prices >= rows:
            result[now] = squares / elapsed
    return result
