"""Every setting that matters only where FreqAI runs changes what is predicted or heeded."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from backtests.runs import Market
from gridkit.host.prediction.training_times import TrainingTimes
from gridkit.settings import PredictionSettings
from gridkit.settings.prediction import DriftSettings, GateSettings
from host.analysed import merged
from host.prediction.tiny import DAYS, GRID, predicted

pytestmark = pytest.mark.slow

PAIR = "ETH/USDT"
FIRST = pd.Timestamp(DAYS.split("-")[0], tz="UTC")
LOUD = {"drift": {"most_index": 0.2}}  # so low that some features are always above it
# Setting: another value, and what else is changed for both.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "horizons": (["15m"], {}),
    "main_horizon": ("1h", {}),
    "learner": ("random_forest", {}),
    "members": (3, {}),
    "calibration": ("isotonic", {}),
    "seed": (2, {}),
    "embargo_minutes": (1_440.0, {}),
    "families": (["price", "trend"], {}),
    "gate.window_days": (1.0, {}),
    "gate.least_accuracy": (1.0, {}),
    "gate.least_outcomes": (200.0, {}),
    "gate.confidence": (0.999, {}),
    "gate.max_age_hours": (5.0, {}),
    "drift.enabled": (False, LOUD),
    "drift.days": (2.0, LOUD),
    "drift.most_index": (0.01, LOUD),
    "drift.most_drifted": (1.0, LOUD),
}
ELSEWHERE = {
    # Both strategies' own tests of settings.
    "enabled", "raises", "bonus", "blocks",
    # Below, by its warning: a backtest has no interval.
    "retrain_budget",
}  # fmt: skip


def columns(folder: Path, market: Market, changes: dict[str, Any]) -> pd.DataFrame:
    """What is predicted of one pair; models are shared by all runs that would make the same."""
    settings = merged(GRID, {"prediction": changes})
    return predicted(folder, market, settings).columns(PAIR)[FIRST:]


def nested(key: str, value: Any) -> dict[str, Any]:
    *parents, last = key.split(".")
    for name in [last, *reversed(parents)]:
        value = {name: value}
    return value


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matter")


@pytest.mark.parametrize("key", CASES)
def test_it_changes_what_is_predicted_or_heeded(models: Path, swings: Market, key: str) -> None:
    value, others = CASES[key]
    before = columns(models, swings, others)
    after = columns(models, swings, merged(others, nested(key, value)))
    assert not before.equals(after)


def test_a_smaller_budget_of_time_warns_earlier() -> None:
    def warning(budget: float) -> str | None:
        ticks = iter([0.0, 1_200.0])
        times = TrainingTimes(1.0, budget, lambda: next(ticks))
        with times.measured(PAIR):
            pass
        return times.warning(2)

    assert warning(1.0) is None
    assert "longer" in (warning(0.5) or "") or "older" in (warning(0.5) or "")


def test_no_setting_is_forgotten() -> None:
    sections = {"gate": GateSettings, "drift": DriftSettings}
    known = set(PredictionSettings.model_fields) - set(sections)
    known |= {f"{name}.{key}" for name, one in sections.items() for key in one.model_fields}
    assert known == set(CASES) | ELSEWHERE
