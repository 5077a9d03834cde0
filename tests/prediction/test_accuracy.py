"""Figures of predictions: by scikit-learn, by loops, and intervals that hold what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from gridkit.prediction import accuracy

COST = 0.001


@st.composite
def predictions(draw, least=1, most=300):
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(least, most))
    probability = noise.choice([0.0, 0.5, 0.3, 1.0, np.nan, *noise.random(6)], count)
    move = noise.normal(0, draw(st.sampled_from((0.0005, 0.01))), count)
    move[noise.random(count) < 0.1] = np.nan
    return probability, move


@given(given_=predictions())
def test_the_figures_are_scikit_learns_over_decided_outcomes(given_):
    probability, move = given_
    found = accuracy.measure(probability, move, COST, 3, samples=2)
    kept = (np.abs(move) > COST) & ~np.isnan(probability)
    assert found.outcomes == kept.sum()
    assert found.effective == pytest.approx(kept.sum() / 3)
    if not kept.any():
        assert math.isnan(found.accuracy.value)
        return
    rose, told = move[kept] > 0, probability[kept]
    assert found.brier.value == pytest.approx(brier_score_loss(rose, told))
    assert found.log_loss.value == pytest.approx(log_loss(rose, told, labels=[False, True]))
    # A 0.5 takes no side: of each two of them one is right.
    judged = (accuracy_score(rose, told > 0.5) + accuracy_score(rose, told >= 0.5)) / 2
    assert found.accuracy.value == pytest.approx(judged)


@given(given_=predictions())
def test_the_table_says_of_each_bin_what_was_predicted_and_what_came(given_):
    probability, move = given_
    table = accuracy.measure(probability, move, COST, 3, samples=2).table
    for row in table.itertuples():
        upper = math.inf if row.most == 1.0 else row.most
        seen = [
            (one, moved > 0)
            for one, moved in zip(probability, move, strict=True)
            if row.least <= one < upper and abs(moved) > COST
        ]
        assert row.outcomes == len(seen)
        if seen:
            assert row.predicted == pytest.approx(np.mean([one for one, _ in seen]))
            assert row.rose == pytest.approx(np.mean([rose for _, rose in seen]))
        else:
            assert math.isnan(row.predicted)
            assert math.isnan(row.rose)
    assert [table["least"].iloc[0], table["most"].iloc[-1]] == [0.0, 1.0]


@given(given_=predictions(), block=st.integers(1, 400))
def test_an_interval_is_between_0_and_1_or_unknown(given_, block):
    found = accuracy.measure(*given_, COST, block, samples=10)
    for one in (found.accuracy, found.brier):
        assert math.isnan(one.low) == math.isnan(one.high)
        assert math.isnan(one.low) or -1e-9 <= one.low <= one.high <= 1 + 1e-9


def test_no_predictions_have_no_figures():
    found = accuracy.measure(np.array([]), np.array([]), COST, 3)
    assert found.outcomes == 0
    assert math.isnan(found.brier.value)
    assert found.table["outcomes"].sum() == 0


def test_of_independent_outcomes_the_interval_is_the_binomials():
    noise = np.random.default_rng(3)
    move = np.where(noise.random(2_000) < 0.6, 0.01, -0.01)
    found = accuracy.measure(np.full(2_000, 0.7), move, COST, 1).accuracy
    half = stats.norm.ppf(0.95) * math.sqrt(0.6 * 0.4 / 2_000)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)


def test_of_repeated_outcomes_the_interval_is_that_of_so_many_as_there_really_are():
    """Each outcome stands 48 times, as neighbours do over four hours of five minutes."""
    noise = np.random.default_rng(3)
    move = np.repeat(np.where(noise.random(100) < 0.6, 0.01, -0.01), 48)
    wide = accuracy.measure(np.full(4_800, 0.7), move, COST, 48).accuracy
    naive = accuracy.measure(np.full(4_800, 0.7), move, COST, 1).accuracy
    half = stats.norm.ppf(0.95) * math.sqrt(0.6 * 0.4 / 100)
    # Blocks that begin anywhere cut repeated outcomes in two, which averages some noise away.
    assert 0.7 * half < (wide.high - wide.low) / 2 < 1.1 * half
    assert wide.high - wide.low > 4 * (naive.high - naive.low)


def resampled_by_loop(hits, weights, block, seed, samples):
    """Histories put together of blocks, candle by candle."""
    draw, count = np.random.default_rng(seed), len(hits)
    for _ in range(samples):
        starts = draw.integers(0, count, -(-count // block))
        rows = [(start + step) % count for start in starts for step in range(block)]
        total = sum(weights[row] for row in rows)
        if total:
            yield sum(hits[row] * weights[row] for row in rows) / total


@given(given_=predictions(least=5, most=40), block=st.integers(1, 60), seed=st.integers(0, 9))
def test_the_interval_is_that_of_blocks_drawn_one_by_one(given_, block, seed):
    probability, move = given_
    found = accuracy.measure(probability, move, COST, block, seed, samples=20).accuracy
    kept = (np.abs(move) > COST) & ~np.isnan(probability)
    hits = [
        0.5 if one == 0.5 else float((one > 0.5) == (moved > 0))
        for one, moved in zip(probability, move, strict=True)
    ]
    means = list(resampled_by_loop(hits, kept, block, seed, 20))
    expected = np.quantile(means, [0.05, 0.95]) if means else [math.nan] * 2
    np.testing.assert_allclose([found.low, found.high], expected, atol=1e-9)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    noise = np.random.default_rng(0)
    given_ = noise.random(300), noise.normal(0, 0.01, 300)
    one, same, other = (accuracy.measure(*given_, COST, 3, seed).brier for seed in (1, 1, 2))
    assert one == same
    assert one != other


@given(given_=predictions())
def test_the_calibration_error_is_how_far_the_table_is_off_weighed_by_outcomes(given_):
    found = accuracy.measure(*given_, COST, 3, samples=20)
    error, table = found.calibration_error, found.table
    if not found.outcomes:
        assert all(math.isnan(one) for one in (error.value, error.low, error.high))
        return
    off = (table["predicted"] - table["rose"]).abs() * table["outcomes"]
    assert error.value == pytest.approx(off.sum() / found.outcomes)
    if not math.isnan(error.low):  # no resampled history had any outcome
        assert 0 <= error.low <= error.value <= error.high


@pytest.mark.parametrize("off", [0.0, 0.15])
def test_the_interval_of_the_calibration_error_holds_the_true_one(off):
    """Of predictions that are too high by so much, in about nine of ten histories or more."""
    held = []
    for seed in range(40):
        noise = np.random.default_rng(seed)
        truth = noise.uniform(0.2, 0.8, 400)
        move = np.where(noise.random(400) < truth, 0.01, -0.01)
        found = accuracy.measure(truth + off, move, COST, 1, samples=200).calibration_error
        held.append(found.low <= off <= found.high)
    assert np.mean(held) >= 0.8
