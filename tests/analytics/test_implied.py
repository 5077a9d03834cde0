import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.implied import VolatilityIndex, known_at, scaled

DAY = 86_400.0
DAILY = VolatilityIndex(DAY * np.arange(1, 6), np.array([0.5, 0.6, 0.7, 0.8, 0.9]))


def by_hand(index: VolatilityIndex, moment: float, max_age_days: float) -> float:
    """The readable twin: the last row that is known, if it is young enough."""
    known = [row for row, since in enumerate(index.known_from) if since <= moment]
    if not known or moment - index.known_from[known[-1]] > max_age_days * DAY:
        return math.nan
    return index.annual[known[-1]]


@given(
    st.lists(st.integers(0, 40), max_size=12),
    st.lists(st.integers(-5, 60), max_size=20),
    st.sampled_from((0.5, 1.0, 3.0)),
)
def test_the_latest_known_value_is_found(steps, moments, max_age):
    """Also where a value becomes known later than the one after it."""
    since = np.array(steps, "float64") * DAY / 2
    index = VolatilityIndex(since, np.arange(len(since)) + 0.5)
    asked = np.array(moments, "float64") * DAY / 2
    expected = [by_hand(index, moment, max_age) for moment in asked]
    np.testing.assert_array_equal(known_at(index, asked, max_age), expected)


def test_the_latest_known_value_is_what_pandas_merges():
    moments = np.arange(0, 8 * DAY, 3_600)
    right = pd.DataFrame({"time": DAILY.known_from, "value": DAILY.annual})
    judge = pd.merge_asof(pd.DataFrame({"time": moments}), right, on="time", tolerance=2 * DAY)
    np.testing.assert_array_equal(known_at(DAILY, moments, 2.0), judge["value"])


@pytest.mark.parametrize(
    ("day", "expected"),
    [(0.999, math.nan), (1.0, 0.5), (1.999, 0.5), (2.0, 0.6), (8.0, 0.9), (8.001, math.nan)],
)
def test_a_value_is_known_from_its_moment_until_it_is_too_old(day, expected):
    found = known_at(DAILY, np.array([day * DAY]), 3.0)
    np.testing.assert_array_equal(found, [expected])


def test_an_unknown_moment_has_no_value():
    assert np.isnan(known_at(DAILY, np.array([np.nan]), 3.0)).all()


def test_later_values_do_not_change_what_was_known():
    moments = np.arange(0, 3 * DAY, 3_600)
    some = VolatilityIndex(DAILY.known_from[:3], DAILY.annual[:3])
    np.testing.assert_array_equal(known_at(some, moments, 3.0), known_at(DAILY, moments, 3.0))


def test_a_coin_as_volatile_as_the_base_has_its_implied_volatility():
    same = np.array([0.3, 0.8])
    np.testing.assert_array_equal(scaled(np.array([0.5, 0.6]), same, same), [0.5, 0.6])


@pytest.mark.parametrize(
    ("own", "base", "expected"),
    [
        (0.9, 0.6, 0.75),
        (0.3, 0.6, 0.25),
        (9.0, 0.3, 2.5),
        (0.01, 0.6, 0.125),
        (0.0, 0.6, math.nan),
        (0.6, 0.0, math.nan),
        (math.nan, 0.6, math.nan),
        (0.6, math.nan, math.nan),
        (-0.6, -0.6, math.nan),
    ],
)
def test_implied_volatility_follows_the_ratio_of_realised_ones_within_bounds(own, base, expected):
    found = scaled(np.array([0.5]), np.array([own]), np.array([base]))
    np.testing.assert_allclose(found, [expected], rtol=1e-12)


def test_unknown_implied_volatility_stays_unknown():
    assert np.isnan(scaled(np.array([np.nan]), np.array([0.5]), np.array([0.5]))).all()
