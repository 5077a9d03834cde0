import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import trend
from gridkit.settings import Settings, TrendSettings
from strategies import START, any_market

PERIOD = 5
QUICK = Settings(trend=TrendSettings(adx_period=PERIOD, ema_fast=4, ema_slow=12))


def market(close: np.ndarray, spread: float = 0.001) -> pd.DataFrame:
    dates = START + pd.Timedelta("1h") * np.arange(len(close))
    high, low = close * (1 + spread), close * (1 - spread)
    return pd.DataFrame({"date": dates, "high": high, "low": low, "close": close})


def side(close: np.ndarray) -> np.ndarray:
    return trend.compute(market(close), QUICK)["trend_side"].to_numpy()


def adx_by_loop(frame: pd.DataFrame, period: int) -> np.ndarray:
    """Wilder's ADX as his book tells it: sums smoothed by taking a part away and adding the new."""
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    up = np.diff(high)
    down = -np.diff(low)
    plus = np.where((up > down) & (up > 0), up, 0.0)
    minus = np.where((down > up) & (down > 0), down, 0.0)
    before = close[:-1]
    true_range = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    ranges, rises, falls = (sum(part[: period - 1]) for part in (true_range, plus, minus))
    found, spreads, average = np.full(len(close), np.nan), [], 0.0
    for now in range(period - 1, len(true_range)):
        ranges += true_range[now] - ranges / period
        rises += plus[now] - rises / period
        falls += minus[now] - falls / period
        both = rises + falls
        spreads.append(100 * abs(rises - falls) / both if both > 0 else 0.0)
        if len(spreads) == period:
            average = sum(spreads) / period
        elif len(spreads) > period:
            average += (spreads[-1] - average) / period
        if len(spreads) >= period:
            found[now + 1] = average
    return found


@given(any_market(least=30, most=150, gaps=False, unknown=False))
def test_strength_is_the_adx_of_ta_lib(frame):
    columns = (frame[name].to_numpy() for name in ("high", "low", "close"))
    expected = talib.ADX(*columns, timeperiod=PERIOD).astype("float32")
    found = trend.compute(frame, QUICK)["trend_strength"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_strength_is_the_adx_of_wilders_book(seed):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 200)))
    frame = market(close, spread=0.004)
    found = trend.compute(frame, QUICK)["trend_strength"].to_numpy()
    np.testing.assert_allclose(found, adx_by_loop(frame, PERIOD), rtol=1e-4, atol=1e-3)


@given(any_market(least=30, most=150, unknown=False))
def test_side_is_the_order_of_the_two_averages_by_their_recursion(frame):
    fast = slow = frame["close"].iloc[0]
    found = trend.compute(frame, QUICK)["trend_side"].to_numpy()
    for now, close in enumerate(frame["close"]):
        fast += (close - fast) * 2 / (4 + 1)
        slow += (close - slow) * 2 / (12 + 1)
        if now >= 11 and abs(fast / slow - 1) > 1e-12:
            assert found[now] == np.sign(fast - slow)
        assert np.isnan(found[now]) == (now < 11)


def test_a_steady_rise_is_a_trend_of_full_strength_upwards():
    columns = trend.compute(market(np.linspace(100, 200, 60)), QUICK)
    assert columns["trend_strength"].iloc[-1] == pytest.approx(100.0)
    assert columns["trend_side"].iloc[-1] == 1


def test_a_steady_fall_is_the_same_downwards():
    columns = trend.compute(market(np.linspace(200, 100, 60)), QUICK)
    assert columns["trend_strength"].iloc[-1] == pytest.approx(100.0)
    assert columns["trend_side"].iloc[-1] == -1


def test_a_price_that_never_moves_has_no_trend_and_no_side():
    columns = trend.compute(market(np.full(60, 7.0), spread=0.0), QUICK)
    assert columns.iloc[-1].tolist() == [0.0, 0.0]


@given(any_market(least=40, most=150, gaps=False))
def test_candles_without_prices_are_left_out_as_if_they_had_not_been(frame):
    whole = frame.dropna()
    found = trend.compute(frame, QUICK).loc[whole.index]
    pd.testing.assert_frame_equal(found, trend.compute(whole, QUICK))


def test_after_the_warmup_the_start_of_the_history_no_longer_shows():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.01, 4_000)))
    needed = trend.warmup(Settings(), 3_600)
    frame = market(close, spread=0.004)
    late = frame.iloc[len(frame) - needed :]
    now = trend.compute(late, Settings()).iloc[-1]
    always = trend.compute(frame, Settings()).iloc[-1]
    np.testing.assert_allclose(now, always, rtol=1e-3)


def test_side_turns_with_the_market():
    close = np.concatenate([np.linspace(100, 150, 60), np.linspace(150, 100, 60)])
    assert (side(close)[59], side(close)[-1]) == (1, -1)
