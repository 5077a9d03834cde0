import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.reports import figures

DAY = figures.DAY
paths = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=60).map(np.array)
returns = st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=60).map(np.array)


@given(paths)
def test_maximum_drawdown_equals_the_loop_over_all_pairs_of_days(path):
    worst = max(1 - path[j] / path[i] for i in range(len(path)) for j in range(i, len(path)))
    assert figures.max_drawdown(path) == pytest.approx(worst, abs=1e-12)


@pytest.mark.parametrize(
    ("path", "expected"),
    [([100, 120, 90, 130], 0.25), ([100, 50, 25], 0.75), ([1, 2, 3], 0.0), ([100, 0], 1.0)],
)
def test_maximum_drawdown_of_known_paths(path, expected):
    assert figures.max_drawdown(np.array(path, dtype=float)) == pytest.approx(expected)


@given(paths, st.floats(0.001, 1000.0))
def test_figures_without_a_unit_do_not_change_with_the_size_of_the_account(path, factor):
    seconds = np.arange(len(path), dtype=np.int64) * DAY // 2
    first = figures.equity_figures(path, seconds, DAY // 2, 100.0)
    other = figures.equity_figures(path * factor, seconds, DAY // 2, 100.0 * factor)
    for name in ("return_fraction", "max_drawdown_fraction", "longest_under_water_days"):
        assert getattr(first, name) == pytest.approx(getattr(other, name), rel=1e-9, abs=1e-9)
    assert first.final_stake * factor == pytest.approx(other.final_stake)


@given(returns, st.floats(0.1, 10))
def test_sharpe_and_sortino_do_not_change_with_the_size_of_the_bets(daily, factor):
    for ratio in (figures.sharpe, figures.sortino):
        if ratio(daily) is not None and np.abs(daily).max() > 1e-6 and daily.std() > 1e-6:
            assert ratio(daily * factor) == pytest.approx(ratio(daily), rel=1e-6)


def test_sharpe_of_two_alternating_returns_has_its_closed_form():
    daily = np.array([0.03, -0.01] * 50)
    deviation = 0.02 * math.sqrt(100 / 99)
    assert figures.sharpe(daily) == pytest.approx(0.01 / deviation * math.sqrt(365))


def test_sortino_counts_only_losses_as_risk_over_all_days():
    daily = np.array([0.03, -0.01] * 50)
    assert figures.sortino(daily) == pytest.approx(0.01 / (0.01 / math.sqrt(2)) * math.sqrt(365))


@pytest.mark.parametrize("daily", [[0.01], [], [0.01, 0.01, 0.01], [0.0, 0.0]])
def test_sharpe_is_unknown_without_a_spread(daily):
    assert figures.sharpe(np.array(daily, dtype=float)) is None


def test_sortino_is_unknown_without_a_loss():
    assert figures.sortino(np.array([0.01, 0.02, 0.0])) is None


def test_doubling_in_two_years_is_a_growth_of_root_two_a_year():
    assert figures.cagr(100.0, 200.0, 2.0) == pytest.approx(math.sqrt(2) - 1)


def test_growth_is_minus_one_when_all_is_lost_and_unknown_beyond_a_float():
    assert figures.cagr(100.0, 0.0, 1.0) == -1.0
    assert figures.cagr(100.0, -5.0, 1.0) == -1.0
    assert figures.cagr(100.0, 200.0, 1e-6) is None
    assert figures.cagr(100.0, 200.0, 0.0) is None


def test_the_annual_return_is_proportional_below_a_year_and_compound_above():
    assert figures.annual_return(100.0, 101.0, 0.1) == pytest.approx(0.1)
    assert figures.annual_return(100.0, 150.0, 1.0) == pytest.approx(0.5)
    assert figures.annual_return(100.0, 150.0, 0.999999) == pytest.approx(0.5, rel=1e-5)
    assert figures.annual_return(100.0, 400.0, 2.0) == pytest.approx(1.0)
    assert figures.annual_return(100.0, 101.0, 0.0) is None


def test_calmar_is_growth_over_drawdown_and_unknown_without_a_drawdown():
    assert figures.calmar(0.5, 0.25) == 2.0
    assert figures.calmar(0.5, 0.0) is None
    assert figures.calmar(None, 0.2) is None


def test_daily_returns_chain_to_the_total_return():
    seconds = np.arange(0, 5 * DAY, 3600, dtype=np.int64)
    equity = np.linspace(100, 130, len(seconds))
    daily = figures.daily_returns(equity, seconds, 90.0)
    assert len(daily) == 5
    assert np.prod(1 + daily) == pytest.approx(130 / 90)


def test_weekly_mean_is_of_whole_weeks_from_the_start():
    path = np.concatenate([[100.0], np.full(6, 100.0), [110.0], np.full(6, 1.0), [121.0], [5.0]])
    assert figures.weekly_mean_return(path, DAY) == pytest.approx(0.1)
    assert figures.weekly_mean_return(path[:6], DAY) is None


def test_time_under_water_counts_from_the_last_peak():
    path = np.array([1.0, 2, 1, 1.5, 2, 3, 2])
    assert figures.candles_since_peak(path).tolist() == [0, 0, 1, 2, 0, 0, 1]


@given(paths)
def test_time_under_water_equals_the_loop(path):
    since, peak, expected = 0, -math.inf, []
    for value in path:
        since = 0 if value >= peak else since + 1
        peak = max(peak, value)
        expected.append(since)
    assert figures.candles_since_peak(path).tolist() == expected


def test_expected_shortfall_is_the_mean_of_the_worst_hundredth_of_days():
    daily = np.full(200, 0.01)
    daily[[3, 77]] = [-0.2, -0.1]
    assert figures.expected_shortfall(daily) == pytest.approx(0.15)
    assert figures.expected_shortfall(daily[:99]) is None


def test_a_lost_account_leaves_ratios_unknown_instead_of_wrong():
    seconds = np.arange(4, dtype=np.int64) * DAY
    found = figures.equity_figures(np.array([50.0, 0.0, 0.0, 0.0]), seconds, DAY, 100.0)
    assert found.return_fraction == -1.0
    assert found.max_drawdown_fraction == 1.0
    assert found.daily_sharpe is None
    assert found.daily_sortino is None


@given(returns)
def test_the_worst_day_is_the_lowest_return_and_unknown_once_nothing_is_left(daily):
    assert figures.worst(daily) == min(daily.tolist())
    assert figures.worst(np.append(daily, np.nan)) is None
