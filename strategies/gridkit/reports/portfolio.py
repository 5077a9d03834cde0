"""How the traded pairs of a run stood together: profit, exposure, correlation, risk."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import correlation, hours
from gridkit.reports.equity import MarkedEquity, Marks, candle_index
from gridkit.reports.records import Floats, Ints, Run

FEWEST_PAIRS = 2


@dataclass(frozen=True, slots=True)
class Symbol:
    """One pair, or all together.

    `profit_stake` is marked, after fees and funding. Exposure is what is held, whichever side, over
    equity, over all candles with equity above 0; None without such a candle.
    """

    profit_stake: float
    exposure_mean_fraction: float | None
    exposure_max_fraction: float | None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The pairs that were traded. None and NaN: unknown.

    `correlations` are those of hourly log returns over the whole run, pairs by pairs. The
    diversification ratio is that of the mean holdings, sides included: 1 where all moved as one.
    Risk is what is held x its distance from the entry to the stop it was entered with, over equity,
    over all candles with equity above 0: what was at stake had no stop been tightened. Fees apart.
    """

    symbols: Mapping[str, Symbol]
    total: Symbol
    correlations: pd.DataFrame
    diversification_ratio: float | None
    risk_mean_fraction: float | None
    risk_max_fraction: float | None


def portfolio_of(run: Run, marks: Marks, equity: MarkedEquity) -> Portfolio | None:
    """Return the portfolio; None where less than two pairs were traded."""
    pairs = list(equity.profits)
    if len(pairs) < FEWEST_PAIRS:
        return None
    solvent = equity.equity > 0
    shares = {pair: equity.worth[pair][solvent] / equity.equity[solvent] for pair in pairs}
    symbols = {pair: _symbol(equity.profits[pair], np.abs(shares[pair])) for pair in pairs}
    returns = hourly_returns(marks, pairs)
    matrix = correlation.matrix(returns)
    risk = risk_to_stops(run, marks.seconds)
    used = np.empty(0) if risk is None else risk[solvent] / equity.equity[solvent]
    return Portfolio(
        symbols=symbols,
        total=_symbol(
            np.sum([equity.profits[pair] for pair in pairs], axis=0),
            equity.exposure[solvent] / equity.equity[solvent],
        ),
        correlations=matrix,
        diversification_ratio=_diversification(shares, returns, matrix),
        risk_mean_fraction=_mean(used),
        risk_max_fraction=_maximum(used),
    )


def _symbol(profits: Floats, exposure: Floats) -> Symbol:
    return Symbol(float(profits[-1]), _mean(exposure), _maximum(exposure))


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _maximum(values: Floats) -> float | None:
    return float(values.max()) if len(values) else None


def risk_to_stops(run: Run, seconds: Ints) -> Floats | None:
    """Return the risk of all positions at each candle, stake currency; None: a stop is unknown."""
    if run.stops is None or not np.isfinite(run.stops).all():
        return None
    risk = np.zeros(len(seconds))
    for trade, stop in zip(run.trades, run.stops, strict=True):
        at = candle_index(seconds, np.array([fill.seconds for fill in trade.fills]))
        amounts = [fill.signed_amount for fill in trade.fills]
        held = np.bincount(at, weights=amounts, minlength=len(seconds)).cumsum()
        risk += np.abs(held) * abs(trade.fills[0].price - stop)
    return risk


def _diversification(
    shares: Mapping[str, Floats], returns: pd.DataFrame, matrix: pd.DataFrame
) -> float | None:
    """Return the ratio of the mean holdings, by the volatility of hourly returns."""
    means = pd.Series({pair: share.mean() if len(share) else 0.0 for pair, share in shares.items()})
    ratio = correlation.diversification_ratio(means, returns.std(), matrix)
    return ratio if np.isfinite(ratio) else None


def hourly_returns(marks: Marks, pairs: list[str]) -> pd.DataFrame:
    """Return log returns from hour to hour, pairs side by side; NaN where a close is unknown.

    A close counts at the end of its candle; of candles longer than an hour none follows on another.
    """
    ends = marks.seconds + _step(marks.seconds)
    whole = ends % candles.SECONDS_PER_HOUR == 0
    at = ends[whole] // candles.SECONDS_PER_HOUR
    columns = {}
    for pair in pairs:
        known = np.where(marks.known[pair], marks.closes[pair], np.nan)[whole]
        columns[pair] = at, hours.log_returns(known, at)
    return hours.table(columns)


def _step(seconds: Ints) -> int:
    """Return the length of a candle of the grid, seconds."""
    return int(seconds[1] - seconds[0]) if len(seconds) > 1 else candles.SECONDS_PER_HOUR
