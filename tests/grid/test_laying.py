"""Lines by step, density and volume together: what holds of every plan, and what is told of it."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grid import bare_lines
from gridkit.analytics.book_levels import Level, Levels
from gridkit.grid import laying, volume_lines
from gridkit.grid import layout as layouts_of
from gridkit.grid.costs import Costs
from gridkit.grid.layout import EMPTY, Layout, Terrain
from gridkit.grid.lines import Plan, Steps, told
from gridkit.grid.spacing import Spacing
from gridkit.settings import DensitySettings, GridSettings, SpacingSettings, VolumeLineSettings
from strategies import LONG, SHORT, SIDES, TICKS, gaps, laid_plans, layouts

FREE = Costs(0.0, 0.0, 0.0, 0.0)
USUAL = Costs(0.001, 0.001, 0.0001, 0.001)
ALL_ON = {"density": DensitySettings(), "volume_lines": VolumeLineSettings()}
NO_ROUND = DensitySettings(round_factor=1.0)
VOLUME = {"density": None, "volume_lines": VolumeLineSettings()}
DENSE = {"density": NO_ROUND, "volume_lines": None}
GAP = Spacing(0.01, 0.02, "micro", 0.008)


def plain(costs=FREE, tick=0.0, progression="geometric", **grid):
    return Layout(SpacingSettings(progression=progression), GridSettings(**grid), costs, tick)


def laid(anchor=100.0, side=LONG, levels=4, terrain=EMPTY, gap=GAP, how=None, **more):
    return laying.make(anchor, gap, side, levels, 25.0, 0.0, how or plain(), terrain, **more)


def as_tuples(plan):
    return [(line.level, line.price, line.target) for line in plan.lines]


def outwards(plan):
    return [-plan.side * line.price for line in plan.lines]


@st.composite
def terrains(draw, side=LONG):
    """Anything that may be known around prices of 300 to 1,000."""
    near = st.floats(250.0, 1_300.0)
    strong = [Level(price, 0.5, 1, side) for price in draw(st.lists(near, max_size=3))]
    return Terrain(
        nodes=tuple(draw(st.lists(near, max_size=6))),
        supports=tuple(draw(st.lists(near, max_size=12))),
        book=Levels(tuple(strong), 0.6) if draw(st.booleans()) else None,
        imbalance=draw(st.sampled_from((math.nan, 0.0, 0.4, 0.9, -0.4, -0.9))),
    )


@st.composite
def features(draw):
    """Density and volume lines, each on or off."""
    density = draw(st.sampled_from((None, DensitySettings(), NO_ROUND)))
    return {
        "density": density,
        "volume_lines": draw(st.sampled_from((None, VolumeLineSettings()))),
    }


@st.composite
def cases(draw, ticks=TICKS):
    """What a plan may be laid from."""
    side = draw(SIDES)
    how = replace(draw(layouts(ticks)), **draw(features()))
    return draw(st.floats(300.0, 1_000.0)), draw(gaps()), side, draw(st.integers(1, 12)), how


@st.composite
def new_plans(draw, ticks=TICKS):
    """A plan with any features, and what it was laid by."""
    anchor, gap, side, levels, how = draw(cases(ticks))
    terrain = draw(terrains(side))
    return laying.make(anchor, gap, side, levels, 25.0, 0.0, how, terrain), how, terrain, gap


@st.composite
def revisions(draw):
    """A plan, levels held, its revision, and what it was revised by."""
    plan, how, _, _ = draw(new_plans())
    held = draw(st.sets(st.sampled_from([line.level for line in plan.lines]), min_size=1))
    price = draw(st.sampled_from((plan.anchor, plan.lines[-1].price * (1 - plan.side * 0.05))))
    terrain = draw(terrains(plan.side))
    gap = draw(gaps(0.002, 0.1))
    return plan, held, laying.revised(plan, held, gap, price, 1.0, how, terrain), how, terrain


# -- all off ----------------------------------------------------------------------------------


@given(cases(), st.data())
def test_without_density_and_volume_a_plan_is_that_of_the_bare_grid(case, data):
    anchor, gap, side, levels, how = case
    how = replace(how, density=None, volume_lines=None)
    found = laying.make(anchor, gap, side, levels, 25.0, 0.0, how, data.draw(terrains(side)))
    wanted = bare_lines.made(anchor, gap.step, side, levels, how)
    for one, other in zip(as_tuples(found), wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-12)


@given(laid_plans(), st.data())
def test_without_density_and_volume_a_revision_is_that_of_the_bare_grid(given_, data):
    plan, how = given_
    held = data.draw(st.sets(st.sampled_from([line.level for line in plan.lines]), min_size=1))
    gap = data.draw(gaps())
    wanted = bare_lines.revised(plan, held, gap.step, how)
    assume(min(price for _, price, _ in wanted) > 0)
    terrain = data.draw(terrains(plan.side))
    found = laying.revised(plan, held, gap, plan.anchor, 1.0, how, terrain)
    for one, other in zip(as_tuples(found), wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-12)


@given(cases(), st.data())
def test_with_nothing_known_lines_stand_as_without_volume_lines_and_density_by_levels(case, data):
    anchor, gap, side, levels, how = case
    off = replace(how, density=None, volume_lines=None)
    on = replace(how, density=NO_ROUND, volume_lines=VolumeLineSettings())
    made = [laying.make(anchor, gap, side, levels, 25.0, 0.0, one, EMPTY) for one in (off, on)]
    assert as_tuples(made[0]) == as_tuples(made[1])


# -- density ----------------------------------------------------------------------------------


def test_lines_stand_closer_near_a_support():
    terrain = Terrain(supports=(99.0,))
    found = laid(terrain=terrain, levels=3, how=replace(plain(), **DENSE))
    factors = (1.5, 1.5, 1.2)  # at 99.0, 98.34 and, 1.6 % away, 97.36 … by the closed form
    places = [sum(1 / factor for factor in factors[: count + 1]) for count in range(3)]
    wanted = [100.0 * 0.99**place for place in places]
    assert [line.price for line in found.lines] == pytest.approx(wanted)


@given(cases(ticks=st.just(0.0)), st.data())
def test_a_line_stands_where_the_density_of_all_before_it_puts_it(case, data):
    anchor, gap, side, levels, how = case
    how, terrain, place = replace(how, **DENSE), data.draw(terrains(side)), 0.0
    plan = laying.make(anchor, gap, side, levels, 25.0, 0.0, how, terrain)
    for line in plan.lines:
        where = layouts_of.line_price(
            plan.anchor, gap.step, place + 1, plan.side, how.spacing.progression
        )
        known = (*terrain.nodes, *terrain.supports)
        nearest = min((abs(level / where - 1) for level in known), default=math.inf)
        place += 1 / (1.5 if nearest <= 0.01 else 1.2 if nearest <= 0.02 else 1.0)
        exact = layouts_of.line_price(
            plan.anchor, gap.step, place, plan.side, how.spacing.progression
        )
        assert line.price == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_revision_lays_free_lines_closer_on_both_sides_of_the_held_one(side):
    plan, how = laid(side=side, levels=5), replace(plain(), **DENSE)
    held, away = plan.lines[2].price, 1 - side * 0.01
    supports = (held * away, held / away)
    after = laying.revised(plan, {3}, GAP, held, 1.0, how, Terrain(supports=supports))
    prices = [line.price / held for line in after.lines]
    near, further = 1 / 1.5, 1 / 1.5 + 1 / 1.5
    wanted = [away**place for place in (-further, -near, 0.0, near, further)]
    assert prices == pytest.approx(wanted, rel=1e-9)
    assert after.steps.dense == pytest.approx(0.01 / 1.5)


def test_closer_lines_that_would_share_a_price_step_stand_as_without_density():
    how = replace(plain(tick=0.7), **DENSE)
    terrain = Terrain(supports=(97.0, 98.0, 99.0))
    found = laid(terrain=terrain, how=how)
    assert as_tuples(found) == as_tuples(laid(how=plain(tick=0.7)))
    fine = laid(terrain=terrain, how=replace(how, tick=0.01))
    assert as_tuples(fine) != as_tuples(laid(how=plain(tick=0.01)))


# -- the order that opens a cycle -------------------------------------------------------------


@given(cases(), st.data())
def test_the_opening_order_stands_where_line_one_of_the_plan_will(case, data):
    anchor, gap, side, levels, how = case
    terrain = data.draw(terrains(side))
    price = laying.first_line(anchor, gap, side, how, terrain)
    made = laying.make(anchor, gap, side, levels, 25.0, 0.0, how, terrain)
    assert price == made.lines[0].price


@given(cases(), st.data())
def test_a_plan_laid_again_from_its_first_order_has_this_order_as_line_one(case, data):
    anchor, gap, side, levels, how = case
    placed = laying.first_line(anchor, gap, side, how, data.draw(terrains(side)))
    again = layouts_of.anchor_of(placed, gap.step, 1, side, how.spacing.progression)
    terrain = data.draw(terrains(side))
    plan = laying.make(again, gap, side, levels, 25.0, 0.0, how, terrain, first=placed)
    assert plan.lines[0].price == placed
    assert plan.anchor == again
    assert len(plan.lines) == levels
    off = replace(how, density=None, volume_lines=None)
    bare = laying.make(again, gap, side, levels, 25.0, 0.0, off)
    for one, other in zip(plan.lines, bare.lines, strict=True):
        assert side * one.price >= side * other.price * (1 - side * 0.021) - how.tick


@given(cases(), st.integers(2, 6), st.data())
def test_lines_that_the_opening_order_took_stand_whole_steps_apart(case, taken, data):
    """Line `taken` is where they were bought, and no free line stands on its inner side."""
    price, gap, side, levels, how = case
    assume(levels >= taken)
    anchor = layouts_of.anchor_of(price, gap.step, taken, side, how.spacing.progression)
    plan = laying.make(
        anchor, gap, side, levels, 25.0, 0.0, how, data.draw(terrains(side)), price, taken
    )
    assert plan.lines[taken - 1].price == price
    off = replace(how, density=None, volume_lines=None)
    bare = laying.make(anchor, gap, side, levels, 25.0, 0.0, off)
    assert [line.price for line in plan.lines[: taken - 1]] == [
        line.price for line in bare.lines[: taken - 1]
    ]
    assert all(side * line.price < side * price for line in plan.lines[taken:])


def test_a_first_order_that_cannot_be_line_one_of_this_anchor_is_refused():
    with pytest.raises(ValueError, match="fall together"):
        laid(anchor=100.0, first=101.0)


# -- what holds of every plan -----------------------------------------------------------------


@given(new_plans())
def test_a_plan_has_its_lines_in_strict_order_from_the_anchor(made):
    plan, _, _, _ = made
    assert [line.level for line in plan.lines] == list(range(1, len(plan.lines) + 1))
    prices = [-plan.side * plan.anchor, *outwards(plan)]
    assert all(inner < outer for inner, outer in pairwise(prices))


@given(revisions())
def test_a_revision_keeps_held_lines_their_number_and_strict_order(revision):
    plan, held, after, _, _ = revision
    assert len(after.lines) == len(plan.lines)
    assert all(inner < outer for inner, outer in pairwise(outwards(after)))
    for level in held:
        assert after.line(level) == plan.line(level)
    levels = [line.level for line in after.lines]
    assert levels == list(range(levels[0], levels[0] + len(levels)))
    assert after.method == plan.method


@given(new_plans(), st.data())
def test_every_target_pays_for_the_round_trip(made, data):
    plan, how, terrain, gap = made
    held = data.draw(st.sets(st.sampled_from([line.level for line in plan.lines]), min_size=1))
    after = laying.revised(plan, held, gap, plan.anchor, 1.0, how, terrain)
    for line in (*plan.lines, *after.lines):
        gained = plan.side * (line.target - line.price)
        fees = line.price * how.costs.entry_fee + line.target * how.costs.exit_fee
        assert gained - fees >= line.price * how.costs.min_profit * (1 - 1e-9)
        assert gained >= line.price * how.costs.floor * (1 - 1e-9)


@given(new_plans(ticks=st.sampled_from((0.01, 0.5))))
def test_prices_are_on_the_price_step_wherever_they_were_moved(made):
    plan, how, _, _ = made
    for price in (price for line in plan.lines for price in (line.price, line.target)):
        assert price / how.tick == pytest.approx(round(price / how.tick), abs=1e-6)


@given(new_plans(ticks=st.just(0.0)))
def test_lines_of_dense_grids_keep_half_the_way_between_the_closest_there_may_be(made):
    plan, how, _, gap = made
    dense = 1.0
    if how.density is not None:
        dense = how.density.near_factor * how.density.round_factor
    closest = 1 - (1 - gap.step) ** (1 / dense)
    if how.spacing.progression == "arithmetic":
        closest = gap.step / dense * 0.999
    prices = [plan.anchor, *(line.price for line in plan.lines)]
    for inner, line in pairwise(prices):
        apart = plan.side * (inner - line)
        whole = plan.anchor if how.spacing.progression == "arithmetic" else min(inner, line)
        assert apart >= volume_lines.CLOSEST * closest * whole * (1 - 0.025) * 0.999


@given(cases(ticks=st.just(0.0)), st.integers(-20, 20), st.data())
def test_a_plan_scales_with_prices(case, doublings, data):
    anchor, gap, side, levels, how = case
    assume(how.density is None or how.density == NO_ROUND)
    terrain, factor = data.draw(terrains(side)), 2.0**doublings
    book = terrain.book and Levels(
        tuple(replace(level, price=level.price * factor) for level in terrain.book.levels),
        terrain.book.quality,
    )
    scaled = replace(
        terrain,
        nodes=tuple(factor * one for one in terrain.nodes),
        supports=tuple(factor * one for one in terrain.supports),
        book=book,
    )
    small = laying.make(anchor, gap, side, levels, 25.0, 0.0, how, terrain)
    large = laying.make(factor * anchor, gap, side, levels, 25.0, 0.0, how, scaled)
    for one, other in zip(small.lines, large.lines, strict=True):
        assert (factor * one.price, factor * one.target) == (other.price, other.target)
    assert small.steps == large.steps


@given(cases(), st.data())
def test_the_same_input_lays_the_same_plan(case, data):
    anchor, gap, side, levels, how = case
    terrain = data.draw(terrains(side))
    one, other = (laying.make(anchor, gap, side, levels, 1.0, 0.0, how, terrain) for _ in range(2))
    assert one == other
    held = data.draw(st.sets(st.sampled_from([line.level for line in one.lines])))
    after = [laying.revised(one, held, gap, anchor, 1.0, how, terrain) for _ in range(2)]
    assert after[0] == after[1]


# -- volume -----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_line_moves_to_a_node_and_its_lot_is_sold_at_the_line_above(side):
    node = 100.0 - side * 1.8
    found = laid(side=side, terrain=Terrain(nodes=(node,)), how=replace(plain(), **VOLUME))
    bare = laid(side=side)
    assert found.lines[1].price == node
    assert found.lines[2].target == node
    assert [line.price for line in found.lines[2:]] == [line.price for line in bare.lines[2:]]


@pytest.mark.parametrize("node", [95.0, 92.1, 94.1])
def test_a_revision_moves_free_lines_beyond_the_held_ones(node):
    plan = laid(levels=9)
    how = replace(plain(), **VOLUME)
    after = laying.revised(plan, {2, 3}, GAP, 97.0, 1.0, how, Terrain(nodes=(node,)))
    assert node in [line.price for line in after.lines[3:]]
    assert after.steps.moved == 1


def test_a_revision_leaves_lines_between_held_ones_where_they_are():
    plan = laid(levels=5)
    how = replace(plain(), **VOLUME)
    after = laying.revised(plan, {1, 5}, GAP, 97.0, 1.0, how, Terrain(nodes=(98.2, 97.2, 96.3)))
    assert [line.price for line in after.lines] == pytest.approx(
        [line.price for line in plan.lines], rel=1e-12
    )


def test_arithmetic_lines_whose_next_would_be_below_zero_are_laid():
    how = replace(plain(progression="arithmetic"), **ALL_ON)
    terrain = Terrain(nodes=(3.99,))
    found = laid(gap=Spacing(0.24, 0.1), levels=4, how=replace(how, density=None), terrain=terrain)
    assert [line.price for line in found.lines] == pytest.approx([76.0, 52.0, 28.0, 3.99])


# -- what is told -----------------------------------------------------------------------------


def test_a_plan_tells_what_each_step_came_to():
    how = replace(plain(USUAL, target="fixed", take_profit=0.002), **VOLUME)
    how = replace(how, density=NO_ROUND)
    gap, terrain = Spacing(0.004, 0.02, "micro", 0.003), Terrain(nodes=(41.3,))
    found = laid(anchor=41.62, levels=5, gap=gap, terrain=terrain, how=how)
    base = laid(
        anchor=41.62, levels=5, gap=gap, terrain=terrain, how=replace(how, volume_lines=None)
    )
    steps = found.steps
    assert (found.method, steps.wanted, steps.bounded, steps.free) == ("micro", 0.003, 0.004, 5)
    assert steps.dense == base.steps.dense == pytest.approx(0.004 / 1.5)
    assert (steps.moved, steps.fell_back, steps.raised) == (1, 4, 5)
    nearest = min(abs(41.3 / line.price - 1) for line in base.lines)
    assert steps.mean_move == pytest.approx(nearest)
    first, second = told(found)
    assert first == (
        "lines by method micro: 0.40% apart (0.30% before its bounds), "
        "0.27% on average after density"
    )
    assert second == (
        "1 of 5 free lines moved to volume (0.03% on average), 4 stayed as others stand too near; "
        "the fee floor raised 5 of 5 targets"
    )


def test_a_plain_plan_tells_its_gap_alone():
    assert told(laid(gap=Spacing(0.01, 0.02))) == ["lines by method volatility: 1.00% apart"]
    assert told(replace(laid(), steps=None)) == []


def test_targets_that_stand_far_enough_are_not_told_as_raised():
    assert laid(how=plain(USUAL)).steps.raised == 0
    assert laid(how=plain(USUAL, tick=0.5), gap=Spacing(0.03, 0.02)).steps.raised == 0
    near = laid(how=plain(USUAL), gap=Spacing(0.002, 0.02))
    assert near.steps.raised == 4


@given(new_plans(), st.data())
def test_counts_are_of_free_lines_and_of_nothing_else(made, data):
    plan, how, terrain, gap = made
    held = data.draw(st.sets(st.sampled_from([line.level for line in plan.lines]), min_size=1))
    after = laying.revised(plan, held, gap, plan.anchor, 1.0, how, terrain)
    assert plan.steps.free == len(plan.lines)
    between = max(held) - min(held) + 1
    assert after.steps.free == len(plan.lines) - between
    for steps in (plan.steps, after.steps):
        assert 0 <= steps.moved <= steps.free
        assert (
            0 <= steps.fell_back <= steps.free
        )  # the book's bias may move such a line all the same
        assert 0 <= steps.raised <= steps.free
        assert 0 < steps.dense <= steps.bounded
        assert steps.dense == steps.bounded or how.density is not None
        assert (steps.mean_move > 0) == (steps.moved > 0)


# -- documents --------------------------------------------------------------------------------


@given(new_plans())
def test_a_plan_with_all_it_tells_survives_json(made):
    plan, _, _, _ = made
    document = json.loads(json.dumps(plan.as_document(), allow_nan=False))
    assert Plan.from_document(document) == plan
    assert isinstance(Plan.from_document(document).steps, Steps)


def test_a_plan_stored_before_there_were_methods_is_read():
    document = laid().as_document()
    del document["method"], document["steps"]
    read = Plan.from_document(document)
    assert (read.method, read.steps) == ("volatility", None)
    assert read.lines == laid().lines
