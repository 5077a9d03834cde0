"""The tables of Confluence's study: its runs as a whole, and by what its tags say."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gridkit.reports.records import TradeRecord
from gridkit.reports.report import Report
from studies.grid_runs import DAYS_A_MONTH, SECONDS_A_DAY
from studies.tables import Table, count, number, percent, table

COLUMNS = (
    "", "return", "drawdown", "Calmar", "Sharpe", "mean exposure", "trades", "fills / pair-month",
    "strict fills", "fees", "worst day",
)  # fmt: skip
BY_TAG = ("", "trades", "won", "profit", "mean", "best", "worst")
KEY_LEVELS = ("poc", "vah", "val")


@dataclass(slots=True)
class Group:
    """Trades of which a tag says the same; profits in stake currency, funding included."""

    profits: list[float] = field(default_factory=list)

    def row(self, name: str) -> list[str]:
        """Return what they came to."""
        won = sum(profit > 0 for profit in self.profits)
        return [
            name,
            count(len(self.profits)),
            percent(won / len(self.profits), 0),
            number(sum(self.profits)),
            number(sum(self.profits) / len(self.profits)),
            number(max(self.profits)),
            number(min(self.profits)),
        ]


def beside(name: str, report: Report) -> Table:
    """Set a run beside buy and hold."""
    return compared(name, [row("Confluence", report), _held(report)])


def compared(name: str, rows: Sequence[Sequence[str]]) -> Table:
    """Set runs below each other."""
    return table(name, COLUMNS, rows)


def row(name: str, report: Report) -> list[str]:
    """Return a run's row of `compared`."""
    trades = [one for one in report.run.trades if one.fills]
    months = len(report.equity.seconds) * report.run.step / SECONDS_A_DAY / DAYS_A_MONTH
    fills = float(report.figures["fills_count"] or 0) / len(report.run.pairs) / months
    return [
        name,
        *_of_equity(report.figures),
        percent(_figure(report.figures, "exposure_mean_fraction")),
        count(len(trades)),
        number(fills, 1),
        percent(_figure(report.figures, "strict_fills_fraction")),
        number(_figure(report.figures, "fees_stake")),
        percent(_figure(report.figures, "worst_day_return_fraction"), 2),
    ]


def by_tag(name: str, report: Report) -> Iterator[Table]:
    """Yield profits by kind of entry, regime, confidence, key level, and by exit."""
    for what, of in SAID.items():
        groups: defaultdict[str, Group] = defaultdict(Group)
        for trade in report.run.trades:
            if trade.fills:
                groups[of(trade)].profits.append(trade.profit)
        rows = [groups[key].row(key) for key in sorted(groups)]
        yield table(f"{name}, by {what}", BY_TAG, rows)


def _words(trade: TradeRecord) -> list[str]:
    return trade.fills[0].tag.split()


def _level(trade: TradeRecord) -> str:
    return next((word for word in _words(trade) if word in KEY_LEVELS), "none near")


SAID: Mapping[str, Callable[[TradeRecord], str]] = {
    "kind and side": lambda one: f"{_words(one)[0]} {'short' if one.is_short else 'long'}",
    "regime at the entry": lambda one: _words(one)[1],
    "confidence": lambda one: _words(one)[2],
    "key level": _level,
    "exit": lambda one: one.exit_reason,
}


def _held(report: Report) -> list[str]:
    return ["buy and hold", *_of_equity(report.benchmark_figures), *["-"] * (len(COLUMNS) - 5)]


def _of_equity(figures: Mapping[str, float | int | None]) -> list[str]:
    return [
        percent(_figure(figures, "return_fraction"), 2),
        percent(_figure(figures, "max_drawdown_fraction"), 2),
        number(_figure(figures, "calmar")),
        number(_figure(figures, "daily_sharpe")),
    ]


def _figure(figures: Mapping[str, float | int | None], name: str) -> float:
    value = figures.get(name)
    return math.nan if value is None else float(value)
