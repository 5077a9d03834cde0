"""The number a candle has against new risk says what the reasons themselves would say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridkit.analytics import regime, shocks
from gridkit.analytics.regime import Regime
from gridkit.host import outlook
from gridkit.risk import brakes, gates, predictions
from gridkit.settings import Settings

FIVE_MINUTES = 300
HOURS = 24
SIDES = pytest.mark.parametrize("side", [1, -1])
PROBABILITIES = [np.nan, 0.0, 0.25, 0.3, 0.31, 0.35, 0.5, 0.7, 0.71, 1.0]
BLOCKS = st.sampled_from((0.3, 0.35))
FLOATS = ("float32", "float64")
SPANS = [(3, 7), (22, 2), (5, 5), (0, 24)]


@st.composite
def frames(draw):
    """A day and a half of candles with any regime, distance, flow and shocks, unknown ones too."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, 450))
    some = lambda values: noise.choice(np.array(values), length)  # noqa: E731
    return pd.DataFrame(
        {
            "date": pd.Timestamp("2025-01-01", tz="UTC") + pd.Timedelta("5min") * np.arange(length),
            "regime_code": some([int(one) for one in Regime]).astype("int8"),
            "regime_adx": some([np.nan, 10.0, 40.0]),
            "regime_side": some([np.nan, -1.0, 0.0, 1.0]),
            "regime_distance": some([np.nan, -0.1, -0.03, -0.029, 0.0, 0.03, 0.031, 0.2]),
            "orderflow_imbalance": some([np.nan, -1.0, -0.7, -0.69, 0.0, 0.7, 0.9]),
            "shocks_kind": some([0] * 30 + [1, 2, 3, 4]).astype("int8"),
            "prediction_up": some(PROBABILITIES).astype(draw(st.sampled_from(FLOATS))),
        }
    )


@st.composite
def choices(draw):
    """Settings in which each of the reasons may be switched off."""
    first, end = draw(st.sampled_from(SPANS))
    return Settings.from_config(
        {
            "gridkit": {
                "regime": {"enabled": draw(st.booleans())},
                "stops": {"trend_flatten_enabled": draw(st.booleans())},
                "orderflow": {"enabled": draw(st.booleans())},
                "brakes": {
                    "orderflow": draw(st.booleans()),
                    "illiquid": draw(st.sampled_from(("thin", "pause", "ignore"))),
                    "illiquid_from": first,
                    "illiquid_to": end,
                },
                "breakers": {"enabled": draw(st.booleans()), "market": draw(st.booleans())},
                # 0.35 of 32 bits is below 0.35.
                "prediction": {"enabled": draw(st.booleans()), "blocks": draw(BLOCKS)},
            }
        }
    )


def starts(code, chosen):
    return regime.parameters(code, chosen.regime).new_cycles


def expected(row, hour, shocked, side, chosen):
    """A readable twin: each reason asked one by one."""
    market = int(row.regime_code), row.regime_adx, row.regime_side
    heeds_flow = chosen.orderflow.enabled
    hours, rule = brakes.illiquid(hour, chosen.brakes), chosen.prediction
    return sum(
        number
        for number, holds in {
            outlook.AGAINST: gates.regime_block(market, side, chosen.regime),
            outlook.TREND: gates.flatten_by_trend(market, row.regime_distance, side, chosen),
            outlook.FLOW: heeds_flow and brakes.flow_block(row.orderflow_imbalance, side, chosen),
            outlook.THIN: hours == "thin",
            outlook.PAUSE: hours == "pause",
            outlook.SHOCK: chosen.breakers.enabled and chosen.breakers.market and shocked,
            outlook.NO_START: chosen.regime.enabled and not starts(market[0], chosen),
            outlook.UNLIKELY: predictions.block(row.prediction_up, side, rule),
            outlook.LIKELY: predictions.scale(row.prediction_up, side, rule) > 1,
        }.items()
        if holds
    )


@SIDES
@settings(max_examples=60)
@given(frame=frames(), chosen=choices())
def test_each_candles_number_is_that_of_its_reasons(side, frame, chosen):
    numbers = outlook.of_frame(frame, chosen, FIVE_MINUTES)[side]
    tripped = shocks.tripped(frame, chosen)
    closes = frame["date"] + pd.Timedelta("5min")
    wanted = [
        expected(row, closes[row.Index].hour, tripped[row.Index] != 0, side, chosen)
        for row in frame.itertuples()
    ]
    assert numbers.dtype == np.uint16
    assert numbers.max() < 1 << outlook.BITS
    assert numbers.tolist() == wanted


@SIDES
@settings(max_examples=60)
@given(frame=frames(), chosen=choices())
def test_a_regime_stops_starts_where_the_gate_says_why(side, frame, chosen):
    numbers = outlook.of_frame(frame, chosen, FIVE_MINUTES)[side]
    blocks = [
        gates.start_block((row.regime_code, row.regime_adx, row.regime_side), side, chosen.regime)
        for row in frame.itertuples()
    ]
    stopped = numbers & (outlook.AGAINST | outlook.NO_START)
    assert (stopped != 0).tolist() == [block is not None for block in blocks]


def test_a_frame_without_the_columns_of_modules_that_are_off_has_nothing_against_risk():
    frame = pd.DataFrame({"date": pd.date_range("2025-01-01 12:00", periods=3, freq="5min")})
    frame["date"] = frame["date"].dt.tz_localize("UTC")
    off = {"regime": {"enabled": False}, "breakers": {"enabled": False}}
    chosen = Settings.from_config({"gridkit": off})
    for side in (1, -1):
        assert outlook.of_frame(frame, chosen, FIVE_MINUTES)[side].tolist() == [0, 0, 0]


def test_every_hour_of_the_day_is_seen_by_the_candle_that_ends_in_it():
    frame = pd.DataFrame({"date": pd.date_range("2025-01-01", periods=288, freq="5min", tz="UTC")})
    off = {"regime": {"enabled": False}, "breakers": {"enabled": False}}
    chosen = Settings.from_config({"gridkit": {**off, "brakes": {"illiquid": "pause"}}})
    numbers = outlook.of_frame(frame, chosen, FIVE_MINUTES)[1]
    paused = frame["date"][numbers == outlook.PAUSE] + pd.Timedelta("5min")
    assert paused.min().strftime("%H:%M") == "03:00"
    assert paused.max().strftime("%H:%M") == "06:55"
    assert len(paused) == 4 * HOURS / 2
