"""The portfolio as rows of cells for the text, as a part of the page, and as JSON has it."""

import math
from dataclasses import asdict
from html import escape
from typing import Any

from gridkit.reports.catalogue import UNKNOWN, shown
from gridkit.reports.portfolio import Portfolio, Symbol
from gridkit.reports.report import Report

Rows = list[list[str]]

COLUMNS = (
    ("profit_stake", "Profit, marked"),
    ("exposure_mean_fraction", "Exposure, mean"),
    ("exposure_max_fraction", "Exposure, maximum"),
)
TITLE = "Pairs together"
SYMBOLS = "Profit and exposure by pair"
CORRELATIONS = "Correlation of hourly returns"


def symbol_rows(report: Report) -> Rows:
    """Return a heading, each pair, and all together; nothing without a portfolio."""
    found = report.portfolio
    if found is None:
        return []
    heading = ["", *(label for _, label in COLUMNS)]
    rows = [(pair, symbol) for pair, symbol in found.symbols.items()]
    return [heading, *(_row(name, one, report) for name, one in [*rows, ("all", found.total)])]


def _row(name: str, symbol: Symbol, report: Report) -> list[str]:
    currency, values = report.run.stake_currency, asdict(symbol)
    return [name, *(shown(key, values[key], currency) for key, _ in COLUMNS)]


def correlation_rows(report: Report) -> Rows:
    """Return a heading, and each pair's correlation with every other; unknown is a dash."""
    if report.portfolio is None:
        return []
    matrix = report.portfolio.correlations
    numbers = matrix.to_numpy().tolist()
    return [
        ["", *matrix.columns],
        *([pair, *map(_cell, row)] for pair, row in zip(matrix.index, numbers, strict=True)),
    ]


def _cell(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}" if math.isfinite(value) else "-"


def sentences(report: Report) -> list[str]:
    """Tell how much the mean holdings spread, and what the stops left at stake."""
    found, currency = report.portfolio, report.run.stake_currency
    if found is None:
        return []
    ratio = found.diversification_ratio
    told = UNKNOWN if ratio is None else f"{ratio:.2f}"
    mean, maximum = (
        shown("risk_fraction", value, currency)
        for value in (found.risk_mean_fraction, found.risk_max_fraction)
    )
    return [
        f"Diversification ratio of the mean holdings: {told} (1: all moved as one).",
        f"Risk to the stops at the entries, share of equity: mean {mean}, maximum {maximum}.",
    ]


def as_page(report: Report) -> str:
    """Return tables under a heading of their own; nothing without a portfolio."""
    if report.portfolio is None:
        return ""
    tables = _table(SYMBOLS, symbol_rows(report)) + _table(CORRELATIONS, correlation_rows(report))
    told = "<br>".join(map(escape, sentences(report)))
    return f'<h2>{TITLE}</h2>\n<div class="tables">{tables}</div>\n<p>{told}</p>'


def _table(title: str, rows: Rows) -> str:
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    lines = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><caption>{escape(title)}</caption>{lines}</table>"


def as_document(found: Portfolio | None) -> dict[str, Any] | None:
    """Return plain values; what is unknown is null."""
    if found is None:
        return None
    rows = found.correlations.to_numpy().tolist()
    return {
        "pairs": {pair: asdict(symbol) for pair, symbol in found.symbols.items()},
        "total": asdict(found.total),
        "correlations": {
            pair: dict(zip(found.symbols, map(_known, row), strict=True))
            for pair, row in zip(found.symbols, rows, strict=True)
        },
        "diversification_ratio": found.diversification_ratio,
        "risk_mean_fraction": found.risk_mean_fraction,
        "risk_max_fraction": found.risk_max_fraction,
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
