import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import hours
from strategies import any_market


@given(any_market(timeframe="1h"))
def test_a_return_is_from_the_hour_before_or_unknown(frame):
    price = {
        date: close for date, close in zip(frame["date"], frame["close"], strict=True) if close > 0
    }
    hour = pd.Timedelta("1h")
    expected = [
        math.log(price[date] / price[date - hour])
        if date in price and date - hour in price
        else math.nan
        for date in frame["date"]
    ]
    found = hours.log_returns(frame["close"].to_numpy(), hours.of(frame))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_price_that_is_no_positive_number_makes_two_returns_unknown(bad):
    close = np.array([1.0, 2.0, bad, 2.0, 1.0])
    found = hours.log_returns(close, np.arange(5))
    assert np.isnan(found).tolist() == [True, False, True, True, False]


@given(
    st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(1, 25), st.sampled_from((1.0, 1e13))
)
def test_trailing_sums_are_those_of_each_window_by_itself(seed, rows, window, spike):
    values = np.random.default_rng(seed).random((rows, 3)) * 1e-8
    values[rows // 3 : rows // 3 + 1] = spike
    expected = [values[max(0, now - window + 1) : now + 1].sum(axis=0) for now in range(rows)]
    found = hours.trailing_sums(values, window)
    np.testing.assert_allclose(found, np.reshape(expected, (rows, 3)), rtol=1e-12)


def test_a_huge_value_leaves_nothing_behind_once_it_has_left_the_window():
    values = np.full((60, 1), 1e-8)
    values[3] = 1e13
    np.testing.assert_allclose(hours.trailing_sums(values, 10)[13:, 0], 1e-7, rtol=1e-12)


def test_a_table_has_every_hour_of_any_pair():
    late, early = np.array([5, 6]), np.array([2, 4])
    table = hours.table({"late": (late, np.array([1.0, 2.0])), "early": (early, early / 2)})
    assert list(table) == ["late", "early"]
    assert table.index[0] == pd.Timestamp("1970-01-01 02:00", tz="UTC")
    assert np.array_equal(table["early"], [1, np.nan, 2, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(table["late"], [np.nan] * 3 + [1, 2], equal_nan=True)


@pytest.mark.parametrize("columns", [{}, {"a": (np.array([], int), np.array([]))}])
def test_a_table_of_nothing_has_no_rows(columns):
    table = hours.table(columns)
    assert len(table) == 0
    assert list(table) == list(columns)
