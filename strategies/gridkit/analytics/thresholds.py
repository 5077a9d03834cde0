"""Entry thresholds that rise with volatility (SPEC K), set anew with every hourly candle."""

import math

import numpy as np
import pandas as pd
import talib

from gridkit import candles
from gridkit.analytics import rolling, trend
from gridkit.settings import Settings, ThresholdSettings

NEUTRAL = 1.0
HOURS_PER_DAY = 24


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until the percentile is known. They are taken to be hourly."""
    return settings.thresholds.atr_hours + _window(settings.thresholds)


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `thresholds_percentile` and `thresholds_multiplier` of hourly candles, float32.

    The percentile, 0 … 100, places the ATR among those of the last `window_days`; NaN until known
    and in a candle without prices. The multiplier is what a base threshold is to be multiplied by,
    and the one column that is never NaN: where the percentile is unknown it is 1.

    The ATR is the plain mean of the true ranges of `atr_hours` as a fraction of the close: with
    Wilder's smoothing an hour would still weigh a third of what it did a whole window ago. Windows
    count candles with prices: where some are missing they reach further back. A percentile knows
    the market's own past only: a month that was wild throughout has a calm half too.
    """
    candles.check(frame)
    thresholds = settings.thresholds
    percentile = np.full(len(frame), np.nan, dtype="float32")
    atr = _atr_fraction(trend.priced(frame), thresholds.atr_hours)
    # As float32, so that ranges which differ by rounding alone are equal.
    places = rolling.percentile(atr.astype("float32"), _window(thresholds))
    percentile[trend.has_prices(frame)] = places
    columns = {
        "thresholds_percentile": percentile,
        "thresholds_multiplier": multiplier(percentile, thresholds).astype("float32"),
    }
    return pd.DataFrame(columns, index=frame.index)


def multiplier(percentile: np.ndarray, settings: ThresholdSettings) -> np.ndarray:
    """Return the factor at each percentile, by straight lines between the three that are set.

    Within `least` … `most`; 1 where the percentile is NaN.
    """
    factors = (settings.at_lowest, settings.at_median, settings.at_highest)
    bounded = np.clip(np.interp(percentile, (0, 50, 100), factors), settings.least, settings.most)
    return np.where(np.isnan(percentile), NEUTRAL, bounded)


def threshold(base: float, multiplier: np.ndarray, settings: ThresholdSettings) -> np.ndarray:
    """Return the thresholds in use, in the unit of `base`; `base` where `multiplier` is NaN."""
    bounded = np.clip(multiplier, settings.least, settings.most)
    return base * np.where(np.isnan(multiplier), NEUTRAL, bounded)


def changes(columns: pd.DataFrame, settings: ThresholdSettings) -> pd.Series:
    """Return why the multiplier changed, in words, of those candles in which it did (Series, str).

    `columns` as `compute` returns them. A change is one of the two decimals that are named; before
    the first candle the factor is 1.
    """
    factors = columns["thresholds_multiplier"].astype("float64").round(2)
    before = factors.shift(fill_value=NEUTRAL)
    changed = (factors != before).to_numpy()
    percentiles = columns["thresholds_percentile"]
    reasons = [
        f"threshold factor {old:.2f} -> {new:.2f}: {_reason(percentile, settings)}"
        for old, new, percentile in zip(
            before[changed], factors[changed], percentiles[changed], strict=True
        )
    ]
    return pd.Series(reasons, index=columns.index[changed], dtype="str")


def _reason(percentile: float, settings: ThresholdSettings) -> str:
    if math.isnan(percentile):
        return f"ATR of {settings.atr_hours} hours unknown"
    return f"ATR at the {_ordinal(round(percentile))} percentile of {settings.window_days} days"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _atr_fraction(prices: pd.DataFrame, period: int) -> np.ndarray:
    """Return the mean true range over `period` candles over the close. NaN for the first so many.

    The first candle has no true range: what happened since the close before it is not known.
    """
    high, low, close = (prices[name].to_numpy() for name in ("high", "low", "close"))
    ranges = pd.Series(talib.TRANGE(high, low, close))
    return ranges.rolling(period).mean().to_numpy() / close


def _window(settings: ThresholdSettings) -> int:
    """Return the percentile's window in candles."""
    return settings.window_days * HOURS_PER_DAY
