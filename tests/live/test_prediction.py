"""The predictor in a bot that trades: it learns, learns anew, is killed, and goes on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from live.bot import Bot, running, until
from sandbox.running import running_exchange

pytestmark = pytest.mark.slow

BTC, ETH = PAIRS = ("BTC/USDT", "ETH/USDT")
MAIN = "1m"  # whose outcomes are known a candle later
LEARN_SECONDS = 180.0
OUTCOME_SECONDS = 240.0
SETTINGS = {
    "timeframe": "1m",
    "fee": 0.0,  # every move is decided
    "max_open_trades": 2,
    "internals": {"process_throttle_secs": 1},
    "exchange": {"pair_whitelist": list(PAIRS)},
    "freqai": {
        "train_period_days": 2,
        "live_retrain_hours": 0.012,
        "feature_parameters": {"include_timeframes": ["1m"]},
        "model_training_parameters": {"n_estimators": 5},
    },
    "gridkit": {
        "regime": {"enabled": False},
        "volatility": {"method": "realised"},
        "density": {"enabled": False},
        "volume_lines": {"enabled": False},
        "breakers": {"market": False},
        "brakes": {"illiquid": "ignore"},
        "spacing": {"method": "fixed", "grid_step": 0.003},
        "costs": {"half_spread": 0.0},
        "prediction": {
            "horizons": [MAIN, "5m"],
            "main_horizon": MAIN,
            "members": 2,
            "drift": {"days": 1},
        },
    },
}


@dataclass
class Story:
    """What was seen: last candles by pair, when models were trained, and the log."""

    first: dict[str, dict[str, Any]] = field(default_factory=dict)
    trained: list[dict[str, int]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    spoilt: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    log: str = ""


def candle(bot: Bot, pair: str) -> dict[str, Any]:
    found = bot.get("pair_candles", pair=pair, timeframe="1m", limit=3)
    return dict(zip(found["columns"], found["data"][-1], strict=True)) if found["data"] else {}


def predicted(bot: Bot, pair: str) -> dict[str, Any] | None:
    last = candle(bot, pair)
    return last if last.get(f"prediction_up_{MAIN}") is not None else None


def both_predicted(bot: Bot) -> dict[str, dict[str, Any]] | None:
    found = {pair: predicted(bot, pair) for pair in PAIRS}
    return found if all(found.values()) else None  # type: ignore[return-value]


def models(bot: Bot) -> dict[str, dict[str, Any]]:
    """FreqAI's own list of what it has trained."""
    (path,) = (bot.folder / "user_data" / "models").glob("*/pair_dictionary.json")
    try:
        return dict(json.loads(path.read_text()))
    except ValueError:  # just being written
        return {}


def trained_at(bot: Bot) -> dict[str, int]:
    return {pair: one["trained_timestamp"] for pair, one in models(bot).items()}


def trained_since(bot: Bot, before: dict[str, int]) -> dict[str, int] | None:
    now = trained_at(bot)
    return now if all(now.get(pair, 0) > before[pair] for pair in PAIRS) else None


def outcomes(bot: Bot, pair: str) -> dict[str, Any] | None:
    last = predicted(bot, pair)
    return last if last and last["prediction_outcomes"] >= 1 else None


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    told = Story()
    with running_exchange(profile="lively") as exchange:
        bot = Bot(
            tmp_path_factory.mktemp("prediction"),
            exchange.config_path,
            ("predictor.json",),
            SETTINGS,
        )
        with running(bot):
            told.first = until("first predictions", LEARN_SECONDS, lambda: both_predicted(bot), bot)
            told.trained.append(trained_at(bot))
            told.before = until("an outcome", OUTCOME_SECONDS, lambda: outcomes(bot, BTC), bot)
            told.trained.append(
                until("new models", LEARN_SECONDS, lambda: trained_since(bot, told.trained[0]), bot)
            )
        spoil(bot, ETH)
        with running(bot):
            told.after = until("predictions again", LEARN_SECONDS, lambda: predicted(bot, BTC), bot)
            told.spoilt = until(
                "another model", LEARN_SECONDS, lambda: retrained(bot, told.trained[1]), bot
            )
            told.custom = until("custom data", LEARN_SECONDS, lambda: published(bot), bot)
        told.log = bot.log.read_text()
        yield told


def published(bot: Bot) -> dict[str, Any] | None:
    """Custom data of any trade that is open: cycles of a lively market are short."""
    found = [bot.grid(trade["trade_id"]) for trade in bot.get("status")]
    return next((one for one in found if "gridstate" in one), None)


def spoil(bot: Bot, pair: str) -> None:
    """Overwrite the model that the next start would read."""
    one = models(bot)[pair]
    path = Path(one["data_path"]) / f"{one['model_filename']}_model.joblib"
    path.write_bytes(b"no model")


def retrained(bot: Bot, before: dict[str, int]) -> dict[str, Any] | None:
    newer = trained_at(bot).get(ETH, 0) > before[ETH]
    return predicted(bot, ETH) if newer else None


@pytest.mark.parametrize("pair", PAIRS)
def test_predictions_come_while_the_bot_trades(story: Story, pair: str) -> None:
    last = story.first[pair]
    for name in (f"prediction_up_{MAIN}", "prediction_up_5m", "prediction_decided"):
        assert 0 < last[name] < 1
    assert 0 <= last["prediction_uncertainty"] <= 0.5
    assert 0 <= last["prediction_drifted"] <= 1
    assert 0 <= last["prediction_hours"] < 1


def test_with_so_few_outcomes_the_gate_is_off_and_nothing_is_heeded(story: Story) -> None:
    assert story.before["prediction_gate"] in (1, 5)  # few outcomes, or a market that has changed
    assert story.before["prediction_up"] is None


def test_answers_for_the_time_a_model_was_trained_on_are_not_counted(story: Story) -> None:
    assert story.before["prediction_outcomes"] < 60


def test_models_are_trained_anew_beside_trading(story: Story) -> None:
    first, later = story.trained
    assert all(later[pair] > first[pair] for pair in PAIRS)


def test_a_kill_takes_neither_models_nor_what_the_gate_has_counted(story: Story) -> None:
    assert story.after["prediction_outcomes"] >= story.before["prediction_outcomes"]


def test_a_spoilt_model_is_trained_anew_and_the_reason_is_said(story: Story) -> None:
    assert story.spoilt[f"prediction_up_{MAIN}"] is not None
    assert "ETH/USDT: prediction failed, so predictions are unknown" in story.log
    assert "prediction is switched off" not in story.log


def test_nothing_else_fails_and_training_never_does(story: Story) -> None:
    assert "raised exception" not in story.log
    assert "unable to analyze" not in story.log.lower()


def test_custom_data_of_a_trade_tells_of_its_prediction(story: Story) -> None:
    assert "prediction" in story.custom["gridstate"]["value"]
