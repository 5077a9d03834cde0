import math

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import regime_composite, trend
from gridkit.settings import RegimeSettings, Settings, VolatilitySettings
from strategies import START

FAST, SLOW, PERIOD, HOURS = 6, 20, 5, 4
KNOWN = 4 * SLOW - 1
QUICK = Settings(
    regime=RegimeSettings(ema_fast=FAST, ema_slow=SLOW, adx_period=PERIOD),
    volatility=VolatilitySettings(window_hours=HOURS),
)


def market(close: np.ndarray, spread: float = 0.002) -> pd.DataFrame:
    dates = START + pd.Timedelta("1h") * np.arange(len(close))
    opened = np.append(close[:1], close[:-1])
    return pd.DataFrame(
        {
            "date": dates,
            "high": np.maximum(opened, close) * (1 + spread),
            "low": np.minimum(opened, close) / (1 + spread),
            "close": close,
        }
    )


def walk(seed: int, rows: int = 300, sigma: float = 0.01) -> pd.DataFrame:
    return market(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, sigma, rows))))


def measure(frame: pd.DataFrame, settings: Settings = QUICK) -> pd.DataFrame:
    return regime_composite.measure(trend.priced(frame), candles.times(frame), settings)


def averages(values: np.ndarray, span: int) -> np.ndarray:
    found = [values[0]]
    for value in values[1:]:
        found.append(found[-1] + (value - found[-1]) * 2 / (span + 1))
    return np.array(found)


def gap_deviation_by_sum(fast: int, slow: int) -> float:
    """Each step's weight, squared: what of it the slow average still lacks, less the fast one."""
    ages = np.arange(1, 40 * slow)
    return math.sqrt(np.sum(((1 - 2 / (slow + 1)) ** ages - (1 - 2 / (fast + 1)) ** ages) ** 2))


def parts_by_loop(frame: pd.DataFrame) -> np.ndarray:
    """Slope, gap and direction, from averages of the log price itself. Shape (3, n)."""
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    logs = np.log(close / close[0])
    fast, slow = averages(logs, FAST), averages(logs, SLOW)
    deviation = np.sqrt(averages(np.diff(logs, prepend=0.0) ** 2, SLOW))
    deviation[deviation == 0] = np.inf
    slope = np.diff(fast, prepend=0.0) / (deviation / math.sqrt(FAST))
    gap = (fast - slow) / (deviation * gap_deviation_by_sum(FAST, SLOW))
    rising = talib.PLUS_DI(high, low, close, timeperiod=PERIOD)
    falling = talib.MINUS_DI(high, low, close, timeperiod=PERIOD)
    direction = (rising - falling) / (rising + falling)
    return np.array([np.clip(slope / 3, -1, 1), np.clip(gap / 3, -1, 1), direction])


@given(st.integers(0, 2**32 - 1), st.sampled_from((0.0005, 0.01, 0.05)))
def test_score_and_confidence_are_those_of_the_averages_of_the_log_price(seed, sigma):
    frame = walk(seed, sigma=sigma)
    parts = parts_by_loop(frame)[:, KNOWN:]
    found = measure(frame).iloc[KNOWN:]
    np.testing.assert_allclose(found["score"], parts.mean(axis=0), rtol=1e-6, atol=1e-9)
    agreement = np.abs(parts.sum(axis=0)) / np.abs(parts).sum(axis=0)
    np.testing.assert_allclose(found["confidence"], agreement, rtol=1e-6, atol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_all_stay_within_their_bounds_and_are_known_once_the_averages_have_settled(seed):
    found = measure(walk(seed))
    known = found.dropna()
    assert known["score"].between(-1, 1).all()
    assert known["strength"].between(0, 1).all()
    assert known["confidence"].between(0, 1).all()
    assert (known["volatility"] > 0).all()
    for name in ("score", "confidence"):
        assert found[name].isna().tolist() == [now < KNOWN for now in range(len(found))]


@given(st.integers(0, 2**32 - 1))
def test_the_mirrored_market_has_the_opposite_score_and_the_same_confidence(seed):
    """Wilder's movements are differences of prices, so nearly: only logarithms mirror exactly."""
    frame = walk(seed, sigma=0.0003)
    mirror = frame.assign(
        close=1e4 / frame["close"], high=1e4 / frame["low"], low=1e4 / frame["high"]
    )
    found, mirrored = measure(frame), measure(mirror)
    np.testing.assert_allclose(mirrored["score"], -found["score"], atol=0.03)
    np.testing.assert_allclose(mirrored["volatility"], found["volatility"], rtol=1e-9)


@pytest.mark.parametrize(("fast", "slow"), [(2, 3), (6, 20), (50, 200), (399, 400)])
def test_the_deviation_of_the_gap_is_the_root_of_the_squared_weights(fast, slow):
    found = regime_composite.gap_deviation(fast, slow)
    assert found == pytest.approx(gap_deviation_by_sum(fast, slow), rel=1e-7)


def test_the_deviation_of_the_gap_is_that_of_simulated_walks():
    walks = np.cumsum(np.random.default_rng(1).normal(0, 1, (4_000, 200)), axis=1)
    fast, slow = (averages(walks.T, span)[-1] for span in (FAST, SLOW))
    expected = regime_composite.gap_deviation(FAST, SLOW)
    assert np.std(fast - slow) == pytest.approx(expected, rel=4 / math.sqrt(8_000))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_steady_move_is_full_strength_and_certain(sign):
    last = measure(market(100 * np.exp(sign * 0.01 * np.arange(400.0)), spread=0.0)).iloc[-1]
    slope = math.sqrt(FAST)  # each step is the deviation: the average of steps is one of them
    gap = (SLOW - FAST) / 2 / regime_composite.gap_deviation(FAST, SLOW)
    parts = [min(1.0, slope / 3), min(1.0, gap / 3), 1.0]
    assert last["strength"] == 1
    assert last["score"] == pytest.approx(sign * np.mean(parts))
    assert last["confidence"] == pytest.approx(1.0)
    assert last["volatility"] == pytest.approx(0.01 * math.sqrt(24 * 365))


@pytest.mark.parametrize("quiet", [200, 5_000, 60_000])
def test_once_prices_stand_still_only_the_direction_remembers_and_rounding_is_no_trend(quiet):
    moving = walk(3)["close"].to_numpy()
    frame = market(np.append(moving, np.full(quiet, moving[-1])), spread=0.0)
    last = measure(frame).iloc[-1]
    direction = trend.balance(trend.priced(frame), PERIOD)[-1]
    assert last["score"] == pytest.approx(direction / 3, abs=1e-3)
    assert abs(last["score"]) < RegimeSettings().trend_score
    assert last["volatility"] == pytest.approx(0, abs=1e-7)


def test_a_price_that_never_moved_has_no_score_and_no_confidence_in_one():
    last = measure(market(np.full(200, 0.1), spread=0.0)).iloc[-1]
    assert last.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("sigma", [0.001, 0.01])
def test_a_market_without_a_trend_seldom_looks_like_one(sigma):
    """At the default cuts about one hour in seven, however volatile it is."""
    rules = RegimeSettings()
    found = measure(walk(9, rows=40_000, sigma=sigma), Settings()).dropna()
    sure = found["confidence"] > rules.trend_confidence
    assert (sure & (found["score"].abs() > rules.trend_score)).mean() == pytest.approx(
        0.14, abs=0.04
    )
    assert found["score"].mean() == pytest.approx(0, abs=0.03)


def test_the_volatility_is_that_of_the_window_that_is_set():
    frame = walk(2)
    returns = np.diff(np.log(frame["close"].to_numpy()))
    for hours in (4, 48):
        settings = QUICK.model_copy(update={"volatility": VolatilitySettings(window_hours=hours)})
        expected = math.sqrt(np.mean(returns[-hours:] ** 2) * 24 * 365)
        assert measure(frame, settings)["volatility"].iloc[-1] == pytest.approx(expected)


def test_strength_is_the_adx_of_which_fifty_is_full():
    frame = walk(7)
    adx = trend.strength(trend.priced(frame), PERIOD)
    np.testing.assert_allclose(measure(frame)["strength"], np.minimum(adx / 50, 1))
    assert (adx > 50).any()
