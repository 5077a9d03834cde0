"""Simulated candles whose returns go on in their direction, and a folder with them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtests.datadirs import written
from gridkit.settings import Settings
from strategies import START

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
QUICK = {
    "confluence": {
        "periods": {
            "averages": [3, 5, 12],
            "smooth": 4,
            "oscillator": 4,
            "macd": [3, 5, 3],
            "window": 6,
        }
    },
    "prediction": {"horizons": ["15m", "1h"], "main_horizon": "15m", "members": 2},
}
SETTINGS = Settings.model_validate(QUICK)
CONFIG: dict[str, Any] = {"gridkit": QUICK}
RULES = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
SPAN = "20250106-20250110"  # of what a short comparison predicts


def market(days: float = 10, seed: int = 1, keeps: float = 0.6) -> pd.DataFrame:
    """Candles of 5 minutes; each keeps so much of the last one's return."""
    count = round(days * 288)
    noise = np.random.default_rng(seed)
    steps = np.zeros(count)
    for now, shock in enumerate(noise.normal(0, 0.002, count)):
        steps[now] = keeps * steps[now - 1] + shock
    close = 100 * np.exp(np.cumsum(steps))
    opened = np.concatenate([[100.0], close[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("5m") * np.arange(count),
            "open": opened,
            "high": np.maximum(opened, close) * 1.0002,
            "low": np.minimum(opened, close) / 1.0002,
            "close": close,
            "volume": noise.uniform(1, 2, count),
        }
    )


def longer(frame: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    """The same market in longer candles."""
    rule = timeframe.replace("m", "min")
    return frame.resample(rule, on="date").agg(RULES).dropna().reset_index()


def folder(path: Path, pairs: Sequence[str] = (BTC, ETH), days: float = 10) -> Path:
    """Write candles of 5m, 15m and 1h of each pair, and a configuration with quick features."""
    for seed, pair in enumerate(pairs):
        base = market(days, seed)
        frames = {"5m": base, "15m": longer(base, "15m"), "1h": longer(base, "1h")}
        written(path, pair, frames, futures=":" in pair)
    (path / "config.json").write_text(json.dumps(CONFIG))
    return path
