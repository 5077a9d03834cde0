"""An order book around a price, the same for simulated and recorded markets."""

import numpy as np

from sandbox.instruments import Instrument
from sandbox.source import Book

MOST_LEVELS = 1000
_SPREAD_FRACTION = 1e-5
_GAP_FRACTION = 3e-5  # average distance between levels: 1,000 of them reach about 3 %


def around(
    rng: np.random.Generator, instrument: Instrument, price: float, sold: bool, amount: float
) -> Book:
    """Book of 1,000 levels a side in which the last trade, at `price`, took the best level.

    A sale left the price on the bid, a purchase on the ask. `amount` (base) is what a level near
    the price holds; further ones hold more, up to three times. Low bids end at one tick.
    """
    last = max(2, round(price / instrument.tick))
    spread = max(1, round(last * _SPREAD_FRACTION))
    best_bid, best_ask = (last, last + spread) if sold else (last - spread, last)
    gap = max(1.0, last * _GAP_FRACTION)
    return Book(
        bids=_side(rng, instrument, best_bid, -1, gap, amount),
        asks=_side(rng, instrument, best_ask, 1, gap, amount),
    )


def _side(
    rng: np.random.Generator, instrument: Instrument, best: int, way: int, gap: float, amount: float
) -> np.ndarray:
    gaps = 1 + np.floor(rng.exponential(gap - 1.0, MOST_LEVELS - 1)).astype(np.int64)
    ticks = best + way * np.r_[0, np.cumsum(gaps)]
    ticks = ticks[ticks > 0]
    depth = 1.0 + 2.0 * np.arange(len(ticks)) / MOST_LEVELS
    lots = np.rint(amount / instrument.lot * depth * rng.lognormal(0.0, 0.7, len(ticks)))
    return np.column_stack([ticks * instrument.tick, np.maximum(1, lots) * instrument.lot])
