"""What is refused of FreqAI's section before anything is trained, and what is warned of."""

import json
import logging

import pytest
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException

from backtests.runs import CONFIG
from gridkit import cli
from gridkit.host.prediction import starting
from gridkit.prediction import learners
from gridkit.settings import Settings
from host.analysed import merged
from host.prediction.tiny import GRID, PROFILE, freqai

LOGGER = "gridkit.host.prediction.starting"
OFF = {name: {"enabled": False} for name in ("regime", "correlation", "profile", "confluence")}


def section(**changes):
    return {"freqai": changes}


def settings(**sections):
    return {"gridkit": sections}


# What is wrong: (what is changed, what is said: the key, the value, what is allowed).
WRONG = {
    "model": ({"freqaimodel": "Other"}, ["freqaimodel = 'Other'", "must be 'DirectionModel'"]),
    "no model": ({"freqaimodel": None}, ["freqaimodel = None", "must be 'DirectionModel'"]),
    "shuffled": (
        section(data_split_parameters={"shuffle": True}),
        ["freqai.data_split_parameters.shuffle = True", "must be false"],
    ),
    "little to calibrate on": (
        section(data_split_parameters={"test_size": 0.01}),
        ["freqai.data_split_parameters.test_size = 0.01", "allowed is 0.05 to 0.5"],
    ),
    "little to learn from": (
        section(data_split_parameters={"test_size": 0.6}),
        ["freqai.data_split_parameters.test_size = 0.6", "allowed is 0.05 to 0.5"],
    ),
    "no period": (
        section(feature_parameters={"indicator_periods_candles": []}),
        ["freqai.feature_parameters.indicator_periods_candles = []", "one at least"],
    ),
    "mean and deviation": (
        section(fit_live_predictions_candles=10),
        ["freqai.fit_live_predictions_candles = 10", "must be 0"],
    ),
    "a part of a candle": (
        settings(prediction={"horizons": ["7m", "4h"]}),
        ["gridkit.prediction.horizons", "7m", "whole number of 5m candles"],
    ),
    "shorter than a candle": (
        settings(prediction={"horizons": ["1m", "4h"]}),
        ["gridkit.prediction.horizons", "1m", "whole number of 5m candles"],
    ),
    "funding on spot": (
        settings(prediction={"families": ["funding"]}),
        ["gridkit.prediction.families = ['funding']", "allowed are price, volume"],
    ),
    "no feature": (
        settings(prediction={"families": ["regime", "profile"]}, **OFF),
        ["gridkit.prediction.families = ['regime', 'profile']", "allowed are price, volume"],
    ),
}
ONLY_FUNDING = {"families": ["funding"], "drift": {"enabled": False}}
each_wrong = pytest.mark.parametrize(("change", "parts"), WRONG.values(), ids=WRONG)
# What is allowed, and what is warned of it.
SURPRISES = {
    "old in a backtest": (
        section(backtest_period_days=9),
        ["freqai.backtest_period_days is 216 hours", "for 192", "prediction.gate.max_age_hours"],
    ),
    "old live": (
        section(live_retrain_hours=200),
        ["freqai.live_retrain_hours = 200", "192 hours", "prediction.gate.max_age_hours"],
    ),
    "fewer days than drift compares": (
        section(train_period_days=5),
        ["prediction.drift.days = 7", "trained on 5", "freqai.train_period_days"],
    ),
    "nothing that could drift": (
        settings(prediction={"families": ["time", "regime"]}),
        ["prediction.families = ['time', 'regime']", "prediction.drift.enabled"],
    ),
    "a gate that never opens": (
        settings(prediction={"horizons": ["1d"], "main_horizon": "1d"}),
        ["prediction.gate.least_outcomes = 60", "at most 30 in 30 days", "gate.window_days"],
    ),
}
BASE = {**PROFILE, "runmode": RunMode.BACKTEST, "exchange": {"name": "binance"}, "gridkit": {}}


def wrong(change):
    config = merged(BASE, change)
    return [*starting.wrong(config, Settings.from_config(config), "5m")]


def cautions(change):
    config = merged(BASE, change)
    return [*starting.cautions(config["freqai"], Settings.from_config(config))]


def test_the_profile_is_right_and_nothing_is_warned_of():
    assert wrong({}) == cautions({}) == []


@each_wrong
def test_what_is_wrong_is_said_with_its_key_its_value_and_what_is_allowed(change, parts):
    (said,) = wrong(change)
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize(
    "change",
    [
        section(data_split_parameters={"test_size": 0.05}),
        section(data_split_parameters={"test_size": 0.5}),
        section(backtest_period_days=8, live_retrain_hours=192, train_period_days=7),
        settings(prediction={"families": ["time"], "drift": {"enabled": False}}),
        settings(prediction={"horizons": ["12h"], "main_horizon": "12h"}),
        {**settings(prediction=ONLY_FUNDING), "trading_mode": "futures"},
    ],
    ids=str,
)
def test_at_its_bounds_it_is_right(change):
    assert wrong(change) == cautions(change) == []


def test_a_learner_that_is_not_installed_is_said_with_the_extra_it_wants(monkeypatch):
    monkeypatch.setattr(learners, "find_spec", lambda _name: None)
    (said,) = wrong(settings(prediction={"learner": "lstm"}))
    for part in ("gridkit.prediction.learner", "lstm", "torch"):
        assert part in said
    assert wrong({}) == []


@pytest.mark.parametrize(("change", "parts"), SURPRISES.values(), ids=SURPRISES)
def test_what_may_surprise_is_warned_of_with_the_keys_that_meet(change, parts):
    (said,) = cautions(change)
    assert [part for part in parts if part not in said] == []
    assert wrong(change) == []


def test_settling_refuses_all_that_is_wrong_at_once():
    both = merged(WRONG["shuffled"][0], WRONG["mean and deviation"][0])
    config = merged(BASE, both)
    with pytest.raises(OperationalException) as refusal:
        starting.settle(None, config, Settings(), "5m")
    assert str(refusal.value).split("; ") == wrong(both)
    assert config["freqai"]["identifier"] == PROFILE["freqai"]["identifier"]


def test_settling_warns_and_then_names_the_folder(caplog):
    config = merged(BASE, SURPRISES["old live"][0])
    config |= {"user_data_dir": "/nowhere", "datadir": "/nowhere/data"}
    with caplog.at_level(logging.WARNING, LOGGER):
        starting.settle(None, config, Settings(), "5m")
    assert [record.getMessage() for record in caplog.records] == cautions(SURPRISES["old live"][0])
    assert config["freqai"]["identifier"] != PROFILE["freqai"]["identifier"]


@pytest.mark.parametrize("freqai", [{"enabled": False}, {}, None], ids=str)
def test_where_freqai_is_off_nothing_is_looked_at(freqai):
    config = {"freqaimodel": "Other"} if freqai is None else {"freqai": freqai}
    starting.settle(None, config, Settings(), "5m")


# -- as a shell has it ----------------------------------------------------------------------------


@pytest.fixture
def check(tmp_path, capsys):
    """`gridkit check` of config.json, the predictor's profile and a change."""

    def check(change, *options):
        own = tmp_path / "own.json"
        own.write_text(json.dumps(merged(PROFILE, change)))
        status = cli.main(["check", "-c", str(CONFIG), "-c", str(own), *options])
        return status, *capsys.readouterr()

    return check


@pytest.mark.parametrize("name", [name for name in WRONG if name != "no model"])
def test_gridkit_check_says_the_same(check, name):
    change, _ = WRONG[name]
    status, _, complained = check(change)
    assert status == 1
    (said,) = wrong(change)
    assert said in complained.splitlines()


@pytest.mark.parametrize("name", SURPRISES)
def test_gridkit_check_warns_of_the_same(check, name):
    change, _ = SURPRISES[name]
    status, printed, complained = check(change)
    assert status == 0
    (said,) = cautions(change)
    assert said in printed + complained


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["AdaptiveGrid", "Confluence"])
def test_freqtrade_ends_with_one_line_and_no_traceback(freqtrade, rich_spot, strategy):
    change = merged(WRONG["shuffled"][0], WRONG["a part of a candle"][0])
    config = merged({**freqai(), "strategy": strategy}, change)
    ended = freqtrade("backtesting", rich_spot, config, "--timerange", "20251209-20251210")
    assert ended.status != 0
    assert "Traceback" not in ended.output
    (line,) = (one for one in ended.output.splitlines() if "shuffle" in one)
    assert all(said in line for said in wrong(change))


@pytest.mark.slow
def test_freqtrade_is_told_which_candles_of_other_pairs_and_timeframes_are_missing(
    freqtrade, spot, tmp_path
):
    """It would go on without, train nothing, and say so in the log of each training."""
    wanted = {"include_timeframes": ["5m", "15m"], "include_corr_pairlist": ["BTC/USDT"]}
    config = {**freqai(feature_parameters=wanted), "strategy": "AdaptiveGrid", "gridkit": GRID}
    ended = freqtrade("backtesting", spot, config, "--timerange", "20251209-20251210")
    assert ended.status != 0
    assert "Traceback" not in ended.output
    missing = [("ETH", "15m"), ("SOL", "15m"), ("BTC", "5m"), ("BTC", "15m")]
    for coin, timeframe in missing:
        assert f"{coin}/USDT: no {timeframe} candles" in " ".join(ended.output.split())
    assert not (tmp_path / "user_data" / "models").exists()
