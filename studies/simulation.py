"""Candles of a market whose truth is known."""

import numpy as np
import pandas as pd

from gridkit import candles

ANNUAL = 0.6  # volatility of every simulated market


def walk(candle_seconds: int, steps: int, rows: int) -> pd.DataFrame:
    """Return candles of a random walk of so many even steps each, without drift or jumps.

    Always the same ones. Its annual volatility is ANNUAL.
    """
    noise = np.random.default_rng(7)
    step = ANNUAL / np.sqrt(candles.SECONDS_PER_YEAR / candle_seconds * steps)
    inside = np.array([_candle(noise.normal(0.0, step, steps)) for _ in range(rows)])
    opens = np.concatenate([[0.0], np.cumsum(inside[:, 2])[:-1]])
    high, low, close = np.exp(inside + opens[:, None]).T
    every = pd.Timedelta(seconds=candle_seconds)
    return pd.DataFrame(
        {
            "date": pd.date_range("2020-01-01", periods=rows, freq=every, tz="UTC"),
            "open": np.exp(opens),
            "high": high,
            "low": low,
            "close": close,
            "volume": 1.0,
        }
    )


def _candle(steps: np.ndarray) -> tuple[float, float, float]:
    """High, low and close against the open, in log price."""
    path = np.cumsum(steps)
    return max(0.0, path.max()), min(0.0, path.min()), path[-1]
