"""Closes at even steps of time, as correlations read them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.host.market_data import PairSeries, closes_until

SECONDS = 300
BEGIN = 1_735_689_600


def series_of(missing):
    dates = pd.Timestamp(BEGIN, unit="s", tz="UTC") + pd.Timedelta(seconds=SECONDS) * np.arange(60)
    frame = pd.DataFrame({"date": dates, "close": np.arange(1.0, 61.0)})
    prices = dict.fromkeys(("open", "high", "low", "volume"), frame["close"])
    kept = frame.assign(**prices).drop(index=missing).reset_index(drop=True)
    return PairSeries(kept, SECONDS), kept


def last_known(frame, moment):
    """A readable twin: the last candle that was closed by then."""
    closed = frame[frame["date"].map(pd.Timestamp.timestamp) + SECONDS <= moment]
    return closed["close"].iloc[-1] if len(closed) else np.nan


@given(
    missing=st.sampled_from([[], [7], [0, 30, 31]]),
    end=st.integers(BEGIN - 900, BEGIN + 70 * SECONDS),
    step=st.sampled_from([300, 900, 1_000]),
    count=st.integers(1, 25),
)
def test_each_is_the_last_one_known_at_its_moment(missing, end, step, count):
    series, frame = series_of(missing)
    moments = [end - step * ago for ago in range(count - 1, -1, -1)]
    wanted = [last_known(frame, moment) for moment in moments]
    np.testing.assert_array_equal(closes_until(series, end, step, count), wanted)


@pytest.mark.parametrize("series", [None, series_of(list(range(60)))[0]])
def test_without_candles_none_is_known(series):
    assert np.isnan(closes_until(series, BEGIN, SECONDS, 3)).all()
