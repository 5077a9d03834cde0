"""The report as a JSON document with stable keys."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gridkit.reports.figures import DAY
from gridkit.reports.portfolio_view import as_document
from gridkit.reports.report import FILL_RULE, Report, Value

SCHEMA = 1


def document(report: Report) -> dict[str, Any]:
    """Return plain values only; what is unknown is null, never NaN."""
    run = report.run
    return {
        "schema": SCHEMA,
        "strategy": run.strategy,
        "stake_currency": run.stake_currency,
        "trading_mode": run.trading_mode,
        "pairs": list(run.pairs),
        "first_candle": _iso(run.start),
        "last_candle": _iso(run.end),
        "timeframe_seconds": run.step,
        "fill_timeframe_seconds": run.fill_step,
        "starting_balance_stake": run.starting_balance,
        "freqtrade_final_balance_stake": run.final_balance,
        "fee_fraction": run.fee_fraction,
        "fill_rule": FILL_RULE,
        "warnings": list(report.warnings),
        "figures": _plain(report.figures),
        "buy_and_hold": _plain(report.benchmark_figures),
        "portfolio": as_document(report.portfolio),
        "equity_daily": _daily(report),
    }


def _plain(figures: Mapping[str, Value]) -> dict[str, Value]:
    return {key: _known(value) for key, value in figures.items()}


def _known(value: Value) -> Value:
    if value is None or isinstance(value, int):
        return value
    return float(value) if math.isfinite(value) else None


def _daily(report: Report) -> list[dict[str, Any]]:
    """Equity at the last close of each UTC day, beside buy and hold."""
    seconds = report.marks.seconds
    ends = np.append(np.flatnonzero(np.diff(seconds // DAY)), len(seconds) - 1)
    held = report.benchmark
    return [
        {
            "date": _iso(int(seconds[end]))[:10],
            "equity_stake": float(report.equity.equity[end]),
            "buy_and_hold_stake": None if held is None else float(held[end]),
        }
        for end in ends.tolist()
    ]


def _iso(seconds: int) -> str:
    return f"{np.datetime64(seconds, 's')}Z"
