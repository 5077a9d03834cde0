"""Which pairs move together, by their hourly log returns.

Unknown (NaN) is the correlation of two pairs that have fewer than 48 returns in common, or of which
one never moved.
"""

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridkit.analytics import hours as hourly
from gridkit.settings import Settings

LEAST_RETURNS = 48
STILL = 1e-12  # share of the squared returns that rounding leaves of a spread that is none


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Hourly candles until the rolling mean is known."""
    return _window(settings) + 1


def returns(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return hourly log returns, pairs side by side, of every hour from the first to the last.

    The index is the candles' open times, UTC. NaN where a price of the hour or the one before it is
    unknown: no return spans a gap.
    """
    columns = {}
    for pair, frame in frames.items():
        hours = hourly.of(frame)
        columns[pair] = hours, hourly.log_returns(frame["close"].to_numpy("float64"), hours)
    return hourly.table(columns)


def pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation, -1 … 1, of two series of log returns of equal length; NaN: unknown."""
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < LEAST_RETURNS:
        return math.nan
    a, b = _deviations(first[both]), _deviations(second[both])
    spread = math.sqrt(np.dot(a, a) * np.dot(b, b))
    return float(np.clip(np.dot(a, b) / spread, -1.0, 1.0)) if spread > 0 else math.nan


def unit(returns: np.ndarray) -> np.ndarray | None:
    """Return deviations from the mean over their length: of two of these, `pearson` is the product.

    None where a return is unknown, or the series never moved: then there is no such short way.
    """
    if len(returns) < LEAST_RETURNS or not np.isfinite(returns).all():
        return None
    away = _deviations(returns)
    length = math.sqrt(np.dot(away, away))
    return away / length if length > 0 else None


def matrix(returns: pd.DataFrame) -> pd.DataFrame:
    """Return the correlations of all columns over all rows, pairs by pairs.

    The diagonal is 1, or NaN for a pair whose returns are too few or never moved. Each number is
    from the hours both pairs know, so the whole need not be positive semidefinite.
    """
    values = returns.to_numpy("float64")
    count = values.shape[1]
    found = np.full((count, count), np.nan)
    for one, other in itertools.combinations_with_replacement(range(count), 2):
        found[one, other] = found[other, one] = pearson(values[:, one], values[:, other])
    return pd.DataFrame(found, index=returns.columns, columns=returns.columns)


def latest(returns: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the matrix of the last `window_days`; `returns` as the function of that name has."""
    return matrix(returns.iloc[-_window(settings) :])


def mean_pairwise(returns: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `correlation_mean`: the mean over all pairs of pairs in each hour's matrix, float32.

    Each row is from its `window_days`; those that are unknown are left out. NaN until the table
    spans a window, and where no two pairs' correlation is known.
    """
    mean = rolling_mean(returns, _window(settings), LEAST_RETURNS)
    return pd.DataFrame({"correlation_mean": mean.astype("float32")}, index=returns.index)


def rolling_mean(returns: pd.DataFrame, window: int, least: int) -> np.ndarray:
    """Return the same of the last `window` hours, `least` returns in common, float64, (n,)."""
    values = returns.to_numpy("float64")
    total, known = np.zeros(len(values)), np.zeros(len(values))
    for one, other in itertools.combinations(range(values.shape[1]), 2):
        found = _rolling(values[:, one], values[:, other], window, least)
        known += np.isfinite(found)
        total += np.nan_to_num(found)
    known[: window - 1] = 0
    return np.divide(total, known, out=np.full(len(values), np.nan), where=known > 0)


def clusters(matrix: pd.DataFrame, threshold: float) -> tuple[tuple[str, ...], ...]:
    """Return groups of pairs of which each is correlated above `threshold` with another in it.

    Every pair is in one group, alone if need be. Groups come in the order of their first pairs, and
    pairs in the order the matrix has them. An unknown correlation joins nothing: what must not open
    by ignorance, such as a cap, asks `gridkit.risk.correlation` instead.
    """
    joined = matrix.to_numpy() > threshold
    left, groups = list(range(len(joined))), []
    while left:
        group, reached = set(), {left[0]}
        while reached:
            group |= reached
            reached = {place for place in left if joined[sorted(reached), place].any()} - group
        groups.append(tuple(str(matrix.columns[place]) for place in sorted(group)))
        left = [place for place in left if place not in group]
    return tuple(groups)


def diversification_ratio(
    weights: pd.Series, volatilities: pd.Series, matrix: pd.DataFrame
) -> float:
    """Return the weighted mean of the volatilities over the volatility of the whole, 1 or more.

    1: all move as one; √n: n pairs of equal risk that have nothing in common. Negative weights are
    shorts, and count with their size above. All three are by pair, volatilities in any one unit.
    NaN where a pair with a weight has an unknown volatility or correlation, and for a whole that
    does not move. Source: Choueifaty & Coignard (2008), Journal of Portfolio Management 35(1).
    """
    held = weights[weights != 0].index
    risks = (weights * volatilities).reindex(held).to_numpy("float64")
    variance = risks @ matrix.reindex(index=held, columns=held).to_numpy("float64") @ risks
    gross = float(np.abs(risks).sum())
    return gross / math.sqrt(variance) if variance > STILL * gross**2 else math.nan


def _window(settings: Settings) -> int:
    return settings.correlation.window_days * 24


def _deviations(values: np.ndarray) -> np.ndarray:
    """Differences from the mean; exactly 0 where there is nothing but rounding."""
    away = values - values.mean()
    moved = np.dot(away, away) > STILL * np.dot(values, values)
    return away if moved else np.zeros(len(values))


def _rolling(first: np.ndarray, second: np.ndarray, window: int, least: int) -> np.ndarray:
    """`pearson` of each row's last `window` rows, `least` of them known."""
    both = np.isfinite(first) & np.isfinite(second)
    a, b = np.where(both, first, 0.0), np.where(both, second, 0.0)
    sums = hourly.trailing_sums(np.column_stack([both, a, b, a * a, b * b, a * b]), window)
    count, sum_a, sum_b, squares_a, squares_b, products = sums.T
    count = np.maximum(count, 1.0)
    spread_a, spread_b = squares_a - sum_a**2 / count, squares_b - sum_b**2 / count
    moved = (spread_a > STILL * squares_a) & (spread_b > STILL * squares_b)
    usable = moved & (count >= least)
    together = (products - sum_a * sum_b / count)[usable]
    found = np.full(len(first), np.nan)
    found[usable] = together / np.sqrt(spread_a[usable] * spread_b[usable])
    return np.clip(found, -1.0, 1.0)
