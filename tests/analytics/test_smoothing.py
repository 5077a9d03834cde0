"""Volatility smoothed hour by hour."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import smoothing

HOUR = 3_600
values = st.lists(st.floats(0.001, 1.0) | st.just(math.nan), min_size=1, max_size=120)


def closes_of(count, seconds=300, first=300):
    return first + seconds * np.arange(count, dtype="float64")


@given(values, st.sampled_from((300, 900, HOUR)))
def test_the_figure_is_that_of_the_loop_over_full_hours(given_, seconds):
    closes = closes_of(len(given_), seconds, seconds)
    found = smoothing.by_hour(np.array(given_), closes)
    figure, seen, hour_of = math.nan, math.nan, math.nan
    for value, close, now in zip(given_, closes, found, strict=True):
        hour = close // HOUR
        if value > 0 and hour != hour_of:
            kept = 0.0 if math.isnan(figure) else 0.7 ** (hour - hour_of)
            figure = value if math.isnan(figure) else kept * figure + (1 - kept) * value
            seen, hour_of = close, hour
        stale = not close - seen <= 24 * HOUR
        assert math.isnan(now) if stale else now == pytest.approx(figure)


def test_a_new_value_counts_three_tenths_an_hour_later_and_not_before():
    found = smoothing.by_hour(np.array([0.02] * 12 + [0.03] * 13), closes_of(25, first=HOUR))
    assert found[:12].tolist() == [0.02] * 12
    assert found[12] == pytest.approx(0.7 * 0.02 + 0.3 * 0.03)
    assert found[23] == found[12]
    assert found[24] == pytest.approx(0.7 * found[12] + 0.3 * 0.03)


def test_a_constant_is_smoothed_to_itself_over_gaps_too():
    closes = np.array([1.0, 2.0, 9.0, 10.0, 30.0]) * HOUR
    assert smoothing.by_hour(np.full(5, 0.02), closes) == pytest.approx(np.full(5, 0.02))


def test_a_day_without_values_makes_it_unknown():
    known = np.array([0.02] + [math.nan] * 30)
    found = smoothing.by_hour(known, closes_of(31, HOUR, HOUR))
    assert np.isnan(found).tolist() == [False] * 25 + [True] * 6


@pytest.mark.parametrize("value", [math.nan, 0.0, -1.0, math.inf])
def test_what_is_no_volatility_is_left_out(value):
    assert np.isnan(smoothing.by_hour(np.full(30, value), closes_of(30))).all()
    found = smoothing.by_hour(np.array([value, 0.02, value]), closes_of(3))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [0.02, 0.02]


@given(values, st.integers(1, 119))
def test_the_past_does_not_change_when_the_future_arrives(given_, now):
    closes = closes_of(len(given_))
    whole = smoothing.by_hour(np.array(given_), closes)
    then = smoothing.by_hour(np.array(given_[:now]), closes[:now])
    np.testing.assert_array_equal(then, whole[:now])


def test_where_the_candles_begin_matters_no_more_once_settled():
    noise = np.random.default_rng(5).uniform(0.01, 0.05, 200)
    closes = closes_of(200, HOUR, HOUR)
    whole = smoothing.by_hour(noise, closes)
    later = smoothing.by_hour(noise[50:], closes[50:])
    settled = smoothing.SETTLED_HOURS
    assert later[settled:] == pytest.approx(whole[50 + settled :], rel=1e-5)
