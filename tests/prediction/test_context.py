"""What modules say of a candle, as features: who is asked, what is unknown, and in which unit."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.regime import Regime
from gridkit.prediction import context
from gridkit.prediction.features import FEATURES
from gridkit.settings import Settings

MODULES = {"profile", "regime", "confluence", "orderflow", "correlation"}
ALL_ON = {name: {"enabled": True} for name in MODULES}
EVERY = context.FAMILIES
UP, DOWN = Regime.TRENDING_BULLISH, Regime.TRENDING_BEARISH
PRICES = ("profile_poc", "profile_vah", "profile_val", "close")
# One candle of which everything is known.
KNOWN = {
    "close": 106.0, "profile_poc": 100.0, "profile_vah": 104.0, "profile_val": 96.0,
    "regime_code": UP, "regime_side": 1, "regime_adx": 30.0,
    "confluence_score": 0.4, "confluence_confidence": 0.7, "orderflow_imbalance": -0.2,
    "funding_contrarian": 0.5, "correlation_mean": 0.9,
}  # fmt: skip
SAID = {
    "profile_poc": 1.5, "profile_area": 1.5, "regime_direction": 1.0, "regime_strength": 0.3,
    "confluence_score": 0.4, "confluence_confidence": 0.7, "orderflow_imbalance": -0.2,
    "funding_contrarian": 0.5, "correlation_mean": 0.9,
}  # fmt: skip


def of_candle(families=EVERY, **changes):
    """The features of one candle by name; a change to None leaves the column out."""
    columns = {name: [value] for name, value in {**KNOWN, **changes}.items() if value is not None}
    found = context.compute(pd.DataFrame(columns), families).iloc[0]
    return found.rename(lambda name: name.removeprefix("features_")).to_dict()


@st.composite
def columns(draw):
    """Candles with what modules say of them, much of it unknown, some columns absent."""
    noise, count = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(1, 40))
    middle = 100 * np.exp(noise.normal(0, 0.05, count))
    half = np.abs(noise.normal(0, 1, count)) * noise.choice([0.0, 1.0], count, p=[0.1, 0.9])
    frame = pd.DataFrame(
        {
            "close": 100 * np.exp(noise.normal(0, 0.05, count)),
            "profile_poc": middle + noise.normal(0, 0.5, count),
            "profile_vah": middle + half,
            "profile_val": middle - half,
            "regime_code": noise.choice([one.value for one in Regime], count).astype("float64"),
            "regime_side": noise.choice([-1.0, 0.0, 1.0], count),
            "regime_adx": noise.uniform(0, 100, count),
            "confluence_score": noise.uniform(-1, 1, count),
            "confluence_confidence": noise.choice([0.0, 0.7, 1.0], count),
            "orderflow_imbalance": noise.uniform(-1, 1, count),
            "funding_contrarian": noise.uniform(-0.5, 0.5, count),
            "correlation_mean": noise.uniform(-1, 1, count),
        }
    )
    frame = frame.mask(noise.random(frame.shape) < draw(st.sampled_from((0.0, 0.2))))
    return frame.drop(columns=draw(st.sets(st.sampled_from(list(frame.columns)), max_size=3)))


# -- who is asked ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_family_is_active_where_its_module_is_on_and_it_is_wanted(name):
    others = [one for one in EVERY if one not in (name, "funding")]
    on = Settings.model_validate(ALL_ON)
    off = Settings.model_validate({**ALL_ON, name: {"enabled": False}})
    unwanted = Settings.model_validate({**ALL_ON, "prediction": {"families": ["price", *others]}})
    assert context.active(on, is_futures=False) == tuple(one for one in EVERY if one != "funding")
    assert context.active(off, is_futures=False) == tuple(others)
    assert context.active(unwanted, is_futures=False) == tuple(others)


def test_funding_is_asked_for_on_futures_and_where_it_is_wanted():
    on = Settings.model_validate(ALL_ON)
    unwanted = Settings.model_validate({**ALL_ON, "prediction": {"families": ["price"]}})
    assert "funding" not in context.active(on, is_futures=False)
    assert context.active(on, is_futures=True) == EVERY
    assert context.active(unwanted, is_futures=True) == ()


def test_there_is_a_column_for_each_feature_of_the_families_and_for_no_other():
    for count in range(len(EVERY) + 1):
        families = EVERY[:count]
        assert tuple(of_candle(families)) == context.names(families)
    assert context.names(EVERY) == tuple(one.name for one in context.FEATURES)


def test_no_name_is_that_of_a_feature_of_candles():
    names = [one.name for one in (*FEATURES, *context.FEATURES)]
    assert len(set(names)) == len(names)


# -- what they say --------------------------------------------------------------------------------


def test_where_all_is_known_each_says_what_its_meaning_says():
    assert of_candle() == pytest.approx(SAID)


@pytest.mark.parametrize(
    ("code", "side", "expected"),
    [(UP, 0, 1), (DOWN, 0, -1), (Regime.RANGING, 0, 0), (Regime.UNCERTAIN, 0, 0)],
)
def test_the_direction_is_the_regimes(code, side, expected):
    assert of_candle(regime_code=code, regime_side=side)["regime_direction"] == expected


@pytest.mark.parametrize("close", [1e-9, 1e9])
def test_far_from_the_profile_a_distance_is_three_half_value_areas(close):
    found = of_candle(close=close)
    assert abs(found["profile_poc"]) == abs(found["profile_area"]) == 3.0
    assert (found["profile_poc"] > 0) is (close > 100)


# -- what is unknown ------------------------------------------------------------------------------


@pytest.mark.parametrize("unknown", [math.nan, None], ids=["NaN", "absent"])
@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("close", {"profile_poc", "profile_area"}),
        ("profile_poc", {"profile_poc"}),
        ("profile_vah", {"profile_poc", "profile_area"}),
        ("profile_val", {"profile_poc", "profile_area"}),
        ("regime_adx", {"regime_direction", "regime_strength"}),
        ("confluence_score", {"confluence_score"}),
        ("confluence_confidence", {"confluence_confidence"}),
    ],
)
def test_what_is_made_of_something_unknown_is_unknown_and_the_rest_is_as_it_was(
    column, names, unknown
):
    found = of_candle(**{column: unknown})
    assert {name for name, value in found.items() if math.isnan(value)} == names
    rest = {name: value for name, value in SAID.items() if name not in names}
    assert {name: found[name] for name in rest} == pytest.approx(rest)


@pytest.mark.parametrize("unknown", [math.nan, None], ids=["NaN", "absent"])
@pytest.mark.parametrize("name", ["orderflow_imbalance", "funding_contrarian", "correlation_mean"])
def test_what_many_markets_never_have_takes_no_side_where_it_is_unknown(name, unknown):
    assert of_candle(**{name: unknown}) == pytest.approx({**SAID, name: 0.0})


def test_a_value_area_without_width_has_no_distance():
    found = of_candle(profile_vah=100.0, profile_val=100.0)
    assert math.isnan(found["profile_poc"])
    assert math.isnan(found["profile_area"])


# -- for any candles ------------------------------------------------------------------------------


@given(frame=columns())
def test_a_known_feature_is_finite_and_within_what_its_meaning_says(frame):
    found = context.compute(frame, EVERY)
    assert set(found.dtypes) == {np.dtype("float32")}
    assert not np.isinf(found.to_numpy()).any()
    widest = np.where(found.columns.str.startswith("features_profile"), 3.0, 1.0)
    assert (np.nan_to_num(np.abs(found.to_numpy())) <= widest).all()


@given(frame=columns(), factor=st.floats(1e-6, 1e6))
def test_features_do_not_change_with_the_unit_of_prices(frame, factor):
    scaled = frame.assign(**{name: frame[name] * factor for name in PRICES if name in frame})
    pd.testing.assert_frame_equal(
        context.compute(scaled, EVERY), context.compute(frame, EVERY), rtol=1e-3, atol=1e-5
    )


@given(frame=columns(), cut=st.floats(0, 1))
def test_a_candles_features_are_made_of_that_candle_alone(frame, cut):
    at = round(cut * (len(frame) - 1))
    whole = context.compute(frame, EVERY)
    pd.testing.assert_frame_equal(
        context.compute(frame.iloc[at : at + 1], EVERY), whole[at : at + 1]
    )


@given(frame=columns())
def test_the_input_is_left_alone(frame):
    before = frame.copy(deep=True)
    context.compute(frame, EVERY)
    pd.testing.assert_frame_equal(frame, before)
