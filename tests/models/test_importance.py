"""`gridkit models importance`: shares of features out of the models FreqAI saved."""

import pickle
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from gridkit import cli
from gridkit.models import importance
from gridkit.prediction.training import Recipe, train

ROWS = 700
RECIPE = Recipe(members=2)


def predictor(seed=1, names=("told", "noise")):
    """One of two features says what comes."""
    draw = np.random.default_rng(seed)
    shown = pd.DataFrame(draw.normal(size=(ROWS, len(names))), columns=list(names))
    up = (shown.iloc[:, 0] + draw.normal(0, 0.3, ROWS) > 0).astype(float)
    outcomes = pd.DataFrame({"up_15m": up, "decided_15m": 1.0, "up_1h": up, "decided_1h": 1.0})
    return train(shown, np.arange(ROWS) * 300.0, outcomes, 300.0, RECIPE)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder as FreqAI leaves it: of each training a folder, the model in it by cloudpickle."""
    place = tmp_path_factory.mktemp("identifier")
    for coin, moment, seed in (("BTC", 1_704_067_200, 1), ("BTC", 1_704_672_000, 2), ("ETH", 9, 3)):
        into = place / f"sub-train-{coin}_{moment}"
        into.mkdir()
        with (into / f"cb_{coin.lower()}_{moment}_model.joblib").open("wb") as file:
            cloudpickle.dump(predictor(seed), file)
        (into / f"cb_{coin.lower()}_{moment}_metadata.json").write_text("{}")
    return place


@pytest.fixture
def told(capsys):
    def told(*words):
        status = cli.main(["models", "importance", *map(str, words)])
        return status, *capsys.readouterr()

    return told


def test_the_shares_are_the_mean_of_all_models(saved, told, tmp_path):
    target = tmp_path / "shares.csv"
    status, printed, complained = told(saved, "--csv", target)
    assert (status, complained) == (0, "")
    assert printed.startswith("3 models: BTC 2, ETH 1\n")
    found = pd.read_csv(target, index_col="feature")
    assert list(found.columns) == ["15m", "1h"]
    expected = sum(predictor(seed).importance() for seed in (1, 2, 3)) / 3
    pd.testing.assert_frame_equal(found, expected, check_names=False)
    assert list(found.index) == ["told", "noise"]
    assert f"{expected.loc['told', '15m']:.1%}" in printed


def test_one_model_can_be_named(saved, told):
    path = next(saved.glob("sub-train-ETH*/*.joblib"))
    status, printed, _ = told(path)
    assert status == 0
    assert printed.startswith("1 models: ETH 1\n")


def test_a_feature_counts_where_it_was_shown():
    both, one = predictor(1), predictor(2, names=("told", "other"))
    found = importance.mean([importance.Saved("A", each.importance()) for each in (both, one)])
    assert set(found.index) == {"told", "noise", "other"}
    assert found.loc["noise", "1h"] == both.importance().loc["noise", "1h"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("%-trend_fast_gen_ETH/USDTUSDT_5m", "trend_fast_5m"),
        ("%-trend_fast_gen_eth/USDT_1h", "trend_fast_1h"),
        ("%-trend_fast_gen_BTC/USDTUSDT_5m", "trend_fast_BTC_5m"),
        ("%-trend_fast_ETH/USDT_5m", "trend_fast_5m"),
        ("%-trend_fast_gen_BTC/USDT_5m_shift-2", "trend_fast_BTC_5m_shift-2"),
        ("%-time_weekend", "time_weekend"),
        ("profile_poc", "profile_poc"),
    ],
)
def test_features_have_the_names_a_comparison_gives_them(name, expected):
    assert importance.plain(name, "ETH") == expected


def test_the_same_feature_of_two_pairs_is_one(tmp_path):
    for coin in ("BTC", "ETH"):
        names = (f"%-trend_fast_gen_{coin}/USDT_5m", "%-time_weekend")
        model = cloudpickle.dumps(predictor(names=names))
        (tmp_path / f"cb_{coin.lower()}_1_model.joblib").write_bytes(model)
    found = importance.mean([importance.read(path) for path in importance.models(tmp_path)])
    assert set(found.index) == {"trend_fast_5m", "time_weekend"}


def test_only_so_many_features_are_printed(saved, told):
    printed = told(saved, "--top", "1")[1]
    assert "told" in printed
    assert "noise" not in printed
    assert "1 more features" in printed


def test_nothing_outside_the_folder_is_read(saved, told, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    outside = next(saved.glob("sub-train-ETH*/*.joblib"))
    (mine / "cb_eth_1_model.joblib").symlink_to(outside)
    (mine / "linked").symlink_to(outside.parent, target_is_directory=True)
    status, _, complained = told(mine)
    assert status == 2
    assert "there is no model in it" in complained


class Harmless:
    pass


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read: EOFError"),
        (b"no pickle", "cannot be read: UnpicklingError"),
        (pickle.dumps({"a": 1}), "holds a dict; allowed are predictors of gridkit"),
        (cloudpickle.dumps(Harmless()), "holds a Harmless; allowed are predictors of gridkit"),
    ],
)
def test_what_is_no_predictor_is_named(told, tmp_path, content, said):
    path = tmp_path / "cb_btc_1_model.joblib"
    path.write_bytes(content)
    status, printed, complained = told(tmp_path)
    assert (status, printed) == (2, "")
    assert complained.startswith(f"gridkit models importance: {path}: {said}")
    assert complained.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent"], "absent: there is no such file or folder; allowed is one with models"),
        ([".", "--top", "0"], "--top 0: allowed are numbers from 1 on"),
        ([".", "--csv", "absent/x.csv"], "cannot write absent/x.csv: allowed is a file in a"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(told, words, said):
    status, _, complained = told(*words)
    assert status == 2
    assert complained.startswith(f"gridkit models importance: {said}")


def test_help_says_that_models_must_be_your_own(capsys):
    with pytest.raises(SystemExit):
        cli.main(["models", "importance", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "A model is a pickle" in told
    assert "name only models that you made yourself" in told
    assert Path("cb_..._model.joblib").name in told
