import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import volatility
from gridkit.settings import Settings, SpacingSettings
from strategies import START, any_market

DAY = candles.SECONDS_PER_DAY
SHORT_WINDOW = Settings(spacing=SpacingSettings(volatility_hours=4))


def market(close: np.ndarray, timeframe: str = "5m") -> pd.DataFrame:
    dates = START + pd.Timedelta(timeframe) * np.arange(len(close))
    return pd.DataFrame({"date": dates, "close": close})


def daily(frame: pd.DataFrame, settings: Settings = SHORT_WINDOW) -> np.ndarray:
    return volatility.compute(frame, settings)["volatility_daily"].to_numpy()


def by_loop(close: np.ndarray, times: np.ndarray, window: float) -> np.ndarray:
    """The readable twin: walk back from each candle to the last price that is a window old."""
    found = np.full(len(close), np.nan)
    for now in range(len(close)):
        squares, last, back, prices = 0.0, now, now, 0
        while close[now] > 0 and back > 0 and times[now] - times[last] < window:
            back -= 1
            if close[back] > 0:
                squares += math.log(close[last] / close[back]) ** 2
                last, prices = back, prices + 1
        elapsed = times[now] - times[last]
        if elapsed >= window and 2 * prices >= now - last:
            found[now] = math.sqrt(squares / elapsed * DAY)
    return found


@given(any_market(most=150))
def test_volatility_equals_the_readable_loop(frame):
    close, times = frame["close"].to_numpy(), candles.times(frame)
    expected = by_loop(close, times, 4 * 3_600)
    np.testing.assert_allclose(daily(frame), expected, rtol=1e-6, atol=1e-7)


@given(st.integers(0, 2**32 - 1))
def test_without_gaps_volatility_is_the_textbook_root_mean_square(seed):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.003, 120)))
    returns = np.log(close[1:] / close[:-1])
    expected = [math.sqrt(np.mean(returns[now - 48 : now] ** 2) * 288) for now in range(48, 120)]
    np.testing.assert_allclose(daily(market(close))[48:], expected, rtol=1e-9)


@pytest.mark.parametrize(("timeframe", "days"), [("1m", 3), ("5m", 10), ("1h", 100)])
@pytest.mark.parametrize("sigma", [0.01, 0.04, 0.15])
def test_volatility_recovers_the_sigma_it_was_fed(timeframe, days, sigma):
    """At each timeframe alike, within four standard errors of the longest windows."""
    per_day = DAY // candles.seconds_of(timeframe)
    noise = np.random.default_rng(11).normal(0, sigma / math.sqrt(per_day), days * per_day)
    found = daily(market(100 * np.exp(np.cumsum(noise)), timeframe), Settings())
    mean_square = np.nanmean(found[per_day:] ** 2)
    standard_error = math.sqrt(2 / len(noise))
    assert mean_square == pytest.approx(sigma**2, rel=5 * standard_error + 0.02)


def test_a_price_that_never_moves_has_no_volatility():
    found = daily(market(np.full(120, 42.0)))
    assert (found[48:] == 0).all()


def test_volatility_is_zero_again_once_a_jump_has_left_the_window():
    found = daily(market(np.where(np.arange(200) < 60, 1.0, 5.0)))
    assert found[60 + 47] > 1
    assert (found[60 + 48 :] == 0).all()


def test_a_constant_return_is_the_volatility():
    found = daily(market(100 * np.exp(0.002 * np.arange(100))))
    np.testing.assert_allclose(found[48:], 0.002 * math.sqrt(288), rtol=1e-9)


@given(any_market(least=60, most=120), st.integers(-30, 30))
def test_volatility_does_not_depend_on_the_unit_of_price(frame, doublings):
    scaled = frame.assign(close=frame["close"] * 2.0**doublings)
    np.testing.assert_allclose(daily(scaled), daily(frame), rtol=1e-6, atol=1e-7)


def test_one_candle_without_a_price_makes_that_candle_unknown_and_no_other():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.002, 200)))
    close[100] = np.nan
    unknown = np.flatnonzero(np.isnan(daily(market(close))))
    assert unknown.tolist() == [*range(48), 100]


def test_a_window_mostly_without_prices_is_unknown():
    close = np.full(200, 100.0)
    close[60:90] = np.nan
    unknown = np.isnan(daily(market(close)))
    assert unknown[60:91].all()
    assert not unknown[-1]


def test_missing_candles_do_not_make_a_market_look_wilder():
    """The return across a hole counts for as long as the hole lasted."""
    walk = np.random.default_rng(7).normal(0, 0.002, 20_000)
    whole = market(100 * np.exp(np.cumsum(walk)))
    holes = whole[np.random.default_rng(8).random(len(whole)) < 0.6].reset_index(drop=True)
    ratio = np.nanmean(daily(holes) ** 2) / np.nanmean(daily(whole) ** 2)
    assert ratio == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_price_that_is_no_positive_number_counts_as_none(bad):
    close = np.full(120, 100.0)
    close[70] = bad
    found = daily(market(close))
    assert math.isnan(found[70])
    assert (found[71:] == 0).all()
