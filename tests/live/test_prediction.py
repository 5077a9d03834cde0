"""A predictor lives: it trains beside trading, is killed, and goes on though a model is spoilt."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from gridkit.prediction.gate import Why
from host.analysed import merged
from host.prediction.tiny import GRID, MODELS, PROFILE
from live.bot import Bot, running, until
from sandbox.running import running_exchange

pytestmark = pytest.mark.slow

PAIR, OTHER = PAIRS = ("BTC/USDT", "ETH/USDT")
SECONDS = 240.0
UP = "prediction_up_1m"
OUTCOMES = "prediction_outcomes"
SETTINGS = {
    **GRID,
    "spacing": {"method": "fixed", "grid_step": 0.003},
    "grid": {"initial_inventory": 0.5, "wait_time_seconds": 1},  # so that there is a trade soon
    # At no cost every candle is an outcome, a minute later.
    "costs": {"fee": 0.0, "half_spread": 0.0},
    "prediction": {
        "horizons": ["1m", "5m"], "main_horizon": "1m", "members": 2,
        "gate": {"least_outcomes": 1_000}, "drift": {"days": 1, "most_index": 100},
    },
}  # fmt: skip
CONFIG = {
    "timeframe": "1m",
    "max_open_trades": len(PAIRS),
    "internals": {"process_throttle_secs": 1},
    "exchange": {"pair_whitelist": list(PAIRS)},
    "freqaimodel_path": str(MODELS),
    "freqai": {
        "train_period_days": 2,
        "live_retrain_hours": 0.003,
        "feature_parameters": {**PROFILE["freqai"]["feature_parameters"],
                               "include_timeframes": ["1m", "5m"]},
        "model_training_parameters": {"n_estimators": 5},
    },
    "gridkit": SETTINGS,
}  # fmt: skip
Rows = dict[str, dict[str, Any]]


@dataclass
class Story:
    """What was seen. Charts are by pair, the rows of one by their date."""

    waiting: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Rows] = field(default_factory=dict)
    after: dict[str, Rows] = field(default_factory=dict)
    trained: dict[str, list[int]] = field(default_factory=dict)
    spoilt: Path = Path()
    state: dict[str, Any] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    log: str = ""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with running_exchange(profile="lively") as exchange:
        folder = tmp_path_factory.mktemp("prediction")
        yield lived(Bot(folder, exchange.config_path, ("predictor.json",), CONFIG))


def lived(bot: Bot) -> Story:
    story = Story()
    with running(bot):
        until("a pair that waits for its model", SECONDS, lambda: waits(bot, story), bot)
        until("predictions kept on disk", SECONDS, lambda: all(map(kept(bot), PAIRS)), bot)
        until("another training", SECONDS, lambda: retrained(bot, story), bot)
        story.before = {pair: chart(bot, pair) for pair in PAIRS}
    story.spoilt = spoil(bot, OTHER)
    # Nothing is due for training then but what is given up.
    bot.settings = merged(CONFIG, {"freqai": {"live_retrain_hours": 10}})
    with running(bot):
        until("predictions of both", SECONDS, lambda: all(goes_on(bot, story)), bot)
        until("a trade's document", SECONDS, lambda: published(bot, story), bot)
        story.after = {pair: chart(bot, pair) for pair in PAIRS}
        story.orders = [order for trade in bot.get("status") for order in trade["orders"]]
        retrained(bot, story)
    story.folders = [path.name for path in models(bot).glob("sub-train-*")]
    story.log = bot.log.read_text()
    return story


def models(bot: Bot) -> Path:
    """The folder of the predictor's models."""
    (found,) = (bot.folder / "user_data" / "models").glob("gridkit-*")
    return found


def chart(bot: Bot, pair: str) -> Rows:
    found = bot.get("pair_candles", pair=pair, timeframe="1m", limit=60)
    return {row["date"]: row for row in (dict(zip(found["columns"], one, strict=True))
                                         for one in found["data"])}  # fmt: skip


def predictions(rows: Rows) -> dict[str, float]:
    return {date: row[UP] for date, row in rows.items() if row.get(UP) is not None}


def waits(bot: Bot, story: Story) -> bool:
    rows = chart(bot, PAIR)
    told = json.loads((list(rows.values())[-1].get("features") or "[]") if rows else "[]")
    story.waiting = [one for one in told if one["name"] == "prediction"]
    return bool(story.waiting)


def kept(bot: Bot) -> Any:
    """Whether a prediction of a pair is on the disk, from where a restart takes it."""
    path = models(bot) / "historic_predictions.pkl"

    def kept(pair: str) -> bool:
        try:
            found = cloudpickle.loads(path.read_bytes())
        except (OSError, EOFError, ValueError, cloudpickle.pickle.UnpicklingError):
            return False  # it is being written
        return pair in found and (found[pair]["do_predict"] == 1).any()

    return kept


def retrained(bot: Bot, story: Story) -> bool:
    """Note when models were trained; whether each pair has two."""
    try:
        known = json.loads((models(bot) / "pair_dictionary.json").read_text())
    except (OSError, ValueError):
        return False
    for pair in PAIRS:
        times = story.trained.setdefault(pair, [])
        when = known.get(pair, {}).get("trained_timestamp", 0)
        if when and when not in times:
            times.append(when)
    return all(len(story.trained[pair]) >= 2 for pair in PAIRS)


def spoil(bot: Bot, pair: str) -> Path:
    """Cut a pair's last model off, as a power cut while it was written does."""
    known = json.loads((models(bot) / "pair_dictionary.json").read_text())[pair]
    path = Path(known["data_path"]) / f"{known['model_filename']}_model.joblib"
    path.write_bytes(path.read_bytes()[:100])
    return path


def goes_on(bot: Bot, story: Story) -> Iterator[bool]:
    for pair in PAIRS:
        known = max(predictions(story.before[pair]))
        yield max(predictions(chart(bot, pair)), default="") > known


def published(bot: Bot, story: Story) -> bool:
    for trade in bot.get("status"):
        document = bot.grid(trade["trade_id"]).get("gridstate")
        if document and document["value"].get("prediction"):
            story.state = document["value"]["prediction"]
    return bool(story.state)


def test_until_its_model_is_trained_a_pair_waits_and_says_so(story: Story) -> None:
    (one,) = story.waiting
    assert one["state"] == "waits"
    assert one["failures"] == 0


def test_predictions_come_and_are_in_the_chart(story: Story) -> None:
    for pair in PAIRS:
        found = predictions(story.before[pair])
        assert found
        assert all(0 < up < 1 for up in found.values())
        last = list(story.before[pair].values())[-1]
        assert last["prediction_gate"] == Why.FEW
        assert 0 < last["prediction_hours"] < 0.1
        assert last["prediction_drifted"] == 0


def test_models_are_trained_again_beside_trading(story: Story) -> None:
    for times in story.trained.values():
        assert len(times) >= 2
        assert times == sorted(times)


def test_after_a_kill_what_was_predicted_is_still_known_and_counts(story: Story) -> None:
    """Its outcome became known while the bot was dead, or started."""
    for pair in PAIRS:
        before, after = predictions(story.before[pair]), predictions(story.after[pair])
        assert {date: after[date] for date in before} == before
        assert list(story.after[pair].values())[-1][OUTCOMES] >= 1


def test_a_spoilt_model_is_told_and_trained_anew_and_trading_goes_on(story: Story) -> None:
    assert f"{OTHER}: prediction failed, so predictions are unknown" in story.log
    assert f"{PAIR}: prediction failed" not in story.log
    spoilt_at = int(story.spoilt.parent.name.rpartition("_")[2])
    assert story.trained[OTHER][-1] > spoilt_at
    assert story.orders


def test_custom_data_tell_what_is_predicted_and_whether_it_is_heeded(story: Story) -> None:
    assert story.state["heeded"] is False
    assert set(story.state["horizons"]) == {"1m", "5m"}
    assert story.state["told"].startswith("prediction off: ")


def test_old_models_are_thrown_away(story: Story) -> None:
    """Two of each pair are kept, and the one in the making."""
    assert 2 <= len(story.folders) <= 3 * len(PAIRS)
    assert len(story.trained[PAIR]) + len(story.trained[OTHER]) >= 4


def test_the_bot_said_nothing_of_errors_beside(story: Story) -> None:
    lines = [line for line in story.log.splitlines() if " ERROR " in line]
    assert [line for line in lines if f"{OTHER}: prediction failed" not in line] == []
