"""How long the predictor trains and answers, beside FreqAI's own example with a LightGBM regressor.

Both go through freqtrade's FreqAI on the same candles: one pair, 30 days of 5m to train on, the
week after to predict. An answer of a running bot is the features of its last candles, made anew,
and one row predicted. `python -m benchmarks.prediction` measures this part of `make bench` alone.
"""

import json
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from freqtrade.freqai.freqai_interface import IFreqaiModel
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.resolvers import ExchangeResolver
from rich.console import Console

from benchmarks import market, runs, tables
from benchmarks.runs import Setting
from benchmarks.sampling import ROOT
from sandbox.running import running_exchange

TRAIN_DAYS, TEST_DAYS = 30, 7
TIMEFRAMES = ("5m", "15m", "1h")
LEAST_DAYS = 60  # of candles, those before the training days included
LIVE_CANDLES = 2_400  # of each timeframe, that a running bot has
REPEATS = 5
WIDTH = 110
EXAMPLE_TREES = 800
OURS = (*runs.GRID, "DirectionModel", (14,), 0)
# FreqAI's config_examples/config_freqai.example.json, as far as features and trees go.
EXAMPLE = (
    "ExampleOnSpot",
    ROOT / "benchmarks" / "strategies",
    "LightGBMRegressor",
    (10, 20),
    2,
)


@dataclass
class Timed:
    """What was measured of one model class. Seconds are of the clock."""

    trainings: list[float] = field(default_factory=list)
    predicted: list[tuple[Any, Any, Any]] = field(default_factory=list)
    asked: Any = None  # the candles FreqAI was started with
    columns: int = 0
    rows: int = 0


def main() -> None:
    """Measure on candles of its own, and print the table."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="gridkit-bench-") as name, running_exchange() as served:
        data = market.write(Path(name), ("BTC/USDT",), LEAST_DAYS)
        setting = Setting(data, (served.config_path,))
        config = runs.configuration(setting, runs.GRID, TEST_DAYS)
        exchange = ExchangeResolver.load_exchange(config)
        try:
            found = measure(Setting(data, setting.overlays, exchange))
        finally:
            exchange.close()
    Console(width=WIDTH).print(tables.of_predictor(found))


def measure(setting: Setting) -> dict[str, dict[str, float]]:
    """Return seconds and sizes of both."""
    return {"ours": _of(setting, OURS), "example": _of(setting, EXAMPLE)}


def _of(setting: Setting, case: tuple[Any, ...]) -> dict[str, float]:
    name, folder, model, periods, shifted = case
    with tempfile.TemporaryDirectory(prefix="gridkit-bench-freqai-") as user_data:
        config = _config(setting, (name, folder), model, Path(user_data), periods, shifted)
        testing = Backtesting(config, setting.exchange)
        try:
            data, _ = testing.load_bt_data()
            pair = next(iter(data))
            strategy = testing.strategylist[0]
            testing._set_strategy(strategy)
            with _watched(strategy.freqai) as timed:
                strategy.advise_indicators(data[pair].copy(), {"pair": pair})
            return _summary(timed, strategy, pair)
        finally:
            testing.cleanup()


def _config(
    setting: Setting,
    strategy: tuple[str, Path],
    model: str,
    user_data: Path,
    periods: tuple[int, ...],
    shifted: int,
) -> dict[str, Any]:
    profile = json.loads((ROOT / "user_data" / "configs" / "predictor.json").read_text())
    freqai = profile["freqai"]
    freqai |= {"train_period_days": TRAIN_DAYS, "backtest_period_days": TEST_DAYS}
    freqai["feature_parameters"] |= {
        "include_timeframes": list(TIMEFRAMES),
        "indicator_periods_candles": list(periods),
        "include_shifted_candles": shifted,
        "label_period_candles": 24,
    }
    if model != "DirectionModel":
        freqai["model_training_parameters"] = {"n_estimators": EXAMPLE_TREES}
    own = user_data / "predictor.json"
    paths = {"freqaimodel_path": str(ROOT / "freqaimodels"), "freqaimodel": model}
    own.write_text(json.dumps({**profile, **paths, "freqai": freqai}))
    config = runs.configuration(
        Setting(setting.data, (*setting.overlays, own)), strategy, TEST_DAYS
    )
    pair = setting.data.pairs[0]
    config["exchange"]["pair_whitelist"] = [pair]
    return {**config, "pairs": [pair], "max_open_trades": 1, "user_data_dir": user_data}


@contextmanager
def _watched(model: IFreqaiModel) -> Iterator[Timed]:
    timed, kind = Timed(), type(model)
    start, train, predict = kind.start, kind.train, kind.predict

    def started(self: Any, frame: Any, metadata: Any, strategy: Any) -> Any:
        timed.asked = frame
        return start(self, frame, metadata, strategy)

    def trained(self: Any, frame: Any, pair: str, dk: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        answer = train(self, frame, pair, dk, **kwargs)
        timed.trainings.append(time.perf_counter() - begun)
        timed.columns, timed.rows = len(dk.training_features_list), len(frame)
        return answer

    def asked(self: Any, frame: Any, dk: Any, **kwargs: Any) -> Any:
        timed.predicted.append((frame, dk, self.model))
        return predict(self, frame, dk, **kwargs)

    with mock.patch.multiple(kind, start=started, train=trained, predict=asked):
        yield timed


def _summary(timed: Timed, strategy: Any, pair: str) -> dict[str, float]:
    frame, dk, model = timed.predicted[-1]
    strategy.freqai.model = model
    candles = timed.asked.tail(LIVE_CANDLES).reset_index(drop=True)
    make, ask = [], []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        dk.use_strategy_to_populate_indicators(strategy, prediction_dataframe=candles, pair=pair)
        made = time.perf_counter()
        strategy.freqai.predict(frame.iloc[-1:], dk)
        make.append(made - begun)
        ask.append(time.perf_counter() - made)
    return {
        "train_seconds": statistics.mean(timed.trainings),
        "columns": timed.columns,
        "rows": timed.rows,
        "features_ms": 1_000 * min(make),
        "predict_ms": 1_000 * min(ask),
    }


if __name__ == "__main__":
    main()
