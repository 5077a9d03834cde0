"""The tables of the grid's study: each from what runs came to, asked for one by one."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from studies.grid_cases import (
    BARE,
    CAPITALS,
    DEFAULTS,
    MINUTES,
    NO_RECOVERY,
    ONE_OTHER,
    RANGE,
    SPOT,
    STATIC,
    Case,
    Period,
    alone,
)
from studies.grid_criteria import criteria
from studies.grid_runs import Outcome
from studies.tables import UNKNOWN, Table, count, number, percent, table

SMALL = ((SPOT, ("BTC/USDT", "DOGE/USDT"), None), (MINUTES, ("BTC/USDT",), "1m"))

Measured = Callable[[Period, Case], Outcome]
Study = Callable[[Measured, Sequence[Period]], Iterator[Table]]


def contribution(measured: Measured, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield what is lost or won where one part is switched off, or on where it comes off."""
    columns = (
        "", "return", "drawdown", "Calmar", "mean exposure", "fills / pair-month", "stuck lots",
        "resolved", "recovery lost", "of its budget", "stops lost", "worst day",
    )  # fmt: skip
    for period in periods:
        if period not in (RANGE, SPOT):
            continue
        rows = [_row(case, measured(period, case)) for case in (DEFAULTS, *ONE_OTHER, BARE)]
        yield table(f"{period.name}: one part changed at a time", columns, rows)


def wanted(measured: Measured, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield what is asked of the grid, and whether it is so."""
    for period in periods:
        found = criteria(measured(period, DEFAULTS), measured(period, NO_RECOVERY))
        rows = [
            [
                one.name,
                number(one.value, 4),
                f"{'≤' if one.at_most else '≥'} {number(one.bound)}",
                "met" if one.met else "MISSED",
            ]
            for one in found
        ]
        yield table(f"{period.name}: wanted", ("", "value", "bound", ""), rows)


def beside(measured: Measured, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield the grid beside a static one and buy and hold."""
    columns = (
        "", "return", "drawdown", "Calmar", "Sharpe", "mean exposure", "fills / pair-month",
        "strict fills", "worst day",
    )  # fmt: skip
    for period in periods:
        adaptive, static = measured(period, DEFAULTS), measured(period, STATIC)
        rows = [_beside("AdaptiveGrid", adaptive), _beside("static 1 % grid", static)]
        unknown = dict.fromkeys(adaptive.figures)
        held = replace(
            adaptive, figures={**unknown, **adaptive.held}, fills_per_pair_month=math.nan
        )
        yield table(period.name, columns, [*rows, _beside("buy and hold", held)])


def small(measured: Measured, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield one pair with little money, on spot."""
    if SPOT not in periods:
        return
    columns = (
        "", "return", "drawdown", "mean exposure", "fills / pair-month", "lots", "stuck lots",
        "resolved", "recovery lost", "worst day",
    )  # fmt: skip
    for period, pairs, detail in SMALL:
        cases = [alone(pair, capital, detail=detail) for pair in pairs for capital in CAPITALS]
        rows = [_small(case, measured(period, case)) for case in cases]
        name = period.name.replace("ten spot pairs", "one spot pair")
        yield table(f"Little money: {name}", columns, rows)


def lines(measured: Measured, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield which share of the free lines moved to volume."""
    columns = ("", "free lines laid", "moved", "by, mean", "at their base", "... kept there")
    rows = [_lines(period.name, measured(period, DEFAULTS)) for period in periods]
    yield table("Lines of all plans, laid or laid anew", columns, rows)


def _row(case: Case, found: Outcome) -> list[str]:
    return [
        case.name,
        percent(found["return_fraction"], 2),
        percent(found["max_drawdown_fraction"], 2),
        number(found["calmar"]),
        percent(found["exposure_mean_fraction"]),
        number(found.fills_per_pair_month, 1),
        count(int(found["stuck_lots_count"])),
        percent(found["stuck_lots_resolved_fraction"]),
        number(found.budget.lost),
        percent(found.budget.used, 0),
        number(found["realised_stop_loss_stake"]),
        percent(found["worst_day_return_fraction"], 2),
    ]


def _beside(name: str, found: Outcome) -> list[str]:
    return [
        name,
        percent(found["return_fraction"], 2),
        percent(found["max_drawdown_fraction"], 2),
        number(found["calmar"]),
        number(found["daily_sharpe"]),
        percent(found["exposure_mean_fraction"]),
        number(found.fills_per_pair_month, 1),
        percent(found["strict_fills_fraction"]),
        percent(found["worst_day_return_fraction"], 2),
    ]


def _small(case: Case, found: Outcome) -> list[str]:
    return [
        case.name,
        percent(found["return_fraction"], 2),
        percent(found["max_drawdown_fraction"], 2),
        percent(found["exposure_mean_fraction"]),
        number(found.fills_per_pair_month, 1),
        count(int(found["lots_count"])),
        count(int(found["stuck_lots_count"])),
        percent(found["stuck_lots_resolved_fraction"]),
        number(found.budget.lost),
        percent(found["worst_day_return_fraction"], 2),
    ]


def _lines(name: str, found: Outcome) -> list[str]:
    placed = found.placement
    if not placed.free:
        return [name, count(0), *[UNKNOWN] * 4]
    return [
        name,
        count(placed.free),
        percent(placed.moved / placed.free),
        percent(placed.distance / placed.moved if placed.moved else math.nan, 2),
        percent(1 - placed.moved / placed.free),
        percent(placed.fell_back / placed.free),
    ]
