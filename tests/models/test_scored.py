"""How good predictions were: pairs beside each other, all learners on the same candles."""

import dataclasses
import math

import numpy as np
import pytest

from gridkit.models import scored
from gridkit.models.walk import BASELINES, CONSTANT, SHARE, Answers, Walk
from gridkit.models.windows import walk
from gridkit.prediction import accuracy
from gridkit.prediction.training import Recipe

COST = 0.001
START, STEP, CANDLES = 1_700_000_100.0, 300, 600
NAMES = ("one", "other", *BASELINES)


@pytest.fixture
def walked():
    windows = walk(START, START + CANDLES * STEP, 1_000 * STEP, 200 * STEP, STEP)
    return Walk(windows, [None, None], {name: Recipe() for name in NAMES[:2]}, "5m", COST)


@pytest.fixture
def answers():
    """Of two pairs, whose moves are the same; the second learner does not know some candles."""
    draw = np.random.default_rng(5)
    move = np.repeat(draw.normal(0, 0.003, (CANDLES, 1)), 2, axis=1)
    move[:3] = np.nan
    predicted = {
        name: {
            "up_15m": draw.uniform(0.05, 0.95, (CANDLES, 2)),
            "decided_15m": draw.uniform(0.05, 0.95, (CANDLES, 2)),
        }
        for name in NAMES
    }
    predicted[CONSTANT] = {"up_15m": np.full((CANDLES, 2), 0.5)}
    predicted[CONSTANT]["decided_15m"] = np.full((CANDLES, 2), 0.5)
    predicted["other"]["up_15m"][100:250, 1] = np.nan
    return Answers(predicted, {"15m": move})


def judged(answers, name):
    """What is left for all, by loops: prediction, decided or not, and the move."""
    for row in range(CANDLES):
        for pair in range(2):
            kinds = answers.predicted[name]
            known = not math.isnan(answers.predicted["other"]["up_15m"][row, pair])
            move = answers.moves["15m"][row, pair]
            if known and not math.isnan(move):
                yield kinds["up_15m"][row, pair], kinds["decided_15m"][row, pair], move


@pytest.mark.parametrize("name", NAMES)
def test_all_are_judged_by_the_candles_that_all_answered(walked, answers, name):
    found = {one.learner: one for one in scored.scores(walked, answers, seed=1)}
    assert tuple(found) == NAMES
    seen = list(judged(answers, name))
    decided = [(up, move > 0) for up, _, move in seen if abs(move) > COST]
    figures = found[name].figures
    assert figures.outcomes == len(decided)
    assert figures.effective == pytest.approx(len(decided) / 3 / 2)
    assert figures.brier.value == pytest.approx(np.mean([(up - rose) ** 2 for up, rose in decided]))
    came = [(told, abs(move) > COST) for _, told, move in seen]
    expected = np.mean([(told - happened) ** 2 for told, happened in came])
    assert found[name].decided_brier.value == pytest.approx(expected)


def test_always_half_is_right_half_of_the_time_and_has_a_brier_of_a_quarter(walked, answers):
    found = {one.learner: one for one in scored.scores(walked, answers, seed=1)}[CONSTANT]
    assert found.figures.accuracy == accuracy.Measured(0.5, 0.5, 0.5)
    assert found.figures.brier == accuracy.Measured(0.25, 0.25, 0.25)


def test_pairs_that_move_as_one_make_an_interval_no_narrower(walked, answers):
    """Two pairs with the same predictions and moves are as sure as one of them."""
    answers.predicted["other"]["up_15m"] = np.full((CANDLES, 2), 0.5)
    answers.predicted["one"]["up_15m"][:, 1] = answers.predicted["one"]["up_15m"][:, 0]
    both = scored.scores(walked, answers, seed=1)[0].figures.accuracy
    alone = Answers(
        {
            name: {column: values[:, :1] for column, values in kinds.items()}
            for name, kinds in answers.predicted.items()
        },
        {"15m": answers.moves["15m"][:, :1]},
    )
    single = dataclasses.replace(walked, markets=[None])
    one = scored.scores(single, alone, seed=1)[0].figures.accuracy
    assert both.value == pytest.approx(one.value)
    assert both.high - both.low == pytest.approx(one.high - one.low, rel=0.15)


def test_windows_are_judged_one_by_one(walked, answers):
    answers.moves["15m"][[199, 200, 399, 400, 599]] = 0.01  # at the edges, and decided
    found = scored.by_window(walked, answers, "15m", seed=1)
    named = [(one.learner, one.window) for one in found]
    assert named == [(name, window) for name in ("one", "other") for window in range(3)]
    up, move = answers.predicted["one"]["up_15m"], answers.moves["15m"]
    rows = slice(400, 600)
    decided = np.abs(move[rows]) > COST
    hits = ((up[rows] > 0.5) == (move[rows] > 0))[decided]
    assert found[2].outcomes == decided.sum()
    assert found[2].accuracy.value == pytest.approx(hits.mean())


def test_a_window_without_a_prediction_has_no_figure(walked, answers):
    answers.predicted["other"]["up_15m"][200:400] = np.nan
    found = scored.by_window(walked, answers, "15m", seed=1)
    assert [one.window for one in found] == [0, 2, 0, 2]


def test_the_share_of_all_is_a_baseline_like_the_other(walked, answers):
    assert SHARE in [one.learner for one in scored.scores(walked, answers, seed=1)]
