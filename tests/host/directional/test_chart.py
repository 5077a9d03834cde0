"""Bands of the regime and notes at the foot of Confluence's chart."""

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from freqtrade.ft_types.plot_annotation_type import AnnotationTypeTA
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.regime import NAMES, Regime
from gridkit.host.directional import bands, notes
from gridkit.host.failing import Failing
from gridkit.settings import Settings

START = datetime(2025, 1, 1, tzinfo=UTC)
CANDLE = timedelta(minutes=5)
GARCH_FAILS = Failing("garch", "ETH/USDT", 1, 1, 1, START, "ValueError()")
PROFILE_IS_OFF = Failing("profile", "ETH/USDT", 3, 1, 1, START, "KeyError('poc')")

codes = st.lists(st.sampled_from(list(Regime)), min_size=1, max_size=200)


def frame_of(*regimes: int, **columns: float) -> pd.DataFrame:
    dates = pd.date_range(START, periods=len(regimes), freq=CANDLE)
    frame = pd.DataFrame({"date": dates, "regime_code": np.array(regimes, dtype="int8")})
    return frame.assign(low=100.0, high=120.0, close=110.0, **columns)


def end_of(frame: pd.DataFrame) -> datetime:
    return frame["date"].iloc[-1].to_pydatetime()


# -- bands ------------------------------------------------------------------------------------


@given(codes)
def test_each_candle_of_the_latest_bands_lies_in_that_of_its_regime(regimes):
    frame = frame_of(*regimes)
    found = bands.of_regimes(frame, START, end_of(frame))
    assert len(found) <= bands.MOST
    for date, code in zip(frame["date"], regimes, strict=True):
        inside = [one for one in found if one["start"] <= date < one["end"]]
        if date >= found[0]["start"] and date < end_of(frame):
            assert [one["label"] for one in inside] == [NAMES[code]]


@given(codes)
def test_neighbouring_bands_differ_and_freqtrade_accepts_each(regimes):
    frame = frame_of(*regimes)
    found = bands.of_regimes(frame, START, end_of(frame))
    for one, following in itertools.pairwise(found):
        assert one["end"] == following["start"]
        assert one["label"] != following["label"]
    assert found[-1]["end"] == end_of(frame)
    for one in found:
        AnnotationTypeTA.validate_python(one, extra="forbid")


def test_of_more_changes_than_bands_the_latest_are_drawn():
    frame = frame_of(*[Regime.RANGING, Regime.VOLATILE] * bands.MOST)
    found = bands.of_regimes(frame, START, end_of(frame))
    assert len(found) == bands.MOST
    assert found[0]["start"] == START + bands.MOST * CANDLE


def test_candles_outside_the_chart_make_no_band():
    frame = frame_of(Regime.RANGING, Regime.VOLATILE, Regime.VOLATILE, Regime.RANGING)
    (found,) = bands.of_regimes(frame, START + CANDLE, START + 2 * CANDLE)
    assert (found["start"], found["end"]) == (START + CANDLE, START + 2 * CANDLE)


def test_without_regime_or_candles_there_are_no_bands():
    frame = frame_of(Regime.RANGING)
    assert bands.of_regimes(frame.drop(columns="regime_code"), START, START) == []
    assert bands.of_regimes(frame.iloc[:0], START, START) == []


def test_every_regime_has_a_color():
    assert set(bands.COLORS) == set(Regime)


# -- notes ------------------------------------------------------------------------------------


def told(frame, failing=(), **settings) -> dict[str, float]:
    found = notes.lines(frame, Settings.model_validate(settings), list(failing))
    return {one["label"]: one["y_start"] for one in found}


def test_notes_stand_one_above_the_other_within_the_range_of_prices():
    found = told(frame_of(0, 0), [GARCH_FAILS, PROFILE_IS_OFF])
    assert len(found) == 4
    assert sorted(found.values()) == pytest.approx([100.0, 101.0, 102.0, 103.0])
    many = [GARCH_FAILS] * 50
    heights = [one["y_start"] for one in notes.lines(frame_of(0), Settings(), many)]
    assert max(heights) == 120.0


def test_a_feature_is_on_off_by_the_settings_or_failed_with_its_reason():
    found = told(frame_of(0), [GARCH_FAILS, PROFILE_IS_OFF], profile={"enabled": True})
    assert (
        "on: regime, prediction, portfolio, breakers; "
        "off by settings: confluence, thresholds, orderflow; failed: profile"
    ) in found
    assert "profile off since 01-01 00:00: KeyError('poc')" in found
    assert "garch failed 1 of 3 times since 01-01 00:00: ValueError()" in found


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({}, "prediction: no predictor runs, entries go without"),
        ({"prediction_up": 0.74}, "prediction: no predictor runs, entries go without"),
        (
            {
                "prediction_up": float("nan"),
                "prediction_gate": 1,
                "prediction_accuracy": 0.55,
                "prediction_lower": 0.4,
                "prediction_break_even": 0.52,
                "prediction_outcomes": 12.0,
            },
            "prediction off: too few predictions whose outcome is known; right in 55.0% of 12 "
            "outcomes, surely in 40.0%, pays from 52.0%",
        ),
        (
            {"prediction_up": 0.74, "prediction_gate": 0},
            "prediction on: a rise with 74%; a side above 70% gains confidence, one below 30% is "
            "not entered",
        ),
    ],
)
def test_the_last_prediction_is_told_with_what_it_does(columns, text):
    assert text in told(frame_of(0, **columns))


def test_a_prediction_that_is_not_heeded_is_off():
    frame = frame_of(0, prediction_up=0.9, prediction_gate=0)
    found = told(frame, prediction={"enabled": False})
    (features,) = found
    assert features.endswith("prediction")


def test_a_chart_without_candles_has_no_notes():
    assert told(frame_of(0).iloc[:0], [GARCH_FAILS]) == {}
