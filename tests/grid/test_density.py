"""How much closer lines stand near support, resistance and round numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid import density
from gridkit.settings import DensitySettings

USUAL = DensitySettings()
NO_ROUND = DensitySettings(round_factor=1.0)
prices = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(
    ("level", "factor"),
    [
        (62.0, 1.5),
        (62.61, 1.5),
        (61.39, 1.5),
        (62.63, 1.2),
        (63.23, 1.2),
        (60.77, 1.2),
        (63.25, 1.0),
        (60.75, 1.0),
        (600.0, 1.0),
    ],
)
def test_density_is_that_of_the_specification_by_the_distance_to_a_level(level, factor):
    assert density.density(62.0, [level], NO_ROUND) == factor


def test_many_levels_count_once_and_the_nearest_of_them():
    assert density.density(62.0, [61.0, 62.1, 62.2, 63.0], NO_ROUND) == 1.5
    assert density.density(62.0, [61.0, 63.0], NO_ROUND) == 1.2


def test_a_round_number_counts_once_beside_a_level():
    assert density.density(62.0, [], USUAL) == pytest.approx(1.3)
    assert density.density(62.0, [62.0], USUAL) == pytest.approx(1.5 * 1.3)
    assert density.density(62.5, [62.5], USUAL) == 1.5


@pytest.mark.parametrize(
    ("price", "unit"),
    [
        (19.9, 0.5),
        (20.0, 1.0),
        (43_210.0, 1_000.0),
        (99_999.0, 1_000.0),
        (100_000.0, 5_000.0),
        (0.0312, 0.001),
        (0.00001234, 0.0000005),
    ],
)
def test_round_numbers_are_one_or_five_times_a_power_of_ten_apart(price, unit):
    assert density.round_unit(price) == pytest.approx(unit)


@given(prices)
def test_round_numbers_are_one_to_five_percent_of_the_price_apart(price):
    share = density.round_unit(price) / price
    assert 0.01 * (1 - 1e-9) <= share <= 0.05 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("price", "there"),
    [(43_000.0, True), (43_090.0, True), (42_910.0, True), (43_110.0, False), (42_500.0, False)],
)
def test_at_a_round_number_is_within_a_tenth_of_the_way_to_the_next(price, there):
    assert density.is_round(price) == there


@given(st.floats(1.0, 10.0), st.integers(-6, 6))
def test_round_numbers_do_not_depend_on_the_power_of_ten(price, power):
    scaled = price * 10.0**power
    steps = price / density.round_unit(price)
    edge = abs(abs(steps - round(steps)) - density.AT_ROUND) < 1e-6
    unit_edge = min(abs(price - one) for one in (1.0, 2.0, 10.0)) < 1e-6
    assert edge or unit_edge or density.is_round(scaled) == density.is_round(price)


@given(prices, st.lists(prices, max_size=8))
def test_density_is_that_of_the_readable_twin(price, levels):
    distances = [abs(level / price - 1) for level in levels]
    factor = 1.0
    if any(distance <= 0.01 for distance in distances):
        factor = 1.5
    elif any(distance <= 0.02 for distance in distances):
        factor = 1.2
    assert density.density(price, sorted(levels), NO_ROUND) == factor


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -5.0])
def test_at_a_price_that_is_none_lines_stand_no_closer(price):
    assert density.density(price, [100.0], USUAL) == 1.0


@pytest.mark.parametrize("direction", [1, -1])
def test_without_density_lines_stand_whole_steps_apart(direction):
    found = density.places(4, lambda place: 100.0 - place, [98.0], None, direction)
    assert found == [direction, 2 * direction, 3 * direction, 4 * direction]


@pytest.mark.parametrize("direction", [1, -1])
def test_a_gap_is_a_step_divided_by_the_density_at_its_line(direction):
    settings = DensitySettings(near=0.001, around=0.001, round_factor=1.0, near_factor=2.0)

    def price_at(place):
        return 1_000.0 - 10.0 * place

    level = price_at(2 * direction)
    found = density.places(3, price_at, [level], settings, direction)
    assert found == [direction, 1.5 * direction, 2.5 * direction]
