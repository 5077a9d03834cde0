"""Buy and hold: the same pairs in equal parts from the same start balance, with the same fee.

Bought at each pair's first known close, unlevered; the fee is paid at the start and once more on
the last candle. No funding is charged: this is the coin, not the perpetual.
"""

import numpy as np

from gridkit.reports.equity import Marks
from gridkit.reports.records import Floats


def buy_and_hold(marks: Marks, pairs: list[str], start: float, fee: float) -> Floats | None:
    """Return marked equity at every candle; None when no pair has a known close.

    The part of a pair that is listed later waits in cash.
    """
    traded = [pair for pair in pairs if pair in marks.closes and marks.known[pair].any()]
    if not traded:
        return None
    part = start / len(traded)
    return np.sum([_held(marks.closes[pair], part, fee) for pair in traded], axis=0)


def _held(closes: Floats, part: float, fee: float) -> Floats:
    first = int(np.flatnonzero(~np.isnan(closes))[0])
    amount = part / (closes[first] * (1 + fee))
    value = np.where(np.arange(len(closes)) < first, part, amount * closes)
    value[-1] *= 1 - fee
    return value
