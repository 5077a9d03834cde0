"""Calibration: probabilities for any input, known curves found again, outside judges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import minimize
from sklearn.metrics import brier_score_loss

from gridkit.prediction import calibration

METHODS = ("sigmoid", "isotonic")
ANY = st.floats(allow_nan=True, allow_infinity=True)
each_method = pytest.mark.parametrize("method", METHODS)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def logit(values):
    return np.log(values / (1 - values))


def drawn(rows, slope=1.0, intercept=0.0, seed=0):
    """Scores, and outcomes that come true as often as a sigmoid of them says."""
    noise = np.random.default_rng(seed)
    scores = noise.uniform(0.05, 0.95, rows)
    return scores, noise.random(rows) < sigmoid(slope * logit(scores) + intercept)


@each_method
@given(data=st.data())
def test_a_probability_is_within_0_and_1_for_any_input_and_unknown_for_unknown(method, data):
    """P11."""
    rows = data.draw(st.integers(0, 60))
    scores = data.draw(arrays.arrays("float64", rows, elements=ANY | st.floats(0, 1)))
    outcomes = data.draw(
        arrays.arrays("float64", rows, elements=st.sampled_from((0.0, 1.0, np.nan)))
    )
    fitted = calibration.fit(scores, outcomes, method, least_rows=4)
    asked = np.sort(data.draw(arrays.arrays("float64", 20, elements=ANY | st.floats(0, 1))))
    found = fitted.probability(asked)
    known = ~np.isnan(asked)
    assert np.isnan(found[~known]).all()
    assert ((found[known] >= 0) & (found[known] <= 1)).all()
    assert (np.diff(found[known]) >= -1e-12).all(), "a higher score never gets a lower one"


@each_method
@pytest.mark.parametrize(("slope", "intercept"), [(0.3, 0.0), (1.0, 0.0), (2.0, -0.5)])
def test_the_curve_that_made_the_outcomes_is_found_again(method, slope, intercept):
    scores, outcomes = drawn(20_000, slope, intercept)
    fitted = calibration.fit(scores, outcomes.astype("float64"), method)
    asked = np.linspace(0.1, 0.9, 9)
    expected = sigmoid(slope * logit(asked) + intercept)
    np.testing.assert_allclose(fitted.probability(asked), expected, atol=0.05)
    assert fitted.rows == 20_000
    assert not fitted.why


def test_the_sigmoid_is_the_most_likely_one_by_scipy():
    scores, outcomes = drawn(4_000, 0.7, 0.2)
    scores, outcomes = scores[scores > 0.4], outcomes[scores > 0.4]

    def loss(guess):
        chance = sigmoid(guess[0] * logit(scores) + guess[1])
        return -np.log(np.where(outcomes, chance, 1 - chance)).sum()

    best = minimize(loss, [1.0, 0.0]).x
    fitted = calibration.fit(scores, outcomes.astype("float64"))
    np.testing.assert_allclose([fitted.slope, fitted.intercept], best, atol=0.02)


@pytest.mark.parametrize("overlap", [1.0, 12.0, 48.0])
def test_the_fewer_outcomes_are_independent_the_nearer_to_one_half(overlap):
    """Thompson's x³ / (x² + v), of the two numbers that scipy finds on one scale."""
    scores, outcomes = drawn(3_000, 0.4, 0.3)
    odds, share = logit(scores), outcomes.mean()
    odds = (odds - odds.mean()) / odds.std()

    def loss(guess):
        chance = sigmoid(guess[0] * odds + guess[1])
        return -np.log(np.where(outcomes, chance, 1 - chance)).sum()

    best = minimize(loss, [0.5, 0.0]).x
    noise = overlap / (3_000 * share * (1 - share))
    slope, level = best**3 / (best**2 + noise)
    fitted = calibration.fit(scores, outcomes.astype("float64"), overlap=overlap)
    np.testing.assert_allclose(
        fitted.probability(scores), sigmoid(slope * odds + level), atol=0.003
    )
    assert fitted.rows == round(3_000 / overlap)


def test_overlapping_outcomes_without_skill_leave_little_to_say():
    scores, outcomes = drawn(4_800, 0.0)
    plain = calibration.fit(scores, outcomes.astype("float64")).probability(scores)
    drawn_in = calibration.fit(scores, outcomes.astype("float64"), overlap=48.0)
    assert np.abs(drawn_in.probability(scores) - 0.5).max() < np.abs(plain - 0.5).max() / 2


def pooled(scores, outcomes):
    """Pool adjacent violators: merge neighbours until no mean is below the one before."""
    blocks = [[float(one), 1] for one in outcomes[np.argsort(scores)]]
    at = 1
    while at < len(blocks):
        if blocks[at][0] < blocks[at - 1][0]:
            mean, count = blocks.pop(at)
            before = blocks[at - 1]
            before[0] = (before[0] * before[1] + mean * count) / (before[1] + count)
            before[1] += count
            at = max(1, at - 1)
        else:
            at += 1
    return np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])


def test_the_isotonic_one_pools_neighbours_that_fall():
    scores, outcomes = drawn(400, 1.5)
    fitted = calibration.fit(scores, outcomes.astype("float64"), "isotonic")
    expected = np.clip(pooled(scores, outcomes), 1 / 402, 401 / 402)
    np.testing.assert_allclose(fitted.probability(np.sort(scores)), expected, atol=1e-9)


@each_method
def test_what_is_calibrated_is_nearer_to_the_truth_on_rows_it_has_not_seen(method):
    scores, outcomes = drawn(6_000, 0.3)
    fitted = calibration.fit(scores[:3_000], outcomes[:3_000].astype("float64"), method)
    before = brier_score_loss(outcomes[3_000:], scores[3_000:])
    assert brier_score_loss(outcomes[3_000:], fitted.probability(scores[3_000:])) < before - 0.01


@each_method
@pytest.mark.parametrize(
    ("rows", "outcome", "why"),
    [(99, None, "100 are needed"), (200, 0.0, "same"), (200, 1.0, "same")],
)
def test_few_rows_or_one_outcome_are_neutral_and_say_so(method, rows, outcome, why):
    scores, outcomes = drawn(rows)
    told = outcomes.astype("float64") if outcome is None else np.full(rows, outcome)
    fitted = calibration.fit(scores, told, method)
    assert why in fitted.why
    assert fitted.probability(np.array([0.0, 0.3, 1.0])).tolist() == [0.5, 0.5, 0.5]


@each_method
@pytest.mark.parametrize("kind", ["constant", "inverted"])
def test_scores_that_say_nothing_or_the_opposite_get_the_share_of_all(method, kind):
    scores, outcomes = drawn(2_000, -2.0, 0.5)
    told = np.full(2_000, 0.4) if kind == "constant" else scores
    fitted = calibration.fit(told, outcomes.astype("float64"), method)
    found = fitted.probability(np.array([0.0, 0.4, 1.0]))
    np.testing.assert_allclose(found, outcomes.mean(), atol=0.02)
    assert np.ptp(found) < 0.02
    if kind == "constant":
        assert "say nothing" in fitted.why


@each_method
def test_rows_whose_outcome_is_unknown_are_left_out(method):
    scores, outcomes = drawn(500)
    told = outcomes.astype("float64")
    wider = np.concatenate([scores, np.full(300, 0.9), [np.nan]])
    more = np.concatenate([told, np.full(300, np.nan), [1.0]])
    assert calibration.fit(wider, more, method) == calibration.fit(scores, told, method)


@each_method
def test_nothing_is_certain_after_so_few_outcomes(method):
    scores = np.repeat([0.1, 0.9], 60)
    fitted = calibration.fit(scores, np.repeat([0.0, 1.0], 60), method)
    assert fitted.probability(np.array([0.0, 1.0])).tolist() == pytest.approx(
        [1 / 122, 121 / 122], abs=0.01
    )
    assert fitted.probability(np.array([0.0]))[0] >= 1 / 122
