import math

import pandas as pd
import pytest
from hypothesis import given

from gridkit import candles
from strategies import START, any_market


@pytest.mark.parametrize(
    ("timeframe", "seconds"),
    [
        ("30s", 30),
        ("1m", 60),
        ("5m", 300),
        ("1h", 3_600),
        ("4h", 14_400),
        ("1d", 86_400),
        ("1w", 604_800),
    ],
)
def test_a_timeframe_lasts_as_long_as_it_says(timeframe, seconds):
    assert candles.seconds_of(timeframe) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "m", "0m", "05m", "-5m", "5 m", "1M", "5min", "1h\n", "\u0665m"]
)
def test_what_is_no_timeframe_is_refused_with_what_is_allowed(text):
    with pytest.raises(
        ValueError, match="is no timeframe; allowed are numbers with s, m, h, d or w"
    ):
        candles.seconds_of(text)


@given(any_market())
def test_a_frame_of_candles_passes_the_check(market):
    candles.check(market)


@pytest.mark.parametrize("column", ["date", *candles.OHLCV])
def test_a_missing_column_is_named(column):
    frame = pd.DataFrame({"date": [START], **dict.fromkeys(candles.OHLCV, 1.0)})
    with pytest.raises(ValueError, match=f"no column {column}"):
        candles.check(frame.drop(columns=column))


@pytest.mark.parametrize("minutes", [(0, 10, 5), (0, 5, 5)])
def test_candles_out_of_order_or_twice_are_refused(minutes):
    dates = [START + pd.Timedelta(minutes=minute) for minute in minutes]
    frame = pd.DataFrame({"date": dates, **dict.fromkeys(candles.OHLCV, 1.0)})
    with pytest.raises(ValueError, match="ascending order of time, each once"):
        candles.check(frame)


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", None])
def test_times_are_seconds_utc_whatever_the_dates_are_kept_in(unit, zone):
    dates = pd.Series(pd.date_range(START, periods=3, freq="5min")).dt.as_unit(unit)
    dates = dates.dt.tz_convert(zone) if zone else dates.dt.tz_localize(None)
    first = START.timestamp()
    expected = [first, first + 300, first + 600]
    assert candles.times(pd.DataFrame({"date": dates})).tolist() == expected


@pytest.mark.parametrize(
    ("column", "value", "fit"),
    [
        ("close", 1.0, True),
        *(
            (column, bad, False)
            for column in ("open", "high", "low", "close")
            for bad in (0.0, math.nan)
        ),
        ("volume", 0.0, False),
        ("volume", math.nan, False),
    ],
)
def test_a_candle_is_fit_to_trade_on_when_it_has_prices_and_something_traded(column, value, fit):
    frame = pd.DataFrame({"date": [START], **dict.fromkeys(candles.OHLCV, 1.0)})
    frame[column] = value
    assert candles.known(frame).tolist() == [fit]
