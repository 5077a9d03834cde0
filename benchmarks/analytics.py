"""What the analytics cost: one pair's year of 5m candles, with its hours and other timeframes.

Seconds of CPU, the median of five after compilation. What the pairs share (basket, correlation) is
made once for all of them and measured apart.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from freqtrade.data.history.datahandlers import get_datahandler
from freqtrade.enums import CandleType

from benchmarks.market import Dataset
from gridkit import candles
from gridkit.analytics import (
    basket,
    confluence,
    correlation,
    garch,
    profile,
    regime,
    scores,
    stress,
    thresholds,
    volatility,
)
from gridkit.settings import Settings

ROUNDS = 5
BASE = "5m"
HOURLY = "1h"
SETTINGS = Settings()

Frames = Mapping[str, pd.DataFrame]


def measure(data: Dataset) -> dict[str, Any]:
    """Return seconds per module of the first pair, and of what all pairs share."""
    frames = _frames(data)
    hours = {pair: frame[HOURLY] for pair, frame in frames.items()}
    first = frames[data.pairs[0]]
    return {
        "rows": len(first[BASE]),
        "modules": {name: _seconds(call) for name, call in _modules(first).items()},
        "shared": {name: _seconds(call) for name, call in _shared(hours).items()},
    }


def _modules(frames: Frames) -> dict[str, Callable[[], Any]]:
    base, hours = frames[BASE], frames[HOURLY]
    return {
        "volatility (seven estimators)": lambda: volatility.compute(base, SETTINGS),
        "garch (1h)": lambda: garch.compute(hours, SETTINGS),
        "stress (1h)": lambda: stress.compute(hours, SETTINGS),
        "profile": lambda: profile.compute(base, SETTINGS),
        "regime (1h)": lambda: regime.compute(hours, SETTINGS),
        "confluence (5m, 15m, 1h, 4h)": lambda: _confluence(frames),
        "thresholds (1h)": lambda: thresholds.compute(hours, SETTINGS),
    }


def _shared(hours: Frames) -> dict[str, Callable[[], Any]]:
    return {
        "basket": lambda: basket.volatility(hours, SETTINGS),
        "correlation": lambda: correlation.mean_pairwise(correlation.returns(hours), SETTINGS),
    }


def _confluence(frames: Frames) -> pd.DataFrame:
    base = frames[BASE]
    weights = SETTINGS.confluence.weights_for(BASE)
    scored, ages = pd.DataFrame(index=base.index), pd.DataFrame(index=base.index)
    for timeframe in weights:
        score = scores.compute(frames[timeframe], SETTINGS)["scores_score"]
        scored[timeframe], ages[timeframe] = confluence.seen_from(
            base,
            candles.seconds_of(BASE),
            frames[timeframe],
            candles.seconds_of(timeframe),
            score,
        )
    return confluence.combine(scored, ages, weights, SETTINGS)


def _frames(data: Dataset) -> dict[str, dict[str, pd.DataFrame]]:
    handler = get_datahandler(data.folder, "feather")
    return {
        pair: {
            timeframe: handler.ohlcv_load(pair, timeframe, CandleType.SPOT)
            for timeframe in (*SETTINGS.confluence.weights_for(BASE),)
        }
        for pair in data.pairs
    }


def _seconds(call: Callable[[], Any]) -> float:
    call()  # compiles
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return statistics.median(taken)
