import math

import numpy as np

from gridkit.analytics import windows
from gridkit.candles import SECONDS_PER_YEAR

TIMES = 300.0 * np.arange(8)
ALL = np.ones(8, bool)


def test_a_window_reaches_from_the_last_known_candle_that_is_old_enough():
    known = ALL.copy()
    known[2] = False
    found = windows.trailing(known, TIMES, 600)
    assert found.rows[found.last].tolist() == [3, 4, 5, 6, 7]
    assert found.rows[found.before].tolist() == [1, 1, 3, 4, 5]
    assert found.counts().tolist() == [1, 2, 2, 2, 2]
    assert found.elapsed().tolist() == [600, 900, 600, 600, 600]
    assert found.sums(known[known].astype(float)).tolist() == [1, 2, 2, 2, 2]


def test_a_window_with_less_than_half_of_its_candles_is_left_out():
    known = np.array([True, True, False, False, True, False, True, True])
    found = windows.trailing(known, TIMES, 600)
    assert found.rows[found.last].tolist() == [6, 7]


def test_volatilities_stand_at_the_last_candle_of_each_window():
    found = windows.trailing(ALL, TIMES, 1_800)
    annual = found.annual(np.array([1.0, 4.0]) / SECONDS_PER_YEAR)
    np.testing.assert_array_equal(annual, [math.nan] * 6 + [1.0, 2.0])


def test_a_variance_that_rounding_left_below_nothing_is_nothing():
    found = windows.trailing(ALL, TIMES, 1_800)
    annual = found.annual_within(np.full(8, -1e-20))
    np.testing.assert_array_equal(annual, [math.nan] * 6 + [0.0, 0.0])


def test_the_scatter_of_a_window_is_about_its_own_mean_and_never_below_nothing():
    values = np.array([5.0, 1.0, 2.0, 6.0, 0.1, 0.1, 0.1, 0.1])
    found = windows.trailing(ALL, TIMES, 900)
    parts = [values[now - 2 : now + 1] for now in range(3, 8)]
    expected = [np.var(part) * 3 for part in parts]
    np.testing.assert_allclose(found.scatters(values), expected, atol=1e-12)
    assert (found.scatters(values + 1e6) >= 0).all()
