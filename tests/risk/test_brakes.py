import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import brakes
from gridkit.settings import BrakeSettings, Settings

LONG, SHORT = 1, -1
RULE = BrakeSettings()


def settings(**changes) -> Settings:
    return Settings.model_validate({"brakes": changes, "orderflow": {"one_sided": 0.7}})


@pytest.mark.parametrize(
    ("imbalance", "refused"),
    [
        (-1.0, {LONG}),
        (-0.7, {LONG}),
        (-0.69, set()),
        (0.0, set()),
        (0.69, set()),
        (0.7, {SHORT}),
        (math.nan, set()),
    ],
)
def test_nothing_is_added_into_one_sided_flow(imbalance, refused):
    found = {side for side in (LONG, SHORT) if brakes.flow_block(imbalance, side, settings())}
    assert found == refused


@pytest.mark.parametrize(("side", "threshold"), [(LONG, "-0.7"), (SHORT, "0.7")])
def test_the_refusal_names_imbalance_and_threshold(side, threshold):
    block = brakes.flow_block(-side * 0.9, side, settings())
    assert str(block) == f"one-sided order flow against the grid: {-side * 0.9} against {threshold}"


def test_a_brake_on_flow_that_is_switched_off_refuses_nothing():
    assert brakes.flow_block(-1.0, LONG, settings(orderflow=False)) is None


@pytest.mark.parametrize(
    ("first", "end", "hours"),
    [
        (3, 7, {3, 4, 5, 6}),
        (22, 2, {22, 23, 0, 1}),
        (20, 24, {20, 21, 22, 23}),
        (0, 24, set(range(24))),
        (5, 5, set()),
        (20, 0, {20, 21, 22, 23}),
    ],
)
@pytest.mark.parametrize("what", ["thin", "pause", "ignore"])
def test_illiquid_hours_may_reach_over_midnight(first, end, hours, what):
    rule = BrakeSettings(illiquid=what, illiquid_from=first, illiquid_to=end)
    found = {hour: brakes.illiquid(hour, rule) for hour in range(24)}
    expected = None if what == "ignore" else what
    assert found == {hour: expected if hour in hours else None for hour in range(24)}


@given(st.integers(0, 23), st.integers(0, 23))
def test_every_hour_is_in_a_span_or_in_the_one_from_its_end_to_its_start(first, end):
    if first == end:
        return
    one = BrakeSettings(illiquid_from=first, illiquid_to=end)
    other = BrakeSettings(illiquid_from=end, illiquid_to=first)
    for hour in range(24):
        assert (brakes.illiquid(hour, one) is None) != (brakes.illiquid(hour, other) is None)


@pytest.mark.parametrize(
    ("spread", "text"),
    [(0.0021, "spread: 0.0021 against 0.002"), (0.002, None), (0.0, None), (math.nan, None)],
)
def test_nothing_is_added_at_a_wide_spread(spread, text):
    block = brakes.spread_block(spread, RULE)
    assert (block and str(block)) == text
