"""The figures in the order in which they are shown, with a label each, and how a value is written.

Keys carry their unit: `_fraction` (shown as percent), `_stake`, `_hours`, `_days`, `_count`; a key
without one is a plain ratio.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gridkit.reports.report import Report, Value

UNKNOWN = "not available"


@dataclass(frozen=True)
class Section:
    """A heading and the figures under it, as (key, label)."""

    title: str
    figures: tuple[tuple[str, str], ...]


SECTIONS = (
    Section(
        "Marked result",
        (
            ("final_stake", "Final equity"),
            ("return_fraction", "Return"),
            ("weekly_mean_return_fraction", "Mean weekly return"),
            ("cagr_fraction", "CAGR"),
            ("daily_sharpe", "Sharpe, daily"),
            ("daily_sortino", "Sortino, daily"),
            ("calmar", "Calmar"),
            ("profit_factor", "Profit factor, lots"),
        ),
    ),
    Section(
        "Risk",
        (
            ("max_drawdown_fraction", "Maximum drawdown, marked"),
            ("longest_under_water_days", "Under water, longest"),
            ("p95_under_water_days", "Under water, 95 % of the time less than"),
            ("expected_shortfall_1pct_daily_fraction", "Expected shortfall, worst 1 % of days"),
            ("worst_day_return_fraction", "Worst day"),
            ("exposure_mean_fraction", "Exposure, mean"),
            ("exposure_max_fraction", "Exposure, maximum"),
            ("margin_utilisation_mean_fraction", "Margin utilisation, mean"),
            ("margin_utilisation_max_fraction", "Margin utilisation, maximum"),
        ),
    ),
    Section(
        "Fills and costs",
        (
            ("fills_count", "Fills"),
            ("strict_fills_fraction", "Strict fills"),
            ("fills_of_unknown_strictness_count", "Fills whose candle is unknown"),
            ("turnover_stake", "Turnover"),
            ("turnover_of_start_balance", "Turnover / start balance"),
            ("fees_stake", "Fees paid"),
            ("funding_stake", "Funding received"),
        ),
    ),
    Section(
        "Lots",
        (
            ("harvest_total_stake", "Harvest, total"),
            ("harvest_mean_per_lot_stake", "Harvest per lot, mean"),
            ("harvest_lots_count", "Lots harvested"),
            ("harvest_under_strict_fills_stake", "Harvest under strict fills"),
            ("inventory_profit_stake", "Inventory profit"),
            ("lots_count", "Lots"),
            ("holding_mean_hours", "Holding time, mean"),
            ("holding_p95_hours", "Holding time, 95 % less than"),
            ("holding_max_hours", "Holding time, maximum"),
            ("lots_open_at_end_count", "Lots open at the end"),
            ("oldest_open_lot_hours", "Oldest of them"),
        ),
    ),
    Section(
        "Stuck lots and guards",
        (
            ("stuck_lots_count", "Lots that were ever stuck"),
            ("stuck_lots_at_end_count", "Stuck at the end"),
            ("stuck_lots_resolved_fraction", "Stuck lots gone before the end"),
            ("recovery_rate_fraction", "... of them with a profit"),
            ("recovery_exits_lots_count", "Lots with a recovery exit"),
            ("realised_recovery_loss_stake", "Realised recovery loss"),
            ("stop_exits_lots_count", "Lots with a stop"),
            ("realised_stop_loss_stake", "Realised loss by stops"),
            ("breaker_trips_count", "Times a breaker sold everything"),
        ),
    ),
    Section(
        "Checks",
        (
            ("mismatches_count", "Mismatches, orders against position"),
            ("final_balance_difference_stake", "Last equity - freqtrade's final balance"),
            ("unexplained_funding_stake", "Funding the candles do not explain"),
            ("carried_marks_count", "Marks carried on while holding"),
        ),
    ),
    Section("And last", (("win_rate_fraction", "Win rate, lots"),)),
)

HEADLINE = (
    "final_stake",
    "return_fraction",
    "cagr_fraction",
    "max_drawdown_fraction",
    "longest_under_water_days",
    "daily_sharpe",
    "calmar",
    "strict_fills_fraction",
    "harvest_total_stake",
    "harvest_under_strict_fills_stake",
)

LABELS: Mapping[str, str] = {key: label for section in SECTIONS for key, label in section.figures}


def shown(key: str, value: Value, currency: str) -> str:
    """Write a value with its unit."""
    if value is None:
        return UNKNOWN
    if key.endswith("_fraction"):
        return f"{value:,.2%}"
    if key.endswith("_stake"):
        # Adding 0 turns a rounded -0.00 into 0.00.
        return f"{round(value, 2) + 0.0:,.2f} {currency}"
    if key.endswith("_hours"):
        return f"{value:,.1f} h"
    if key.endswith("_days"):
        return f"{value:,.1f} days"
    return f"{value:,d}" if isinstance(value, int) else f"{value:,.2f}"


def beside(report: Report, key: str) -> str:
    """Write what buy and hold has for a key; empty where it has no such figure."""
    if key not in report.benchmark_figures:
        return ""
    return shown(key, report.benchmark_figures[key], report.run.stake_currency)


def fill_rule_sentences(report: Report) -> list[str]:
    """Tell under which fill rule the figures stand, and what strict fills leave of the harvest."""
    figures, currency = report.figures, report.run.stake_currency
    share = shown("strict_fills_fraction", figures["strict_fills_fraction"], currency)
    total = shown("harvest_total_stake", figures["harvest_total_stake"], currency)
    strict = shown(
        "harvest_under_strict_fills_stake", figures["harvest_under_strict_fills_stake"], currency
    )
    return [
        "Fill rule: touch. freqtrade fills a resting order as soon as a candle reaches its price.",
        f"Strict fills (price went at least one tick through): {share} of the fills.",
        f"Harvest {total}; of it under strict fills {strict}, from round trips whose entry and "
        "exit were both strict.",
        "This leaves out what the market did not surely give; it is not a run under strict fills, "
        "which would hold other lots afterwards.",
    ]
