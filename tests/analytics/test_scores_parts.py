import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import scores_parts as parts
from strategies import START, any_market

SEEDS = st.integers(0, 2**32 - 1)
NAN = float("nan")


def walk(rows: int, seed: int = 1, sigma: float = 0.01) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(0, sigma, rows))


def average_by_loop(values: np.ndarray, span: float) -> list[float]:
    found = [values[0]]
    for value in values[1:]:
        found.append(found[-1] + (value - found[-1]) * 2 / (span + 1))
    return found


@given(SEEDS, st.integers(1, 60))
def test_an_average_follows_its_recursion_from_its_first_value(seed, span):
    values = walk(80, seed)
    np.testing.assert_allclose(
        parts.average(values, span), average_by_loop(values, span), atol=1e-12
    )


def test_an_average_becomes_that_of_ta_lib_once_both_have_settled():
    values = walk(1_200)
    found = parts.average(values, 50)[400:]
    np.testing.assert_allclose(found, talib.EMA(values, 50)[400:], atol=1e-6)


def test_wilders_average_moves_by_one_part_of_its_period():
    np.testing.assert_allclose(parts.wilder(np.array([0.0, 14.0, 1.0]), 14), [0, 1, 1])


@given(SEEDS, st.integers(1, 30), st.integers(0, 60))
def test_a_weighted_sum_is_that_of_each_window(seed, window, rows):
    random = np.random.default_rng(seed)
    values, weights = random.normal(size=rows), random.normal(size=window)
    found = parts.windowed(values, weights)
    assert np.isnan(found[: window - 1]).all()
    for now in range(window - 1, rows):
        expected = sum(weights[k] * values[now - window + 1 + k] for k in range(window))
        assert found[now] == pytest.approx(expected, abs=1e-12)


def test_a_huge_value_that_left_the_window_leaves_nothing_behind():
    values = np.concatenate([[1e300], np.zeros(10)])
    assert parts.total(values, 3)[3:].tolist() == [0.0] * 8


def test_what_is_unknown_spoils_only_the_windows_it_is_in():
    found = parts.total(np.array([1.0, NAN, 1.0, 1.0, 1.0]), 2)
    np.testing.assert_array_equal(found, [NAN, NAN, NAN, 2.0, 2.0])


@pytest.mark.parametrize("window", [1, 3, 5, 9])
def test_change_is_pandas_difference(window):
    values = walk(5)
    np.testing.assert_array_equal(parts.change(values, window), pd.Series(values).diff(window))


def test_sigma_is_the_root_of_the_mean_square_of_returns():
    close = walk(40)
    expected = (pd.Series(close).diff() ** 2).rolling(7).mean() ** 0.5
    np.testing.assert_allclose(parts.sigma(close, 7), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("part", "scale", "expected"),
    [(1.0, 2.0, 0.5), (0.0, 0.0, NAN), (1.0, 1e-10, NAN), (NAN, 1.0, NAN), (1.0, NAN, NAN)],
)
def test_a_ratio_to_next_to_nothing_is_unknown(part, scale, expected):
    np.testing.assert_array_equal(parts.ratio(np.array([part]), np.array([scale])), [expected])


@pytest.mark.parametrize(
    ("values", "weights", "expected"),
    [
        ((1.0, 0.0), (0.3, 0.1), 0.75),
        ((1.0, NAN), (0.3, 0.1), 1.0),
        ((NAN, NAN), (0.3, 0.1), NAN),
        ((1.0, NAN), (0.0, 0.1), NAN),
        ((-1.0, 0.5), (0.5, 0.5), -0.25),
    ],
)
def test_a_mean_of_what_is_known_shares_out_the_weight_of_the_unknown(values, weights, expected):
    found = parts.mean_of_known([np.array([value]) for value in values], weights)
    np.testing.assert_allclose(found, [expected])


def test_average_true_range_is_that_of_ta_lib_once_settled():
    close = walk(1_000)
    made = parts.Bars(close, close + 0.004, close - 0.003, close, close)
    expected = talib.ATR(made.high, made.low, made.close, 14)[500:]
    np.testing.assert_allclose(parts.atr(made, 14)[500:], expected, rtol=1e-6)


@pytest.mark.parametrize("span", [2, 20, 200])
def test_a_price_less_its_average_is_measured_by_its_known_spread_in_a_random_walk(span):
    """Standard deviation of price - EMA(n): (n - 1)/(2·√n) returns."""
    close = walk(1_500)
    found = parts.against_chance(lambda price: price - parts.average(price, span), close, 50)
    usual = (pd.Series(close).diff() ** 2).rolling(50).mean() ** 0.5
    away = close - np.array(average_by_loop(close, span))
    expected = np.tanh(away / (usual * (span - 1) / (2 * span**0.5)))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_line_of_a_price_that_stands_still_is_unknown():
    found = parts.against_chance(lambda price: price - parts.average(price, 9), np.ones(90), 20)
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("asked", "value", "age"),
    [(9, NAN, NAN), (10, 1.0, 0), (19, 1.0, 9), (25, 1.0, 15), (30, 3.0, 0), (99, 3.0, 69)],
)
def test_the_latest_known_value_stands_and_ages(asked, value, age):
    moments, values = np.array([10.0, 20.0, 30.0]), np.array([1.0, NAN, 3.0])
    found = parts.latest(moments, values, np.array([float(asked)]))
    np.testing.assert_array_equal(np.concatenate(found), [value, age])


def test_at_an_unknown_moment_nothing_is_known():
    assert np.isnan(parts.latest(np.array([1.0]), np.array([1.0]), np.array([NAN]))).all()
    assert np.isnan(parts.latest(np.array([]), np.array([]), np.array([1.0]))).all()


@given(any_market(most=60))
def test_bars_are_the_whole_candles_and_nothing_else(market):
    kept = parts.whole(market)
    made = parts.bars(market, kept)
    whole = market[market["close"].notna()]
    np.testing.assert_allclose(np.exp(made.close), whole["close"])
    assert kept.tolist() == market["close"].notna().tolist()
    assert all(len(getattr(made, name)) == len(whole) for name in made.__slots__)


@pytest.mark.parametrize("column", ["high", "low", "close", "volume"])
@pytest.mark.parametrize("wrong", [NAN, np.inf, -1.0])
def test_a_candle_with_any_such_number_is_not_whole(column, wrong):
    frame = pd.DataFrame({name: [1.0, 1.0] for name in ("high", "low", "close", "volume")})
    frame.loc[1, column] = wrong
    assert parts.whole(frame).tolist() == [True, False]


def test_a_candle_without_volume_is_whole_and_one_at_price_zero_is_not():
    frame = pd.DataFrame(1.0, index=[0, 1], columns=["high", "low", "close", "volume"])
    frame.loc[0, "volume"] = frame.loc[1, "low"] = 0.0
    assert parts.whole(frame).tolist() == [True, False]


def test_a_candle_closes_after_the_shortest_step_so_far():
    dates = START + pd.to_timedelta([0, 2, 3, 9], unit="h")
    frame = pd.DataFrame(1.0, index=range(4), columns=["high", "low", "close", "volume"])
    made = parts.bars(frame.assign(date=dates), np.array([True, True, False, True]))
    hours = (made.closed - START.timestamp()) / 3_600
    np.testing.assert_array_equal(hours, [NAN, 4, 10])
