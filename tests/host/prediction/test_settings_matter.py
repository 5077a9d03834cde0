"""Every setting of the predictor changes what it says, when it is heeded, or what is warned of."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from freqtrade.enums import RunMode

from gridkit.host.prediction.learning import Learning
from gridkit.settings import PredictionSettings
from host.analysed import frames_of, merged
from host.prediction.tiny import GRID, PROFILE, freqai
from host.test_settings_matter import settings_of

PAIR = "ETH/USDT"
DAYS = "20251209-20251211"
LATE = {"gate": {"least_outcomes": 100}}  # reached within two days, not within one
STRICT = {"drift": {"most_index": 0.05}}  # which chance alone is above now and then
# Setting: another value, and what else is changed of the tiny predictor for both.
LEARNED: dict[str, tuple[Any, dict[str, Any]]] = {
    "horizons": (["15m", "30m"], {}),
    "families": (["price", "trend"], {"families": ["price", "trend", "volume"]}),
    "learner": ("random_forest", {}),
    "members": (4, {}),
    "calibration": ("isotonic", {}),
    "seed": (2, {}),
    "embargo_minutes": (300, {}),
}
HEEDED: dict[str, tuple[Any, dict[str, Any]]] = {
    "main_horizon": ("1h", {}),
    "gate.window_days": (1, LATE),
    "gate.least_accuracy": (0.95, {}),
    "gate.least_outcomes": (100, {}),
    "gate.confidence": (0.99999, {}),
    "gate.max_age_hours": (12, {}),
    "drift.enabled": (False, STRICT),
    "drift.days": (2, STRICT),
    "drift.most_index": (2.0, STRICT),
    "drift.most_drifted": (0.5, STRICT),
}
WARNED = ["retrain_budget"]
# What is heeded or not, and tried by the strategies' own tests with predictions of any kind.
OF_STRATEGIES = ["enabled", "raises", "bonus", "blocks"]


def test_every_setting_is_tried_once():
    tried = [*LEARNED, *HEEDED, *WARNED, *OF_STRATEGIES]
    assert sorted(tried) == sorted(settings_of(PredictionSettings))


@pytest.fixture(scope="module")
def predictions(swings, tmp_path_factory):
    """The columns of a pair by what is changed of the tiny predictor; models are shared."""
    folder, alone = tmp_path_factory.mktemp("settings"), replace(swings, pairs=(PAIR,))
    known: dict[str, pd.DataFrame] = {}

    def predictions(changes):
        if repr(changes) not in known:
            settings = merged(GRID, {"prediction": changes})
            frames = frames_of(folder, alone, settings, timerange=DAYS, **freqai())
            known[repr(changes)] = frames[PAIR].filter(like="prediction_")
        return known[repr(changes)]

    return predictions


def nested(name, value):
    """The change of one setting; lists are given whole."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNED)
def test_a_setting_of_learning_changes_what_is_predicted(predictions, name):
    value, changes = LEARNED[name]
    usual, other = predictions(changes), predictions(merged(changes, nested(name, value)))
    assert usual["prediction_up_15m"].notna().any()
    columns = [column for column in usual if column.startswith("prediction_up_")]
    assert not usual[columns].equals(other.reindex(columns=columns))


@pytest.mark.slow
@pytest.mark.parametrize("name", HEEDED)
def test_a_setting_of_gate_or_drift_changes_when_it_is_heeded(predictions, name):
    value, changes = HEEDED[name]
    usual, other = predictions(changes), predictions(merged(changes, nested(name, value)))
    assert not usual["prediction_gate"].equals(other["prediction_gate"]) or name == "main_horizon"
    assert not usual["prediction_up"].equals(other["prediction_up"])
    # What is asked of the learners stays the same.
    assert usual["prediction_up_15m"].equals(other["prediction_up_15m"])


@pytest.mark.slow
def test_the_same_settings_say_the_same(predictions, swings, tmp_path):
    again = frames_of(
        tmp_path, replace(swings, pairs=(PAIR,)), GRID, timerange=DAYS, **freqai()
    )[PAIR]  # fmt: skip
    pd.testing.assert_frame_equal(again.filter(like="prediction_"), predictions({}))


@pytest.mark.parametrize(("retrain_budget", "warns"), [(1.0, False), (0.25, True)])
def test_the_budget_of_training_changes_when_it_is_warned_of(retrain_budget, warns):
    """Twenty minutes of a hundred seconds for each of twelve pairs, of an hour."""
    config = {
        **merged(PROFILE, {"freqai": {"live_retrain_hours": 1}}),
        "runmode": RunMode.DRY_RUN,
        "timeframe": "5m",
        "gridkit": {"prediction": {"retrain_budget": retrain_budget}},
    }
    now, sent = [0.0], []
    learning = Learning(SimpleNamespace(), config)
    learning.times._clock = lambda: now[0]
    provider = SimpleNamespace(current_whitelist=lambda: ["a pair"] * 12, send_msg=sent.append)

    def train():
        now[0] += 100

    learning.trained_in_time(train, PAIR, SimpleNamespace(dp=provider))
    assert len(sent) == warns
    assert all("prediction.retrain_budget" in one for one in sent)
