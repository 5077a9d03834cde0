"""What every module of candles owes its callers."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import (
    garch,
    profile,
    regime,
    scores,
    shocks,
    stress,
    thresholds,
    turns,
    volatility,
)
from gridkit.prediction import features
from gridkit.settings import Settings
from strategies import START, any_market


@dataclass(frozen=True)
class Module:
    """A module, the candles it is made for, and how many of them a test may take."""

    module: ModuleType
    timeframe: str
    rows: int = 140

    @property
    def seconds(self) -> int:
        return candles.seconds_of(self.timeframe)

    def compute(self, market: pd.DataFrame) -> pd.DataFrame:
        return self.module.compute(market, QUICK)

    def warmup(self) -> int:
        return self.module.warmup(QUICK, self.seconds)


MODULES = {
    "features": Module(features, "5m", rows=250),
    "garch": Module(garch, "1h", rows=620),
    "profile": Module(profile, "5m"),
    "regime": Module(regime, "1h"),
    "scores": Module(scores, "5m", rows=250),
    "shocks": Module(shocks, "1h"),
    "stress": Module(stress, "1h", rows=250),
    "thresholds": Module(thresholds, "1h", rows=250),
    "turns": Module(turns, "1h"),
    "volatility": Module(volatility, "5m"),
}
QUICK = Settings.model_validate(
    {
        "volatility": {
            "window_hours": 4,
            "ewma_half_life_hours": 2,
            "atr_period": 5,
            "garch": {"window_hours": 500, "refit_hours": 24},
        },
        "regime": {
            "adx_period": 5,
            "ema_fast": 4,
            "ema_slow": 12,
            "atr_period": 5,
            "bollinger_period": 5,
            "window_days": 2,
        },
        "stress": {"window_days": 7},
        "profile": {"days": 0.25},
        "thresholds": {"atr_hours": 4, "window_days": 7},
        "exits": {"atr_period": 5},
        "confluence": {
            "periods": {"averages": [3, 5, 12], "smooth": 4, "oscillator": 4, "macd": [3, 5, 3]},
            "funding_days": 7,
        },
    }
)
# Without a number there is still a class of market, and a threshold is as it was set.
NEVER_UNKNOWN = {"regime_code": 0, "thresholds_multiplier": 1.0}
each_module = pytest.mark.parametrize("name", MODULES)


@each_module
@given(data=st.data())
def test_the_past_does_not_change_when_the_future_arrives(name, data):
    one = MODULES[name]
    market = data.draw(any_market(least=2, most=one.rows, timeframe=one.timeframe))
    now = round(data.draw(st.floats(0.0, 1.0)) * len(market))
    then, later = one.compute(market.iloc[:now]), one.compute(market).iloc[:now]
    pd.testing.assert_frame_equal(then, later, rtol=1e-6, atol=1e-9)


@each_module
def test_no_candle_changes_by_those_after_it(name):
    """The same at each candle after the warm-up in turn, as the first known is easily missed."""
    one = MODULES[name]
    rows = one.warmup() + 20
    market = regular(rows, one.timeframe)
    later = one.compute(market)
    for now in range(max(1, rows - 40), rows):
        then = one.compute(market.iloc[:now])
        pd.testing.assert_frame_equal(then, later.iloc[:now], rtol=1e-6, atol=1e-9)


@each_module
@given(data=st.data())
def test_the_answer_is_new_columns_on_the_same_index_and_the_input_is_left_alone(name, data):
    market = data.draw(any_market(most=140, timeframe=MODULES[name].timeframe))
    market.index = market.index + 7
    before = market.copy(deep=True)
    columns = MODULES[name].compute(market)
    pd.testing.assert_frame_equal(market, before)
    assert columns.index.equals(market.index)
    assert not set(columns) & set(market)
    assert all(column.startswith(f"{name}_") for column in columns)


@each_module
@given(data=st.data())
def test_no_number_is_infinite_or_made_up_for_a_candle_without_a_price(name, data):
    one = MODULES[name]
    market = data.draw(any_market(most=one.rows, timeframe=one.timeframe))
    columns = one.compute(market)
    assert not np.isinf(columns.to_numpy("float64")).any()
    assert all_unknown(columns[market["close"].isna()])


# The profile's bins stand on a grid of their own; its tests say what a scale does to it.
@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"profile"}))
@given(data=st.data(), power=st.sampled_from((-20, -3, 1, 10)))
def test_prices_on_another_scale_change_no_number_without_a_unit(name, data, power):
    one = MODULES[name]
    market = data.draw(any_market(most=one.rows, timeframe=one.timeframe))
    # A power of two leaves every ratio as it was to the last bit.
    scale = 2.0**power
    prices = market[["open", "high", "low", "close"]] * scale
    scaled = one.compute(market.assign(**prices))
    expected = one.compute(market)
    priced = [column for column in expected if column in IN_QUOTE]
    expected[priced] *= scale
    pd.testing.assert_frame_equal(scaled, expected, rtol=1e-5, atol=1e-6)


IN_QUOTE = ["turns_atr"]
PRICES = [f"profile_{name}" for name in ("poc", "vah", "val", "node_above", "node_below")]


@each_module
@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_candles_are_unknown_and_no_error(name, rows):
    market = regular(rows, MODULES[name].timeframe)
    columns = MODULES[name].compute(market)
    assert len(columns) == rows
    assert all_unknown(columns)


@each_module
def test_candles_without_any_price_are_unknown_and_no_error(name):
    market = regular(60, MODULES[name].timeframe)
    market[["open", "high", "low", "close"]] = np.nan
    assert all_unknown(MODULES[name].compute(market))


@each_module
@pytest.mark.parametrize("spoil", ["standing", "untraded"])
def test_standing_prices_and_candles_without_trade_are_no_error(name, spoil):
    one = MODULES[name]
    market = regular(one.warmup() + 5, one.timeframe)
    if spoil == "standing":
        market[["open", "high", "low", "close"]] = 100.0
    else:
        market["volume"] = 0.0
    assert not np.isinf(one.compute(market).to_numpy("float64")).any()


@each_module
@pytest.mark.parametrize("spoil", ["unsorted", "twice", "no close", "no date"])
def test_what_is_no_frame_of_candles_is_refused(name, spoil):
    market = regular(60, MODULES[name].timeframe)
    spoilt = {
        "unsorted": market.iloc[::-1],
        "twice": pd.concat([market, market.iloc[-1:]], ignore_index=True),
        "no close": market.drop(columns="close"),
        "no date": market.drop(columns="date"),
    }[spoil]
    with pytest.raises(ValueError, match=r"candles"):
        MODULES[name].compute(spoilt)


@each_module
def test_everything_is_known_after_the_warmup_and_not_one_candle_before(name):
    """GARCH is fitted at fixed hours: it is known so late where the worst of them is the first."""
    one, last_unknown = MODULES[name], []
    for begin in range(QUICK.volatility.garch.refit_hours if name == "garch" else 1):
        market = regular(one.warmup() + 20 + begin, one.timeframe).iloc[begin:]
        known = whole(one.compute(market).drop(columns=MAY_BE_ABSENT, errors="ignore"))
        last_unknown.append(int(np.flatnonzero(~known)[-1]))
    assert max(last_unknown) == one.warmup() - 2


# No funding without a feed of it; no node above the highest price.
MAY_BE_ABSENT = ["scores_crypto", "profile_node_above", "profile_node_below"]


@each_module
def test_columns_are_small(name):
    columns = MODULES[name].compute(regular(60, MODULES[name].timeframe))
    kinds = {kind.name for kind in columns.dtypes}
    assert kinds <= {"float32", "float64", "int8"}
    wide = [column for column in columns if columns[column].dtype == "float64"]
    assert set(wide) <= set(PRICES)


def all_unknown(columns: pd.DataFrame) -> bool:
    """Nothing known: NaN, or in whole numbers 0."""
    return all(
        columns[name].isna().all() or (columns[name] == NEVER_UNKNOWN.get(name, 0)).all()
        for name in columns
    )


def whole(columns: pd.DataFrame) -> pd.Series:
    """Which rows have every number."""
    return columns.notna().all(axis=1)


def regular(rows: int, timeframe: str = "5m") -> pd.DataFrame:
    """A seeded random walk of candles without gaps."""
    noise = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.002, rows)))
    width = np.exp(np.abs(noise.normal(0, 0.001, (2, rows))))
    opened = np.concatenate([[100.0], close[:-1]])[:rows]
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(timeframe) * np.arange(rows),
            "open": opened,
            "high": np.maximum(opened, close) * width[0],
            "low": np.minimum(opened, close) / width[1],
            "close": close,
            "volume": noise.uniform(1.0, 2.0, rows),
        }
    )
