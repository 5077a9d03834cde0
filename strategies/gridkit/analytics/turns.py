"""Range and momentum of a position's own candles: ATR, and where momentum turns (SPEC M)."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import scores_momentum, trend
from gridkit.analytics import scores_parts as parts
from gridkit.settings import Settings


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until the averages have settled. They are taken to be of `exits.timeframe`."""
    periods = settings.confluence.periods
    longest = max(
        2 * settings.exits.atr_period - 1,
        2 * periods.oscillator - 1,
        periods.macd[1] + periods.macd[2],
    )
    return parts.SETTLED * longest


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `turns_atr` and `turns_momentum` of candles of `exits.timeframe`.

    `turns_atr`: Wilder's average true range in quote currency, float32; NaN until `warmup` candles
    with prices have been seen, and in one without. `turns_momentum`, int8: 1 in the candle in which
    RSI (above 50) and MACD (above its signal line) have both turned up, having both been down when
    they last agreed; -1 where both have turned down; 0 in all others, and where unknown. Periods
    of RSI and MACD are `confluence.periods`'; a candle without prices is left out as if it had not
    been. Late, as both follow the price.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; Appel (1979), the MACD.
    """
    candles.check(frame)
    known = trend.has_prices(frame)
    prices = trend.priced(frame)
    settled = np.arange(len(prices)) >= warmup(settings, 0) - 1
    atr = np.full(len(frame), np.nan, dtype="float32")
    atr[known] = np.where(settled, _atr(prices, settings.exits.atr_period), np.nan)
    momentum = np.zeros(len(frame), dtype="int8")
    momentum[known] = _turned(np.where(settled, _leaning(prices, settings), 0))
    return pd.DataFrame({"turns_atr": atr, "turns_momentum": momentum}, index=frame.index)


def _atr(prices: pd.DataFrame, period: int) -> np.ndarray:
    """Return Wilder's average of the true ranges; the first candle's is its own range."""
    high, low, close = (prices[name].to_numpy() for name in ("high", "low", "close"))
    before = np.concatenate([close[:1], close[:-1]])
    return parts.wilder(np.maximum(high, before) - np.minimum(low, before), period)


def _leaning(prices: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return 1 where RSI and MACD are both up, -1 where both are down, 0 where they differ."""
    close, periods = np.log(prices["close"].to_numpy()), settings.confluence.periods
    strength = np.nan_to_num(scores_momentum.rsi(close, periods.oscillator))
    histogram = scores_momentum.histogram(close, periods.macd)
    up = (strength > parts.FLAT) & (histogram > parts.FLAT)
    down = (strength < -parts.FLAT) & (histogram < -parts.FLAT)
    return up.astype(int) - down.astype(int)


def _turned(leaning: np.ndarray) -> np.ndarray:
    """Return the leaning where it is the opposite of the last one, 0 elsewhere; shape (n,)."""
    turned = np.zeros(len(leaning), dtype="int8")
    rows = np.flatnonzero(leaning)
    sides = leaning[rows]
    fresh = np.flatnonzero(sides[1:] != sides[:-1]) + 1
    turned[rows[fresh]] = sides[fresh]
    return turned
