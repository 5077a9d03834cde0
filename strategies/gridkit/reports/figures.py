"""Figures of an equity series. Fractions, not percent; None where a figure cannot be known."""

import math
from dataclasses import dataclass

import numpy as np

from gridkit.reports.records import Floats, Ints

DAY = 86_400
DAYS_PER_YEAR = 365
LARGEST_EXPONENT = 700.0  # e to this still fits a float
FEWEST = 2  # a spread, or a change, needs two values
MIN_DAYS_FOR_TAIL = 100  # one percent of fewer days is not even one day


@dataclass(frozen=True, slots=True)
class EquityFigures:
    """What the marked equity alone says."""

    final_stake: float
    return_fraction: float
    weekly_mean_return_fraction: float | None
    cagr_fraction: float | None
    daily_sharpe: float | None
    daily_sortino: float | None
    calmar: float | None
    max_drawdown_fraction: float
    longest_under_water_days: float
    p95_under_water_days: float
    expected_shortfall_1pct_daily_fraction: float | None
    worst_day_return_fraction: float | None


def equity_figures(equity: Floats, seconds: Ints, step: int, start: float) -> EquityFigures:
    """All of them; `seconds` are opening times, `equity` is at the closes, `step` is in seconds."""
    path = np.concatenate([[start], equity])
    daily = daily_returns(equity, seconds, start)
    years = len(equity) * step / DAY / DAYS_PER_YEAR
    drawdown = max_drawdown(path)
    under_water = candles_since_peak(path) * step / DAY
    return EquityFigures(
        final_stake=float(path[-1]),
        return_fraction=float(path[-1]) / start - 1,
        weekly_mean_return_fraction=weekly_mean_return(path, step),
        cagr_fraction=cagr(start, float(path[-1]), years),
        daily_sharpe=sharpe(daily),
        daily_sortino=sortino(daily),
        calmar=calmar(annual_return(start, float(path[-1]), years), drawdown),
        max_drawdown_fraction=drawdown,
        longest_under_water_days=float(under_water.max()),
        p95_under_water_days=float(np.percentile(under_water, 95)),
        expected_shortfall_1pct_daily_fraction=expected_shortfall(daily),
        worst_day_return_fraction=worst(daily),
    )


def daily_returns(equity: Floats, seconds: Ints, start: float) -> Floats:
    """Return of each UTC day, from its last close; the first counts from `start`.

    NaN from the day on which nothing was left.
    """
    ends = np.append(np.flatnonzero(np.diff(seconds // DAY)), len(seconds) - 1)
    closes = np.concatenate([[start], equity[ends]])
    before = np.where(closes[:-1] > 0, closes[:-1], np.nan)
    return np.diff(closes) / before


def weekly_mean_return(path: Floats, step: int) -> float | None:
    """Mean return of whole seven-day blocks from the start; None within the first week."""
    blocks = path[:: max(1, 7 * DAY // step)]
    if len(blocks) < FEWEST or (blocks[:-1] <= 0).any():
        return None
    return float(np.mean(blocks[1:] / blocks[:-1] - 1))


def cagr(start: float, final: float, years: float) -> float | None:
    """Compound growth of a year of 365 days; -1 when all is lost, None when beyond a float."""
    if final <= 0:
        return -1.0
    if years <= 0:
        return None
    exponent = math.log(final / start) / years
    return math.expm1(exponent) if exponent < LARGEST_EXPONENT else None


def annual_return(start: float, final: float, years: float) -> float | None:
    """Return per year: proportional below one year, compound (`cagr`) from one year on.

    A good week must not be compounded fifty-two times; at one year both are the same.
    """
    if years >= 1:
        return cagr(start, final, years)
    return (final / start - 1) / years if years > 0 else None


def sharpe(daily: Floats) -> float | None:
    """Mean / sample standard deviation of daily returns x sqrt(365); no risk-free rate."""
    if len(daily) < FEWEST or np.isnan(daily).any():
        return None
    return annual_ratio(daily, float(daily.std(ddof=1)))


def sortino(daily: Floats) -> float | None:
    """Mean / root mean square of the negative daily returns (over all days) x sqrt(365)."""
    if len(daily) < FEWEST or np.isnan(daily).any():
        return None
    return annual_ratio(daily, math.sqrt(float(np.mean(np.minimum(daily, 0.0) ** 2))))


def annual_ratio(daily: Floats, risk: float) -> float | None:
    """None where there is no risk but rounding to divide by."""
    if risk <= 1e-12 * max(1.0, float(np.abs(daily).max())):
        return None
    return float(daily.mean()) / risk * math.sqrt(DAYS_PER_YEAR)


def drawdowns(path: Floats) -> Floats:
    """Loss from the highest point so far, as a fraction of it (0 at a peak)."""
    return 1 - path / np.maximum.accumulate(path)


def max_drawdown(path: Floats) -> float:
    """Return the largest of the drawdowns."""
    return float(drawdowns(path).max())


def calmar(annual: float | None, drawdown: float) -> float | None:
    """Annual return / maximum marked drawdown; None without either."""
    return None if annual is None or drawdown <= 0 else annual / drawdown


def candles_since_peak(path: Floats) -> Ints:
    """Candles since equity last stood at its highest (0 at a peak or level with it)."""
    at_peak = path >= np.maximum.accumulate(path)
    index = np.arange(len(path))
    return index - np.maximum.accumulate(np.where(at_peak, index, 0))


def expected_shortfall(daily: Floats) -> float | None:
    """Mean loss on the worst 1 % of days, as a positive fraction; None under 100 days."""
    if len(daily) < MIN_DAYS_FOR_TAIL or np.isnan(daily).any():
        return None
    worst = math.ceil(len(daily) / 100)
    return -float(np.sort(daily)[:worst].mean())


def worst(daily: Floats) -> float | None:
    """Lowest return of a day; None where one is unknown, as nothing was left to lose."""
    return None if np.isnan(daily).any() else float(daily.min())
