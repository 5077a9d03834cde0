"""Outcomes: against a loop over moments, and what is neither decided nor known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridkit import candles
from gridkit.prediction import targets
from strategies import START, any_market

COST = 0.002


def market_of(closes, timeframe="5m"):
    close = np.asarray(closes, dtype="float64")
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(timeframe) * np.arange(len(close)),
            "open": close,
            "high": close,
            "low": close,
            "close": close,
            "volume": 1.0,
        }
    )


def by_loop(market, horizon, cost):
    """Of each candle move, up and weight, by looking the later one up by its date."""
    closes = {row.date: row.close for row in market.itertuples() if row.close > 0}
    for date in market["date"]:
        now, later = closes.get(date), closes.get(date + pd.Timedelta(horizon))
        if now is None or later is None:
            yield np.nan, np.nan, np.nan
        else:
            move = later / now - 1.0
            yield move, float(move > 0), float(move > cost or move < -cost)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "15m"])
@settings(max_examples=40)
@given(data=st.data(), cost=st.sampled_from([0.0, 0.0005, COST, 0.05]))
def test_targets_are_what_the_loop_says_on_any_length_of_candle(timeframe, data, cost):
    market = data.draw(any_market(timeframe=timeframe))
    found = targets.compute(market, cost)
    for horizon in targets.HORIZONS:
        columns = [f"target_{horizon}_{what}" for what in ("move", "up", "weight")]
        expected = np.array(list(by_loop(market, horizon, cost)))
        np.testing.assert_array_equal(found[columns].to_numpy(), expected)


def test_outcomes_in_the_dead_zone_weigh_nothing_and_are_no_nan():
    closes = [100.0, 100.0, 100.0, 100.19, 100.3, 99.7]
    found = targets.compute(market_of(closes), COST, ("15m",))
    assert found["target_15m_up"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert found["target_15m_weight"].tolist()[:3] == [0.0, 1.0, 1.0]


def test_rows_whose_future_is_not_known_yet_are_unknown():
    found = targets.compute(market_of(np.linspace(100, 120, 60)), COST)
    for horizon in targets.HORIZONS:
        unknown = min(60, targets.horizon_candles(horizon, "5m"))
        columns = found[[name for name in found if f"_{horizon}_" in name]]
        assert columns.iloc[60 - unknown :].isna().all(axis=None)
        assert columns.iloc[: 60 - unknown].notna().all(axis=None)


def test_a_move_past_a_missing_candle_is_not_that_of_its_neighbour():
    market = market_of(np.linspace(100, 120, 20))
    found = targets.moves(market.drop(index=10), "15m")
    assert np.flatnonzero(np.isnan(found)).tolist() == [7, 16, 17, 18]


@given(market=any_market(), power=st.sampled_from((-20, 3, 10)))
def test_the_input_is_left_alone_and_the_scale_of_prices_changes_nothing(market, power):
    before = market.copy(deep=True)
    found = targets.compute(market, COST)
    pd.testing.assert_frame_equal(market, before)
    prices = market[["open", "high", "low", "close"]] * 2.0**power
    pd.testing.assert_frame_equal(targets.compute(market.assign(**prices), COST), found)


def test_no_candles_have_no_targets():
    assert len(targets.compute(market_of([]), COST)) == 0


@pytest.mark.parametrize(("timeframe", "count"), [("1m", 240), ("5m", 48), ("1h", 4), ("4h", 1)])
def test_a_horizon_lasts_so_many_candles(timeframe, count):
    assert targets.horizon_candles("4h", timeframe) == count
    assert count * candles.seconds_of(timeframe) == candles.seconds_of("4h")


@pytest.mark.parametrize(("horizon", "timeframe"), [("15m", "1h"), ("1h", "25m")])
def test_a_horizon_that_is_no_whole_number_of_candles_is_refused(horizon, timeframe):
    with pytest.raises(ValueError, match="no whole number"):
        targets.horizon_candles(horizon, timeframe)
