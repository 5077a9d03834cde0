"""A predictor so small that whole backtests with it take a few seconds, and candles it can read."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtests import runs
from backtests.datadirs import written
from backtests.runs import ROOT, UNGATED, Market, Recording, Run
from gridkit.host.prediction.section import FEATURE
from host.analysed import merged, resampled
from host.directional.quick import QUICK as DIRECTIONAL

MODELS = ROOT / "freqaimodels"
PROFILE = json.loads((ROOT / "user_data" / "configs" / "predictor.json").read_text())
PERIODS = DIRECTIONAL["confluence"]["periods"]
PREDICTION = {
    "horizons": ["15m", "1h"], "main_horizon": "15m", "members": 2,
    "gate": {"least_outcomes": 10}, "drift": {"days": 1, "most_index": 50},
}  # fmt: skip
# The grid, without what changes its orders but predictions; and the strategy of directions.
GRID = {
    **UNGATED,
    "spacing": {"method": "fixed", "grid_step": 0.004},
    "confluence": {"enabled": False, "periods": PERIODS},
    "prediction": PREDICTION,
}
CONFLUENCE = {**DIRECTIONAL, "prediction": PREDICTION}
DAYS = "20251209-20251212"
WAVE_CANDLES = 48


def freqai(**changes: Any) -> dict[str, Any]:
    """What a config is given beside the settings; changes are of FreqAI's section."""
    small = {
        "train_period_days": 3,
        "backtest_period_days": 1,
        "feature_parameters": {"include_timeframes": ["5m"]},
        "model_training_parameters": {"n_estimators": 5},
    }
    section = merged(merged(PROFILE["freqai"], small), changes)
    return {**PROFILE, "freqai": section, "freqaimodel_path": str(MODELS)}


# With hours, and another pair beside its own.
WIDE = freqai(
    feature_parameters={
        "include_timeframes": ["5m", "1h"], "include_corr_pairlist": ["SOL/USDT"],
    }
)  # fmt: skip


@dataclass
class Predicted:
    """A run, its pairs' frames as they were analysed, what was said, and folders of models.

    `features` are those that FreqAI was shown, by pair.
    """

    run: Run
    frames: dict[str, pd.DataFrame]
    features: dict[str, pd.DataFrame]
    said: list[str]
    folders: list[str]

    @property
    def trainings(self) -> int:
        return sum("Saving metadata to disk" in one for one in self.said)

    def columns(self, pair: str) -> pd.DataFrame:
        """A pair's columns of the predictor, by candle."""
        return self.frames[pair].set_index("date").filter(like="prediction_")


def predicted(
    folder: Path, market: Market, settings: dict[str, Any] = GRID, **more: Any
) -> Predicted:
    """Run a backtest; `more` is of the config, and a predictor without being asked for another."""
    frames: dict[str, pd.DataFrame] = {}
    features: dict[str, pd.DataFrame] = {}
    config = {"timerange": DAYS, **freqai(), **more}
    with runs.backtesting(folder, market, settings, **config) as recording, heard() as said:
        _keep(recording, frames, features)
        run = runs.started(recording)
    folders = sorted(path.name for path in folder.glob("models/*"))
    return Predicted(run, frames, features, said, folders)


def _keep(
    recording: Recording, frames: dict[str, pd.DataFrame], features: dict[str, pd.DataFrame]
) -> None:
    strategy = recording.strategylist[0]
    analyse, target = strategy.populate_indicators, strategy.set_freqai_targets

    def shown(frame: pd.DataFrame, metadata: dict[str, Any], **more: Any) -> pd.DataFrame:
        features[metadata["pair"]] = frame.set_index("date").filter(like=FEATURE)
        return target(frame, metadata, **more)

    def kept(frame: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        frames[metadata["pair"]] = analyse(frame, metadata)
        return frames[metadata["pair"]].copy()

    strategy.populate_indicators, strategy.set_freqai_targets = kept, shown


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what freqtrade and gridkit log."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.levelname} {record.getMessage()}")

    ear, listened = Ear(), [logging.getLogger(name) for name in ("freqtrade", "gridkit")]
    levels = [logger.level for logger in listened]
    for logger in listened:
        logger.addHandler(ear)
        logger.setLevel(logging.INFO)
    try:
        yield said
    finally:
        for logger, level in zip(listened, levels, strict=True):
            logger.removeHandler(ear)
            logger.setLevel(level)


# -- candles ----------------------------------------------------------------------------------


def waves(folder: Path, market: Market, noise: float = 0.002) -> Market:
    """Prices that swing by 3 % every four hours, which any learner sees coming; fifteen days."""
    for number, pair in enumerate(market.pairs):
        frame = swinging(noise, seed=number)
        written(folder, pair, {"5m": frame, "1h": resampled(frame, "1h")}, futures=market.futures)
    return Market(folder, market.exchange_config, market.pairs, DAYS, futures=market.futures)


def swinging(noise: float, seed: int) -> pd.DataFrame:
    count = 15 * 288
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(count) / WAVE_CANDLES
    close = 100 * np.exp(0.03 * np.sin(phase) + random.normal(0, noise, count))
    opened = np.concatenate([close[:1], close[:-1]])
    dates = pd.date_range("2025-12-01", periods=count, freq="5min", tz="UTC").as_unit("ms")
    return pd.DataFrame(
        {
            "date": dates,
            "open": opened,
            "high": np.maximum(opened, close) * 1.0005,
            "low": np.minimum(opened, close) / 1.0005,
            "close": close,
            "volume": random.uniform(50, 150, count),
        }
    )
