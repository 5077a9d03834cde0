"""Which fills the market surely gave: price went through the line, not merely up to it.

freqtrade's backtest fills a resting order when the candle *touches* its price. In a real book an
order at the price where the market turned is often not reached by the queue. Here a fill is strict
when its candle traded at least one tick beyond the price, or when the order could trade at once
(its price was at or beyond the candle's open).

This classifies the fills that happened. It does not tell what would have happened instead: a run
under strict fills would hold other lots afterwards.
"""

import numpy as np

from gridkit.reports.records import Candles, OrderFill, Run, TradeRecord


def strict_fills(run: Run) -> list[list[bool | None]]:
    """For each trade, for each fill: strict, not strict, or None where its candle is unknown."""
    return [_of_trade(trade, run.fill_candles.get(trade.pair)) for trade in run.trades]


def _of_trade(trade: TradeRecord, candles: Candles | None) -> list[bool | None]:
    if candles is None or not len(candles.seconds):
        return [None] * len(trade.fills)
    times = np.array([fill.seconds for fill in trade.fills], dtype=np.int64)
    rows = np.minimum(np.searchsorted(candles.seconds, times), len(candles.seconds) - 1)
    return [
        is_strict(fill, candles.open[row], candles.high[row], candles.low[row])
        if candles.seconds[row] == fill.seconds
        else None
        for fill, row in zip(trade.fills, rows, strict=True)
    ]


def is_strict(fill: OrderFill, opening: float, high: float, low: float) -> bool | None:
    """Whether `fill` is strict in a candle with these prices; None when they are not numbers."""
    if np.isnan(opening) or np.isnan(high) or np.isnan(low):
        return None
    if fill.is_buy:
        return bool(fill.price >= opening or low < fill.price)
    return bool(fill.price <= opening or high > fill.price)
