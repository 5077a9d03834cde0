"""Tags of entries: short words in a fixed order, one for each thing tables are grouped by."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from analytics.entry_frames import choices, frames, of_candles
from gridkit.analytics import candidates, entry_tags
from gridkit.analytics.entry_reasons import Why
from gridkit.analytics.regime import Regime
from gridkit.settings import Settings

BOTH = Settings(direction="auto")
BULL = {
    "regime_code": Regime.TRENDING_BULLISH, "regime_adx": 30.0, "regime_side": 1.0,
    "confluence_score": 0.6, "confluence_confidence": 1.0, "turns_atr": 2.0,
}  # fmt: skip
BEAR = BULL | {
    "regime_code": Regime.TRENDING_BEARISH, "regime_side": -1.0, "confluence_score": -0.6,
}  # fmt: skip
RANGE = BULL | {"regime_code": Regime.RANGING, "confluence_confidence": 0.7}


def tag_of(columns, rule=BOTH):
    frame = of_candles(1, **columns)
    frame["confluence_direction"] = np.sign(frame["confluence_score"]).astype("int8")
    frame = pd.concat([frame, candidates.compute(frame, rule)], axis=1)
    return entry_tags.of_entries(frame, rule).iloc[0]


@pytest.mark.parametrize(
    ("columns", "tag"),
    [
        (BULL, "trend bull c1.0"),
        (BULL | {"profile_near": 1}, "trend bull c1.0 poc"),
        (BEAR | {"prediction_up": 0.1}, "trend bear c1.0 p+"),
        (RANGE | {"profile_near": 2}, "edge range c0.8 vah"),
        (RANGE | {"profile_near": 3, "confluence_score": -0.6, "prediction_up": 0.8},
         "edge range c0.9 val p+"),
        (RANGE | {"profile_near": 1}, "value range c0.8 poc"),
        (RANGE | {"regime_code": Regime.TIGHT_RANGING, "profile_near": 1}, "value tight c0.8 poc"),
        (BULL | {"regime_code": Regime.VOLATILE_TRENDING}, "trend volatile c1.0"),
        (RANGE | {"regime_code": Regime.VOLATILE_RANGING, "profile_near": 2},
         "edge volatile c0.8 vah"),
        (BULL | {"confluence_score": 0.1}, ""),
    ],
)  # fmt: skip
def test_a_tag_names_kind_regime_confidence_level_and_prediction(columns, tag):
    assert tag_of(columns) == tag


def test_a_regime_that_is_not_heeded_and_a_prediction_that_is_not_are_not_named():
    off = BOTH.with_values({"regime": {"enabled": False}, "prediction": {"enabled": False}})
    columns = {name: one for name, one in BULL.items() if not name.startswith("regime")}
    assert tag_of(columns | {"prediction_up": 0.9}, off) == "trend any c1.0"


@settings(max_examples=25)
@given(frames(), choices())
def test_every_entry_has_a_tag_of_words_in_order_and_nothing_else_has_one(frame, rule):
    made = pd.concat([frame, candidates.compute(frame, rule)], axis=1)
    tags = entry_tags.of_entries(made, rule)
    enters = made["entry_block"] == Why.ENTERS
    words = r"(trend|edge|value) (bull|bear|range|tight|volatile|any) c[01]\.\d( (poc|vah|val))?"
    assert tags[enters].str.fullmatch(words + r"( p\+)?").all()
    assert (tags[~enters] == "").all()
