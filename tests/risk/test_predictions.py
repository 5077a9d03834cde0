import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import predictions
from gridkit.settings import PredictionSettings

LONG, SHORT = 1, -1
SIDES = st.sampled_from((LONG, SHORT))
RULE = PredictionSettings()
RISINGS = st.floats(0, 1) | st.just(math.nan)


@pytest.mark.parametrize(
    ("rising", "refused", "raised"),
    [
        (0.0, {LONG}, {SHORT}),
        (0.29, {LONG}, {SHORT}),
        (0.3, set(), set()),
        (0.5, set(), set()),
        (0.7, set(), set()),
        (0.71, {SHORT}, {LONG}),
        (1.0, {SHORT}, {LONG}),
        (math.nan, set(), set()),
    ],
)
def test_what_is_unlikely_is_refused_and_what_is_likely_raised(rising, refused, raised):
    found = {side for side in (LONG, SHORT) if predictions.block(rising, side, RULE)}
    assert found == refused
    assert {side: predictions.scale(rising, side, RULE) for side in (LONG, SHORT)} == {
        side: 1.1 if side in raised else 1.0 for side in (LONG, SHORT)
    }


def test_the_refusal_names_the_probability_of_the_grids_side_and_the_threshold():
    block = predictions.block(0.75, SHORT, RULE)
    assert str(block) == "the prediction speaks against the grid: 0.25 against 0.3"


@given(rising=RISINGS, side=SIDES)
def test_predictions_that_are_switched_off_change_nothing(rising, side):
    off = PredictionSettings(enabled=False)
    assert predictions.block(rising, side, off) is None
    assert predictions.scale(rising, side, off) == 1.0


@given(rising=RISINGS, side=SIDES, bonus=st.floats(0, 1), bounds=st.tuples(RISINGS, RISINGS))
def test_nothing_is_both_refused_and_raised_and_no_stake_is_lowered(rising, side, bonus, bounds):
    blocks, raises = sorted(bounds)
    if not blocks < raises:
        return
    rule = PredictionSettings(blocks=blocks, raises=raises, bonus=bonus)
    scale = predictions.scale(rising, side, rule)
    assert scale in (1.0, 1.0 + bonus)
    assert scale == 1.0 or predictions.block(rising, side, rule) is None
