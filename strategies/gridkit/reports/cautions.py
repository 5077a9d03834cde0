"""Everything that makes a figure less than it seems, each said in one sentence."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from gridkit.reports.equity import MarkedEquity
from gridkit.reports.figures import DAY
from gridkit.reports.records import Ints, Run

BALANCE_TOLERANCE_FRACTION = 0.0005  # of the start balance
MAX_FUNDING_PAUSE = 8 * 3_600 + 60  # exchanges charge at least every eight hours


def warnings_of(
    run: Run, equity: MarkedEquity, figures: Mapping[str, float | int | None]
) -> list[str]:
    """Return them all, the loudest first: funding that freqtrade could not apply."""
    found = funding_warnings(run, equity) if run.is_futures else []
    return [*found, *balance_warnings(run, figures), *mark_warnings(equity)]


def balance_warnings(run: Run, figures: Mapping[str, float | int | None]) -> list[str]:
    """Say where freqtrade's sums and ours disagree."""
    found = []
    tolerance = BALANCE_TOLERANCE_FRACTION * run.starting_balance
    unit = run.stake_currency
    unexplained, gap = (
        figures["unexplained_funding_stake"],
        figures["final_balance_difference_stake"],
    )
    if unexplained and abs(unexplained) > tolerance:
        found.append(
            f"freqtrade's trades hold {unexplained:+.2f} {unit} of funding that these candles do "
            "not explain: the data folder is not the one the backtest ran on. It is booked when "
            "each trade closes."
        )
    if gap is not None and abs(gap) > tolerance:
        found.append(
            f"The last equity differs from freqtrade's final balance by {gap:+.2f} {unit}."
        )
    if figures["mismatches_count"]:
        found.append(
            f"{figures['mismatches_count']} trades whose orders do not add up to their position "
            "or their profit."
        )
    return found


def mark_warnings(equity: MarkedEquity) -> list[str]:
    """Say which pairs were held while their price was unknown."""
    return [
        f"{pair}: {count} candles with an unknown close while a position was held; the last known "
        "close was carried on."
        for pair, count in equity.carried.items()
        if count
    ]


def funding_warnings(run: Run, equity: MarkedEquity) -> list[str]:
    """Funding that freqtrade could not apply, per pair."""
    found = []
    for pair, position in equity.positions.items():
        held = position != 0
        rows = run.funding.get(pair)
        if rows is None or not (len(rows.seconds) or len(rows.unmarked_seconds)):
            found.append(
                f"NO FUNDING for {pair}: the data folder has no funding rates within the run, so "
                "freqtrade silently charged nothing. Get them, and the mark candles, with "
                "`freqtrade download-data --trading-mode futures`."
            )
            continue
        found.extend(_unmarked_warning(run, pair, held))
        found.extend(_rate_gap_warning(run, equity.seconds, pair, held))
    return found


def _unmarked_warning(run: Run, pair: str, held: np.ndarray) -> list[str]:
    """Say which known rates found no mark candle while something was held, and what they cost."""
    rows = run.funding[pair]
    at = (rows.unmarked_seconds - run.start) // run.step
    hit = held[at] if len(at) else np.empty(0, bool)
    if not hit.any():
        return []
    return [
        f"NO FUNDING for {pair} at {int(hit.sum())} funding times while a position was held: mark "
        f"candles are missing ({_day(rows.unmarked_seconds[hit][0])} to "
        f"{_day(rows.unmarked_seconds[hit][-1])}), so freqtrade silently charged nothing."
    ]


def _rate_gap_warning(run: Run, times: Ints, pair: str, held: np.ndarray) -> list[str]:
    """Say where no funding rate is known for longer than exchanges ever wait, with a position."""
    rows = run.funding[pair]
    if rows.rates_are_fallback:
        return [f"{pair}: no funding rates; the config's futures_funding_rate was charged."]
    known = np.union1d(rows.seconds, rows.unmarked_seconds)
    known = known[(known >= run.start) & (known <= run.end)]
    edges = np.concatenate([[run.start - 1], known, [run.end + 1]])
    missing = 0.0
    for before, after in pairwise(edges.tolist()):
        if after - before > MAX_FUNDING_PAUSE:
            gap = (times > before) & (times < after)
            missing += float((held & gap).sum()) * run.step / DAY
    if not missing:
        return []
    return [
        f"NO FUNDING for {pair} over {missing:.1f} days with a position: the funding rates have "
        "gaps there, so freqtrade silently charged nothing."
    ]


def _day(seconds: int) -> str:
    return str(np.datetime64(int(seconds), "s"))[:10]
