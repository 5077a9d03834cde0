"""The folder FreqAI keeps models and predictions in: one for each way of making them.

FreqAI takes up saved predictions by pair and end of training alone. So its `identifier` gets a hash
of all that predictions depend on, and what was made otherwise is never mixed in.
"""

import hashlib
import itertools
import json
import os
import re
import shutil
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from freqtrade.enums import RunMode

from gridkit.prediction import context, features
from gridkit.settings import Settings

FORMAT = 2  # to be raised when features, targets or models are made otherwise
LENGTH = 10
NAME = "gridkit"
NOT_LEARNED = ("enabled", "raises", "bonus", "blocks", "gate", "main_horizon", "retrain_budget")
NOT_OF_DRIFT = ("most_drifted",)
TRADING = (RunMode.LIVE, RunMode.DRY_RUN)
# Sections of which features or targets are made.
MADE_OF = ("costs", "confluence", "profile", "regime", "orderflow", "correlation")
# Of FreqAI's own section, what changes no prediction.
NOT_OF_FREQAI = (
    "enabled",
    "identifier",
    "live_retrain_hours",
    "expiration_hours",
    "purge_old_models",
    "save_backtest_models",
    "activate_tensorboard",
    "write_metrics_to_disk",
    "data_kitchen_thread_count",
    "wait_for_training_iteration_on_reload",
    "backtest_period_days",
)
_count = itertools.count(1)


def settle(strategy: Any, config: dict[str, Any], settings: Settings, timeframe: str) -> None:
    """Give FreqAI's section its identifier: the name that is given, and the hash.

    Bias analyses compare runs on other candles: each gets a folder of its own, which goes with it.
    """
    section = config["freqai"]
    given = re.sub(rf"-[0-9a-f]{{{LENGTH}}}(-run\d+)?$", "", str(section.get("identifier", NAME)))
    identifier = f"{given}-{digest(config, settings, timeframe)}"
    if config.get("runmode") == RunMode.UTIL_NO_EXCHANGE:
        identifier = f"{identifier}-run{os.getpid()}{next(_count):04d}"
        folder = Path(config["user_data_dir"]) / "models" / identifier
        weakref.finalize(strategy, shutil.rmtree, folder, ignore_errors=True)
    section["identifier"] = identifier


def digest(config: Mapping[str, Any], settings: Settings, timeframe: str) -> str:
    """Return a short hash of learner, targets, features, seed, calibration, and what is in them."""
    dumped = settings.model_dump(mode="json")
    freqai, learned = config["freqai"], _without(dumped["prediction"], NOT_LEARNED)
    is_futures = config.get("trading_mode") == "futures"
    families = context.active(settings, is_futures=is_futures)
    what = {
        "format": FORMAT,
        "timeframe": timeframe,
        "mode": config.get("trading_mode", "spot"),
        "exchange": config["exchange"]["name"],
        "fee": config.get("fee"),
        "features": [*features.names(settings.prediction.families), *context.names(families)],
        "prediction": {**learned, "drift": _without(learned["drift"], NOT_OF_DRIFT)},
        "modules": {name: dumped[name] for name in _made_of(settings)},
        "freqai": _without(freqai, NOT_OF_FREQAI),
        **_of_the_past(config, families),
    }
    text = json.dumps(what, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _made_of(settings: Settings) -> tuple[str, ...]:
    return (*MADE_OF, "volatility") if settings.regime.method == "composite" else MADE_OF


def _of_the_past(config: Mapping[str, Any], families: tuple[str, ...]) -> dict[str, Any]:
    """Return which candles a backtest reads, and the pairs where features are made of all.

    A bot that trades keeps its models when a pair comes or goes, as does a backtest of what it
    predicted.
    """
    if config.get("runmode") in TRADING or config.get("freqai_backtest_live_models", False):
        return {}
    pairs = config["exchange"].get("pair_whitelist", []) if "correlation" in families else []
    return {"pairs": sorted(pairs), "data": _place(config)}


def _place(config: Mapping[str, Any]) -> str:
    """Return the folder of candles, beside the models where both lie in user_data."""
    folder, home = Path(config.get("datadir") or ""), Path(config["user_data_dir"])
    return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)


def _without(section: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in names}
