"""Crypto: what perpetual futures tell beside their price, funding and open interest."""

import math

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import scores_parts as parts
from gridkit.settings.market import ConfluencePeriods, ConfluenceSettings

AGAINST = 0.5  # what extreme funding counts against the crowd that pays it
LEAST_RATES = 20  # with fewer, the 95th percentile is nothing but the largest
LIFE_SECONDS = candles.SECONDS_PER_DAY  # an older rate or open interest is no longer known


def components(
    made: parts.Bars, extras: parts.Extras, settings: ConfluenceSettings
) -> dict[str, np.ndarray]:
    """Return the three parts, each -1 … 1, above 0 where bullish, NaN while unknown.

    - funding: -0.5 where the crowd pays much to be long, 0.5 to be short, else 0 (`contrarian`);
    - open_interest: the price's move over the window where open interest rose, so that new
      positions confirm it, else 0;
    - divergence: the opposite of that move where open interest fell, so that it came from
      positions being closed, else 0.

    Both moves are in their own standard deviations, through tanh, and multiplied. For every long
    there is a short: open interest itself has no side, only the price beside it.
    Source: Murphy (1999), Technical Analysis of the Financial Markets, chapter 7.
    """
    trend, divergence = _open_interest(made, extras.open_interest, settings.periods)
    return {
        "funding": against_the_crowd(extras.funding, made.closed, settings),
        "open_interest": trend,
        "divergence": divergence,
    }


def against_the_crowd(
    rates: pd.Series | None, closes: np.ndarray, settings: ConfluenceSettings
) -> np.ndarray:
    """Return `contrarian` as known at candles' closes (seconds UTC), NaN where unknown, (n,).

    `rates` are indexed by the moment each became known; None where there are none.
    """
    return _seen(None if rates is None else contrarian(rates, settings), closes)


def contrarian(rates: pd.Series, settings: ConfluenceSettings) -> pd.Series:
    """Return -0.5·sign of the rates that are extreme, 0 for the others, on the same index.

    `rates` are indexed by the moment each became known. Extreme is a size above the percentile
    `funding_percentile` of the sizes of the last `funding_days`, itself included. NaN until so many
    days have passed since the first known rate, and while fewer than 20 are known in them. Extreme
    funding may stay extreme through a whole trend.
    """
    days = pd.Timedelta(days=settings.funding_days)
    known = rates.dropna().astype("float64")
    sizes = known.abs()
    limits = sizes.rolling(days, min_periods=LEAST_RATES).quantile(
        settings.funding_percentile / 100
    )
    limits[known.index < known.index.min() + days] = np.nan
    verdict = -AGAINST * np.sign(known) * (sizes > limits)
    return verdict.where(limits.notna()).reindex(rates.index)


def _open_interest(
    made: parts.Bars, contracts: pd.Series | None, periods: ConfluencePeriods
) -> tuple[np.ndarray, np.ndarray]:
    window = periods.window
    held = _seen(contracts, made.closed)
    held = np.log(held, out=np.full(len(held), np.nan), where=held > 0)
    usual = parts.sigma(made.close, periods.averages[-1])
    price = _moved(made.close, usual, window)
    interest = _moved(held, parts.sigma(held, window), window)
    return price * np.maximum(interest, 0.0), price * np.minimum(interest, 0.0)


def _moved(values: np.ndarray, usual: np.ndarray, window: int) -> np.ndarray:
    return np.tanh(parts.ratio(parts.change(values, window), usual * math.sqrt(window)))


def _seen(values: pd.Series | None, closes: np.ndarray) -> np.ndarray:
    """Bring values of their own clock to the candles' closes; NaN once older than a day."""
    if values is None:
        return np.full(len(closes), np.nan)
    moments = values.index.to_numpy(dtype="datetime64[ns]").astype("int64") / 1e9
    found, ages = parts.latest(moments, values.to_numpy("float64"), closes)
    return np.where(ages <= LIFE_SECONDS, found, np.nan)
