"""What makes a market dangerous beside its volatility: thin trade, dear funding, one direction."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import rolling
from gridkit.settings import Settings

HOURS_PER_DAY = 24
MEDIAN = 50.0
MOST_STRESS = 2.0

Values = np.ndarray | float


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Hourly candles until the numbers are known."""
    return _window(settings)


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return liquidity stress and the factor on the gap from hourly candles, float32.

    `stress_liquidity` is 0 … 1, `stress_liquidity_factor` 1 … `most_liquidity_factor`; both from
    the percentile of illiquidity within `window_days`: stress rises above `percentile`, the factor
    above the median, each to its end at the highest. NaN in a candle without prices or volume, and
    until known. Thin hours of the day look like thin markets, as a percentile knows no clock; and a
    crash in heavy trade may show no stress, as it is not thin.
    """
    candles.check(frame)
    percentiles = rolling.percentile(illiquidity(frame), _window(settings))
    stress = settings.stress
    return pd.DataFrame(
        {
            "stress_liquidity": _above(percentiles, stress.percentile),
            "stress_liquidity_factor": _factor(percentiles, stress.most_liquidity_factor),
        },
        index=frame.index,
    ).astype("float32")


def illiquidity(frame: pd.DataFrame) -> np.ndarray:
    """Return how far each candle's price ranged, a fraction, per unit of quote currency traded.

    NaN in a candle without prices or volume. To be compared with itself only.
    Source: after Amihud (2002), Journal of Financial Markets 5(1), with the range for the return.
    """
    high, low, close, volume = (
        frame[name].to_numpy("float64") for name in ("high", "low", "close", "volume")
    )
    with np.errstate(all="ignore"):
        quote = close * volume
        per_quote = (high - low) / close / quote
    known = candles.known(frame).to_numpy() & (high >= low) & (quote < np.inf)
    return np.where(known & (per_quote < np.inf), per_quote, np.nan)


def stressed(values: np.ndarray, window: int, percentile: float) -> np.ndarray:
    """Return how far each value stands above a percentile of the last `window` values, 0 … 1.

    0 at or below the percentile, 1 at the highest of them. `values` has shape (n,), as has the
    result; NaN where `rolling.percentile` is.
    """
    return _above(rolling.percentile(values, window), percentile)


def funding_stress(rates: np.ndarray, window: int, percentile: float) -> np.ndarray:
    """Return how unusual the size of each funding rate is, 0 … 1, whoever pays it.

    `rates` has shape (n,), one per payment or one per candle; `window` counts those.
    """
    return stressed(np.abs(rates), window, percentile)


def combined(funding: Values, correlation: Values, liquidity: Values) -> np.ndarray:
    """Return the factor on the gap, 1 … 2: 1 and the mean of those stresses that are known.

    Each is 0 … 1, a number or an array of shape (n,); NaN is left out, and NaN where all are.
    """
    parts = np.stack(np.broadcast_arrays(funding, correlation, liquidity)).astype("float64")
    known = ~np.isnan(parts)
    counts = known.sum(axis=0)
    mean = np.where(known, parts, 0.0).sum(axis=0) / np.where(counts, counts, np.nan)
    return np.minimum(MOST_STRESS, 1.0 + mean)


def liquidity_factor(
    spread_percentile: float, depth_percentile: float, most_factor: float
) -> float:
    """Return the factor on the gap by a live book, 1 … `most_factor`.

    The percentiles, 0 … 100, are those of the book's spread and depth among its own past ones; the
    mean of the spread's and of what the depth lacks to 100 is read as the candles' percentile is.
    One that is NaN is left out; NaN where both are.
    """
    thinness = np.array([spread_percentile, 100.0 - depth_percentile])
    known = thinness[~np.isnan(thinness)]
    return float(_factor(known.mean(), most_factor)) if len(known) else np.nan


def _window(settings: Settings) -> int:
    return settings.stress.window_days * HOURS_PER_DAY


def _above(percentiles: np.ndarray, start: float) -> np.ndarray:
    """Rise from 0 at `start` to 1 at 100."""
    return np.clip((percentiles - start) / (100.0 - start), 0.0, 1.0)


def _factor(percentiles: Values, most_factor: float) -> Values:
    """1 up to the median, so that an ordinary market is left alone; then up to `most_factor`."""
    return 1.0 + (most_factor - 1.0) * np.clip((percentiles - MEDIAN) / (100.0 - MEDIAN), 0.0, 1.0)
