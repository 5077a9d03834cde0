"""What hyperopt minimises, from the same marked equity as the report."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pandas as pd

from gridkit.reports.figures import DAY
from gridkit.reports.market_data import DataSource, load_funding
from gridkit.reports.records import Candles, FundingRows, Run
from gridkit.reports.report import account, account_equity_figures
from gridkit.reports.result import run_from_candles, source_of_config, span_of, traded_pairs

REFUSED = 1e6  # worse than any result, and than freqtrade's own 1e5 for too few trades
WORST_RESULT = 9e4  # a real result never looks worse than one that was refused

# Under twenty fills (ten round trips) the drawdown is whatever the first few lots happened to meet,
# and the best Calmar of all belongs to a strategy that bought once at the low.
MINIMUM_FILLS = 20
# A long run needs them all along: one lucky week must not stand for a year.
MINIMUM_FILLS_PER_WEEK = 1.0


def marked_calmar_loss(
    stats: Mapping[str, Any], processed: Mapping[str, pd.DataFrame], config: Mapping[str, Any]
) -> float:
    """Minus the report's `calmar`; REFUSED with too few fills or no drawdown to divide by.

    `stats` are freqtrade's statistics of the strategy, `processed` its candles by pair. Always a
    finite number.
    """
    run = run_in_memory(stats, processed, source_of_config(config))
    if fills_of(run) < minimum_fills(run):
        return REFUSED
    marks, _, equity = account(run)
    calmar = account_equity_figures(run, marks, equity.equity).calmar
    return REFUSED if calmar is None else min(WORST_RESULT, -calmar)


def run_in_memory(
    stats: Mapping[str, Any], processed: Mapping[str, pd.DataFrame], source: DataSource
) -> Run:
    """Build the run of a backtest that was not exported; funding alone is read from disk, once."""
    candles = {pair: Candles.from_frame(frame) for pair, frame in processed.items()}
    pairs = tuple(traded_pairs(stats))
    return run_from_candles(stats, source, candles, _funding(source, pairs, *span_of(stats)))


@lru_cache(maxsize=4)
def _funding(
    source: DataSource, pairs: tuple[str, ...], start: int, end: int
) -> dict[str, FundingRows]:
    return load_funding(source, list(pairs), start, end)


def fills_of(run: Run) -> int:
    """Count the filled orders, without those by which freqtrade closes what is left at the end."""
    return sum(
        not (fill.tag == "force_exit" and fill.seconds >= run.end)
        for trade in run.trades
        for fill in trade.fills
    )


def minimum_fills(run: Run) -> float:
    """How many fills a run of this length must have to be judged."""
    weeks = (run.end - run.start) / DAY / 7
    return max(MINIMUM_FILLS, weeks * MINIMUM_FILLS_PER_WEEK)
