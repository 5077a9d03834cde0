"""What the parts of a timeframe's score share: whole candles in logs, ratios, weighted means.

All prices are logarithms. So a factor on the prices changes nothing, and a market turned upside
down (p → c/p) turns every score of its price into its negative.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit import candles

SETTLED = 4  # multiples of a recursive average's span until its start no longer shows (e⁻⁸)
FLAT = 1e-9  # log price: a market that moves less than this per candle only shows rounding

STEP_CANDLES = 2_000  # as long as any line's answer to a step takes to fade

Line = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Bars:
    """The candles that are whole, in order; each field has shape (n,) and holds no NaN.

    `high`, `low`, `close` are natural logarithms of prices, `volume` is not; `closed` is when each
    candle closed (seconds UTC), unknown (NaN) for the frame's first.
    """

    closed: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray


@dataclass(frozen=True, slots=True)
class Extras:
    """What candles do not tell; None, like NaN within, is unknown.

    `funding` (rate as a fraction) and `open_interest` (contracts or coins) are indexed by the
    moment each value became known, ascending, on a clock of their own. `profile` has the columns
    profile_poc, profile_val and profile_vah (prices) on the index of the candles.
    """

    funding: pd.Series | None = None
    open_interest: pd.Series | None = None
    profile: pd.DataFrame | None = None


def whole(frame: pd.DataFrame) -> np.ndarray:
    """Tell which candles have all their prices and a volume that is not negative. Shape (n,)."""
    prices = frame[["high", "low", "close"]].to_numpy("float64")
    volume = frame["volume"].to_numpy("float64")
    priced = (np.isfinite(prices) & (prices > 0)).all(axis=1)
    return priced & np.isfinite(volume) & (volume >= 0)


def bars(frame: pd.DataFrame, kept: np.ndarray) -> Bars:
    """Take the `kept` candles out of the frame; `kept` as `whole` tells it."""
    times = candles.times(frame)
    closed = times + candles.lengths(times)
    high, low, close = (np.log(frame[name].to_numpy("float64")[kept]) for name in _PRICES)
    return Bars(closed[kept], high, low, close, frame["volume"].to_numpy("float64")[kept])


def ratio(part: np.ndarray, scale: np.ndarray, least: float = FLAT) -> np.ndarray:
    """Divide; NaN where either is unknown or the scale is not above `least`."""
    result = np.full(np.shape(part), np.nan)
    return np.divide(part, scale, out=result, where=np.asarray(scale) > least)


def mean_of_known(parts: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the weighted mean of what is known at each place, NaN where nothing is.

    Each part has shape (n,), as has the result; so it stays within the bounds of the parts.
    """
    values = np.stack(parts)
    shares = np.where(np.isnan(values), 0.0, np.asarray(weights)[:, None])
    total = (np.nan_to_num(values) * shares).sum(axis=0)
    return ratio(total, shares.sum(axis=0), least=0.0)


def average(values: np.ndarray, span: float) -> np.ndarray:
    """Exponential moving average of factor 2/(span + 1), from its first value on."""
    return pd.Series(values).ewm(span=span, adjust=False).mean().to_numpy()


def wilder(values: np.ndarray, period: int) -> np.ndarray:
    """Wilder's average: exponential, of factor 1/period."""
    return average(values, 2 * period - 1)


def windowed(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sum over a window, `weights` oldest first; NaN until the window is full.

    Every window is summed afresh: nothing accumulates, and what stood still sums to exactly 0.
    """
    result = np.full(len(values), np.nan)
    if len(values) >= len(weights):
        result[len(weights) - 1 :] = np.convolve(values, weights[::-1], mode="valid")
    return result


def total(values: np.ndarray, window: int) -> np.ndarray:
    """Sum over a window; NaN until it is full."""
    return windowed(values, np.ones(window))


def change(values: np.ndarray, window: int = 1) -> np.ndarray:
    """Return what was added in `window` candles; NaN until they have passed."""
    result = np.full(len(values), np.nan)
    result[window:] = values[window:] - values[:-window]
    return result


def extremes(made: Bars, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest high and the lowest low of a window; NaN until it is full."""
    highest = pd.Series(made.high).rolling(window).max().to_numpy()
    return highest, pd.Series(made.low).rolling(window).min().to_numpy()


def sigma(close: np.ndarray, window: int) -> np.ndarray:
    """Root mean square of a candle's log return over a window; NaN until it is full."""
    result = np.full(len(close), np.nan)
    result[1:] = np.sqrt(total(np.diff(close) ** 2, window) / window)
    return result


def atr(made: Bars, period: int) -> np.ndarray:
    """Wilder's average true range of log prices: about a candle's range as a fraction.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    before = np.concatenate([made.close[:1], made.close[:-1]])
    return wilder(np.maximum(made.high, before) - np.minimum(made.low, before), period)


def against_chance(line: Line, close: np.ndarray, window: int) -> np.ndarray:
    """Measure a line of the price by its spread in a random walk: tanh of it, -1 … 1.

    `line` is any linear filter that ignores the level, such as the price less its average. Its
    standard deviation is the root of the squares of its answer to one step, times the market's
    own over `window` candles. ±0.76 is one standard deviation.
    """
    answer = line(np.repeat([0.0, 1.0], STEP_CANDLES))[STEP_CANDLES:]
    return np.tanh(ratio(line(close), sigma(close, window) * np.sqrt((answer**2).sum())))


def latest(
    moments: np.ndarray, values: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the last known value at or before each `asked` moment, and its age in seconds.

    `moments` ascend, with one value each; both answers have the shape of `asked`, and are NaN
    where nothing was known yet. What is NaN never became known: an older value stands, and ages.
    """
    known = np.flatnonzero(~np.isnan(values))
    place = np.searchsorted(moments[known], asked, side="right") - 1
    found = np.full(len(asked), np.nan)
    ages = found.copy()
    there = np.flatnonzero((place >= 0) & ~np.isnan(asked))
    chosen = known[place[there]]
    found[there] = values[chosen]
    ages[there] = asked[there] - moments[chosen]
    return found, ages


_PRICES = ("high", "low", "close")
