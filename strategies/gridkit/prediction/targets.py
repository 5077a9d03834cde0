"""What came after each candle: up or down over a horizon, and whether by more than it costs.

The only file of the project that looks ahead. What it says is for training, and for judging a
prediction once the horizon has passed; nothing of it may be seen at the candle it stands at.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridkit import candles

HORIZONS = ("15m", "1h", "4h")
MAIN_HORIZON = "4h"


def compute(
    frame: pd.DataFrame, cost_fraction: float, horizons: Sequence[str] = HORIZONS
) -> pd.DataFrame:
    """Return of each horizon `target_<horizon>_move`, `_up` and `_weight`, float64.

    `_move` is the close a horizon later over this close, minus 1. `_up` is 1 where that is above
    0, else 0. `_weight` is 1 where the move is larger than `cost_fraction` (a round trip's cost, a
    fraction of price), and 0 in the dead zone within it: there `_up` is no question to be asked.
    All NaN where the later close is not known (yet), or one of the two candles has no price.
    """
    columns = {}
    for horizon in horizons:
        move = moves(frame, horizon)
        known = ~np.isnan(move)
        columns[f"target_{horizon}_move"] = move
        columns[f"target_{horizon}_up"] = np.where(known, move > 0, np.nan)
        columns[f"target_{horizon}_weight"] = np.where(known, decided(move, cost_fraction), np.nan)
    return pd.DataFrame(columns, index=frame.index, dtype="float64")


def moves(frame: pd.DataFrame, horizon: str) -> np.ndarray:
    """Return the close exactly a horizon later over each close, minus 1; NaN where unknown.

    Where that one candle is missing the move is unknown, not that of a neighbour.
    """
    candles.check(frame)
    return between(candles.times(frame), frame["close"].to_numpy("float64"), horizon)


def between(times: np.ndarray, close: np.ndarray, horizon: str) -> np.ndarray:
    """Return the same of closes at ascending times, seconds UTC. Shapes (n,)."""
    then = times + candles.seconds_of(horizon)
    place = np.minimum(np.searchsorted(times, then), max(len(times) - 1, 0))
    later = np.where(times[place] == then, close[place], np.nan) if len(times) else close
    known = (close > 0) & (later > 0) & np.isfinite(close) & np.isfinite(later)
    result = np.full(len(close), np.nan)
    return np.divide(later, close, out=result, where=known) - 1.0


def decided(move: np.ndarray, cost_fraction: float) -> np.ndarray:
    """Tell which moves are known and larger, up or down, than a round trip costs. Shape (n,)."""
    return np.abs(move) > cost_fraction


def horizon_candles(horizon: str, timeframe: str) -> int:
    """Return how many candles a horizon lasts. Raises ValueError unless they are whole ones."""
    count, rest = divmod(candles.seconds_of(horizon), candles.seconds_of(timeframe))
    if rest or not count:
        raise ValueError(f"horizon {horizon} is no whole number of {timeframe} candles")
    return count
