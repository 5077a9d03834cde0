"""What order flow by candle costs, beside freqtrade's own, on the same trades.

Both start from freqtrade's frames of trades and of candles. freqtrade sorts the trades of each
candle into price bins besides, which it cannot be asked not to do; ours adds the measures over the
lookback. Times are medians of CPU time.
"""

import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from freqtrade.data.converter.orderflow import populate_dataframe_with_trades
from freqtrade.data.converter.trade_converter import trades_convert_types, trades_to_ohlcv

from gridkit import candles
from gridkit.analytics import orderflow
from gridkit.settings import Settings

ROUNDS = 5
TRADES = 60_000  # a day of a liquid pair
TIMEFRAMES = ("5m", "1m")
SEED = 7
START_MS = 1_735_689_600_000  # 2025-01-01
DAY_MS = candles.SECONDS_PER_DAY * 1_000
COMPARED = {"bid": "bid", "ask": "ask", "delta": "delta", "total_trades": "trades"}


def measure(trades: pd.DataFrame | None = None) -> dict[str, Any]:
    """Return milliseconds, ratio, equality and bytes per trade for each timeframe.

    `trades` is a frame as freqtrade stores it; a generated day where there is none.
    """
    tape = trades_convert_types(generated(TRADES) if trades is None else trades)
    return {
        "trades": len(tape),
        "bytes_per_trade": bytes_per_trade(tape),
        "timeframes": {timeframe: _compared(tape, timeframe) for timeframe in TIMEFRAMES},
    }


def generated(count: int) -> pd.DataFrame:
    """Return a day of seeded trades in freqtrade's columns."""
    noise = np.random.default_rng(SEED)
    price = np.round(100.0 * np.exp(np.cumsum(noise.normal(0, 0.0001, count))), 2)
    amount = noise.lognormal(0, 1.5, count)
    return pd.DataFrame(
        {
            "timestamp": START_MS + np.sort(noise.integers(0, DAY_MS, count)),
            "id": np.arange(count).astype(str),
            "type": "",
            "side": noise.choice(["buy", "sell"], count),
            "price": price,
            "amount": amount,
            "cost": price * amount,
        }
    )


def freqtrades(tape: pd.DataFrame, frame: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    """Return what freqtrade makes of the trades. It writes into both frames, so give it copies."""
    config = {
        "timeframe": timeframe,
        "orderflow": {
            "cache_size": 1,
            "max_candles": len(frame),
            "scale": float(tape["price"].median()) * 1e-3,
            "imbalance_volume": 1,
            "imbalance_ratio": 3,
            "stacked_imbalance_range": 3,
        },
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it still drops columns in place
        return populate_dataframe_with_trades(None, config, frame.copy(), tape.copy())[0]


def bytes_per_trade(tape: pd.DataFrame) -> float:
    """Return the most memory the computation holds at a time, beyond its input."""
    frame = trades_to_ohlcv(tape, "5m").reset_index(drop=True)
    _ours(tape, frame, "5m")
    tracemalloc.start()
    try:
        _ours(tape, frame, "5m")
        return tracemalloc.get_traced_memory()[1] / len(tape)
    finally:
        tracemalloc.stop()


def _compared(tape: pd.DataFrame, timeframe: str) -> dict[str, Any]:
    frame = trades_to_ohlcv(tape, timeframe).reset_index(drop=True)
    ours, our_ms = _timed(lambda: _ours(tape, frame, timeframe))
    theirs, their_ms = _timed(lambda: freqtrades(tape, frame, timeframe))
    return {
        "candles": len(frame),
        "milliseconds": our_ms,
        "freqtrade_milliseconds": their_ms,
        "ratio": their_ms / our_ms,
        "equal": _equal(ours, theirs),
    }


def _ours(tape: pd.DataFrame, frame: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    return orderflow.compute(frame, tape, Settings(), candles.seconds_of(timeframe))


def _equal(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Equal but for the order of addition: to a part in 10¹² of what changed hands."""
    volume = theirs["bid"] + theirs["ask"]
    return all(
        bool(((ours[f"orderflow_{our}"] - theirs[their]).abs() <= 1e-12 * volume).all())
        for their, our in COMPARED.items()
        if our != "trades"
    ) and ours["orderflow_trades"].astype("float64").equals(theirs["total_trades"])


def _timed(call: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, float]:
    result = call()  # compiles
    taken = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        result = call()
        taken.append(time.thread_time() - started)
    return result, 1_000 * statistics.median(taken)
