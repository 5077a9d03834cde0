"""What recovery lost in a run, against what it might have lost (SPEC E.5)."""

import math
from dataclasses import dataclass

import numpy as np

from gridkit.grid import tags
from gridkit.grid.lots import Fill, Ledger
from gridkit.reports.equity import candle_index
from gridkit.reports.records import Run, TradeRecord
from gridkit.reports.report import Report
from gridkit.reports.round_trips import amount_step
from gridkit.settings import RecoverySettings


@dataclass(frozen=True, slots=True)
class Budget:
    """`lost` in the whole run. `since_peak` and `allowed` when it was nearest to the budget.

    Stake currency; all 0 where recovery lost nothing.
    """

    lost: float = 0.0
    since_peak: float = 0.0
    allowed: float = 0.0

    @property
    def used(self) -> float:
        """Return the largest share of the budget that was used; infinite where there was none."""
        if not self.since_peak:
            return 0.0
        return self.since_peak / self.allowed if self.allowed > 0 else math.inf


def most_used(report: Report, settings: RecoverySettings) -> Budget:
    """Return how near recovery came to its budget, judged by the marked equity and the fills.

    Independent of how the bot counts: the peak is that of the report's equity, the capital is
    equity, each at the last close before an exit.
    """
    losses = sorted(loss for trade in report.run.trades for loss in losses_of(trade))
    if not losses:
        return Budget()
    moments, lost = (np.array(column) for column in zip(*losses, strict=True))
    found = [_at(index, moments, lost, report, settings) for index in range(len(losses))]
    return max((Budget(float(lost.sum()), *one) for one in found), key=lambda one: one.used)


def losses_of(trade: TradeRecord) -> list[tuple[int, float]]:
    """Return when exits of recovery lost how much: seconds UTC, stake currency, positive."""
    ledger = Ledger(is_short=trade.is_short, amount_step=amount_step(trade))
    found = []
    for order in trade.fills:
        levels = tags.levels_of(order.tag)
        fill = Fill(
            is_entry=order.is_entry,
            levels=levels,
            price=order.price,
            amount=order.amount,
            timestamp=float(order.seconds),
            fee=order.fee,
            tag=order.tag,
        )
        profit = sum(piece.profit for piece in ledger.apply(fill))
        if tags.verb_of(order.tag) == tags.RECOVER and profit < 0:
            found.append((order.seconds, -profit))
    return found


def _at(
    index: int, moments: np.ndarray, lost: np.ndarray, report: Report, settings: RecoverySettings
) -> tuple[float, float]:
    """Return the loss since the peak, this exit's included, and the budget before it."""
    run, path = report.run, _equity_before(report)
    now = int(candle_index(report.marks.seconds, moments[index : index + 1])[0])
    peak = int(np.argmax(path[: now + 1]))
    since = run.start + peak * run.step if peak else -np.inf
    counted = (moments >= since) & (np.arange(len(moments)) <= index)
    profit = path[peak] - run.starting_balance
    allowed = max(settings.budget * path[now], settings.budget_of_profit * max(0.0, profit))
    return float(lost[counted].sum()), float(allowed)


def _equity_before(report: Report) -> np.ndarray:
    """Return equity at the last close before each candle; at first the start balance."""
    run: Run = report.run
    return np.append(run.starting_balance, report.equity.equity[:-1])
