"""Momentum: how one-sided the price's recent steps were."""

import numpy as np

from gridkit.analytics import scores_parts as parts
from gridkit.settings.market import ConfluencePeriods

SLOWED = 3  # candles a slow stochastic is averaged over (Lane)


def components(made: parts.Bars, periods: ConfluencePeriods) -> dict[str, np.ndarray]:
    """Return the five parts, each -1 … 1, above 0 in a rising market, NaN while unknown.

    - rsi: gains less losses over both, by Wilder's averages, which is RSI/50 - 1 (Wilder 1978);
    - macd: MACD less its signal line, against its spread in a random walk (Appel 1979);
    - stochastic: the slow %K, made symmetric: 2·%K - 1 (Lane 1984);
    - williams: the same of this candle alone: 1 + %R/50 (Williams 1979);
    - cmo: gains less losses over both, by plain sums (Chande and Kroll 1994, The New Technical
      Trader). TA-Lib's CMO averages as Wilder does, which makes it the RSI once more.

    Read here as following the market: overbought is bullish. So they fail where oscillators are
    usually read the other way, at the edges of a range. Four of the five are close relatives. NaN
    where the window saw no move at all.
    """
    position = _position(made, periods.oscillator)
    steps = parts.change(made.close)
    return {
        "rsi": rsi(made.close, periods.oscillator),
        "macd": parts.against_chance(
            lambda price: histogram(price, periods.macd), made.close, periods.averages[-1]
        ),
        "stochastic": np.clip(parts.total(position, SLOWED) / SLOWED, -1, 1),
        "williams": position,
        "cmo": _balance(steps, lambda values: parts.total(values, periods.oscillator)),
    }


def rsi(close: np.ndarray, period: int) -> np.ndarray:
    """Return RSI/50 - 1 of log prices: -1 … 1, NaN for the first and where nothing ever moved."""
    return _balance(parts.change(close), lambda values: parts.wilder(values, period))


def histogram(price: np.ndarray, spans: tuple[int, int, int]) -> np.ndarray:
    """Return MACD less its signal line, of spans fast, slow and signal, in the prices' unit."""
    fast, slow, signal = spans
    macd = parts.average(price, fast) - parts.average(price, slow)
    return macd - parts.average(macd, signal)


def _position(made: parts.Bars, window: int) -> np.ndarray:
    """Place of the close between the window's lowest and highest price: -1 … 1."""
    highest, lowest = parts.extremes(made, window)
    return np.clip(parts.ratio(2 * made.close - highest - lowest, highest - lowest), -1, 1)


def _balance(steps: np.ndarray, averaged: parts.Line) -> np.ndarray:
    gains, losses = averaged(np.maximum(steps, 0.0)), averaged(np.maximum(-steps, 0.0))
    return np.clip(parts.ratio(gains - losses, gains + losses), -1, 1)
