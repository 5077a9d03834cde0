"""Whole backtests through FreqAI: what they predict, keep, reuse, and outlive."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from backtests import runs
from backtests.datadirs import copied_until
from backtests.runs import disagreements
from gridkit.grid import tags
from gridkit.prediction import training
from gridkit.prediction.gate import Why
from gridkit.settings.prediction import FAMILIES
from host.analysed import cut as cut_off
from host.analysed import known_until, merged, replaced
from host.prediction.tiny import (
    CONFLUENCE,
    DAYS,
    GRID,
    WIDE,
    freqai,
    predicted,
)

pytestmark = pytest.mark.slow

PAIR, OTHER = "ETH/USDT", "SOL/USDT"
FIRST, LAST = (pd.Timestamp(day, tz="UTC") for day in DAYS.split("-"))
CANDLE = timedelta(minutes=5)
DAY = 288  # candles
EACH = {"prediction_up_15m", "prediction_up_1h"}
COLUMNS = {
    "prediction_up", "prediction_gate", "prediction_accuracy", "prediction_lower",
    "prediction_break_even", "prediction_outcomes", "prediction_decided",
    "prediction_uncertainty", "prediction_drifted", "prediction_hours", *EACH,
}  # fmt: skip
FAILED = "raised exception"


def traded(run, pair=PAIR):
    """The predictor's columns of the three days that are traded on."""
    return run.columns(pair)[FIRST : LAST - CANDLE]


def entries(run):
    return [one for one in run.run.placed if tags.levels_of(one.tag) and not tags.verb_of(one.tag)]


def off(settings, **more):
    return merged(settings, {"prediction": more})


# -- what there is ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["grid", "confluence"])
def test_both_strategies_have_the_predictors_columns_and_predict_every_candle(request, name):
    run = request.getfixturevalue(name)
    assert run.run.placed
    for pair in (PAIR, OTHER):
        found = run.columns(pair)
        assert set(found) == COLUMNS
        assert traded(run, pair)[sorted(EACH)].notna().all(axis=None)
        kinds = found.dtypes.drop("prediction_gate")
        assert set(kinds) == {np.dtype("float32")}
        assert found["prediction_gate"].dtype == np.int8
        for column in (*EACH, "prediction_decided"):
            assert found[column].dropna().between(0, 1).all()


def test_before_the_first_model_everything_is_unknown(grid):
    early = grid.columns(PAIR)[: FIRST - CANDLE]
    assert len(early)
    # The candle before the first has a gate: freqtrade signals the first trade by it.
    figures = ["prediction_outcomes", "prediction_gate"]
    assert early.drop(columns=figures).isna().all(axis=None)
    assert (early["prediction_outcomes"].fillna(0) == 0).all()
    assert (early["prediction_gate"] == Why.UNKNOWN).all()


def test_a_model_is_as_old_as_the_candles_since_its_training_ended(grid):
    hours = traded(grid)["prediction_hours"]
    expected = (np.arange(len(hours)) % DAY + 1) / 12
    np.testing.assert_allclose(hours, expected, rtol=1e-5)


def test_all_that_is_written_lies_in_one_folder_with_the_hash(grid):
    (name,) = grid.folders
    assert name.startswith("gridkit-")
    assert grid.trainings == 6  # three days, two pairs


# -- what it is worth -------------------------------------------------------------------------


def test_a_planted_signal_is_found_and_opens_the_gate(grid):
    for pair in (PAIR, OTHER):
        found = traded(grid, pair)
        assert found["prediction_accuracy"].iloc[-1] > 0.65
        assert (found["prediction_gate"].iloc[100:] == Why.ON).all()
        heeded = found["prediction_gate"] == Why.ON
        assert found["prediction_up"].notna().equals(heeded)
        assert found["prediction_up"][heeded].equals(found["prediction_up_15m"][heeded])


def test_noise_opens_it_hardly_ever(confluence):
    share = np.mean([(traded(confluence, pair)["prediction_gate"] == 0).mean()
                     for pair in (PAIR, OTHER)])  # fmt: skip
    assert share < 0.05


def test_nothing_is_started_or_added_against_a_heeded_prediction(grid):
    up = {pair: grid.columns(pair)["prediction_up"] for pair in (PAIR, OTHER)}
    chances = [up[one.pair][pd.Timestamp(one.time) - CANDLE] for one in entries(grid)]
    known = [chance for chance in chances if not np.isnan(chance)]
    assert len(known) >= 20
    assert min(known) >= 0.3
    assert max(known) > 0.7


def test_what_is_predicted_changes_orders_and_what_is_not_heeded_changes_none(
    grid, swings, tmp_path
):
    without = predicted(tmp_path / "off", swings, freqai=freqai(enabled=False)["freqai"])
    asked = predicted(tmp_path / "on", swings, off(GRID, gate={"least_outcomes": 10_000}))
    assert asked.trainings == 6
    assert asked.run.placed == without.run.placed
    assert grid.run.placed != without.run.placed
    assert len(entries(grid)) < 0.7 * len(entries(without))


@pytest.mark.parametrize("switch", ["freqai.enabled", "prediction.enabled"])
def test_switched_off_there_are_no_columns_and_nothing_is_trained(swings, tmp_path, switch):
    of_freqai = freqai(enabled=switch != "freqai.enabled")["freqai"]
    settings = off(GRID, enabled=switch != "prediction.enabled")
    run = predicted(tmp_path, swings, settings, freqai=of_freqai, timerange="20251209-20251210")
    assert not {*run.frames[PAIR]} & COLUMNS
    assert run.trainings == 0
    assert run.run.placed


def test_where_freqai_is_off_confluence_enters_as_without_the_section(rich_spot, tmp_path):
    """The same orders whether FreqAI's section is there or not."""
    off_by_switch = predicted(
        tmp_path / "off", rich_spot, CONFLUENCE, strategy="Confluence",
        freqai=freqai(enabled=False)["freqai"],
    )  # fmt: skip
    plain = runs.run(
        tmp_path / "plain", rich_spot, CONFLUENCE, strategy="Confluence", timerange=DAYS
    )
    assert plain.placed
    assert off_by_switch.run.placed == plain.placed


# -- again ------------------------------------------------------------------------------------


def test_a_second_run_trains_nothing_and_places_the_same_orders(grid, swings, folder):
    again = predicted(folder / "grid", swings)
    assert grid.trainings == 6
    assert again.trainings == 0
    assert again.folders == grid.folders
    assert again.run.placed == grid.run.placed
    pd.testing.assert_frame_equal(again.columns(PAIR), grid.columns(PAIR))


def test_the_same_run_in_a_folder_of_its_own_predicts_the_same(grid, swings, tmp_path):
    again = predicted(tmp_path, swings)
    assert again.trainings == 6
    pd.testing.assert_frame_equal(again.columns(PAIR), grid.columns(PAIR))


def test_another_seed_has_a_folder_of_its_own(grid, swings, folder):
    other = predicted(folder / "grid", swings, off(GRID, seed=2))
    assert other.trainings == 6
    assert set(grid.folders) < set(other.folders)
    assert len(other.folders) == 2
    assert not other.columns(PAIR)["prediction_up_1h"].equals(
        grid.columns(PAIR)["prediction_up_1h"]
    )


# -- what goes wrong --------------------------------------------------------------------------


def raising(*_args, **_kwargs):
    raise ArithmeticError("a defect of the learner")


def test_a_learner_that_raises_leaves_predictions_unknown_and_the_run_ends_well(
    swings, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "_members", raising)
    run = predicted(tmp_path, swings)
    without = predicted(tmp_path, swings, freqai=freqai(enabled=False)["freqai"])
    assert sum(FAILED in one and "a defect of the learner" in one for one in run.said) == 6
    assert (traded(run)["prediction_gate"] == Why.UNKNOWN).all()
    assert traded(run)[sorted(EACH)].isna().all(axis=None)
    assert run.run.placed == without.run.placed


def test_one_training_that_fails_leaves_its_own_days_unknown(swings, tmp_path, monkeypatch):
    train, calls = training.train, []

    def second_fails(*args, **kwargs):
        calls.append(1)
        return raising() if len(calls) == 2 else train(*args, **kwargs)

    monkeypatch.setattr(training, "train", second_fails)
    found = traded(predicted(tmp_path, swings))["prediction_up_15m"]
    failed = (found.index >= FIRST + timedelta(days=1)) & (found.index < FIRST + timedelta(days=2))
    assert found.isna().to_numpy().tolist() == failed.tolist()


def test_too_little_to_learn_from_is_said_and_nothing_is_predicted(swings, tmp_path):
    """A day's candles, of which the last fifth is kept: fewer than a question wants."""
    few = freqai(train_period_days=1, data_split_parameters={"test_size": 0.5})
    run = predicted(tmp_path, swings, **few)
    assert any(FAILED in one and "too little to learn from" in one for one in run.said)
    assert (traded(run)["prediction_gate"] == Why.UNKNOWN).all()
    assert run.run.placed


def test_candles_with_an_unknown_feature_are_unknown_and_the_others_are_not(swings, tmp_path):
    """A stretch without any trade: what is measured against volume cannot be told."""
    quiet = replaced(swings, copied_until(swings.datadir, tmp_path / "data", swings, LAST))
    path = quiet.datadir / "ETH_USDT-5m.feather"
    frame = pd.read_feather(path)
    stretch = frame["date"].between("2025-12-10 06:00Z", "2025-12-10 08:00Z")
    frame.loc[stretch, "volume"] = 0.0
    frame.to_feather(path)
    run = predicted(tmp_path / "run", quiet)
    found = traded(run)["prediction_up_15m"]
    inside = found["2025-12-10 07:00":"2025-12-10 08:00"]
    assert inside.isna().all()
    assert found[:"2025-12-10 05:55"].notna().all()
    assert found["2025-12-10 10:00":].notna().all()
    assert (traded(run)["prediction_gate"][inside.index] == Why.UNKNOWN).all()


def test_days_after_the_last_candle_change_nothing(swings, grid, tmp_path):
    """FreqAI trains for windows that hold no candle at all."""
    ended = copied_until(swings.datadir, tmp_path / "data", swings, LAST - CANDLE)
    run = predicted(tmp_path, replaced(swings, ended), timerange="20251209-20251215")
    pd.testing.assert_frame_equal(traded(run), traded(grid))


# -- look-ahead -------------------------------------------------------------------------------


# Models are made anew in each run's own folder.


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_orders_up_to_a_cut_are_those_of_a_run_whose_candles_end_there(
    grid, swings, tmp_path, share
):
    """freqtrade opens no trade in its last candle, so orders are compared up to the one before."""
    opened = [one.time for one in entries(grid)]
    cut = opened[int(share * len(opened))]
    known = copied_until(swings.datadir, tmp_path / "data", swings, cut + CANDLE)
    part = predicted(tmp_path, replaced(swings, known))
    assert runs.until(part.run, cut)
    assert disagreements(grid.run, part.run, cut) == []
    assert_same_until(cut + CANDLE, part, grid)


def test_columns_and_features_of_all_modules_do_not_know_what_comes(
    confluence, rich_spot, tmp_path
):
    """Those of other pairs and of hours among them."""
    cut = pd.Timestamp("2025-12-10 13:35Z")
    (tmp_path / "data").mkdir()
    known = known_until(rich_spot, tmp_path / "data", cut + CANDLE, cut_off)
    part = predicted(tmp_path, known, CONFLUENCE, strategy="Confluence", **WIDE)
    families = {name.split("_")[0].strip("%-") for name in part.features[PAIR]}
    assert families == {*FAMILIES} - {"funding", "orderflow"}  # of futures, of trades
    assert_same_until(cut, part, confluence)


def assert_same_until(last, part, whole):
    for pair in (PAIR, OTHER):
        features = part.features[pair]
        assert features.index[-1] == last
        pd.testing.assert_frame_equal(features, whole.features[pair][:last])
        pd.testing.assert_frame_equal(part.columns(pair)[:last], whole.columns(pair)[:last])


# -- FreqAI's own switches --------------------------------------------------------------------


@pytest.mark.parametrize("learner", ["random_forest", "xgboost"])
def test_other_learners_predict_through_freqai_too(swings, grid, tmp_path, learner):
    run = predicted(tmp_path, swings, off(GRID, learner=learner), timerange="20251209-20251210")
    found = traded(run).iloc[:DAY]
    assert found[sorted(EACH)].notna().all(axis=None)
    assert found["prediction_accuracy"].iloc[-1] > 0.65
    assert not found[sorted(EACH)].equals(traded(grid)[sorted(EACH)].iloc[:DAY])


def test_continual_learning_goes_on_from_the_model_before(swings, tmp_path):
    """With features that every window has: a model of other ones is not gone on from."""
    settings = off(GRID, families=["price", "momentum", "trend"])
    run = predicted(tmp_path, swings, settings, **freqai(continual_learning=True))
    fresh = traded(predicted(tmp_path, swings, settings))["prediction_up_1h"]
    found = traded(run)["prediction_up_1h"]
    days = [slice(DAY * day, DAY * (day + 1)) for day in range(3)]
    assert [found[day].equals(fresh[day]) for day in days] == [True, False, False]
    assert found.notna().all()


@pytest.mark.parametrize(
    "features",
    [
        {"DI_threshold": 0.4},
        {"use_SVM_to_remove_outliers": True, "svm_params": {"nu": 0.3}},
        {"principal_component_analysis": True},
        {"weight_factor": 0.5, "include_shifted_candles": 1},
        {"include_corr_pairlist": [OTHER], "include_timeframes": ["5m", "1h"]},
    ],
    ids=" ".join,
)
def test_freqais_own_treatment_of_features_is_respected(swings, grid, tmp_path, features):
    run = predicted(
        tmp_path, swings, **freqai(feature_parameters=features), timerange="20251209-20251210"
    )
    found, usual = (
        traded(run)["prediction_up_1h"].iloc[:DAY],
        traded(grid)["prediction_up_1h"].iloc[:DAY],
    )
    assert found.notna().mean() > 0.3
    assert not found.equals(usual)
