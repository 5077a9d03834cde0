"""Splits of a training window: against a loop, and scikit-learn's splits with a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from gridkit.prediction import purging


@st.composite
def moments(draw):
    """Candles of one minute, some missing."""
    rows = draw(st.integers(0, 300))
    kept = np.random.default_rng(draw(st.integers(0, 99))).random(rows) < draw(
        st.sampled_from((1.0, 0.7))
    )
    return 60.0 * np.flatnonzero(kept)


@given(
    times=moments(),
    horizon=st.integers(1, 100),
    embargo=st.integers(0, 100),
    share=st.floats(0.01, 0.99),
)
def test_no_training_outcome_reaches_into_validation_and_nothing_else_is_lost(
    times, horizon, embargo, share
):
    found = purging.split(times, 60.0 * horizon, share, 60.0 * embargo)
    count = round(len(times) * share)
    assert found.validation.tolist() == list(range(len(times) - count, len(times)))
    first = times[found.validation[0]] if count else np.inf
    expected = [
        row
        for row, moment in enumerate(times)
        if row < len(times) - count and moment + 60.0 * (horizon + embargo) <= first
    ]
    assert found.train.tolist() == expected


@pytest.mark.parametrize(("horizon", "embargo"), [(1, 0), (3, 0), (48, 0), (48, 12)])
def test_without_gaps_it_is_scikit_learns_split_with_that_gap(horizon, embargo):
    times = 300.0 * np.arange(1_000)
    found = purging.split(times, 300.0 * horizon, 0.2, 300.0 * embargo)
    judge = TimeSeriesSplit(n_splits=2, test_size=200, gap=horizon + embargo - 1)
    train, validation = list(judge.split(times))[-1]
    np.testing.assert_array_equal(found.train, train)
    np.testing.assert_array_equal(found.validation, validation)


@pytest.mark.parametrize(
    "wrong",
    [
        {"validation_fraction": 0.0},
        {"validation_fraction": 1.0},
        {"horizon_seconds": 0.0},
        {"embargo_seconds": -1.0},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        purging.split(**{"times": np.arange(10.0), "horizon_seconds": 1.0} | wrong)
