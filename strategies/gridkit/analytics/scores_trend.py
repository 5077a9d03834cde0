"""Trend: where averages of the price stand to each other, and which way they go."""

import math

import numpy as np

from gridkit.analytics import scores_parts as parts
from gridkit.settings.market import ConfluencePeriods


def components(made: parts.Bars, periods: ConfluencePeriods) -> dict[str, np.ndarray]:
    """Return the five parts, each -1 … 1, above 0 in a rising market, NaN while unknown.

    - fast, middle, slow: price less EMA 20, EMA 20 less EMA 50, EMA 50 less EMA 200;
    - tema, hull: what the TEMA 21 (Mulloy 1994, Technical Analysis of Stocks & Commodities 12(1))
      and the Hull average 21 (Hull 2005) gained in the last candle.

    Each against its own spread in a random walk (`against_chance`), so that slow and fast lines
    weigh alike. Unknown while the price stood still for as long as the slow average spans. Late by
    nature, and wrong whenever a range passes for a trend; the two of low lag are noisy instead.
    """
    fast, middle, slow = periods.averages
    lines: dict[str, parts.Line] = {
        "fast": lambda price: price - parts.average(price, fast),
        "middle": lambda price: parts.average(price, fast) - parts.average(price, middle),
        "slow": lambda price: parts.average(price, middle) - parts.average(price, slow),
        "tema": lambda price: parts.change(tema(price, periods.smooth)),
        "hull": lambda price: parts.change(hull(price, periods.smooth)),
    }
    return {name: parts.against_chance(line, made.close, slow) for name, line in lines.items()}


def tema(values: np.ndarray, span: int) -> np.ndarray:
    """Triple exponential moving average: less late than an EMA of that span, but it overshoots."""
    once = parts.average(values, span)
    twice = parts.average(once, span)
    return 3 * once - 3 * twice + parts.average(twice, span)


def hull(values: np.ndarray, window: int) -> np.ndarray:
    """Hull's moving average WMA(√n) of 2·WMA(n/2) - WMA(n); NaN until all of it is known."""
    ahead = 2 * weighted(values, window // 2) - weighted(values, window)
    return weighted(ahead, math.isqrt(window))


def weighted(values: np.ndarray, window: int) -> np.ndarray:
    """Linearly weighted moving average; the newest weighs `window` times the oldest."""
    weights = np.arange(1.0, window + 1)
    return parts.windowed(values, weights / weights.sum())
