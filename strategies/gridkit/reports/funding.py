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
from itertools import product

import numpy as np

from gridkit.reports.records import Floats, FundingRows, Ints, TradeRecord

MAX_UNCERTAIN_ENTRIES = 10  # 1,024 readings are tried at most
TOLERANCE = 1e-6  # stake currency, relative to the size of the sum


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
    uncertain = _uncertain_entries(trade, rows)[:MAX_UNCERTAIN_ENTRIES]
    best = None
    for resting in product((True, False), repeat=len(uncertain)):
        rested = {i for i, yes in zip(uncertain, resting, strict=True) if yes}
        found = _walk(trade, rows, check_step, rested)
        if best is None or abs(found.unexplained) < abs(best.unexplained):
            best = found
        if abs(found.unexplained) <= TOLERANCE * max(1.0, abs(trade.funding)):
            break
    assert best is not None
    return best


def _uncertain_entries(trade: TradeRecord, rows: FundingRows) -> list[int]:
    """Find the added entries at a funding time: both readings of them are possible."""
    times = set(rows.seconds.tolist())
    return [
        i for i, fill in enumerate(trade.fills) if i and fill.is_entry and fill.seconds in times
    ]


def _walk(trade: TradeRecord, rows: FundingRows, check_step: int, rested: set[int]) -> Charges:
    """Follow freqtrade's running sum from fill to fill."""
    seconds, amounts = [], []
    held = before = 0.0
    last = None
    for i, fill in enumerate(trade.fills):
        if last is not None:
            checked = _last_check(fill.seconds, check_step, before_fill=i in rested)
            stale = checked <= last.seconds
            until = last.seconds if stale else checked
            paying = before if stale and not last.is_entry else held
            when, fees = _rows_between(rows, last.seconds, until)
            seconds.append(when)
            amounts.append(fees * paying)
        before = held
        held = max(0.0, held + (fill.amount if fill.is_entry else -fill.amount))
        last = fill
    sign = 1.0 if trade.is_short else -1.0
    paid = sign * np.concatenate(amounts) if amounts else np.empty(0)
    times = np.concatenate(seconds) if seconds else np.empty(0, np.int64)
    return Charges(times, paid, trade.funding - float(paid.sum()))


def _last_check(seconds: int, check_step: int, *, before_fill: bool) -> int:
    """Return when the running sum was last brought up to date before a fill at `seconds`.

    Exits and immediate entries are filled after the check of their own candle.
    """
    latest = seconds - 1 if before_fill else seconds
    return latest // check_step * check_step


def _rows_between(rows: FundingRows, first: int, last: int) -> tuple[Ints, Floats]:
    """Rows from `first` to `last`, both included; freqtrade drops a sum with a NaN in it."""
    part = slice(
        np.searchsorted(rows.seconds, first, "left"), np.searchsorted(rows.seconds, last, "right")
    )
    fees = rows.fee_per_unit[part]
    return rows.seconds[part], np.zeros_like(fees) if np.isnan(fees).any() else fees
