"""What every module of analytics owes its callers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import trend, volatility
from gridkit.settings import Settings, SpacingSettings, TrendSettings
from strategies import START, any_market

MODULES = {"trend": trend, "volatility": volatility}
SECONDS = 300
QUICK = Settings(
    spacing=SpacingSettings(volatility_hours=4),
    trend=TrendSettings(adx_period=5, ema_fast=4, ema_slow=12),
)
each_module = pytest.mark.parametrize("name", MODULES)


@each_module
@given(market=any_market(least=2, most=140), cut=st.floats(0.0, 1.0))
def test_the_past_does_not_change_when_the_future_arrives(name, market, cut):
    now = round(cut * len(market))
    then = MODULES[name].compute(market.iloc[:now], QUICK)
    later = MODULES[name].compute(market, QUICK).iloc[:now]
    pd.testing.assert_frame_equal(then, later, rtol=1e-9, atol=1e-12)


@each_module
def test_no_candle_changes_by_those_after_it(name):
    """The same at each candle in turn, as the first known one is easily missed."""
    market = regular(70)
    later = MODULES[name].compute(market, QUICK)
    for now in range(1, 70):
        then = MODULES[name].compute(market.iloc[:now], QUICK)
        pd.testing.assert_frame_equal(then, later.iloc[:now], rtol=1e-9, atol=1e-12)


@each_module
@given(market=any_market(most=140))
def test_the_answer_is_new_columns_on_the_same_index_and_the_input_is_left_alone(name, market):
    market.index = market.index + 7
    before = market.copy(deep=True)
    columns = MODULES[name].compute(market, QUICK)
    pd.testing.assert_frame_equal(market, before)
    assert columns.index.equals(market.index)
    assert not set(columns) & set(market)
    assert all(column.startswith(f"{name}_") for column in columns)


@each_module
@given(market=any_market(most=140))
def test_no_number_is_infinite_or_made_up_for_a_candle_without_a_price(name, market):
    columns = MODULES[name].compute(market, QUICK)
    assert not np.isinf(columns.to_numpy()).any()
    assert columns[market["close"].isna()].isna().all(axis=None)


@each_module
@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_candles_are_unknown_and_no_error(name, rows):
    market = regular(rows)
    columns = MODULES[name].compute(market, QUICK)
    assert len(columns) == rows
    assert columns.isna().all(axis=None)


@each_module
def test_candles_without_any_price_are_unknown_and_no_error(name):
    market = regular(60)
    market[["open", "high", "low", "close"]] = np.nan
    assert MODULES[name].compute(market, QUICK).isna().all(axis=None)


@each_module
def test_everything_is_known_after_the_warmup(name):
    needed = MODULES[name].warmup(QUICK, SECONDS)
    columns = MODULES[name].compute(regular(needed + 20), QUICK)
    assert columns.iloc[needed - 1 :].notna().all(axis=None)


def test_volatility_is_unknown_exactly_until_its_warmup():
    needed = volatility.warmup(QUICK, SECONDS)
    known = volatility.compute(regular(needed + 5), QUICK)["volatility_daily"].notna()
    assert known.tolist() == [False] * (needed - 1) + [True] * 6


@pytest.mark.parametrize(
    ("hours", "seconds", "candles"),
    [(24, 300, 289), (24, 60, 1_441), (24, 3_600, 25), (4, 7_000, 4)],
)
def test_the_warmup_of_volatility_is_its_window_and_the_candle_before(hours, seconds, candles):
    settings = Settings(spacing=SpacingSettings(volatility_hours=hours))
    assert volatility.warmup(settings, seconds) == candles


def regular(rows: int) -> pd.DataFrame:
    """A seeded random walk of 5m candles without gaps."""
    noise = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.002, rows)))
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(seconds=SECONDS) * np.arange(rows),
            "open": close,
            "high": close * 1.001,
            "low": close * 0.999,
            "close": close,
            "volume": 1.0,
        }
    )
