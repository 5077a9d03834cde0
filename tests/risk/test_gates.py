import math

import pytest

from gridkit.risk import gates
from gridkit.settings import TrendSettings

RULE = TrendSettings()  # strong from 25, calm below 20
UP, FLAT, DOWN = 1.0, 0.0, -1.0


@pytest.mark.parametrize(
    ("strength", "market", "side", "refused"),
    [
        (25.0, DOWN, 1, True),
        (24.99, DOWN, 1, False),
        (60.0, UP, 1, False),
        (60.0, FLAT, 1, False),
        (60.0, UP, -1, True),
        (60.0, DOWN, -1, False),
        (60.0, FLAT, -1, False),
        (0.0, DOWN, 1, False),
        (math.nan, UP, 1, True),
        (10.0, math.nan, 1, True),
    ],
)
def test_a_strong_trend_against_the_grid_or_an_unknown_one_refuses(strength, market, side, refused):
    assert (gates.trend_block(strength, market, side, RULE) is not None) is refused


def test_the_refusal_names_strength_and_threshold():
    block = gates.trend_block(31.5, DOWN, 1, RULE)
    assert block is not None
    assert (block.value, block.threshold) == (31.5, 25.0)


@pytest.mark.parametrize("strength", [60.0, math.nan])
def test_a_gate_that_is_switched_off_refuses_nothing(strength):
    assert gates.trend_block(strength, DOWN, 1, TrendSettings(enabled=False)) is None


@pytest.mark.parametrize(
    ("strength", "market", "side"),
    [
        (25.0, UP, 1),
        (25.0, DOWN, -1),
        (24.99, UP, 0),  # neither calm nor strong
        (20.0, DOWN, 0),
        (19.99, UP, 1),
        (19.99, DOWN, -1),
        (5.0, FLAT, 0),
        (math.nan, UP, 0),
        (30.0, math.nan, 0),
    ],
)
def test_direction_auto_goes_with_the_market_unless_that_is_uncertain(strength, market, side):
    assert gates.side_of_market(strength, market, RULE) == side


@pytest.mark.parametrize("strength", [5.0, 30.0])
@pytest.mark.parametrize("market", [UP, DOWN])
def test_the_side_that_direction_auto_takes_is_never_refused(strength, market):
    side = gates.side_of_market(strength, market, RULE)
    assert gates.trend_block(strength, market, side, RULE) is None
