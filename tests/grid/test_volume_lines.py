"""Which lines move to volume, how far, and what keeps them from it."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.book_levels import Level, Levels
from gridkit.grid import volume_lines
from gridkit.grid.costs import Costs
from gridkit.grid.layout import Layout, Terrain
from gridkit.grid.rows import Row
from gridkit.settings import GridSettings, SpacingSettings, VolumeLineSettings
from strategies import LONG, SHORT, SIDES

FREE = Costs(0.0, 0.0, 0.0, 0.0)
USUAL = Costs(0.001, 0.001, 0.0001, 0.001)
RULE = VolumeLineSettings()
BASE = (100.0, 99.0, 98.0, 97.0, 96.0)  # anchor, three lines, and the outer neighbour


def layout(costs=FREE, tick=0.0, target="next_line", rule=RULE):
    grid = GridSettings(target=target)
    return Layout(SpacingSettings(), grid, costs, tick, volume_lines=rule)


def row(prices=BASE, side=LONG, free=None):
    mirrored = prices if side > 0 else tuple(200.0 - price for price in prices)
    return Row(mirrored, free or (True,) * (len(prices) - 2), side)


def moved(*nodes, side=LONG, book=None, imbalance=math.nan, how=None, **of_row):
    at = nodes if side > 0 else tuple(200.0 - node for node in nodes)
    terrain = Terrain(nodes=at, book=book, imbalance=imbalance)
    found = volume_lines.moved(row(side=side, **of_row), terrain, how or layout())
    if side > 0:
        return found.prices, found.moved, found.fell_back
    return tuple(200.0 - price for price in found.prices), found.moved, found.fell_back


def book_of(*levels, quality=0.5):
    return Levels(tuple(levels), quality)


# -- where lines go ---------------------------------------------------------------------------


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize(
    ("node", "prices"),
    [
        (98.3, (99.0, 98.3, 97.0)),  # towards the market
        (97.6, (99.0, 97.6, 97.0)),  # away from it
        (97.4, (99.0, 98.0, 97.4)),  # nearer to the next line
        (99.4, (99.4, 98.0, 97.0)),
        (96.5, (99.0, 98.0, 96.5)),  # half way to where a further line would stand
    ],
)
def test_the_nearest_line_moves_to_a_node_and_the_others_stay(side, node, prices):
    found, count, _ = moved(node, side=side)
    assert found == pytest.approx(prices)
    assert count == 1


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize("node", [99.6, 96.4, 120.0, 80.0])
def test_a_node_in_nobodys_reach_moves_no_line(side, node):
    found, count, _ = moved(node, side=side)
    assert (found, count) == (BASE[1:-1], 0)


def test_a_line_goes_to_the_nearest_of_several_nodes():
    assert moved(97.8, 98.1, 98.4)[0] == pytest.approx((99.0, 98.1, 97.0))


def test_a_line_on_a_node_stays_and_has_not_fallen_back():
    found, count, fell_back = moved(98.0)
    assert (found, count) == (BASE[1:-1], 0)
    assert fell_back == 1  # line 1, within whose 2 % it is too


@pytest.mark.parametrize("most", [0.002, 0.004, 0.02])
def test_no_line_moves_further_than_most(most):
    rule = VolumeLineSettings(most=most)
    found, count, _ = moved(97.7, how=layout(rule=rule))
    reaches = 98.0 * (1 - most) <= 97.7
    assert found == ((99.0, 97.7, 97.0) if reaches else BASE[1:-1])
    assert count == reaches


@pytest.mark.parametrize("beyond", [0.0, 0.002, 0.01])
def test_no_line_moves_further_towards_the_market_than_beyond(beyond):
    found, _, _ = moved(98.3, how=layout(rule=VolumeLineSettings(beyond=beyond)))
    assert found[1] == (98.3 if 98.0 * (1 + beyond) >= 98.3 else 98.0)


def test_lines_that_are_not_free_stay_and_others_keep_their_distance_to_them():
    assert moved(98.3, 97.3, free=(True, False, True))[0] == pytest.approx((99.0, 98.0, 97.3))


def test_the_lines_of_a_step_that_is_switched_off_stay():
    how = Layout(SpacingSettings(), GridSettings(), FREE)
    terrain = Terrain(nodes=(98.3,), imbalance=1.0)
    assert volume_lines.moved(row(), terrain, how).prices == BASE[1:-1]


@pytest.mark.parametrize("node", [math.nan, math.inf, 0.0, -98.0])
def test_a_node_that_is_no_price_moves_nothing(node):
    assert moved(node) == (BASE[1:-1], 0, 0)


# -- what is counted --------------------------------------------------------------------------


def test_a_line_that_others_keep_from_its_node_is_counted():
    """99.4 is for the first line; the second has it within reach of 2 %, and may not pass it."""
    assert moved(99.4)[1:] == (1, 0)  # 1.4 % towards the market is beyond the reach of line 2
    assert moved(97.6)[1:] == (1, 2)  # lines 1 and 3 have it within reach


def test_the_mean_move_is_that_of_the_lines_that_moved():
    found = volume_lines.moved(row(), Terrain(nodes=(98.98, 97.6)), layout())
    assert found.moved == 2
    assert found.mean_move == pytest.approx((0.02 / 99.0 + 0.4 / 98.0) / 2)


# -- the least distance -----------------------------------------------------------------------


def test_half_the_way_between_two_lines_remains():
    assert volume_lines.least_distance(100.0, 99.0, LONG, layout()) == 0.5
    assert volume_lines.least_distance(100.0, 101.0, SHORT, layout()) == 0.5


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_what_a_round_trip_costs_remains_where_the_target_is_the_next_line(side):
    line = 100.0 - side * 0.4
    least = volume_lines.least_distance(100.0, line, side, layout(USUAL))
    assert least / line == pytest.approx(0.0032, rel=0.01)
    fixed = volume_lines.least_distance(100.0, line, side, layout(USUAL, target="fixed"))
    assert fixed == pytest.approx(0.2)


def test_lines_nearer_than_that_come_no_nearer():
    assert volume_lines.least_distance(100.0, 99.9, LONG, layout(USUAL)) == pytest.approx(0.1)


# -- the book ---------------------------------------------------------------------------------

STRONG = Level(98.3, 0.5, 1, LONG)


def test_a_strong_level_of_a_trusted_book_moves_a_line():
    assert moved(book=book_of(STRONG))[0] == pytest.approx((99.0, 98.3, 97.0))


@pytest.mark.parametrize(
    "book",
    [
        book_of(STRONG, quality=0.3),
        book_of(STRONG, quality=math.nan),
        book_of(Level(98.3, 0.29, 1, LONG)),
        book_of(Level(98.3, 0.5, 6, LONG)),
        book_of(Level(98.3, 0.5, 1, SHORT)),
        None,
    ],
)
def test_weak_levels_a_poor_book_and_the_other_side_move_nothing(book):
    assert moved(book=book)[0] == BASE[1:-1]


def test_a_level_just_good_enough_is_heeded():
    book = book_of(Level(98.3, 0.3, 5, LONG), quality=0.31)
    assert moved(book=book)[1] == 1


@pytest.mark.parametrize(
    ("imbalance", "bias"),
    [(0.3, 0.0), (0.31, 0.0062), (0.4, 0.008), (0.5, 0.01), (0.9, 0.01), (-0.9, 0.0)],
)
def test_the_bias_is_that_of_the_specification(imbalance, bias):
    assert volume_lines.bias_of(imbalance, LONG, RULE) == pytest.approx(bias)
    assert volume_lines.bias_of(-imbalance, SHORT, RULE) == pytest.approx(bias)


def test_an_unknown_imbalance_is_no_bias():
    assert volume_lines.bias_of(math.nan, LONG, RULE) == 0.0


def test_pressure_moves_all_lines_towards_the_market_as_far_as_they_may():
    found, count, _ = moved(imbalance=0.31)
    assert found[1:] == pytest.approx((98.0 * 1.0062, 97.0 * 1.0062))
    assert found[0] == pytest.approx(99.5)  # half the way to the anchor remains
    assert count == 3


def test_lines_of_a_short_grid_are_lowered_by_more_asks():
    terrain = Terrain(imbalance=-0.31)
    found = volume_lines.moved(row(side=SHORT), terrain, layout())
    assert found.prices[1] == pytest.approx(102.0 * (1 - 0.0062))


# -- whatever there is ------------------------------------------------------------------------


@st.composite
def anything(draw):
    """A row of lines, something to move to, and what they are laid by."""
    side = draw(SIDES)
    tick = draw(st.sampled_from((0.0, 0.0, 0.01, 0.5)))
    gap = draw(st.floats(max(0.002, 2 * tick / 100.0), 0.05))
    count = draw(st.integers(1, 8))
    raw = [100.0 * (1 - side * gap) ** place for place in range(count + 2)]
    down = [math.floor(price / tick) * tick if tick else price for price in raw]
    levels = st.floats(60.0, 160.0)
    nodes = tuple(draw(st.lists(levels, max_size=8)))
    strong = [Level(price, 0.5, 1, side) for price in draw(st.lists(levels, max_size=3))]
    book = book_of(*strong) if draw(st.booleans()) else None
    imbalance = draw(st.sampled_from((math.nan, 0.0, side * 0.35, side * 0.9, -side * 0.9)))
    free = tuple(draw(st.booleans()) for _ in range(count))
    rule = VolumeLineSettings(
        most=draw(st.sampled_from((0.002, 0.02, 0.05))),
        beyond=draw(st.sampled_from((0.0, 0.01, 0.05))),
    )
    how = layout(
        draw(st.sampled_from((FREE, USUAL))),
        tick,
        draw(st.sampled_from(("next_line", "fixed"))),
        rule,
    )
    return Row(tuple(down), free, side), Terrain(nodes, (), book, imbalance), how


@given(anything())
def test_lines_keep_their_order_and_the_least_distance_whatever_there_is(given_):
    base, terrain, how = given_
    found = volume_lines.moved(base, terrain, how)
    assert len(found.prices) == len(base.prices) - 2
    after = (base.prices[0], *found.prices)
    for (inner, line), (was, stood) in zip(pairwise(after), pairwise(base.prices), strict=False):
        least = volume_lines.least_distance(was, stood, base.side, how)
        assert least > 0
        assert base.side * (inner - line) >= least - 1e-6


@given(anything())
def test_no_line_moves_further_than_most_and_the_bias_and_none_that_is_not_free(given_):
    base, terrain, how = given_
    rule = how.volume_lines
    bias = volume_lines.bias_of(terrain.imbalance, base.side, rule)
    found = volume_lines.moved(base, terrain, how)
    tick = how.tick / min(base.prices)
    for before, after, free in zip(base.prices[1:-1], found.prices, base.free, strict=True):
        towards = base.side * (after / before - 1)
        assert (
            -rule.most - 1e-6 - tick <= towards <= min(rule.beyond, rule.most) * 1.02 + bias + 1e-6
        )
        assert free or after == before
    changed = sum(one != other for one, other in zip(base.prices[1:-1], found.prices, strict=True))
    assert found.moved == changed
    assert found.moved + found.fell_back <= sum(base.free)


@given(anything())
def test_a_moved_line_stands_on_a_level_unless_the_book_pushed_it(given_):
    base, terrain, how = given_
    bias = volume_lines.bias_of(terrain.imbalance, base.side, how.volume_lines)
    levels = volume_lines.levels_for(terrain, base.side, how.volume_lines)
    found = volume_lines.moved(base, terrain, how)
    for before, after in zip(base.prices[1:-1], found.prices, strict=True):
        on_level = any(abs(level - after) <= how.tick + 1e-9 for level in levels)
        assert after == before or on_level or bias > 0
