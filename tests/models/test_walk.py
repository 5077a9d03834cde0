"""Walking forward: what is learned from, what is predicted, and what is left out."""

import dataclasses
import types

import numpy as np
import pandas as pd
import pytest
from freqtrade.freqai.data_kitchen import FreqaiDataKitchen

from gridkit import candles
from gridkit.models import market as markets
from gridkit.models import walk as walking
from gridkit.models.walk import CONSTANT, SHARE, Walk, run
from gridkit.models.windows import walk
from gridkit.prediction import training
from gridkit.prediction.training import Recipe
from models.simulated import BTC, ETH, SETTINGS, market
from strategies import START

COST = 0.001
DAY = 86_400
TEST_START = START.timestamp() + 5 * DAY
RECIPES = {"lightgbm": Recipe("lightgbm", members=2)}


def pair(name, seed=1, days=9, cut=None):
    frame = market(days, seed)
    if cut is not None:
        frame = frame[~((frame["date"] >= cut[0]) & (frame["date"] < cut[1]))]
        frame = frame.reset_index(drop=True)
    return markets.made(name, {"5m": frame}, {}, SETTINGS)


def a_walk(*pairs, recipes=None, end=4.0):
    windows = walk(TEST_START, TEST_START + end * DAY, 4 * DAY, 2 * DAY, 300)
    return Walk(windows, pairs, RECIPES if recipes is None else recipes, "5m", COST)


@pytest.fixture
def lessons(monkeypatch):
    """What was trained on, each time."""
    seen = []
    genuine = training.train

    def recorded(features, times, outcomes, step, recipe, weights):
        seen.append((features, times, outcomes, weights))
        return genuine(features, times, outcomes, step, recipe, weights)

    monkeypatch.setattr(walking.training, "train", recorded)
    return seen


def test_nothing_is_learned_that_was_not_known_when_the_window_began(lessons):
    walked = a_walk(pair(BTC))
    run(walked)
    assert len(lessons) == 2
    for (_, times, outcomes, _), window in zip(lessons, walked.windows, strict=True):
        assert window.train <= times[0] < times[-1] < window.start
        for horizon in ("15m", "1h"):
            known = outcomes[f"up_{horizon}"].notna().to_numpy()
            late = times + 300 + candles.seconds_of(horizon) > window.start
            assert late.sum() == candles.seconds_of(horizon) / 300
            np.testing.assert_array_equal(known, ~late)
            np.testing.assert_array_equal(outcomes[f"decided_{horizon}"].notna(), known)


def test_outcomes_are_those_of_the_closes_and_decided_beyond_costs(lessons):
    frame = market(9)
    run(a_walk(pair(BTC)))
    _, times, outcomes, _ = lessons[0]
    close = pd.Series(frame["close"].to_numpy(), index=candles.times(frame))
    move = close.reindex(times + 900).to_numpy() / close.reindex(times).to_numpy() - 1
    known = outcomes["up_15m"].notna().to_numpy()
    np.testing.assert_array_equal(outcomes["up_15m"][known], move[known] > 0)
    np.testing.assert_array_equal(outcomes["decided_15m"][known], np.abs(move[known]) > COST)


def test_every_candle_of_the_windows_is_predicted_by_the_model_before_it():
    first = pair(BTC)
    walked = a_walk(first)
    told = run(walked)
    up = told.predicted["lightgbm"]["up_15m"]
    assert up.shape == (4 * 288, 1)
    assert not np.isnan(up).any()
    window = walked.windows[1]
    rows, asked = window.taught(first.times), window.asked(first.times)
    known = {
        one: first.times[rows] + 300 + candles.seconds_of(one) <= window.start
        for one in first.moves
    }
    outcomes = first.outcomes(rows, known, COST)
    model = training.train(
        first.features.iloc[rows], first.times[rows], outcomes, 300, RECIPES["lightgbm"]
    )
    expected = model.predict(first.features.iloc[asked])["up_15m"]
    np.testing.assert_array_equal(up[2 * 288 :, 0], expected)


def test_a_signal_that_is_there_is_found_and_what_came_stands_beside_it():
    told = run(a_walk(pair(BTC)))
    up, move = told.predicted["lightgbm"]["up_15m"], told.moves["15m"]
    decided = np.abs(move) > COST
    assert ((up > 0.5) == (move > 0))[decided].mean() > 0.6


def test_the_share_of_all_is_that_of_the_days_before(lessons):
    told = run(a_walk(pair(BTC)))
    for number in range(2):
        outcomes = lessons[number][2]
        rows = slice(number * 576, (number + 1) * 576)
        decided = outcomes["decided_15m"]
        up = outcomes["up_15m"][decided == 1].mean()
        assert told.predicted[SHARE]["up_15m"][rows] == pytest.approx(up)
        assert told.predicted[SHARE]["decided_15m"][rows] == pytest.approx(decided.mean())
    assert (told.predicted[CONSTANT]["up_1h"] == 0.5).all()


def test_the_same_seed_says_the_same_and_another_something_else():
    one, same = (run(a_walk(pair(BTC))) for _ in range(2))
    other = run(a_walk(pair(BTC), recipes={"lightgbm": Recipe(members=2, seed=9)}))
    first, again, apart = (told.predicted["lightgbm"]["up_1h"] for told in (one, same, other))
    np.testing.assert_array_equal(first, again)
    assert (first != apart).any()


def test_a_window_without_enough_to_learn_from_is_left_out_and_said():
    gap = START + pd.Timedelta("1D"), START + pd.Timedelta("4D")
    told = run(a_walk(pair(BTC), pair(ETH, seed=2, cut=gap)))
    assert [(one.pair, one.window) for one in told.skipped] == [(ETH, 0)]
    assert told.skipped[0].why == "288 of 1152 candles to learn from have all features"
    up = told.predicted["lightgbm"]["up_15m"]
    assert np.isnan(up[:576, 1]).all()
    assert not np.isnan(up[576:]).any()
    assert not np.isnan(up[:576, 0]).any()


def test_a_window_without_candles_to_predict_is_left_out_and_said():
    gap = START + pd.Timedelta("7D"), START + pd.Timedelta("20D")
    told = run(a_walk(pair(BTC), pair(ETH, cut=gap)))
    assert [(one.pair, one.window, one.why) for one in told.skipped] == [
        (ETH, 1, "no candles to predict")
    ]


def test_what_one_learner_cannot_learn_is_left_out_for_all(monkeypatch):
    genuine = training.train

    def choosy(features, times, outcomes, step, recipe, weights):
        if recipe.seed == 7 and times[0] > START.timestamp() + 2 * DAY:
            raise ValueError("too little to learn from")
        return genuine(features, times, outcomes, step, recipe, weights)

    monkeypatch.setattr(walking.training, "train", choosy)
    two = {"one": Recipe(members=2), "other": Recipe(members=2, seed=7)}
    told = run(a_walk(pair(BTC), recipes=two))
    assert [one.why for one in told.skipped] == ["other: too little to learn from"]
    for name in (*two, CONSTANT, SHARE):
        assert np.isnan(told.predicted[name]["up_15m"][576:]).all()
    assert len(told.trained) == 2


def test_rows_count_alike_or_later_ones_more_as_freqai_weighs_them(lessons):
    walked = a_walk(pair(BTC))
    run(walked)
    run(dataclasses.replace(walked, weight_factor=0.7))
    assert lessons[0][3] is None
    rows = len(lessons[2][1])
    kitchen = types.SimpleNamespace(
        config={"freqai": {"feature_parameters": {"weight_factor": 0.7}}}
    )
    theirs = FreqaiDataKitchen.set_weights_higher_recent(kitchen, rows)
    np.testing.assert_allclose(lessons[2][3], theirs)


def test_what_training_took_is_kept():
    told = run(a_walk(pair(BTC)))
    assert [(one.learner, one.pair, one.window) for one in told.trained] == [
        ("lightgbm", BTC, 0),
        ("lightgbm", BTC, 1),
    ]
    assert all(one.rows == 1_152 for one in told.trained)
    assert all(0 < one.seconds < 100 and 0 < one.milliseconds < 10_000 for one in told.trained)
