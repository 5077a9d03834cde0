import json
import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gridkit.grid import plan as plans
from gridkit.grid.costs import Costs
from gridkit.grid.plan import Layout, Plan
from gridkit.grid.spacing import Spacing
from gridkit.settings import GridSettings, SpacingSettings
from strategies import LONG, SHORT, SIDES, gaps, laid_plans, layouts

FREE = Costs(0.0, 0.0, 0.0, 0.0)
USUAL = Costs(0.001, 0.001, 0.0001, 0.001)
PROGRESSIONS = st.sampled_from(("geometric", "arithmetic"))


def layout(
    costs: Costs = FREE, tick: float = 0.0, progression: str = "geometric", **grid
) -> Layout:
    return Layout(SpacingSettings(progression=progression), GridSettings(**grid), costs, tick)


def made(side: int = LONG, levels: int = 3, step: float = 0.01, **how) -> Plan:
    gap = Spacing(step, 0.02)
    return plans.make(100.0, gap, side, levels, 25.0, 0.0, layout(**how))


def outwards(plan: Plan) -> list[float]:
    """Prices in the direction in which lines follow one another, ascending when all is well."""
    return [-plan.side * line.price for line in plan.lines]


# -- a new plan -------------------------------------------------------------------------------


@given(laid_plans())
def test_lines_stand_in_strict_order_outwards_from_the_anchor(laid):
    plan, _ = laid
    assert [line.level for line in plan.lines] == list(range(1, len(plan.lines) + 1))
    prices = [-plan.side * plan.anchor, *outwards(plan)]
    assert all(inner < outer for inner, outer in pairwise(prices))


@given(laid_plans())
def test_neighbouring_lines_stand_a_step_apart_but_for_the_tick(laid):
    plan, how = laid
    for index, line in enumerate(plan.lines, start=1):
        exact = plans.line_price(plan.anchor, plan.step, index, plan.side, how.spacing.progression)
        assert 0 <= plan.side * (exact - line.price) + 1e-9 < (how.tick or 1e-6)


@given(laid_plans(ticks=st.sampled_from((0.01, 0.5))))
def test_prices_and_targets_are_on_tick(laid):
    plan, how = laid
    for price in (price for line in plan.lines for price in (line.price, line.target)):
        assert price / how.tick == pytest.approx(round(price / how.tick), abs=1e-6)


@given(laid_plans())
def test_a_target_pays_the_real_fees_of_both_legs_and_the_minimum_profit(laid):
    plan, how = laid
    costs = how.costs
    for line in plan.lines:
        gained = plan.side * (line.target - line.price)
        fees = line.price * costs.entry_fee + line.target * costs.exit_fee
        assert gained - fees >= line.price * costs.min_profit * (1 - 1e-9)
        assert gained >= line.price * costs.floor * (1 - 1e-9)


@pytest.mark.parametrize(
    ("side", "progression", "prices"),
    [
        (LONG, "geometric", [99.0, 98.01, 97.0299]),
        (LONG, "arithmetic", [99.0, 98.0, 97.0]),
        (SHORT, "geometric", [101.0, 102.01, 103.0301]),
        (SHORT, "arithmetic", [101.0, 102.0, 103.0]),
    ],
)
def test_lines_follow_the_closed_form(side, progression, prices):
    plan = made(side, progression=progression)
    assert [line.price for line in plan.lines] == pytest.approx(prices, rel=1e-12)


def test_a_lot_is_sold_at_the_line_above_it():
    plan = made()
    assert [line.target for line in plan.lines] == pytest.approx([100.0, 99.0, 98.01])


def test_a_lot_is_sold_at_take_profit_where_the_target_is_fixed():
    plan = made(target="fixed", take_profit=0.05)
    assert plan.lines[0].target == pytest.approx(99.0 * 1.05)


def test_a_target_too_near_for_the_costs_moves_to_the_fee_floor():
    plan = made(costs=USUAL, step=0.002)
    expected = plan.lines[0].price * 1.0012 / 0.999**2
    assert plan.lines[0].target == pytest.approx(expected, rel=1e-12)
    assert plan.lines[0].target > plan.anchor


@given(laid_plans(ticks=st.just(0.0)), st.integers(-20, 20))
def test_a_plan_scales_with_prices(laid, doublings):
    plan, how = laid
    factor = 2.0**doublings
    gap = Spacing(plan.step, plan.volatility)
    scaled = plans.make(
        factor * plan.anchor, gap, plan.side, len(plan.lines), plan.level_stake, 0.0, how
    )
    for small, large in zip(plan.lines, scaled.lines, strict=True):
        assert (factor * small.price, factor * small.target) == (large.price, large.target)


@given(st.floats(0.001, 0.03), st.integers(1, 12))
def test_a_short_plan_is_the_long_plan_of_the_inverse_price(step, levels):
    """A long grid in one currency is a short grid in the other: p becomes c / p."""
    gap, inverse = Spacing(step, 0.02), Spacing(step / (1 - step), 0.02)
    long = plans.make(1.0, gap, LONG, levels, 25.0, 0.0, layout())
    short = plans.make(1.0, inverse, SHORT, levels, 25.0, 0.0, layout())
    for one, other in zip(long.lines, short.lines, strict=True):
        assert one.price * other.price == pytest.approx(1.0, rel=1e-9)
        assert one.target * other.target == pytest.approx(1.0, rel=1e-9)


@given(st.floats(1.0, 1e5), st.floats(0.001, 0.04), st.integers(-5, 20), SIDES, PROGRESSIONS)
def test_the_anchor_is_found_again_from_any_line(anchor, step, index, side, progression):
    price = plans.line_price(anchor, step, index, side, progression)
    assert plans.anchor_of(price, step, index, side, progression) == pytest.approx(anchor)


def test_lines_that_reach_zero_are_refused():
    with pytest.raises(ValueError, match="reach a price of zero"):
        made(progression="arithmetic", levels=11, step=0.1)


def test_lines_that_fall_together_on_the_price_step_are_refused():
    with pytest.raises(ValueError, match="a wider step is needed"):
        made(tick=5.0)


@pytest.mark.parametrize("anchor", [math.nan, math.inf])
@pytest.mark.parametrize("tick", [0.0, 0.01])
def test_a_plan_around_an_unknown_price_is_refused(anchor, tick):
    with pytest.raises(ValueError, match="unknown price"):
        plans.make(anchor, Spacing(0.01, 0.02), LONG, 3, 25.0, 0.0, layout(tick=tick))


# -- revised ----------------------------------------------------------------------------------


@st.composite
def revisions(draw):
    """A plan, levels held, and a revision of it."""
    plan, how = draw(laid_plans())
    levels = [line.level for line in plan.lines]
    held = draw(st.sets(st.sampled_from(levels), min_size=1))
    price = draw(st.sampled_from((plan.anchor, plan.lines[-1].price * (1 - plan.side * 0.05))))
    gap = draw(gaps(0.002, 0.1))
    return plan, held, plans.revised(plan, held, gap, price, 1.0, how), how


@given(revisions())
def test_a_revision_keeps_price_and_target_of_held_lines(revision):
    plan, held, after, _ = revision
    for level in held:
        assert after.line(level) == plan.line(level)


@given(revisions())
def test_a_revision_keeps_the_number_of_lines_and_their_order(revision):
    plan, _, after, _ = revision
    assert len(after.lines) == len(plan.lines)
    assert all(inner < outer for inner, outer in pairwise(outwards(after)))
    levels = [line.level for line in after.lines]
    assert levels == list(range(levels[0], levels[0] + len(levels)))


@given(revisions())
def test_a_revision_keeps_every_target_beyond_the_fee_floor(revision):
    _, _, after, how = revision
    for line in after.lines:
        assert after.side * (line.target - line.price) >= line.price * how.costs.floor * (1 - 1e-9)


@given(laid_plans(ticks=st.just(0.0)), st.data())
def test_a_revision_with_the_same_step_moves_no_line(laid, data):
    plan, how = laid
    held = data.draw(st.sets(st.sampled_from([line.level for line in plan.lines]), min_size=1))
    gap = Spacing(plan.step, plan.volatility)
    after = plans.revised(plan, held, gap, plan.anchor, 1.0, how)
    for before, now in zip(plan.lines, after.lines, strict=True):
        assert now.price == pytest.approx(before.price, rel=1e-9)
        assert now.target == pytest.approx(before.target, rel=1e-9)


def test_free_lines_move_with_the_step():
    after = plans.revised(made(), {1}, Spacing(0.02, 0.03), 99.0, 7.0, layout())
    assert [line.price for line in after.lines] == pytest.approx([99.0, 97.02, 95.0796])
    assert [line.target for line in after.lines] == pytest.approx([100.0, 99.0, 97.02])
    assert (after.step, after.volatility, after.made) == (0.02, 0.03, 7.0)


def test_without_lots_nothing_is_moved_but_the_date():
    plan = made()
    after = plans.revised(plan, set(), Spacing(0.02, 0.03), 99.0, 7.0, layout())
    assert (after.lines, after.step, after.made) == (plan.lines, plan.step, 7.0)


def test_a_revision_that_would_reach_zero_keeps_the_old_lines():
    how = layout(progression="arithmetic")
    plan = made(levels=20, progression="arithmetic")
    after = plans.revised(plan, {1}, Spacing(0.2, 0.3), 99.0, 7.0, how)
    assert (after.lines, after.step) == (plan.lines, plan.step)


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_trailing_down_lays_free_inner_lines_below_the_outermost(side):
    plan = made(side, levels=4)
    beyond = plan.lines[-1].price * (1 - side * 0.01)
    how = layout(trailing_down=True)
    after = plans.revised(plan, {3, 4}, Spacing(0.01, 0.02), beyond, 1.0, how)
    assert [line.level for line in after.lines] == [3, 4, 5, 6]
    assert after.lines[:2] == plan.lines[2:]
    assert after.lines[3].price == pytest.approx(100 * (1 - side * 0.01) ** 6)


@pytest.mark.parametrize(("trailing", "beyond"), [(False, True), (True, False)])
def test_lines_stay_without_trailing_down_and_until_all_were_passed(trailing, beyond):
    plan = made(levels=4)
    price = plan.lines[-1].price * (0.99 if beyond else 1.001)
    how = layout(trailing_down=trailing)
    after = plans.revised(plan, {3, 4}, Spacing(0.01, 0.02), price, 1.0, how)
    assert [line.level for line in after.lines] == [1, 2, 3, 4]


# -- documents --------------------------------------------------------------------------------


@given(laid_plans())
def test_a_plan_survives_json(laid):
    plan, _ = laid
    document = json.loads(json.dumps(plan.as_document(), allow_nan=False))
    assert Plan.from_document(document) == plan


def test_an_unknown_volatility_survives_json_as_null():
    plan = plans.make(100.0, Spacing(0.01, math.nan), LONG, 3, 25.0, 0.0, layout())
    text = json.dumps(plan.as_document(), allow_nan=False)
    assert math.isnan(Plan.from_document(json.loads(text)).volatility)


@given(layouts(), st.integers(1, 12))
def test_a_level_that_is_not_in_the_plan_has_no_line(how, levels):
    plan = plans.make(500.0, Spacing(0.01, 0.02), LONG, levels, 25.0, 0.0, how)
    assume(plan.lines)
    assert plan.line(0) is None
    assert plan.line(levels + 1) is None
