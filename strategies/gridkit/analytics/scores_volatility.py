"""Volatility: how far the price stands out, in units of how much it usually moves."""

import math

import numpy as np

from gridkit.analytics import scores_parts as parts
from gridkit.settings.market import ConfluencePeriods

BAND_WIDTH = 2.0  # standard deviations (Bollinger) and ATR (Keltner) from the middle to the band


def components(made: parts.Bars, periods: ConfluencePeriods) -> dict[str, np.ndarray]:
    """Return the four parts, each -1 … 1, above 0 where the price stands high, NaN while unknown.

    - atr: the move of 14 candles in ATR·√14, through tanh (a random walk: about ±0.6 ATR·√14);
    - bollinger: place between the bands SMA 20 ± 2 standard deviations, beyond them ±1
      (Bollinger 2001, Bollinger on Bollinger Bands);
    - keltner: the same between EMA 20 ± 2 ATR (Keltner 1960, as changed by Raschke);
    - donchian: place between the extremes of 20 candles (Donchian 1960).

    Read as following the market: outside of a band is a breakout, not an excess, which is wrong in
    ranges. They say the direction of a move, not whether volatility is high. NaN in a market that
    does not move.
    """
    window, close = periods.window, made.close
    usual = parts.atr(made, periods.oscillator)
    highest, lowest = parts.extremes(made, window)
    moved = parts.change(close, periods.oscillator) / math.sqrt(periods.oscillator)
    middle, spread = _mean_and_spread(close, window)
    return {
        "atr": np.tanh(parts.ratio(moved, usual)),
        "bollinger": _place(close - middle, BAND_WIDTH * spread),
        "keltner": _place(close - parts.average(close, window), BAND_WIDTH * usual),
        "donchian": _place(2 * close - highest - lowest, highest - lowest),
    }


def _place(away: np.ndarray, band: np.ndarray) -> np.ndarray:
    return np.clip(parts.ratio(away, band), -1, 1)


def _mean_and_spread(close: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (of the population) over a window; NaN until it is full."""
    mean, spread = np.full((2, len(close)), np.nan)
    if len(close) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(close, window)
        mean[window - 1 :] = windows.mean(axis=1)
        spread[window - 1 :] = windows.std(axis=1)
    return mean, spread
