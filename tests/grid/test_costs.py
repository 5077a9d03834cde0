import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid.costs import Costs, lowest_target, on_tick
from strategies import LONG, SHORT, SIDES

FRACTIONS = st.floats(0.0, 0.05)
COSTS = st.builds(Costs, FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS)
ENTRIES = st.floats(1e-6, 1e6)


def kept_in_quote(entry: float, target: float, side: int, costs: Costs) -> float:
    """What one coin earns, as a fraction of its entry price, fees paid in the quote currency."""
    fees = entry * costs.entry_fee + target * costs.exit_fee
    return (side * (target - entry) - fees) / entry


def kept_in_base(entry: float, target: float, costs: Costs) -> float:
    """The same for a spot purchase whose fee was taken from the coins bought."""
    return ((1 - costs.entry_fee) * target * (1 - costs.exit_fee) - entry) / entry


@given(ENTRIES, SIDES, COSTS)
def test_after_the_real_fees_of_both_legs_spread_and_minimum_profit_remain(entry, side, costs):
    target = lowest_target(entry, side, costs)
    least = 2 * costs.half_spread + costs.min_profit - 1e-9
    assert kept_in_quote(entry, target, side, costs) >= least
    if side == LONG:
        assert kept_in_base(entry, target, costs) >= least


@given(ENTRIES, SIDES, COSTS)
def test_the_target_is_at_least_the_fee_floor_away(entry, side, costs):
    target = lowest_target(entry, side, costs)
    assert side * (target - entry) >= entry * (costs.floor - 1e-12)


@given(ENTRIES, SIDES)
def test_without_costs_the_entry_itself_is_the_target(entry, side):
    assert lowest_target(entry, side, Costs(0.0, 0.0, 0.0, 0.0)) == entry


@pytest.mark.parametrize(
    ("side", "target"),
    [
        (LONG, 100 * 1.0012 / (0.999 * 0.999)),  # base coin fee: the dearest of the three readings
        (SHORT, 100 * (1 - 0.0032)),  # the floor: exits are cheaper than entries
    ],
)
def test_the_target_of_a_usual_spot_account(side, target):
    costs = Costs(entry_fee=0.001, exit_fee=0.001, half_spread=0.0001, min_profit=0.001)
    assert lowest_target(100.0, side, costs) == pytest.approx(target, rel=1e-12)


@given(st.floats(0.5, 1e8), st.sampled_from((1e-14, 1e-8, 0.00025, 0.01, 0.5, 5.0)), st.booleans())
def test_a_price_on_tick_is_the_nearest_multiple_on_the_wanted_side(steps, tick, up):
    rounded = on_tick(steps * tick, tick, up=up) / tick
    beyond = rounded - steps if up else steps - rounded
    assert -1e-6 <= beyond < 1 + 1e-6
    assert rounded == pytest.approx(round(rounded), abs=1e-6)


@given(st.integers(1, 10**8), st.sampled_from((1e-8, 0.01, 0.1, 0.5)), st.booleans())
def test_a_price_that_is_on_tick_stays(steps, tick, up):
    price = on_tick(steps * tick, tick, up=up)
    assert round(price / tick) == steps
    assert on_tick(price, tick, up=up) == price
    assert on_tick(price, tick, up=not up) == price


def test_a_price_on_tick_has_no_more_digits_than_the_tick():
    assert repr(on_tick(60_000.014, 0.01, up=False)) == "60000.01"
    assert repr(on_tick(0.30000000000000004, 0.1, up=True)) == "0.3"


def test_without_a_price_step_a_price_is_left_alone():
    assert on_tick(math.pi, 0.0, up=True) == math.pi


@given(st.integers(1, 10**9), st.sampled_from((1e-8, 0.01, 0.5)), st.sampled_from((0.0, math.inf)))
def test_the_last_digit_of_a_float_is_no_step_away(steps, tick, towards):
    price = on_tick(steps * tick, tick, up=True)
    nudged = math.nextafter(math.nextafter(price, towards), towards)
    assert on_tick(nudged, tick, up=True) == price
    assert on_tick(nudged, tick, up=False) == price


def test_the_error_of_a_long_calculation_is_no_step_away():
    assert on_tick(97.03 + 1e-12, 0.01, up=True) == 97.03
    assert on_tick(97.03 - 1e-12, 0.01, up=False) == 97.03
