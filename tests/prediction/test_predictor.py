"""Answers: probabilities whatever is shown, what uncertainty is, and the rows they look back on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridkit.prediction import learners, predictor
from gridkit.prediction.calibration import Calibration, Sigmoid
from gridkit.prediction.predictor import Question
from gridkit.prediction.training import train
from prediction.lessons import STEP, lesson, tiny

FLOAT32 = np.finfo("float32").max
STRANGE = (0.0, 3e38, -3e38, 4e38, 1e300, np.inf, -np.inf, np.nan)
ANY = st.floats(-1e3, 1e3) | st.floats(width=32) | st.sampled_from(STRANGE)
SHOWN = arrays("float64", st.tuples(st.integers(0, 12), st.just(4)), elements=ANY)
TRAINED = {
    (name, method): train(*lesson(horizons=("15m",)), STEP, tiny(name, calibration=method))
    for name in learners.LEARNERS
    if not learners.missing(name)
    for method in ("sigmoid", "isotonic")
}


@pytest.mark.parametrize("made", TRAINED.values(), ids=map("-".join, TRAINED))
@given(shown=SHOWN)
def test_answers_are_probabilities_or_unknown_for_any_input(made, shown):
    """P11."""
    said = made.predict(pd.DataFrame(shown, columns=list(made.names)))
    fine = (np.abs(shown) <= FLOAT32).all(axis=1)
    known = [
        row >= made.width - 1 and all(fine[row - made.width + 1 : row + 1])
        for row in range(len(fine))
    ]
    values = said.to_numpy()
    assert np.isnan(values).all(axis=1).tolist() == [not one for one in known]
    assert ((values[known] >= 0) & (values[known] <= 1)).all()
    assert (said["uncertainty_15m"].dropna() <= 0.5).all()


@pytest.mark.parametrize(
    ("scores", "up", "uncertainty"),
    [
        ([0.7, 0.7], 0.7, 0.0),
        ([0.6, 0.8], 0.7, 0.1),
        ([0.0, 1.0], 0.5, 0.5),
        ([0.2, 0.2, 0.8], 0.4, 0.08**0.5),
    ],
)
def test_the_mean_score_is_answered_and_uncertainty_is_how_far_members_differ(
    scores, up, uncertainty
):
    question = Question(tuple(scores), Sigmoid(10**9))
    found = question.answers(lambda member, shown: np.full(len(shown), member), np.zeros((2, 1)))
    assert found[0] == pytest.approx([up, up], abs=1e-5)
    assert found[1] == pytest.approx([uncertainty] * 2, abs=1e-5)


def test_members_that_say_nothing_do_not_differ():
    flat = Question((0.1, 0.9), Calibration(100, "the scores say nothing"))
    up, uncertainty = flat.answers(lambda member, shown: np.full(len(shown), member), np.zeros(3))
    assert (up == 0.5).all()
    assert (uncertainty == 0).all()
    assert flat.obstacle == "the scores say nothing"


@given(
    width=st.integers(1, 4),
    fine=arrays("bool", st.integers(0, 20)),
    seed=st.integers(0, 99),
)
def test_a_row_is_usable_where_all_it_looks_back_on_is_known_and_joined(width, fine, seed):
    joined = np.random.default_rng(seed).random(len(fine)) < 0.7
    shown = np.where(fine, 1.0, np.nan)[:, None].astype("float32")
    expected = [
        row >= width - 1
        and all(fine[row - width + 1 : row + 1])
        and all(joined[row - width + 2 : row + 1])
        for row in range(len(fine))
    ]
    assert predictor.usable(shown, width, joined).tolist() == expected


def test_windows_end_with_the_row_asked_for():
    shown = np.arange(10.0).reshape(5, 2)
    assert predictor.windows(shown, np.array([1, 4]), 1).tolist() == [[2, 3], [8, 9]]
    assert predictor.windows(shown, np.array([2, 4]), 2).tolist() == [
        [[2, 3], [4, 5]],
        [[6, 7], [8, 9]],
    ]
    assert predictor.windows(shown, np.array([], dtype=int), 2).shape == (0, 2, 2)
