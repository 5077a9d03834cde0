"""Nodes, swing points and averages, hour by hour."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import hourly_nodes, profile, supports
from gridkit.analytics.hourly_nodes import Traded
from gridkit.settings import Settings
from strategies import START, any_market

HOUR = 3_600
BEGIN = START.timestamp()
# A profile of six hours and swing points of three candles each side, of which there are many.
SHORT = Settings(profile={"days": 0.25}, density={"swing_candles": 3})
TIMEFRAMES = {"5m": 300, "15m": 900, "1h": HOUR}


def candles_of(closes, timeframe="5m", spread=0.0, volume=1.0):
    closes = np.asarray(closes, "float64")
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(timeframe) * np.arange(len(closes)),
            "open": closes,
            "high": closes * (1 + spread),
            "low": closes * (1 - spread),
            "close": closes,
            "volume": volume,
        }
    )


def last(frame, settings=SHORT, seconds=300):
    moment = frame["date"].iloc[-1].timestamp() + seconds
    return supports.survey(frame, settings, seconds).at(moment)


def until(frame, moment, seconds):
    """The candles that have closed by a moment."""
    return frame[frame["date"].map(pd.Timestamp.timestamp) + seconds <= moment]


# -- swing points -----------------------------------------------------------------------------


def swings_by_loop(frame, reach):
    found = set()
    for row in range(reach, len(frame) - reach):
        part = frame.iloc[row - reach : row + reach + 1]
        here = frame.iloc[row]
        if here["high"] > 0 and here["high"] == part["high"].max():
            found.add(here["high"])
        if here["low"] > 0 and here["low"] == part["low"].min():
            found.add(here["low"])
    return found


def test_the_highest_and_the_lowest_of_their_neighbours_are_swing_points():
    closes = [10, 11, 12, 13, 12, 11, 10, 9, 10, 11, 12, 12, 12]
    found = last(candles_of(closes))
    assert found.levels == (9.0, 13.0)


def test_a_swing_point_is_known_so_many_candles_later():
    closes = np.concatenate([np.arange(10.0, 34.0), np.arange(33.0, 9.0, -1.0)])
    frame = candles_of(closes)
    survey = supports.survey(frame, SHORT, 300)
    top = int(np.argmax(closes))
    known = BEGIN + 300 * (top + 3 + 1)
    hour = math.ceil(known / HOUR) * HOUR
    assert closes[top] not in survey.at(hour - 1).levels
    assert closes[top] in survey.at(hour).levels


@given(any_market(least=40, most=80))
def test_swing_points_are_those_of_the_loop(frame):
    long = Settings(profile={"days": 30}, density={"swing_candles": 3})
    moment = math.floor((frame["date"].iloc[-1].timestamp() + 300) / HOUR) * HOUR
    wanted = swings_by_loop(until(frame, moment, 300), 3)
    assert set(supports.survey(frame, long, 300).at(moment).levels) == wanted


def test_swing_points_older_than_the_profile_are_forgotten():
    closes = [10, 11, 12, 13, 12, 11, 10, *[10.5] * 89]
    survey = supports.survey(candles_of(closes), SHORT, 300)
    assert 13.0 in survey.at(BEGIN + 5 * HOUR).levels
    assert 13.0 not in survey.at(BEGIN + 8 * HOUR).levels


# -- averages ---------------------------------------------------------------------------------


def test_averages_are_means_of_the_closes_of_50_and_of_200_hours():
    closes = 100.0 + np.cumsum(np.random.default_rng(1).normal(0, 0.1, 250))
    frame = candles_of(closes, "1h")
    far = Settings(profile={"days": 0.25}, density={"swing_candles": 200})
    survey = supports.survey(frame, far, HOUR)
    assert survey.at(BEGIN + 49 * HOUR).levels == ()
    assert survey.at(BEGIN + 50 * HOUR).levels == pytest.approx((closes[:50].mean(),))
    assert survey.at(BEGIN + 250 * HOUR).levels == pytest.approx(
        sorted((closes[-50:].mean(), closes[-200:].mean()))
    )


def test_an_average_of_which_half_the_closes_are_missing_is_unknown():
    frame = candles_of(np.full(100, 10.0), "1h")
    frame["close"] = np.arange(100.0) + 10.0
    prices = ["open", "high", "low", "close"]
    frame.loc[frame.index % 2 == 0, prices] = np.nan
    far = Settings(profile={"days": 0.25}, density={"swing_candles": 200})
    assert last(frame, far, HOUR).levels == pytest.approx((frame["close"].iloc[50:].mean(),))
    frame.loc[75, prices] = np.nan
    assert last(frame, far, HOUR).levels == ()


# -- nodes ------------------------------------------------------------------------------------


@given(any_market(least=90, most=200), st.integers(0, 60))
def test_nodes_are_those_of_the_profile_at_that_hour(frame, back):
    """The outside judge: the profile of one row, worked out by itself."""
    moment = math.floor((frame["date"].iloc[-1 - back].timestamp() + 300) / HOUR) * HOUR
    past = until(frame, moment, 300)
    usable = (past["close"] > 0) & (past["date"].map(pd.Timestamp.timestamp) + 300 == moment)
    found = supports.survey(frame, SHORT, 300).at(moment).nodes
    if not len(past) or not usable.iloc[-1] or past["date"].iloc[0] != START:
        return
    histogram = profile.histogram(past.reset_index(drop=True), SHORT, len(past) - 1)
    wanted = () if histogram is None else profile.nodes(histogram, SHORT).high
    assert found == pytest.approx(wanted)


def test_the_price_at_which_most_was_traded_is_a_node():
    frame = candles_of([90.0] * 24 + [100.0] * 30 + [103.0] * 30 + [101.0] * 12)
    nodes = last(frame).nodes
    assert len(nodes) == 2
    assert nodes == pytest.approx((100.0, 103.0), rel=0.001)


def test_many_hours_are_the_same_in_chunks_of_any_size(monkeypatch):
    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.002, 600)))
    frame = candles_of(closes, spread=0.001)
    whole = supports.survey(frame, SHORT, 300).nodes
    monkeypatch.setattr(hourly_nodes, "CHUNK_HOURS", 7)
    parts = supports.survey(frame, SHORT, 300).nodes
    assert whole.starts.tolist() == parts.starts.tolist()
    assert whole.prices == pytest.approx(parts.prices)
    assert len(whole.prices) > 50


def test_a_price_far_from_all_others_does_not_widen_the_profile_without_end():
    frame = candles_of([100.0] * 100, spread=0.001)
    frame.loc[50, "low"] = 1e-7
    assert last(frame).nodes == pytest.approx((100.0,), rel=0.002)
    part = Traded(np.array([1e-7, 100.0, 100.0]), np.array([1e9] * 3), np.ones(3), np.arange(3))
    ends = hourly_nodes._edges(part, 0.001)[[0, -1]] / 100.0
    assert np.log(ends) == pytest.approx([-1.5, 1.5], abs=0.002)


def test_a_run_of_equal_bins_is_one_node_at_its_middle():
    volumes = np.array([[0.0, 2, 2, 2, 0, 5, 5], [1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0]])
    rows, bins = hourly_nodes._peaks(volumes, 0.3)
    assert list(zip(rows, bins, strict=True)) == [(0, 2), (0, 5), (1, 3)]


# -- what holds of any market -----------------------------------------------------------------


@given(any_market(least=100, most=160), st.integers(60, 99))
def test_what_was_known_does_not_change_when_candles_are_added(frame, now):
    moment = frame["date"].iloc[now - 1].timestamp() + 300
    then = supports.survey(frame.iloc[:now], SHORT, 300).at(moment)
    later = supports.survey(frame, SHORT, 300).at(moment)
    assert then.levels == later.levels
    assert then.nodes == pytest.approx(later.nodes)


@given(any_market(least=120, most=200, gaps=False), st.integers(1, 30))
def test_what_is_known_does_not_depend_on_where_the_candles_begin(frame, dropped):
    """A live bot sees fewer candles than a backtest; six hours and a half are enough of them."""
    moment = frame["date"].iloc[-1].timestamp() + 300
    whole = supports.survey(frame, SHORT, 300).at(moment)
    later = supports.survey(frame.iloc[dropped:], SHORT, 300).at(moment)
    assert whole.levels == later.levels
    assert whole.nodes == pytest.approx(later.nodes)


@given(any_market(least=90, most=150), st.integers(-20, 20))
def test_swing_points_and_averages_scale_with_prices(frame, doublings):
    factor = 2.0**doublings
    scaled = frame.copy()
    scaled[["open", "high", "low", "close"]] *= factor
    levels = last(frame).levels
    assert last(scaled).levels == tuple(factor * level for level in levels)


@given(any_market())
def test_everything_is_a_price_and_ascends(frame):
    before = frame.copy()
    found = last(frame)
    for prices in (found.nodes, found.levels):
        assert list(prices) == sorted(prices)
        assert all(0 < price < math.inf for price in prices)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h"])
def test_everything_is_known_after_the_warm_up(timeframe):
    seconds = TIMEFRAMES[timeframe]
    needed = supports.warmup(Settings(), seconds)
    assert needed == 200 * HOUR // seconds
    closes = 100.0 + np.sin(np.arange(needed) / 20.0)
    frame = candles_of(closes, timeframe, 0.001)
    survey = supports.survey(frame, Settings(), seconds)
    found = survey.at(BEGIN + needed * seconds)
    assert found.nodes
    assert not np.isnan(survey.averages[-1]).any()


@pytest.mark.parametrize("moment", [BEGIN - HOUR, BEGIN, BEGIN + 100 * HOUR])
def test_outside_the_candles_nothing_is_known(moment):
    found = supports.survey(candles_of([10.0] * 100), SHORT, 300).at(moment)
    assert found == supports.Supports()


def test_of_no_candles_nothing_is_known():
    assert supports.survey(candles_of([]), SHORT, 300).at(BEGIN) == supports.Supports()


def test_candles_without_trades_have_no_nodes():
    assert last(candles_of([10.0] * 100, volume=0.0)).nodes == ()
    nothing = Traded(np.empty(0), np.empty(0), np.empty(0), np.empty(0, "int64"))
    assert len(hourly_nodes.nodes(nothing, 10, SHORT.profile).prices) == 0
