"""How the traded pairs of a run stood together: profit, exposure, correlation.

Risk to the stops is not here: an export keeps a trade's last stop and freqtrade's own, not the one
it was entered with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import correlation, hours
from gridkit.reports.equity import MarkedEquity, Marks
from gridkit.reports.records import Floats, Ints

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
    """

    symbols: Mapping[str, Symbol]
    total: Symbol
    correlations: pd.DataFrame
    diversification_ratio: float | None


def portfolio_of(marks: Marks, equity: MarkedEquity) -> Portfolio | None:
    """Return the portfolio; None where less than two pairs were traded."""
    pairs = list(equity.profits)
    if len(pairs) < FEWEST_PAIRS:
        return None
    solvent = equity.equity > 0
    shares = {pair: equity.worth[pair][solvent] / equity.equity[solvent] for pair in pairs}
    symbols = {pair: _symbol(equity.profits[pair], np.abs(shares[pair])) for pair in pairs}
    returns = hourly_returns(marks, pairs)
    matrix = correlation.matrix(returns)
    return Portfolio(
        symbols=symbols,
        total=_symbol(
            np.sum([equity.profits[pair] for pair in pairs], axis=0),
            equity.exposure[solvent] / equity.equity[solvent],
        ),
        correlations=matrix,
        diversification_ratio=_diversification(shares, returns, matrix),
    )


def _symbol(profits: Floats, exposure: Floats) -> Symbol:
    known = len(exposure) > 0
    return Symbol(
        float(profits[-1]),
        float(exposure.mean()) if known else None,
        float(exposure.max()) if known else None,
    )


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
