import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import trend
from strategies import START, any_market

PERIOD, FAST, SLOW = 5, 4, 12


def market(close: np.ndarray, spread: float = 0.001) -> pd.DataFrame:
    dates = START + pd.Timedelta("1h") * np.arange(len(close))
    high, low = close * (1 + spread), close * (1 - spread)
    return pd.DataFrame({"date": dates, "high": high, "low": low, "close": close})


def walk(seed: int, rows: int) -> pd.DataFrame:
    steps = np.random.default_rng(seed).normal(0, 0.01, rows)
    return market(100 * np.exp(np.cumsum(steps)), spread=0.004)


def strength(frame: pd.DataFrame) -> np.ndarray:
    return trend.strength(trend.priced(frame), PERIOD)


def balance(frame: pd.DataFrame) -> np.ndarray:
    return trend.balance(trend.priced(frame), PERIOD)


def side(frame: pd.DataFrame) -> np.ndarray:
    return trend.side(trend.priced(frame), FAST, SLOW)


def by_loop(frame: pd.DataFrame, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Wilder's ADX and balance as his book tells it: take a part of the sum away, add the new."""
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    adx, balances = np.full(len(close), np.nan), np.full(len(close), np.nan)
    rises = falls = average = 0.0
    spreads: list[float] = []
    for now in range(1, len(close)):
        up, down = high[now] - high[now - 1], low[now - 1] - low[now]
        keep = 1.0 if now < period else 1.0 - 1.0 / period
        rises = rises * keep + (up if up > max(down, 0) else 0.0)
        falls = falls * keep + (down if down > max(up, 0) else 0.0)
        if now < period:
            continue
        both = rises + falls
        balances[now] = (rises - falls) / both if both > 0 else 0.0
        spreads.append(100 * abs(balances[now]))
        if len(spreads) <= period:
            average = sum(spreads) / len(spreads)
        else:
            average += (spreads[-1] - average) / period
        if len(spreads) >= period:
            adx[now] = average
    return adx, balances


def columns(frame: pd.DataFrame) -> list[np.ndarray]:
    return [frame[name].to_numpy() for name in ("high", "low", "close")]


@given(any_market(least=30, most=150, gaps=False, unknown=False))
def test_strength_is_the_adx_of_ta_lib(frame):
    expected = talib.ADX(*columns(frame), timeperiod=PERIOD)
    np.testing.assert_allclose(strength(frame), expected, rtol=1e-6, atol=1e-6)


@given(any_market(least=30, most=150, gaps=False, unknown=False))
def test_the_size_of_the_balance_is_the_dx_of_ta_lib(frame):
    expected = talib.DX(*columns(frame), timeperiod=PERIOD)
    np.testing.assert_allclose(100 * np.abs(balance(frame)), expected, rtol=1e-6, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_strength_and_balance_are_those_of_wilders_book(seed):
    frame = walk(seed, 200)
    adx, balances = by_loop(frame, PERIOD)
    np.testing.assert_allclose(strength(frame), adx, rtol=1e-9)
    np.testing.assert_allclose(balance(frame), balances, rtol=1e-9, atol=1e-12)


@given(any_market(least=60, most=150, unknown=False))
def test_side_is_the_order_of_the_two_averages_by_their_recursion(frame):
    fast = slow = frame["close"].iloc[0]
    found = side(frame)
    for now, close in enumerate(frame["close"]):
        fast += (close - fast) * 2 / (FAST + 1)
        slow += (close - slow) * 2 / (SLOW + 1)
        assert np.isnan(found[now]) == (now < 4 * SLOW - 1)
        if now >= 4 * SLOW - 1 and abs(fast / slow - 1) > 1e-8:
            assert found[now] == np.sign(fast - slow)


@given(st.integers(0, 2**32 - 1))
def test_side_is_the_order_of_ta_libs_averages(seed):
    """Which begin elsewhere: where the two are nearly equal that still may show."""
    frame = walk(seed, 400)
    close = frame["close"].to_numpy()
    gap = talib.EMA(close, FAST) / talib.EMA(close, SLOW) - 1
    clear = (np.arange(400) >= 8 * SLOW) & (np.abs(gap) > 1e-6)
    np.testing.assert_array_equal(side(frame)[clear], np.sign(gap[clear]))


@pytest.mark.parametrize(("last", "expected"), [(200.0, 1.0), (50.0, -1.0)])
def test_a_steady_move_is_a_trend_of_full_strength_to_its_side(last, expected):
    frame = market(np.linspace(100, last, 60))
    assert strength(frame)[-1] == pytest.approx(100.0)
    assert balance(frame)[-1] == pytest.approx(expected)
    assert side(frame)[-1] == expected


@pytest.mark.parametrize("price", [7.0, 0.1, 60_123.45])
def test_a_price_that_never_moves_has_no_trend_and_no_side(price):
    frame = market(np.full(90, price), spread=0.0)
    assert strength(frame)[-1] == 0
    assert balance(frame)[-1] == 0
    assert set(side(frame)[4 * SLOW - 1 :]) == {0}


@pytest.mark.parametrize("seed", range(5))
def test_long_after_the_last_move_the_averages_are_equal_whatever_is_left_of_rounding(seed):
    moving = walk(seed, 100)["close"].to_numpy()
    close = np.append(moving, np.full(50 * SLOW, moving[-1] * 1.01))
    found = side(market(close))
    assert found[99 + SLOW] != 0
    assert set(found[-20 * SLOW :]) == {0}


@pytest.mark.parametrize("function", [strength, balance, side])
def test_a_coin_that_costs_next_to_nothing_has_the_same_trend(function):
    """TA-Lib before 0.8 took a range below 1e-14 for none."""
    frame = walk(4, 120)
    tiny = frame.assign(**{name: frame[name] * 1e-16 for name in ("high", "low", "close")})
    np.testing.assert_allclose(function(tiny), function(frame), rtol=1e-6)


@given(any_market(least=40, most=150))
def test_only_candles_with_prices_are_looked_at_and_the_frame_is_left_alone(frame):
    before = frame.copy(deep=True)
    prices = trend.priced(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert prices.index.tolist() == frame.index[frame["close"].notna()].tolist()
    assert trend.has_prices(frame).tolist() == frame["close"].notna().tolist()


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("column", ["high", "low", "close"])
def test_a_price_that_is_no_positive_number_counts_as_none(column, bad):
    frame = walk(1, 40)
    frame.loc[20, column] = bad
    assert trend.has_prices(frame).tolist() == [row != 20 for row in range(40)]


@pytest.mark.parametrize("function", [strength, balance, side])
@pytest.mark.parametrize("rows", [0, 1, PERIOD])
def test_hardly_any_candles_are_unknown_and_no_error(function, rows):
    assert np.isnan(function(walk(1, rows))).all()
    assert len(function(walk(1, rows))) == rows


def test_once_known_the_averages_no_longer_show_where_the_history_began():
    """The first price weighs about e⁻⁸ by then."""
    prices = trend.priced(walk(2, 300))
    other = prices.copy()
    other.iloc[0] *= 1.05
    one, two = (frame["close"].ewm(span=SLOW, adjust=False).mean() for frame in (prices, other))
    first_known = np.flatnonzero(~np.isnan(side(walk(2, 300))))[0]
    assert abs(one / two - 1).iloc[first_known] < 0.05 * 5e-4


def test_side_turns_with_the_market():
    close = np.concatenate([np.linspace(100, 150, 60), np.linspace(150, 100, 60)])
    assert (side(market(close))[59], side(market(close))[-1]) == (1, -1)
