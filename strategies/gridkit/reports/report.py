"""The report of one run: everything computed once, nothing rendered."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gridkit.grid import tags
from gridkit.reports.benchmark import buy_and_hold
from gridkit.reports.cautions import BALANCE_TOLERANCE_FRACTION, warnings_of
from gridkit.reports.equity import MarkedEquity, Marks, grid_of, marked_equity, marks_of
from gridkit.reports.figures import EquityFigures, equity_figures
from gridkit.reports.funding import Charges, charges
from gridkit.reports.portfolio import Portfolio, portfolio_of
from gridkit.reports.records import Floats, Lock, Run, TradeRecord
from gridkit.reports.round_trips import (
    RoundTrip,
    Targets,
    is_stuck_at_end,
    round_trips,
    was_stuck,
)
from gridkit.reports.strict import strict_fills

Value = float | int | None

FILL_RULE = "touch"
BREAKER_LOCK = "gridkit breaker"  # how the reasons of its locks begin
SAME_TRIP_SECONDS = 2 * 3_600  # longer than a lock that is renewed, shorter than a cool-down


@dataclass(frozen=True)
class Report:
    """Figures by name (units in the names; None: cannot be known), and what they came from.

    `benchmark` is the marked equity of buy and hold, `benchmark_figures` the figures that make
    sense for it. `strict` tells of every fill of every trade whether it was strict. `portfolio` is
    None where fewer than two pairs were traded. `warnings` must be shown before any figure.
    """

    run: Run
    marks: Marks
    equity: MarkedEquity
    strict: list[list[bool | None]]
    trips: list[RoundTrip]
    benchmark: Floats | None
    figures: Mapping[str, Value]
    benchmark_figures: Mapping[str, Value]
    portfolio: Portfolio | None
    warnings: tuple[str, ...]


def build(run: Run) -> Report:
    """Compute the report of a run."""
    marks, paid, equity = account(run)
    strict = strict_fills(run)
    trips = round_trips(run, strict)
    held = buy_and_hold(marks, list(run.pairs), run.starting_balance, run.fee_fraction)
    figures = {
        **asdict(account_equity_figures(run, marks, equity.equity)),
        **account_figures(run, equity),
        **lot_figures(run, marks, trips, equity),
        **fill_figures(run, strict, trips),
        **check_figures(run, equity, paid),
        "win_rate_fraction": win_rate(trips),
    }
    return Report(
        run=run,
        marks=marks,
        equity=equity,
        strict=strict,
        trips=trips,
        benchmark=held,
        figures=figures,
        benchmark_figures=_benchmark_figures(run, marks, held),
        portfolio=portfolio_of(run, marks, equity),
        warnings=(*run.warnings, *warnings_of(run, equity, figures)),
    )


def account(run: Run) -> tuple[Marks, list[Charges], MarkedEquity]:
    """Compute the marked account alone: the closes, the funding payments and the equity."""
    marks = marks_of(run.candles, grid_of(run.start, run.end, run.step))
    paid = trade_charges(run)
    return marks, paid, marked_equity(run, marks, paid)


def account_equity_figures(run: Run, marks: Marks, equity: Floats) -> EquityFigures:
    """Return the figures of a marked equity of this run; the hyperopt losses start here too."""
    return equity_figures(equity, marks.seconds, run.step, run.starting_balance)


def trade_charges(run: Run) -> list[Charges]:
    """Funding payments of each trade; none on spot."""
    if not run.is_futures:
        none = np.empty(0, np.int64), np.empty(0)
        return [Charges(*none) for _ in run.trades]
    check_step = int(np.lcm(run.fill_step, run.funding_step))
    return [charges(trade, run.funding.get(trade.pair), check_step) for trade in run.trades]


def account_figures(run: Run, equity: MarkedEquity) -> dict[str, Value]:
    """Exposure, margin, turnover and costs; margin only where there is one (futures)."""
    solvent = equity.equity > 0
    exposure = equity.exposure[solvent] / equity.equity[solvent]
    margin = equity.margin[solvent] / equity.equity[solvent] if run.is_futures else np.empty(0)
    traded = sum(fill.amount * fill.price for trade in run.trades for fill in trade.fills)
    return {
        "exposure_mean_fraction": _mean(exposure),
        "exposure_max_fraction": float(exposure.max()) if len(exposure) else None,
        "margin_utilisation_mean_fraction": _mean(margin),
        "margin_utilisation_max_fraction": float(margin.max()) if len(margin) else None,
        "turnover_stake": traded,
        "turnover_of_start_balance": traded / run.starting_balance,
        "fees_stake": float(equity.fees[-1]),
        "funding_stake": float(equity.funding[-1]) if run.is_futures else None,
    }


def lot_figures(
    run: Run, marks: Marks, trips: list[RoundTrip], equity: MarkedEquity
) -> dict[str, Value]:
    """Sum up what lots earned and how long they took."""
    harvest = np.array([trip.harvest for trip in trips if trip.is_harvest])
    hours = np.array([trip.hours for trip in trips])
    ended = [trip for trip in trips if trip.ended_with_run]
    targets = Targets(trips)
    stuck = [trip for trip in trips if was_stuck(trip, targets.of(trip), marks)]
    gained = float(equity.equity[-1]) - run.starting_balance
    return {
        "profit_factor": profit_factor(trips),
        "harvest_total_stake": float(harvest.sum()),
        "harvest_mean_per_lot_stake": _mean(harvest),
        "harvest_lots_count": len(harvest),
        "inventory_profit_stake": gained - float(harvest.sum()) - float(equity.funding[-1]),
        "holding_mean_hours": _mean(hours),
        "holding_p95_hours": float(np.percentile(hours, 95)) if trips else None,
        "holding_max_hours": float(hours.max()) if trips else None,
        "lots_count": len(trips),
        "lots_open_at_end_count": len(ended),
        "oldest_open_lot_hours": max((trip.hours for trip in ended), default=None),
        "stuck_lots_count": len(stuck),
        "stuck_lots_at_end_count": sum(
            is_stuck_at_end(trip, targets.of(trip), marks) for trip in trips
        ),
        **recovery_figures(trips, stuck),
        "breaker_trips_count": None if run.locks is None else breaker_trips(run.locks),
    }


def recovery_figures(trips: list[RoundTrip], stuck: list[RoundTrip]) -> dict[str, Value]:
    """How stuck lots ended, and what stops and recovery cost; None where there were none."""
    left = [trip for trip in stuck if not trip.ended_with_run]
    return {
        "stuck_lots_resolved_fraction": len(left) / len(stuck) if stuck else None,
        "recovery_rate_fraction": (
            sum(trip.profit > 0 for trip in left) / len(left) if left else None
        ),
        "recovery_exits_lots_count": sum(tags.RECOVER in trip.exits for trip in trips),
        "realised_recovery_loss_stake": _lost_by(tags.RECOVER, trips),
        "stop_exits_lots_count": sum(tags.STOP in trip.exits for trip in trips),
        "realised_stop_loss_stake": _lost_by(tags.STOP, trips),
    }


def _lost_by(verb: str, trips: list[RoundTrip]) -> float | None:
    lost = [trip.losses[verb] for trip in trips if verb in trip.exits]
    return sum(lost) if lost else None


def breaker_trips(locks: Sequence[Lock]) -> int:
    """Count the times a breaker locked pairs: locks that end near one another are of one.

    Only what sells everything (red) locks, all pairs at once, and anew each hour while it waits for
    the account; milder stages leave no trace in an export.
    """
    ends = sorted(lock.until for lock in locks if lock.reason.startswith(BREAKER_LOCK))
    return sum(
        before is None or end - before > SAME_TRIP_SECONDS
        for before, end in zip([None, *ends], ends, strict=False)
    )


def profit_factor(trips: list[RoundTrip]) -> float | None:
    """Profit of winning lots / loss of losing lots; None when no lot lost."""
    lost = -sum(min(0.0, trip.profit) for trip in trips)
    return sum(max(0.0, trip.profit) for trip in trips) / lost if lost > 0 else None


def win_rate(trips: list[RoundTrip]) -> float | None:
    """Share of lots with a profit after fees; those the end of the run closed count too."""
    return sum(trip.profit > 0 for trip in trips) / len(trips) if trips else None


def fill_figures(
    run: Run, strict: list[list[bool | None]], trips: list[RoundTrip]
) -> dict[str, Value]:
    """How much of the run stands on fills that the market surely gave."""
    flags = [flag for trade in strict for flag in trade]
    known = [flag for flag in flags if flag is not None]
    return {
        "fills_count": len(flags),
        "strict_fills_fraction": sum(known) / len(known) if known else None,
        "harvest_under_strict_fills_stake": (
            sum(trip.strict_harvest for trip in trips) if known else None
        ),
        "fills_of_unknown_strictness_count": len(flags) - len(known),
    }


def check_figures(run: Run, equity: MarkedEquity, paid: list[Charges]) -> dict[str, Value]:
    """Where orders, positions and freqtrade's own sums disagree."""
    gap = None if run.final_balance is None else float(equity.equity[-1]) - run.final_balance
    return {
        "mismatches_count": sum(is_mismatch(trade, run) for trade in run.trades),
        "final_balance_difference_stake": gap,
        "unexplained_funding_stake": (
            sum(part.unexplained for part in paid) if run.is_futures else None
        ),
        "carried_marks_count": sum(equity.carried.values()),
    }


def is_mismatch(trade: TradeRecord, run: Run) -> bool:
    """Whether a closed trade's orders leave a position, or another profit than freqtrade's."""
    bought = sum(fill.signed_amount for fill in trade.fills)
    size = sum(fill.amount for fill in trade.fills)
    cash = sum(fill.cash_flow for fill in trade.fills) + trade.funding
    tolerance = BALANCE_TOLERANCE_FRACTION * run.starting_balance
    return abs(bought) > 1e-9 * size or abs(cash - trade.profit) > tolerance


def _benchmark_figures(run: Run, marks: Marks, held: Floats | None) -> dict[str, Value]:
    if held is None:
        return {}
    return asdict(account_equity_figures(run, marks, held))


def _mean(values: Floats) -> float | None:
    """Mean, or None of nothing."""
    return float(values.mean()) if len(values) else None
