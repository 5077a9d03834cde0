"""Volume: on which side of the market it changed hands."""

import math

import numpy as np

from gridkit.analytics import scores_parts as parts
from gridkit.settings.market import ConfluencePeriods

CHAIKIN = (3, 10)  # spans of Chaikin's oscillator of the A/D line


def components(
    made: parts.Bars, levels: np.ndarray | None, periods: ConfluencePeriods
) -> dict[str, np.ndarray]:
    """Return the five parts, each -1 … 1, above 0 where buyers prevail, NaN while unknown.

    - vwap: price less the window's VWAP, against its spread in a random walk, through tanh
      (Berkowitz, Logue and Noser 1988, Journal of Finance 43(1));
    - obv: least-squares slope of the on-balance volume over that of all volume (Granville 1963);
    - cmf: Chaikin's money flow, the volume by where each candle closed in its range, over all;
    - ad: Chaikin's oscillator EMA 3 - EMA 10 of the accumulation/distribution line of the same
      flow, over that of a line to which all volume was added;
    - profile: place between the value area's edges, 0 at the point of control, beyond them ±1.

    OBV and A/D are sums since the beginning of time, of which only what the window added is used.
    The side is guessed from prices, not from trades: a candle that closes high was not
    necessarily bought. NaN where the window's volume is 0; all but `profile`.

    `levels` are log prices (value area low, point of control, value area high), shape (3, n).
    """
    flow = _multiplier(made) * made.volume
    signed = np.sign(parts.change(made.close)) * made.volume
    traded = parts.total(made.volume, periods.window)
    slope = _slope_weights(periods.window)
    found = {
        "vwap": _vwap(made, traded, periods),
        "obv": _share(parts.windowed(signed, slope), parts.windowed(made.volume, slope)),
        "cmf": _share(parts.total(flow, periods.window), traded),
        "ad": _share(_oscillator(flow), _oscillator(made.volume)),
    }
    found = {name: np.where(traded > 0, values, np.nan) for name, values in found.items()}
    unknown = np.full(len(made.close), np.nan)
    return found | {"profile": unknown if levels is None else _in_profile(made.close, levels)}


def _vwap(made: parts.Bars, traded: np.ndarray, periods: ConfluencePeriods) -> np.ndarray:
    """Of evenly traded candles, the price's distance to their mean has the spread used here."""
    window = periods.window
    typical = (made.high + made.low + made.close) / 3
    mean = parts.ratio(parts.total(typical * made.volume, window), traded, least=0.0)
    chance = math.sqrt((window - 1) * (2 * window - 1) / (6 * window))
    usual = parts.sigma(made.close, periods.averages[-1]) * chance
    return np.tanh(parts.ratio(made.close - mean, usual))


def _multiplier(made: parts.Bars) -> np.ndarray:
    """-1 for a close at the low, 1 at the high, and by Chaikin's convention 0 without a range."""
    span = made.high - made.low
    place = parts.ratio(2 * made.close - made.high - made.low, span)
    return np.clip(np.where(span > parts.FLAT, place, 0.0), -1, 1)


def _slope_weights(window: int) -> np.ndarray:
    """How the last `window` steps of a line weigh in its least-squares slope: a parabola."""
    step = np.arange(1.0, window + 1)
    return step * (window + 1 - step) / window**2


def _oscillator(flow: np.ndarray) -> np.ndarray:
    """EMA 3 - EMA 10 of the running total of `flow`, without ever forming that total.

    A total less its EMA of span n is (n - 1)/2 times the EMA of what is added to it.
    """
    fast, slow = CHAIKIN
    return (slow - 1) / 2 * parts.average(flow, slow) - (fast - 1) / 2 * parts.average(flow, fast)


def _share(flow: np.ndarray, volume: np.ndarray) -> np.ndarray:
    return np.clip(parts.ratio(flow, volume, least=0.0), -1, 1)


def _in_profile(close: np.ndarray, levels: np.ndarray) -> np.ndarray:
    low, middle, high = levels
    away = close - middle
    reach = np.where(away > 0, high - middle, middle - low)
    place = np.where(reach > parts.FLAT, parts.ratio(away, reach), np.sign(away))
    return np.where(np.isnan(levels).any(axis=0), np.nan, np.clip(place, -1, 1))
