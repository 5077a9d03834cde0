"""`gridkit models compare`, as a shell has it: what it prints, writes, and refuses."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from backtests.datadirs import written as stored
from gridkit import cli
from gridkit.models import asked
from gridkit.prediction import learners
from gridkit.prediction.training import Recipe
from gridkit.settings import Settings
from models.simulated import BTC, CONFIG, ETH, QUICK, SPAN, folder, longer, market

SHOWN = "freqai.feature_parameters"
PNG = b"\x89PNG\r\n\x1a\n"


def shown(**given):
    return {"freqai": {"feature_parameters": given}}


def split(size):
    return {"freqai": {"data_split_parameters": {"test_size": size}}}


def learner(parameters):
    own = {"prediction": {**QUICK["prediction"], "learner": "random_forest"}}
    return {"gridkit": QUICK | own, "freqai": {"model_training_parameters": parameters}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("data"))


@pytest.fixture
def compare(data, capsys):
    """Compare with these options over usual ones: status, what was printed, what was complained."""

    def compare(*words, config=None, pairs=(BTC, ETH), timerange=SPAN, learners=("lightgbm",)):
        usual = ["--datadir", str(data), "-c", str(config or data / "config.json")]
        usual += ["--train-days", "4", "--test-days", "2"]
        usual += ["--timerange", timerange] if timerange else []
        usual += ["--pairs", *pairs] if pairs else []
        usual += ["--learners", *learners] if learners else []
        status = cli.main(["models", "compare", *usual, *words])
        return status, *capsys.readouterr()

    return compare


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    """What one comparison of two learners wrote."""
    into = tmp_path_factory.mktemp("written")
    words = ["--datadir", str(data), "-c", str(data / "config.json"), "--pairs", BTC, ETH]
    words += ["--train-days", "4", "--test-days", "2", "--timerange", SPAN]
    words += ["--learners", "lightgbm", "random_forest", "--seed", "3"]
    words += ["--json", str(into / "all.json"), "--png", str(into / "picture.png")]
    assert cli.main(["models", "compare", *words]) == 0
    return into


def test_a_table_of_each_horizon_and_one_of_what_it_took_are_printed(compare):
    status, printed, complained = compare()
    assert (status, complained) == (0, "")
    assert f"{BTC}, {ETH}: 2025-01-06 to 2025-01-10, 2 windows of 2 days" in printed
    assert "54 features of 5m, 15m, 1h candles, without the 9 of modules; decided: " in printed
    assert "decided: moves above 0.12%; seed 1" in printed
    assert re.search(r"^15m \(main\)", printed, re.MULTILINE)
    assert re.search(r"^1h\s", printed, re.MULTILINE)
    rows = re.findall(r"│ (lightgbm|always 0.5|share of all) ", printed)
    assert rows == ["lightgbm", "always 0.5", "share of all"] * 2 + ["lightgbm"]
    assert re.search(r"always 0.5 .* 0.500 \[0.500, 0.500\] .* 0.250 \[0.250, 0.250\]", printed)
    assert re.search(r"lightgbm\s+│\s+4 │\s+1,152 │", printed)


def test_json_holds_everything_that_is_printed_or_drawn(written):
    told = json.loads((written / "all.json").read_text())
    assert told["asked"]["pairs"] == [BTC, ETH]
    assert told["asked"]["seed"] == 3
    assert {recipe["seed"] for recipe in told["asked"]["recipes"].values()} == {3}
    assert told["asked"]["cost_fraction"] == pytest.approx(0.0012)
    assert len(told["asked"]["features"]) == 54
    assert told["windows"][0] == {
        "train": "2025-01-02T00:00:00+00:00",
        "start": "2025-01-06T00:00:00+00:00",
        "end": "2025-01-08T00:00:00+00:00",
    }
    named = [(one["horizon"], one["learner"]) for one in told["scores"]]
    learners = ["lightgbm", "random_forest", "always 0.5", "share of all"]
    assert named == [(horizon, one) for horizon in ("15m", "1h") for one in learners]
    for score in told["scores"]:
        for name in ("accuracy", "brier", "log_loss", "calibration_error", "decided_brier"):
            assert score[name].keys() == {"value", "low", "high"}
        assert len(score["table"]) == 10
    assert len({one["decided"] for one in told["scores"][:4]}) == 1
    assert [(one["learner"], one["window"]) for one in told["by_window"]] == [
        (learner, window) for learner in learners[:2] for window in (0, 1)
    ]
    assert len(told["trained"]) == 2 * 2 * 2
    assert told["skipped"] == []


def test_the_signal_of_the_simulated_market_is_found_by_both_learners(written):
    told = json.loads((written / "all.json").read_text())
    for score in told["scores"][:2]:
        assert score["accuracy"]["low"] > 0.55
        assert score["brier"]["high"] < 0.25


def test_a_picture_is_drawn(written):
    data = (written / "picture.png").read_bytes()
    assert data.startswith(PNG)
    assert len(data) > 20_000


def test_without_days_everything_with_enough_history_is_predicted(compare):
    status, printed, _ = compare(pairs=[BTC], timerange=None)
    assert status == 0
    # Five days of candles teach, and the slowest features want two days before.
    assert f"{BTC}: 2025-01-07 " in printed
    assert " to 2025-01-11, 2 windows" in printed


def test_from_and_to_are_the_same_as_a_timerange(compare):
    ranged = compare(pairs=[BTC])[1]
    dated = compare("--from", "2025-01-06", "--to", "2025-01-10", pairs=[BTC], timerange=None)[1]
    head, *_ = ranged.partition("what it took")
    assert dated.startswith(head)


def test_days_without_enough_before_them_are_left_out_and_said(compare):
    status, printed, _ = compare(pairs=[BTC], timerange="20250104-20250108")
    assert status == 0
    assert re.search(rf"left out: {BTC} from 2025-01-04: \d+ of 1152 candles to learn", printed)


def test_the_configuration_gives_what_no_option_does(compare, data, tmp_path):
    given = {
        **CONFIG,
        "timeframe": "5m",
        "trading_mode": "futures",
        "fee": 0.002,
        "exchange": {"name": "binance", "pair_whitelist": [ETH]},
        "pairlists": [{"method": "StaticPairList"}],
        "freqai": {
            "train_period_days": 3,
            "backtest_period_days": 1,
            "feature_parameters": {
                "include_timeframes": ["5m", "15m"],
                "include_corr_pairlist": [BTC, ETH],
            },
        },
    }
    (tmp_path / "config.json").write_text(json.dumps(given))
    words = ["--datadir", str(data), "-c", str(tmp_path / "config.json"), "--timerange", SPAN]
    target = tmp_path / "all.json"
    words += ["--learners", "lightgbm", "--json", str(target)]
    assert cli.main(["models", "compare", *words]) == 0
    told = json.loads(target.read_text())
    assert told["asked"]["pairs"] == [ETH]
    assert told["asked"]["timeframes"] == ["5m", "15m"]
    assert told["asked"]["train_days"] == 3
    assert told["asked"]["cost_fraction"] == pytest.approx(0.0042)
    assert len(told["windows"]) == 4
    assert "trend_fast_BTC_15m" in told["asked"]["features"]
    assert "trend_fast_ETH_15m" not in told["asked"]["features"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--learners", "lightgmb"], "--learners 'lightgmb': allowed are lightgbm, "),
        (["--timeframe", "5x"], "--timeframe: '5x' is no timeframe; allowed are numbers with s"),
        (["--timeframes", "1m", "5m"], "--timeframes 1m: allowed is 5m, the timeframe, and longer"),
        (["--timeframes", "5m", "1 h"], "--timeframes: '1 h' is no timeframe"),
        (["--pairs", "BTCUSDT"], "--pairs 'BTCUSDT': allowed are pairs as BTC/USDT or"),
        (
            ["--pairs", BTC, "ETH/USDT"],
            f"--pairs {BTC} ETH/USDT: allowed are spot pairs or futures",
        ),
        (["--correlated", "x"], "--correlated 'x': allowed are pairs as"),
        (["--train-days", "0"], "--train-days 0: allowed are days, above 0 and up to 3650"),
        (["--test-days", "nan"], "--test-days nan: allowed are days, above 0 and up to 3650"),
        (["--seed", "-1"], "--seed -1: allowed are whole numbers, 0 to 2147483647"),
        (["--timerange", "2024"], "--timerange '2024': allowed is 20240101-20240301, say"),
        (["--timerange", "20240301-20240101"], "--timerange '20240301-20240101': allowed is"),
        (["--from", "2025-01-06"], "--timerange and --from/--to say the same: give one of them"),
        (["--json", "absent/all.json"], "cannot write absent/all.json: allowed is a file in a"),
        (["--png", "."], "cannot write .: allowed is a file in a folder that exists"),
        (["--datadir", "absent"], "--datadir absent: there is no such folder; allowed is"),
        (["-c", "absent.json"], "no such configuration: absent.json"),
        (["--timerange", "20300101-20300201"], "there are no candles"),
    ],
)
def test_what_is_wrong_is_named_in_one_line_with_status_2(compare, words, said):
    status, printed, complained = compare(*words)
    assert (status, printed) == (2, "")
    assert complained.startswith(f"gridkit models compare: {said}")
    assert complained.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "2025-13-01"], "--from '2025-13-01': allowed is a date as 2024-01-31, UTC"),
        (["--from", "2025-01-08", "--to", "2025-01-08"], "--from 2025-01-08 --to 2025-01-08: the"),
    ],
)
def test_a_wrong_date_is_named(compare, words, said):
    status, _, complained = compare(*words, timerange=None)
    assert status == 2
    assert complained.startswith(f"gridkit models compare: {said}")


def test_the_learners_are_those_that_are_installed_unless_named(monkeypatch):
    monkeypatch.setattr(learners, "find_spec", lambda name: None)
    assert list(asked.recipes(None, {}, Settings())) == ["lightgbm", "random_forest", "xgboost"]
    assert list(asked.recipes(["xgboost", "lightgbm"], {}, Settings())) == ["xgboost", "lightgbm"]
    monkeypatch.setattr(learners, "find_spec", lambda name: name)
    assert list(asked.recipes(None, {}, Settings())) == list(learners.LEARNERS)


def test_recipes_are_made_by_the_configuration():
    """The parameters of a model are the configured learner's: another would not know them."""
    rule = {"learner": "xgboost", "calibration": "isotonic", "seed": 5, "embargo_minutes": 2}
    freqai = {
        "data_split_parameters": {"test_size": 0.3},
        "model_training_parameters": {"n_estimators": 7},
    }
    settings = Settings.model_validate({"prediction": rule})
    made = asked.recipes(["xgboost", "lightgbm"], {"freqai": freqai}, settings)
    expected = Recipe("xgboost", "isotonic", 5, 3, 0.3, 120, parameters={"n_estimators": 7})
    assert made == {
        "xgboost": expected,
        "lightgbm": replace(expected, learner="lightgbm", parameters={}),
    }


def test_every_missing_file_is_named_with_how_to_get_it(compare, data):
    status, _, complained = compare(pairs=[BTC, "SUI/USDT:USDT"])
    assert status == 2
    assert complained.count("no file") == 3
    for each in ("5m", "15m", "1h"):
        path = data / "futures" / f"SUI_USDT_USDT-{each}-futures.feather"
        assert str(path) in complained
        assert f"download-data --pairs SUI/USDT:USDT --timeframes {each}" in complained


def test_a_pair_without_candles_on_these_days_is_left_out_and_said(compare, tmp_path):
    both = folder(tmp_path)
    base = market(days=3)
    frames = {"5m": base, "15m": longer(base, "15m"), "1h": longer(base, "1h")}
    stored(tmp_path, ETH, frames, futures=True)
    status, printed, _ = compare("--datadir", str(both))
    assert status == 0
    assert f"left out: {ETH} from 2025-01-06: no candles to predict" in printed
    assert re.search(r"lightgbm\s+│\s+2 │\s+1,152 │", printed)


def test_a_spoilt_file_is_named(compare, data):
    spoilt = data / "futures" / "XRP_USDT_USDT-5m-futures.feather"
    spoilt.write_bytes(b"no candles")
    for each in ("15m", "1h"):
        good = data / "futures" / f"BTC_USDT_USDT-{each}-futures.feather"
        good.with_name(f"XRP_USDT_USDT-{each}-futures.feather").write_bytes(good.read_bytes())
    status, _, complained = compare(pairs=["XRP/USDT:USDT"])
    assert status == 2
    assert f"XRP/USDT:USDT: no 5m candles can be read from {spoilt}" in complained


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"gridkit": {"prediction": {"lerner": "x"}}}, "gridkit.prediction.lerner is no setting"),
        ({"freqai": 3}, "freqai = 3: allowed is a section"),
        (
            {"freqai": {"train_period_days": "x"}},
            "freqai.train_period_days = 'x': allowed are days",
        ),
        ({"gridkit": {"prediction": {"horizons": ["4h", "7m"]}}}, "gridkit.prediction.horizons: "),
        (shown(include_shifted_candles=2), f"{SHOWN}.include_shifted_candles = 2: allowed is 0"),
        (shown(include_timeframes=[5]), f"{SHOWN}.include_timeframes = [5]: allowed is a list of"),
        (shown(include_corr_pairlist=["x"]), f"{SHOWN}.include_corr_pairlist 'x': allowed are"),
        ({"dataformat_ohlcv": "csv"}, "dataformat_ohlcv = 'csv': allowed are feather, parquet, "),
        (split("x"), "freqai.data_split_parameters.test_size = 'x': allowed is a share above 0"),
        (split(1), "freqai.data_split_parameters.test_size = 1: allowed is a share above 0 and b"),
        ({"freqai": {"data_split_parameters": 1}}, "freqai.data_split_parameters = 1: allowed is"),
        (learner({"trees": 3}), "nothing could be learned: BTC/USDT:USDT, window 1: random_forest"),
        (shown(weight_factor="x"), f"{SHOWN}.weight_factor = 'x': allowed is 0 and more"),
    ],
)
def test_a_wrong_configuration_is_refused_by_key(data, tmp_path, capsys, config, said):
    (tmp_path / "config.json").write_text(json.dumps(config))
    words = ["--datadir", str(data), "-c", str(tmp_path / "config.json"), "--pairs", BTC]
    words += ["--timerange", SPAN, "--train-days", "4", "--learners", "random_forest"]
    if "train_period_days" in str(config):
        words.remove("--train-days")
        words.remove("4")
    assert cli.main(["models", "compare", *words]) == 2
    assert capsys.readouterr().err.startswith(f"gridkit models compare: {said}")


def test_without_pairs_it_says_how_to_name_some(compare):
    status, _, complained = compare(pairs=None)
    assert status == 2
    assert "no pairs: give --pairs" in complained


def test_nothing_to_learn_from_is_said_once(compare):
    status, printed, complained = compare(pairs=[BTC], timerange="20250101-20250104")
    assert (status, printed) == (2, "")
    assert complained == (
        "gridkit models compare: nothing could be learned: BTC/USDT:USDT, window 1: 0 of 1152 "
        "candles to learn from have all features (and 1 more)\n"
    )


def test_a_learner_that_is_not_installed_is_refused_with_what_it_wants(compare, monkeypatch):
    monkeypatch.setattr(learners, "find_spec", lambda name: None)
    status, _, complained = compare(learners=["lstm"])
    assert status == 2
    assert complained == (
        "gridkit models compare: --learners lstm: the learner lstm needs torch: pip install "
        '"gridkit[torch]"\n'
    )


@pytest.mark.real
def test_on_real_candles_it_says_what_came_of_it(real_data, tmp_path, capsys):
    source = real_data / "futures_5m_2023-05_2024-05" / "binance"
    target = Path(tmp_path / "all.json")
    words = ["--datadir", str(source), "--pairs", BTC, "--timerange", "20240101-20240108"]
    words += ["--train-days", "10", "--timeframes", "15m", "1h", "--learners", "lightgbm"]
    assert cli.main(["models", "compare", *words, "--json", str(target)]) == 0
    assert "4h (main)" in capsys.readouterr().out
    told = json.loads(target.read_text())
    main = next(one for one in told["scores"] if one["horizon"] == "4h")
    assert main["decided"] > 1_000
    assert main["effective"] == pytest.approx(main["decided"] / 48)
    assert 0.2 < main["accuracy"]["value"] < 0.8
