"""Candles of one timeframe beside those of another, against freqtrade's own merge."""

import numpy as np
import pandas as pd
import pytest
from freqtrade.strategy import merge_informative_pair
from hypothesis import assume, given
from hypothesis import strategies as st

from gridkit.candles import seconds_of
from gridkit.host import timeframes

START = pd.Timestamp("2025-01-01", tz="UTC")
OLD = 2  # lengths after which a candle that closed says nothing of now
PAIRS_OF_TIMEFRAMES = [("5m", "1h"), ("5m", "5m"), ("15m", "4h"), ("1h", "1d"), ("1m", "5m")]


def frame(timeframe, places):
    """Candles at these places of a regular row, the close saying which one it is."""
    length = pd.Timedelta(seconds=seconds_of(timeframe))
    dates = pd.DatetimeIndex([START + length * place for place in places]).as_unit("ms")
    return pd.DataFrame({"date": dates, "close": np.asarray(places, "float64")})


def beside(base, base_timeframe, other, timeframe):
    found = timeframes.last_closed(base, seconds_of(base_timeframe), other, seconds_of(timeframe))
    return timeframes.taken(other[["close"]], found, base.index)["close"]


places = st.lists(st.integers(0, 90), min_size=1, unique=True).map(sorted)


@given(st.sampled_from(PAIRS_OF_TIMEFRAMES), st.integers(0, 200), st.integers(60, 200), places)
def test_on_candles_without_gaps_it_is_what_freqtrades_merge_gives(pair, first, count, others):
    """Where its own candles have gaps freqtrade leaves out what closed in them."""
    base, timeframe = pair
    own, other = frame(base, range(first, first + count)), frame(timeframe, others)
    merged = merge_informative_pair(own, other, base, timeframe, ffill=True)
    expected = merged[f"close_{timeframe}"].to_numpy()
    closed = START + pd.Timedelta(seconds=seconds_of(timeframe)) * pd.Series(expected + 1)
    age = own["date"] + pd.Timedelta(seconds=seconds_of(base)) - closed
    fresh = age <= OLD * pd.Timedelta(seconds=seconds_of(timeframe))
    assume(np.isfinite(expected).any())  # without one in their time it fills nothing in
    found = beside(own, base, other, timeframe)
    np.testing.assert_array_equal(found, np.where(fresh, expected, np.nan))
    seconds = seconds_of(base), seconds_of(timeframe)
    late = timeframes.late(own, seconds[0], other, seconds[1])
    assert late == np.isnan(found[np.isfinite(expected)]).sum()


@given(st.sampled_from(PAIRS_OF_TIMEFRAMES), places, places)
def test_each_candle_sees_the_last_one_that_had_closed_when_it_closed_itself(pair, own, others):
    base, timeframe = pair
    first, second = frame(base, own), frame(timeframe, others)
    found = beside(first, base, second, timeframe)
    length = pd.Timedelta(seconds=seconds_of(timeframe))
    for date, value in zip(first["date"], found, strict=True):
        close = date + pd.Timedelta(seconds=seconds_of(base))
        closes = second["date"] + length
        closed = second[(closes <= close) & (close - closes <= OLD * length)]
        assert value == closed["close"].iloc[-1] if len(closed) else np.isnan(value)


def test_a_slower_strategy_sees_the_faster_candle_that_closed_with_it():
    found = beside(frame("4h", [0, 1]), "4h", frame("1h", range(8)), "1h")
    assert list(found) == [3.0, 7.0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_dtypes_stay_and_what_is_not_there_is_nan_or_0(dtype):
    columns = pd.DataFrame({"one": np.array([7, 8], dtype=dtype)})
    found = timeframes.taken(columns, np.array([-1, 0, 1, 1]), pd.RangeIndex(10, 14))
    absent = 0 if dtype == "int8" else np.nan
    assert found["one"].dtype == dtype
    np.testing.assert_array_equal(found["one"], [absent, 7, 8, 8])
    assert list(found.index) == [10, 11, 12, 13]


def test_a_row_that_says_unknown_stays_so():
    columns = pd.DataFrame({"one": [1.0, np.nan]})
    found = timeframes.taken(columns, np.array([0, 1, 1]), pd.RangeIndex(3))
    np.testing.assert_array_equal(found["one"], [1.0, np.nan, np.nan])


@pytest.mark.parametrize(("own", "others"), [([], [1, 2]), ([1, 2], []), ([], [])])
def test_without_candles_there_is_nothing_to_see(own, others):
    found = beside(frame("5m", own), "5m", frame("1h", others), "1h")
    assert len(found) == len(own)
    assert found.isna().all()
