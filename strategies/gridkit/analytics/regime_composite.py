"""Trend score, trend strength, confidence and volatility: what the composite regime goes by.

The score is the mean of three parts in [-1, 1], each zero on average where there is no trend:

slope      the slope of the fast average of the log price
gap        how far the fast average of the log price is above the slow one
direction  Wilder's balance of upward and downward movement (`trend.balance`)

Slope and gap are counted in standard deviations of what a random walk as volatile as the market
would show, and three of them count in full. With y(s) = the exponential average of log returns of
span s, that of the log price has the slope y(s) and is (s - 1)/2 · y(s) below the price; so both
follow from y, without the rounding errors of two large numbers' difference.
"""

import math

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import trend
from gridkit.analytics.estimators import close_to_close
from gridkit.settings import RegimeSettings, Settings

FULL_SIGMAS = 3.0
FULL_ADX = 50.0  # Wilder's scale: above it a trend is extremely strong


def measure(prices: pd.DataFrame, times: np.ndarray, settings: Settings) -> pd.DataFrame:
    """Return volatility, strength, score and confidence of the candles `trend.priced` left.

    `volatility` is annual, a fraction: the past's, over `settings.volatility.window_hours`.
    `strength` is 0 … 1, an ADX of 50 or more being 1. `score` is -1 … 1, negative in a falling
    market. `confidence` is 0 … 1: the size of the parts' sum over the sum of their sizes, so 1
    where they agree. NaN until the slow average has settled (strength and volatility: until
    known). `times` (seconds UTC) has the shape (n,) of `prices`.

    Weak in that the parts share their data: they agree more often than independent witnesses
    would, and confidence is no probability. At the default cuts a random walk is called a trend in
    about one hour of seven.
    """
    regime = settings.regime
    seconds = settings.volatility.window_hours * candles.SECONDS_PER_HOUR
    annual = close_to_close(prices["close"].to_numpy(), times, seconds)
    parts = np.stack([*_slope_and_gap(prices, regime), trend.balance(prices, regime.adx_period)])
    total, sizes = parts.sum(axis=0), np.abs(parts).sum(axis=0)
    agreement = np.divide(np.abs(total), sizes, out=sizes * 0.0, where=sizes > 0)
    return pd.DataFrame(
        {
            "volatility": annual,
            "strength": np.minimum(1.0, trend.strength(prices, regime.adx_period) / FULL_ADX),
            "score": trend.unsettled_as_nan(total / len(parts), regime.ema_slow),
            "confidence": trend.unsettled_as_nan(agreement, regime.ema_slow),
        },
        index=prices.index,
    )


def gap_deviation(fast: int, slow: int) -> float:
    """Return the standard deviation of the averages' gap in a random walk of unit steps.

    The gap weighs the step of j candles ago by b_s^(j+1) - b_f^(j+1), b = 1 - 2/(span + 1).
    """
    quick, lazy = (1.0 - 2.0 / (span + 1.0) for span in (fast, slow))

    def shared(one: float, other: float) -> float:
        return one * other / (1.0 - one * other)

    return math.sqrt(shared(lazy, lazy) + shared(quick, quick) - 2.0 * shared(quick, lazy))


def _slope_and_gap(prices: pd.DataFrame, regime: RegimeSettings) -> tuple[np.ndarray, np.ndarray]:
    fast, slow = regime.ema_fast, regime.ema_slow
    returns = np.log(prices["close"]).diff().fillna(0.0)
    quick, lazy = _average(returns, fast), _average(returns, slow)
    deviation = np.sqrt(_average(returns**2, slow))
    gap = (slow - 1) / 2 * lazy - (fast - 1) / 2 * quick
    return (
        _in_sigmas(quick, deviation / math.sqrt(fast)),
        _in_sigmas(gap, deviation * gap_deviation(fast, slow)),
    )


def _average(values: pd.Series, span: int) -> np.ndarray:
    return values.ewm(span=span, adjust=False).mean().to_numpy()


def _in_sigmas(value: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return -1 … 1; 0 where nothing has ever moved."""
    sigmas = np.divide(value, deviation, out=np.zeros_like(value), where=deviation > 0)
    return np.clip(sigmas / FULL_SIGMAS, -1.0, 1.0)
