"""Funding as freqtrade's backtest charges it, payment by payment.

freqtrade keeps one running sum since the last fill, brings it up to date whenever the clock strikes
a full funding step, and books it on the next order. `charges` follows that bookkeeping, its quirks
included, so that the payments of a trade add up to the trade's `funding_fees`:

* rows are counted from the last fill to now, *both ends included*: what is held before and after a
  fill at a funding time both pay for that time;
* after a partial exit the running sum is first taken with the amount before it.

Whether an entry that filled exactly at a funding time rested before it (and so was filled before
the sum was brought up to date) is not in the export; it is found by trying which reading gives the
trade's exported total.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gridkit.reports.records import Floats, FundingRows, Ints, OrderFill, TradeRecord

Payments = tuple[Ints, Floats]  # when, and how much

MOST_UNCERTAIN_ENTRIES = 12  # 4,096 readings are compared; beyond, entries are taken to have rested


@dataclass(frozen=True, slots=True)
class Charges:
    """Payments of one trade in stake currency: positive received, negative paid.

    `unexplained` is what the exported total holds beyond them; it is booked at the last fill.
    """

    seconds: Ints
    amounts: Floats
    unexplained: float = 0.0

    @property
    def total(self) -> float:
        """All payments and what could not be explained."""
        return float(self.amounts.sum()) + self.unexplained


def charges(trade: TradeRecord, rows: FundingRows | None, check_step: int) -> Charges:
    """Payments of `trade`; every `check_step` seconds freqtrade brings its sum up to date.

    Without rows (no data) the whole exported sum is unexplained.
    """
    if rows is None or not trade.fills:
        return Charges(np.empty(0, np.int64), np.empty(0), trade.funding)
    rested = _between_fills(trade, rows, check_step, entries_rested=True)
    at_once = _between_fills(trade, rows, check_step, entries_rested=False)
    chosen = _likeliest(rested, at_once, trade.funding)
    seconds = np.concatenate([np.empty(0, np.int64), *(part[0] for part in chosen)])
    amounts = np.concatenate([np.empty(0), *(part[1] for part in chosen)])
    return Charges(seconds, amounts, trade.funding - float(amounts.sum()))


def _likeliest(rested: list[Payments], at_once: list[Payments], total: float) -> list[Payments]:
    """Choose for each fill the reading that makes the sum come nearest to the exported total."""
    sums = np.array([part[1].sum() for part in rested])
    changes = np.array([part[1].sum() for part in at_once]) - sums
    uncertain = np.flatnonzero(changes)[:MOST_UNCERTAIN_ENTRIES]
    readings = (np.arange(1 << len(uncertain))[:, None] >> np.arange(len(uncertain))) & 1
    best = readings[np.abs(sums.sum() + readings @ changes[uncertain] - total).argmin()]
    chosen = list(rested)
    for index in uncertain[best == 1].tolist():
        chosen[index] = at_once[index]
    return chosen


def _between_fills(
    trade: TradeRecord, rows: FundingRows, check_step: int, *, entries_rested: bool
) -> list[Payments]:
    """Follow freqtrade's running sum from each fill to the next."""
    found = []
    sign = 1.0 if trade.is_short else -1.0
    before, held = 0.0, trade.fills[0].amount
    for last, fill in pairwise(trade.fills):
        checked = _last_check(fill, check_step, rested=fill.is_entry and entries_rested)
        stale = checked <= last.seconds
        paying = before if stale and not last.is_entry else held
        seconds, fees = _rows_between(rows, last.seconds, last.seconds if stale else checked)
        found.append((seconds, sign * paying * fees))
        before = held
        held = max(0.0, held + (fill.amount if fill.is_entry else -fill.amount))
    return found


def _last_check(fill: OrderFill, check_step: int, *, rested: bool) -> int:
    """Return when the running sum was last brought up to date before a fill.

    Exits and immediate entries are filled after the check of their own candle.
    """
    latest = fill.seconds - 1 if rested else fill.seconds
    return latest // check_step * check_step


def _rows_between(rows: FundingRows, first: int, last: int) -> tuple[Ints, Floats]:
    """Rows from `first` to `last`, both included; freqtrade drops a sum with a NaN in it."""
    part = slice(
        np.searchsorted(rows.seconds, first, "left"), np.searchsorted(rows.seconds, last, "right")
    )
    fees = rows.fee_per_unit[part]
    return rows.seconds[part], np.zeros_like(fees) if np.isnan(fees).any() else fees
