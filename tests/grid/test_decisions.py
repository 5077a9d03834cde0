import math
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridkit.grid import plan as plans
from gridkit.grid import tags
from gridkit.grid.costs import Costs, lowest_target, on_tick
from gridkit.grid.decisions import decide
from gridkit.grid.lots import Fill, Ledger, Lot
from gridkit.grid.plan import Layout, Line, Plan
from gridkit.grid.situation import Block, Order, Resting, Rules, Situation, Stuck, Verdict
from gridkit.grid.spacing import Spacing
from gridkit.settings import GridSettings, SpacingSettings, StopSettings
from strategies import LONG, SHORT, SIDES, at, rungs_of, situation_of, situations

THOROUGH = settings(max_examples=1_500)
FREE = Costs(0.0, 0.0, 0.0, 0.0)
LOSS_VERBS = {tags.STOP, tags.FLATTEN, tags.END, tags.RECOVER}
STEP = 0.01


def rules(**changes) -> Rules:
    """Rules of a frictionless pair with every stop switched off."""
    usual = {
        "hysteresis": 0.15,
        "lot_stop": math.inf,
        "cycle_stop": math.inf,
        "stop_price": None,
        "pause_price": None,
        "max_lots": 25,
        "max_orders": 150,
        "max_distance": 0.9,
        "answers_gaps": False,
        "costs": FREE,
    }
    return Rules(**{**usual, **changes})


def grid(side: int = LONG, levels: int = 5) -> Plan:
    """Lines 1 % apart around 100."""
    layout = Layout(SpacingSettings(), GridSettings(), FREE)
    return plans.make(100.0, Spacing(STEP, 0.02), side, levels, 25.0, 0.0, layout)


def holding(*levels: int, plan: Plan | None = None, amount: float = 1.0) -> dict[int, Lot]:
    plan = plan or grid()
    lines = (plan.line(level) for level in levels)
    return {line.level: Lot(line.level, amount, line.price, 0.0) for line in lines if line}


def facing(rate: float, *levels: int, side: int = LONG, **changes) -> Situation:
    """A grid of five lines with some levels held, at one rate."""
    plan = changes.pop("plan", None) or grid(side)
    usual = {
        "plan": plan,
        "lots": holding(*levels, plan=plan),
        "stopped": frozenset(),
        "resting": None,
        "entry_rate": rate,
        "exit_rate": rate,
    }
    return Situation(**{**usual, **changes})


def resting(verdict: Verdict, rate: float) -> Resting:
    """The verdict's order, once it was placed."""
    order = verdict.order
    assert order is not None
    price = rate if order.price is None else order.price
    return Resting(order.is_entry, order.levels, price, order.tag)


def answer(verdict: Verdict) -> tuple[Order | None, bool, str | None, str | None]:
    """What a verdict says, apart from the figures in its blocks, which follow the rate."""
    said = (block and block.condition for block in (verdict.block, verdict.withheld))
    return verdict.order, verdict.place, *said


# -- how long a verdict holds: what the fast path rests on ------------------------------------


@THOROUGH
@given(situations(), st.floats(0.0, 1.0))
def test_a_verdict_is_the_same_anywhere_between_its_bounds(found, share):
    situation, how = found
    verdict = decide(situation, how)
    for rate in rates_between(verdict, situation.exit_rate, share):
        if verdict.holds_at(rate):
            assert answer(decide(at(situation, rate), how)) == answer(verdict)


def rates_between(verdict: Verdict, rate: float, share: float) -> tuple[float, ...]:
    """Just inside either bound, and somewhere in between."""
    low = max(verdict.holds_above, rate * 1e-3)
    high = min(verdict.holds_below, rate * 1e3)
    return math.nextafter(low, math.inf), low + share * (high - low), math.nextafter(high, 0.0)


@THOROUGH
@given(situations())
def test_a_verdict_holds_at_its_own_rate_or_nowhere(found):
    situation, how = found
    verdict = decide(situation, how)
    rate = situation.exit_rate
    nowhere = verdict.holds_above == verdict.holds_below == rate
    assert verdict.holds_at(rate) or nowhere


def test_a_verdict_made_exactly_on_a_line_holds_nowhere():
    verdict = decide(facing(grid().lines[0].price), rules())
    assert not verdict.holds_at(math.nextafter(grid().lines[0].price, 200.0))


def test_a_usual_verdict_holds_over_a_good_part_of_a_step():
    verdict = decide(facing(98.6, 1), rules())
    assert (verdict.holds_above, verdict.holds_below) == pytest.approx((98.01, 99.005))


def test_with_a_spread_between_the_rates_a_verdict_holds_nowhere():
    spread = replace(facing(98.6, 1), entry_rate=98.59)
    assert not decide(spread, rules()).holds_at(98.6)


def test_an_order_left_at_market_is_asked_about_again_once_the_market_leaves_it():
    order = Resting(False, (1,), 97.0, "stop L1")
    verdict = decide(facing(96.98, 1, resting=order), rules(lot_stop=0.02))
    assert not verdict.place
    assert verdict.holds_above == pytest.approx(97.0 * 0.9995)


def test_a_verdict_ends_where_the_resting_order_would_have_been_jumped_over():
    """Its price may differ from the line's by less than half a tick."""
    line = grid().lines[1].price
    order = Resting(True, (2,), line + 0.2, "L2")
    verdict = decide(facing(line + 0.3, 1, resting=order), rules(tick=0.5, answers_gaps=True))
    assert (verdict.place, verdict.holds_above) == (False, line + 0.2)


@given(situations())
def test_the_same_situation_gets_the_same_verdict(found):
    assert repr(decide(*found)) == repr(decide(*found))


# -- what may never happen --------------------------------------------------------------------


@THOROUGH
@given(situations())
def test_an_exit_pays_for_every_lot_it_sells_unless_it_is_a_stop(found):
    situation, how = found
    order = decide(situation, how).order
    if order is None or order.is_entry or tags.verb_of(order.tag) in LOSS_VERBS:
        return
    side, price = situation.plan.side, order.price or situation.exit_rate
    for level in order.levels:
        least = lowest_target(situation.lots[level].price, side, how.costs)
        assert side * price >= side * least


@THOROUGH
@given(situations())
def test_an_entry_takes_free_lines_only_and_no_more_than_limits_allow(found):
    situation, how = found
    order = decide(situation, how).order
    if order is None or not order.is_entry:
        return
    assert not set(order.levels) & (set(situation.lots) | situation.stopped)
    assert all(situation.plan.line(level) for level in order.levels)
    assert len(situation.lots) + len(order.levels) <= how.max_lots
    assert situation.orders < how.max_orders
    if situation.block is not None:  # it was in work before the block
        assert situation.block.spares_resting
        assert not decide(situation, how).place
        return
    assert len(order.levels) * situation.plan.level_stake <= situation.room * (1 + 1e-9)


@THOROUGH
@given(situations(), st.sampled_from((1.1, 1.5, 2.0)))
def test_a_prediction_changes_what_an_entry_costs_and_nothing_else(found, scale):
    situation, how = found
    raised = decide(replace(situation, scale=scale), how)
    plain = decide(replace(situation, scale=1.0), how)
    if plain.order is None or not plain.order.is_entry:
        assert raised == plain
        return
    assert raised.order is not None
    stake = len(plain.order.levels) * situation.plan.level_stake
    fits = stake * scale <= situation.room
    assert raised.order.scale == (scale if fits else 1.0)
    assert replace(raised, order=replace(raised.order, scale=1.0)) == plain


@pytest.mark.parametrize(("room", "scale"), [(27.4, 1.0), (27.6, 1.1), (math.inf, 1.1)])
def test_a_raised_line_is_a_plain_one_where_there_is_too_little_room(room, scale):
    order = decide(facing(98.5, 1, room=room, scale=1.1), rules()).order
    assert (order.tag, order.scale) == ("L2", scale)


def test_an_entry_at_rest_is_not_replaced_because_its_line_would_cost_more_by_now():
    verdict = decide(facing(98.5, 1), rules())
    at_rest = resting(verdict, 98.5)
    assert not decide(facing(98.5, 1, resting=at_rest, scale=1.1), rules()).place


@THOROUGH
@given(situations(), st.floats(0.97, 1.03))
def test_no_entry_is_wanted_beyond_a_price_limit_at_a_line_or_at_market(found, share):
    situation, how = found
    for name in ("pause_price", "stop_price"):
        limit = share * situation.plan.lines[-1].price
        bound = replace(how, **{name: limit})
        order = decide(replace(situation, block=None, room=math.inf, orders=0), bound).order
        if order is not None and order.is_entry:
            price = situation.entry_rate if order.price is None else order.price
            assert situation.plan.side * price > situation.plan.side * limit


@pytest.mark.parametrize("name", ["pause_price", "stop_price"])
@pytest.mark.parametrize(("away", "tag"), [(-0.01, "L2"), (0.0, None), (0.01, None)])
def test_a_line_at_or_beyond_a_price_limit_is_not_waited_for(name, away, tag):
    """The market, at 98.1, is not there yet; line 2 is at 98.01."""
    limit = grid().lines[1].price + away
    verdict = decide(facing(98.1, 1), rules(**{name: limit}))
    entry = verdict.order if verdict.order and verdict.order.is_entry else None
    assert (entry and entry.tag) == tag
    assert (verdict.block and verdict.block.condition) == (None if tag else "no line is free")


@THOROUGH
@given(situations())
def test_an_order_says_what_it_does_and_why(found):
    situation, how = found
    order = decide(situation, how).order
    if order is None:
        return
    assert order.levels
    assert order.reason
    assert tags.levels_of(order.tag) == order.levels
    assert bool(tags.verb_of(order.tag)) is not order.is_entry
    assert order.is_entry or set(order.levels) <= set(situation.lots)


@THOROUGH
@given(situations())
def test_a_partial_exit_leaves_enough_or_was_in_place_before(found):
    situation, how = found
    order, before = decide(situation, how).order, situation.resting
    if order is None or order.is_entry or (before and before.levels == order.levels):
        return
    share = 1.0 if order.share is None else order.share
    left = [lot.amount for level, lot in situation.lots.items() if level not in order.levels]
    left += [situation.lots[level].amount * (1 - share) for level in order.levels if share < 1]
    if left:
        assert sum(left) * situation.exit_rate >= situation.least_value_left * (1 - 1e-9)
        assert sum(left) >= situation.least_amount_left


@THOROUGH
@given(situations())
def test_an_exit_that_is_placed_is_an_order_the_exchange_takes_or_the_last(found):
    situation, how = found
    verdict = decide(situation, how)
    order = verdict.order
    if order is None or order.is_entry or not verdict.place:
        return
    if order.share is None and set(order.levels) == set(situation.lots):
        return
    amount = sum(situation.lots[level].amount for level in order.levels)
    amount *= 1.0 if order.share is None else order.share
    step = how.amount_step or 1e-9
    sold = math.floor(amount / step + 1e-6) * step
    assert sold > 0
    assert sold >= situation.least_order_amount * (1 - 1e-6)
    value = sold * (order.price or situation.exit_rate)
    assert value >= situation.least_order_value * (1 - 1e-6)


@pytest.mark.parametrize(
    "kind",
    [
        "entry",
        "exit at target",
        "exit at market",
        "stop",
        "flatten",
        "end",
        "trim",
        "nothing",
        "rung",
        "rung at market",
        "recovery at market",
    ],
)
def test_the_situations_thrown_at_decide_lead_to_every_kind_of_order(kind):
    """So that no property above is true because it is never asked."""
    assert kind in kinds_found()


@cache
def kinds_found() -> set[str]:
    return {kind_of(decide(*situation_of(seed)).order) for seed in range(5_000)}


def kind_of(order: Order | None) -> str:
    if order is None:
        return "nothing"
    verb = tags.verb_of(order.tag)
    if verb == tags.RECOVER:
        at_market = "recovery at market" if "stuck" in order.reason else "rung at market"
        return "rung" if order.price is not None else at_market
    if order.is_entry or verb in LOSS_VERBS or verb == tags.TRIM:
        return verb or "entry"
    return "exit at market" if order.price is None else "exit at target"


@given(situations(), st.sampled_from((math.nan, 0.0, -1.0, math.inf)), st.booleans())
def test_an_unknown_rate_places_nothing(found, rate, of_entries):
    situation, how = found
    changes = {"entry_rate" if of_entries else "exit_rate": rate}
    verdict = decide(replace(situation, **changes), how)
    assert (verdict.order, verdict.place) == (None, False)
    assert verdict.block is not None
    assert verdict.block.condition == "rate unknown"
    assert not verdict.holds_at(situation.exit_rate)


# -- which line rests -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "tag", "price"),
    [
        (98.7, "sell L1", 100.0),  # the fresh lot's target is 1.3 away, the next line 0.69: ...
        (99.1, "sell L1", 100.0),
        (98.1, "L2", 98.01),
    ],
)
def test_the_nearer_of_target_and_next_line_rests(rate, tag, price):
    # Half way between 98.01 and 100 is 99.005.
    expected = (tag, price) if rate > 99.005 or tag == "L2" else ("L2", 98.01)
    order = decide(facing(rate, 1), rules()).order
    assert order is not None
    assert (order.tag, order.price) == pytest.approx(expected)


def test_several_lines_beyond_are_taken_in_one_order_at_market():
    order = decide(facing(96.5, 1), rules()).order
    assert order is not None
    assert (order.tag, order.price) == ("L2-3", None)


def test_lines_beyond_are_taken_as_far_as_the_room_reaches():
    order = decide(facing(90.0, room=60.0), rules()).order
    assert order is not None
    assert order.tag == "L1-2"


def test_all_lots_the_market_already_pays_for_are_sold_in_one_order_at_market():
    order = decide(facing(99.5, 1, 2, 3), rules()).order
    assert order is not None
    assert (order.tag, order.price) == ("sell L2-3", None)


def test_a_short_grid_covers():
    order = decide(facing(100.5, 1, 2, side=SHORT), rules()).order
    assert order is not None
    assert order.tag == "cover L2"


def test_a_lot_bought_above_its_line_is_sold_where_it_pays():
    costs = Costs(0.001, 0.001, 0.0, 0.001)
    lots = {2: Lot(2, 1.0, 99.5, 0.0)}
    order = decide(facing(99.6, lots=lots), rules(costs=costs)).order
    assert order is not None
    assert order.price == pytest.approx(lowest_target(99.5, LONG, costs))


def test_an_exit_that_would_leave_too_little_takes_the_other_lots_along():
    order = decide(
        facing(97.9, 1, 2, 3, stopped=frozenset((4, 5)), least_value_left=250.0), rules()
    ).order
    assert order is not None
    assert (order.levels, order.price) == ((1, 2, 3), pytest.approx(100.0))


@pytest.mark.parametrize(
    ("rate", "how", "minimum", "tag", "price"),
    [
        # L2 is a tenth of a coin, worth 9.8; L1 and L3 are whole ones. Targets: 100, 99, 98.01.
        (98.5, {}, {}, "sell L2", 99.0),
        (98.5, {}, {"least_order_value": 9.0}, "sell L2", 99.0),
        (98.5, {}, {"least_order_value": 10.0}, "sell L1-2", 100.0),
        (98.5, {}, {"least_order_amount": 0.2}, "sell L1-2", 100.0),
        (98.5, {"amount_step": 0.25}, {}, "sell L1-2", 100.0),
        (99.3, {}, {}, "sell L2", None),
        (99.3, {}, {"least_order_value": 9.92}, "sell L2", None),
        (99.3, {}, {"least_order_value": 9.94}, "sell L1-2", 100.0),
        (98.5, {}, {"least_order_value": 1_000.0}, "sell L1-2", 100.0),
        (96.0, {"lot_stop": 0.02}, {"least_order_value": 1.0}, "stop L1-2", None),
        (97.0, {"lot_stop": 0.02}, {"least_order_value": 1.0}, "stop L1", None),
        (97.0, {"lot_stop": 0.02}, {"least_order_value": 98.0}, "stop L1-2", None),
        (99.5, {}, {"asset_limit": 100.0}, "trim L2", None),
        (99.5, {}, {"asset_limit": 100.0, "least_order_value": 10.0}, "trim L1-2", None),
    ],
)
def test_a_lot_too_small_for_an_order_is_sold_with_the_next(rate, how, minimum, tag, price):
    lots = {**holding(1), **holding(2, amount=0.1)}
    situation = facing(rate, lots=lots, stopped=frozenset((3, 4, 5)), **minimum)
    order = decide(situation, rules(**how)).order
    assert order is not None
    assert (order.tag, order.price) == (tag, price and pytest.approx(price))


@pytest.mark.parametrize(
    ("least", "tag"), [(9.0, "stop L2"), (10.0, "stop L1-2"), (110.0, "stop L1-3")]
)
def test_a_stopped_lot_too_small_for_an_order_takes_the_worst_others_along(least, tag):
    lots = {2: Lot(2, 0.1, 120.0, 0.0), 1: Lot(1, 1.0, 99.5, 0.0), 3: Lot(3, 1.0, 97.0, 0.0)}
    situation = facing(98.0, lots=lots, least_order_value=least)
    order = decide(situation, rules(lot_stop=0.1)).order
    assert order is not None
    assert order.tag == tag


def test_lots_sold_at_the_next_target_as_too_small_are_so_until_well_beyond_the_minimum():
    """0.1 coins make an order of 9.92 from a rate of 99.2."""
    lots = {**holding(1), **holding(2, amount=0.1)}
    plan = replace(grid(), lines=(Line(1, 98.0, 120.0), Line(2, 97.0, 99.0)))
    situation = facing(99.1, plan=plan, lots=lots, least_order_value=9.92)
    grown = decide(situation, rules())
    assert grown.order is not None
    assert (grown.order.tag, grown.order.price) == ("sell L1-2", 120.0)
    placed = replace(situation, resting=resting(grown, 99.1))
    assert not decide(at(placed, 99.3), rules()).place
    assert not decide(at(placed, 1.049 * 99.2), rules()).place
    beyond = decide(at(placed, 1.051 * 99.2), rules()).order
    assert beyond is not None
    assert (beyond.tag, beyond.price) == ("sell L2", None)


# -- sticky -----------------------------------------------------------------------------------


@THOROUGH
@given(situations(), st.floats(-1.0, 1.0))
def test_what_was_placed_stays_while_the_market_moves_less_than_the_band(found, share):
    situation, how = found
    how = replace(how, stop_price=None, pause_price=None, lot_stop=math.inf, cycle_stop=math.inf)
    how = replace(how, recovery=how.recovery and replace(how.recovery, threshold=math.inf))
    situation = replace(situation, resting=None, asset_limit=math.inf, orders=0, flatten=None)
    rate = situation.exit_rate
    first = decide(situation, how)
    if first.order is None or first.order.price is None:
        return
    placed = replace(situation, resting=resting(first, rate))
    low, high = reached_next(situation, how)
    band = min(how.hysteresis * (high - low), 0.04 * rate)
    moved = rate + share * band * (1 - 1e-9)
    if low < moved < high:
        then = decide(at(placed, moved), how)
        sells_at_once = then.order is not None and then.order.price is None
        assert not then.place or sells_at_once


def reached_next(situation: Situation, how: Rules) -> tuple[float, float]:
    """Rates at which the market would reach the next line, or the next lot's way out or in."""
    side = situation.plan.side
    held, gone = set(situation.lots), situation.stopped
    lines = [line for line in situation.plan.lines if line.level not in held | gone]
    marks = [side * line.price for line in lines]
    for level, lot in situation.lots.items():
        line = situation.plan.line(level)
        marks += [side * line.target] if line else []
        least = on_tick(lowest_target(lot.price, side, how.costs), how.tick, up=side > 0)
        marks += [side * lot.price, side * least]
    if how.recovery is not None:
        marks += [
            side * rung for one in situation.stuck.values() for rung in on_ticks(one, how, side)
        ]
    now = side * situation.exit_rate
    below = max((mark for mark in marks if mark <= now), default=now - 5.0)
    above = min((mark for mark in marks if mark >= now), default=now + 5.0)
    low, high = sorted((side * below, side * above))
    return low, high


def on_ticks(stuck: Stuck, how: Rules, side: int) -> list[float]:
    return [on_tick(price, how.tick, up=side > 0) for price in rungs_of(stuck, side)]


@given(st.floats(0.0, 0.45), SIDES)
def test_the_resting_side_changes_only_after_a_move_of_twice_the_band(band, side):
    how = rules(hysteresis=band)
    plan = grid(side)
    low, high = sorted((plan.lines[1].price, plan.lines[0].target))
    to_exit = switch(facing(0, 1, side=side), how, entry_rests=True, low=low, high=high)
    to_entry = switch(facing(0, 1, side=side), how, entry_rests=False, low=low, high=high)
    assert side * (to_exit - to_entry) == pytest.approx(2 * band * (high - low), abs=1e-6)


def switch(
    situation: Situation, how: Rules, *, entry_rests: bool, low: float, high: float
) -> float:
    """Rate at which the resting side changes, by bisection."""
    plan = situation.plan
    entry = Resting(True, (2,), plan.lines[1].price, "L2")
    verb = tags.SELL if plan.side > 0 else tags.COVER
    exit_ = Resting(False, (1,), plan.lines[0].target, f"{verb} L1")
    situation = replace(situation, resting=entry if entry_rests else exit_)
    for _ in range(60):
        middle = (low + high) / 2
        order = decide(at(situation, middle), how).order
        assert order is not None
        if order.is_entry is (plan.side > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def test_lines_further_apart_than_freqtrade_reaches_are_sticky_too():
    """With 4 % between lines, entry and target are both out of reach half way."""
    layout = Layout(SpacingSettings(), GridSettings(), FREE)
    plan = plans.make(100.0, Spacing(0.04, 0.1), LONG, 5, 25.0, 0.0, layout)
    how = rules(max_distance=0.0196)
    situation = facing(0.0, 1, plan=plan)
    entry = Resting(True, (2,), plan.lines[1].price, "L2")
    middle = (plan.lines[1].price + plan.lines[0].target) / 2
    for away in (-0.5, 0.0, 0.5):
        verdict = decide(at(replace(situation, resting=entry), middle + away), how)
        assert verdict.order is not None
        assert (verdict.order.tag, verdict.place) == ("L2", False)


def test_an_exit_that_rests_is_not_placed_again_when_what_remains_loses_value():
    situation = facing(98.5, 1, 2, least_value_left=98.4)
    first = decide(situation, rules())
    assert first.order is not None
    assert first.order.tag == "sell L2"
    placed = replace(situation, resting=resting(first, 98.5))
    assert not decide(at(placed, 98.39), rules()).place


def test_an_exit_of_all_becomes_one_of_some_only_well_beyond_the_limit():
    how = rules()
    situation = facing(98.3, 1, 2, stopped=frozenset((3, 4, 5)), least_value_left=98.4)
    grown = decide(situation, how)
    assert grown.order is not None
    assert grown.order.tag == "sell L1-2"
    placed = replace(situation, resting=resting(grown, 98.3))
    assert not decide(at(placed, 98.5), how).place


# -- orders the market jumped over ------------------------------------------------------------


@pytest.mark.parametrize("answers_gaps", [True, False])
@pytest.mark.parametrize(
    ("rate", "order"),
    [
        (97.0, Resting(True, (2,), 98.01, "L2")),
        (100.5, Resting(False, (1,), 100.0, "sell L1")),
    ],
)
def test_a_jumped_order_is_placed_again_in_a_backtest_and_left_alone_live(
    rate, order, answers_gaps
):
    situation = facing(rate, 1, resting=order, stopped=frozenset((3, 4, 5)))
    verdict = decide(situation, rules(answers_gaps=answers_gaps))
    assert verdict.order is not None
    assert (verdict.order.tag, verdict.order.price) == (order.tag, pytest.approx(order.price))
    assert verdict.place is answers_gaps


@pytest.mark.parametrize(("rate", "place"), [(97.0, False), (97.04, False), (97.06, True)])
def test_live_an_entry_at_market_follows_once_the_market_left_it_by_half_a_per_mille(rate, place):
    order = Resting(True, (2, 3), 97.0, "L2-3")
    lots = {1: Lot(1, 1.0, 99.0, 0.0)}
    plan = replace(grid(), lines=tuple(Line(n, 100.0 - n / 2, 101.0) for n in (1, 2, 3)))
    verdict = decide(facing(rate, plan=plan, lots=lots, resting=order), rules())
    assert verdict.order is not None
    assert verdict.order.price is None
    assert verdict.place is place


# -- what stands in the way -------------------------------------------------------------------

GATE = Block("a gate", 30.0, 25.0)
BUDGET = Block("exposure", 900.0, 800.0)


@pytest.mark.parametrize(
    ("block", "situation", "how"),
    [
        (GATE, {"block": GATE}, {}),
        (BUDGET, {"room": 24.9, "room_block": BUDGET}, {}),
        (Block("stake left", 24.9, 25.0), {"room": 24.9}, {}),
        (Block("open lots", 1, 1), {}, {"max_lots": 1}),
        (Block("orders in the cycle", 150, 150), {"orders": 150}, {}),
        (Block("price beyond pause_price", 98.1, 98.2), {}, {"pause_price": 98.2}),
        (Block("line too far for freqtrade", 0.0009, 0.0005), {}, {"max_distance": 0.0005}),
        (Block("no line is free", 1, 5), {"stopped": frozenset((2, 3, 4, 5))}, {}),
    ],
)
def test_a_block_names_condition_value_and_threshold(block, situation, how):
    verdict = decide(facing(98.1, 1, **situation), rules(**how))
    assert verdict.order is None or not verdict.order.is_entry
    found = verdict.block
    assert found is not None
    assert found.condition == block.condition
    assert (found.value, found.threshold) == pytest.approx((block.value, block.threshold), abs=5e-5)


def test_nothing_blocks_the_same_entry_otherwise():
    verdict = decide(facing(98.1, 1), rules())
    assert verdict.order is not None
    assert (verdict.order.is_entry, verdict.block) == (True, None)


SPARING = replace(GATE, spares_resting=True)


@pytest.mark.parametrize(
    ("block", "resting", "rate", "tag"),
    [
        (SPARING, Resting(True, (2,), 98.01, "L2"), 98.1, "L2"),
        (GATE, Resting(True, (2,), 98.01, "L2"), 98.1, "sell L1"),
        (SPARING, None, 98.1, "sell L1"),
        (SPARING, Resting(True, (3,), 97.0299, "L3"), 98.1, "sell L1"),  # not the next line
        (SPARING, Resting(True, (2,), 97.9, "L2"), 98.1, "sell L1"),  # not its price
        (SPARING, Resting(True, (2,), 98.01, "L2"), 99.8, "sell L1"),  # the target is nearer
        (SPARING, Resting(False, (1,), 100.0, "sell L1"), 98.1, "sell L1"),
    ],
)
def test_a_block_that_spares_what_rests_adds_nothing_and_takes_no_line_back(
    block, resting, rate, tag
):
    verdict = decide(facing(rate, 1, block=block, resting=resting), rules())
    assert verdict.order is not None
    assert (verdict.order.tag, verdict.block) == (tag, block)
    assert verdict.place is (resting is None or resting.tag != tag)


def test_a_position_of_dust_alone_does_not_add_beyond_the_stop_price():
    verdict = decide(facing(98.1, dust=0.001), rules(stop_price=98.5))
    assert verdict.order is None
    assert verdict.block is not None
    assert verdict.block.condition == "price beyond stop_price"


# -- stops ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "rate", "how"),
    [
        ("stop L1", 98.009, {"lot_stop": 0.01}),
        ("flatten L1-2", 98.1, {"stop_price": 98.2}),
        ("flatten L1-2", 97.4, {"cycle_stop": 0.01}),
        ("flatten L1-2", 97.0, {"cycle_stop": 0.01, "lot_stop": 0.005}),
    ],
)
def test_stops_sell_at_market_before_anything_else(tag, rate, how):
    order = decide(facing(rate, 1, 2), rules(**how)).order
    assert order is not None
    assert (order.tag, order.price) == (tag, None)


@pytest.mark.parametrize(("rate", "tag"), [(98.02, "sell L2"), (98.0, "stop L1")])
def test_a_lot_stop_is_a_fraction_of_the_lots_own_entry(rate, tag):
    # L1 was bought at 99, so 1 % is at 98.01.
    order = decide(facing(rate, 1, 2, stopped=frozenset((3, 4, 5))), rules(lot_stop=0.01)).order
    assert order is not None
    assert order.tag == tag


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_line_recovery_emptied_is_not_bought_at_market_and_rests_again_once_price_is_back(side):
    plan, emptied = grid(side), frozenset((1, 2))
    below = plan.lines[1].price * (1 - side * 0.001)
    order = decide(facing(below, side=side, recovered=emptied), rules()).order
    assert order is not None
    assert order.levels == (3,)
    between = plan.lines[1].price * (1 + side * 0.001)
    order = decide(facing(between, side=side, recovered=emptied), rules()).order
    assert order is not None
    assert (order.levels, order.price) == ((2,), plan.lines[1].price)


def test_a_line_recovery_emptied_that_rests_again_may_be_jumped_over():
    line = grid().lines[0]
    rests = Resting(True, (1,), line.price, "L1")
    jumped = facing(line.price * 0.999, recovered=frozenset((1,)), resting=rests)
    order = decide(jumped, rules(answers_gaps=True)).order
    assert order is not None
    assert order.levels[0] == 1


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize(
    ("harvest", "peak_cost", "loss"),
    [
        (0.0, 0.0, 15.0),  # nothing was stopped: 15 % of what the lot cost
        (0.0, 400.0, 60.0),
        (-20.0, 400.0, 40.0),
        (-59.0, 400.0, 1.0),
        (5.0, 400.0, 65.0),
        (-61.0, 400.0, -1.0),  # all is lost already, so it ends although the lot earns
    ],
)
def test_a_cycles_stop_counts_what_its_stopped_lots_lost(side, harvest, peak_cost, loss):
    """One coin bought at 100; the cycle may lose 15 % of the most its lots cost at a time."""
    lots = {1: Lot(1, 1.0, 100.0, 0.0)}
    plan = replace(grid(side), lines=(Line(1, 100.0, 100.0 + side * 90.0),))
    cycle = facing(1.0, side=side, plan=plan, lots=lots, harvest=harvest, peak_cost=peak_cost)
    how, limit = rules(cycle_stop=0.15), 100.0 - side * loss
    beyond, before = (decide(at(cycle, limit - side * move), how).order for move in (1e-6, -1e-6))
    assert beyond is not None
    assert (beyond.tag, beyond.price) == ("flatten L1", None)
    assert before is None or before.tag != "flatten L1"


def test_lots_stopped_one_after_the_other_end_the_cycle_at_its_stop():
    """A fall through 25 lines by the default stops; without the harvest it would never end."""
    stops = StopSettings()
    how = rules(lot_stop=stops.lot_stop, cycle_stop=stops.cycle_stop)
    plan, book = grid(levels=25), Ledger()
    told = []
    for rate in (100.0 - 0.05 * step for step in range(500)):
        seen = facing(
            rate, plan=plan, lots=book.lots, stopped=frozenset(book.stopped),
            harvest=book.harvest, peak_cost=book.peak_cost,
        )  # fmt: skip
        open_loss = sum(lot.amount * (lot.price - rate) for lot in book.lots.values())
        lost = (open_loss - book.harvest) / max(book.peak_cost, 1.0)
        order = decide(seen, how).order
        ends = order is not None and tags.verb_of(order.tag) == tags.FLATTEN
        assert ends is (lost >= stops.cycle_stop)
        if ends:
            break
        if order is not None and order.price is None:
            amount = float(len(order.levels))
            book.apply(Fill(order.is_entry, order.levels, rate, amount, 0.0, 0.0, order.tag))
            told.append(tags.verb_of(order.tag))
    else:
        pytest.fail("the cycle never ended")
    assert told.count(tags.STOP) >= 10
    assert book.lots


def test_a_stop_takes_the_other_lots_along_where_they_are_too_little_to_remain():
    situation = facing(96.9, 1, 2, 3, least_value_left=250.0)
    order = decide(situation, rules(lot_stop=0.02)).order
    assert order is not None
    assert order.tag == "stop L1-3"


def test_a_cycle_of_too_many_orders_ends_where_that_is_cheap():
    how = rules(costs=Costs(0.001, 0.001, 0.0, 0.0))
    situation = facing(0.0, 1, 2, orders=150, harvest=10.0)
    cost = sum(lot.cost for lot in situation.lots.values())
    # A tenth of the harvest may go: 1.0 over two coins, after the exit fee.
    even = (cost - 1.0) / (2.0 * 0.999)
    above, below = (decide(at(situation, even + move), how).order for move in (0.001, -0.001))
    assert above is not None
    assert above.tag == "end L1-2"
    assert below is None or below.tag != "end L1-2"


@pytest.mark.parametrize(
    ("rate", "limit", "tag"),
    [(98.4, 190.0, "trim L2"), (98.4, 200.0, "L3"), (97.9, 190.0, "L3")],
)
def test_an_asset_above_its_share_loses_its_best_lot_unless_that_takes_a_loss(rate, limit, tag):
    situation = facing(rate, 1, 2, asset_limit=limit)
    order = decide(situation, rules(hysteresis=0.45)).order
    assert order is not None
    assert order.tag.replace("sell L2", "L3") == tag


# -- symmetries -------------------------------------------------------------------------------


@THOROUGH
@given(situations(), st.integers(-30, 30))
def test_a_decision_scales_with_prices(found, doublings):
    """By powers of two, which floats do exactly, and without a price step, which rounds."""
    situation, how = found
    factor = 2.0**doublings
    how = replace(how, tick=0.0)
    one = decide(situation, how)
    other = decide(scaled(situation, factor), scaled_rules(how, factor))
    expected = one.order and replace(
        one.order, price=one.order.price and factor * one.order.price, reason=""
    )
    assert (other.order and replace(other.order, reason=""), other.place) == (expected, one.place)
    assert (other.holds_above, other.holds_below) == (
        factor * one.holds_above,
        factor * one.holds_below,
    )


def scaled(situation: Situation, factor: float) -> Situation:
    """Prices and everything in stake currency times a factor; amounts stay."""
    plan, rest = situation.plan, situation.resting
    lines = tuple(
        Line(line.level, factor * line.price, factor * line.target) for line in plan.lines
    )
    lots = {
        level: replace(lot, price=factor * lot.price, fee=factor * lot.fee)
        for level, lot in situation.lots.items()
    }
    return replace(
        situation,
        plan=replace(
            plan, anchor=factor * plan.anchor, lines=lines, level_stake=factor * plan.level_stake
        ),
        lots=lots,
        resting=rest and replace(rest, price=factor * rest.price),
        entry_rate=factor * situation.entry_rate,
        exit_rate=factor * situation.exit_rate,
        harvest=factor * situation.harvest,
        peak_cost=factor * situation.peak_cost,
        stuck={
            level: replace(one, price=factor * one.price) for level, one in situation.stuck.items()
        },
        recovery_budget=factor * situation.recovery_budget,
        room=factor * situation.room,
        least_value_left=factor * situation.least_value_left,
        least_order_value=factor * situation.least_order_value,
        asset_limit=factor * situation.asset_limit,
    )


def scaled_rules(how: Rules, factor: float) -> Rules:
    return replace(
        how,
        stop_price=how.stop_price and factor * how.stop_price,
        pause_price=how.pause_price and factor * how.pause_price,
    )


CENTRE = 4_096.0


@THOROUGH
@given(situations())
def test_long_and_short_mirror_each_other(found):
    """In a mirror at p -> 2c - p, where only distances count, no fractions of a price.

    Fractions have their own mirror below.
    """
    situation, how = (on_grid(found[0]), frictionless(found[1]))
    other = decide(mirrored(situation), mirrored_rules(how))
    one = decide(situation, how)
    assert other.place == one.place
    assert (other.order is None) == (one.order is None)
    if one.order and other.order:
        assert (other.order.is_entry, other.order.levels) == (one.order.is_entry, one.order.levels)
        expected = None if one.order.price is None else 2 * CENTRE - one.order.price
        assert other.order.price == expected
        assert other.order.tag == turned(one.order.tag)
    assert (other.block and other.block.condition) == (one.block and one.block.condition)


def on_grid(situation: Situation) -> Situation:
    """Prices on eighths, so that a mirror rounds nothing."""

    def eighth(price: float) -> float:
        return round(price * 8) / 8

    plan = situation.plan
    lines = tuple(Line(line.level, eighth(line.price), eighth(line.target)) for line in plan.lines)
    lots = {level: replace(lot, price=eighth(lot.price)) for level, lot in situation.lots.items()}
    rest = situation.resting
    return replace(
        situation,
        plan=replace(plan, lines=lines),
        lots=lots,
        resting=rest and replace(rest, price=eighth(rest.price)),
        entry_rate=eighth(situation.entry_rate),
        exit_rate=eighth(situation.exit_rate),
        least_value_left=0.0,
        least_order_value=0.0,
        asset_limit=math.inf,
        orders=0,
    )


def frictionless(how: Rules) -> Rules:
    return replace(
        how,
        lot_stop=math.inf,
        cycle_stop=math.inf,
        max_distance=math.inf,
        answers_gaps=True,
        hysteresis=0.25,
        costs=FREE,
        tick=0.0,
        recovery=None,
        stop_price=how.stop_price and round(how.stop_price),
        pause_price=how.pause_price and round(how.pause_price),
    )


def turned(tag: str) -> str:
    words = {tags.SELL: tags.COVER, tags.COVER: tags.SELL}
    verb, _, rest = tag.rpartition(" ")
    return f"{words.get(verb, verb)} {rest}" if verb else tag


def mirrored(situation: Situation) -> Situation:
    plan, rest = situation.plan, situation.resting
    lines = tuple(
        Line(line.level, 2 * CENTRE - line.price, 2 * CENTRE - line.target) for line in plan.lines
    )
    lots = {
        level: replace(lot, price=2 * CENTRE - lot.price) for level, lot in situation.lots.items()
    }
    return replace(
        situation,
        plan=replace(plan, side=-plan.side, lines=lines),
        lots=lots,
        resting=rest and replace(rest, price=2 * CENTRE - rest.price, tag=turned(rest.tag)),
        entry_rate=2 * CENTRE - situation.entry_rate,
        exit_rate=2 * CENTRE - situation.exit_rate,
    )


def mirrored_rules(how: Rules) -> Rules:
    return replace(
        how,
        stop_price=how.stop_price and 2 * CENTRE - how.stop_price,
        pause_price=how.pause_price and 2 * CENTRE - how.pause_price,
    )


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(60.0, 140.0)), min_size=1, max_size=6),
    st.floats(0.01, 0.5),
    st.sampled_from(("lot_stop", "cycle_stop")),
    st.floats(40.0, 160.0),
)
def test_stops_of_a_short_are_those_of_a_long_in_the_inverse_price(held, share, which, rate):
    """A long of one coin is a short of the other: p becomes 1 / p, an amount its value."""
    lots = {level: Lot(level, amount, price, 0.0) for level, (amount, price) in enumerate(held, 1)}
    inverse = {level: Lot(level, lot.cost, 1 / lot.price, 0.0) for level, lot in lots.items()}
    long = decide(facing(rate, lots=lots), rules(**{which: share}))
    short = decide(
        facing(1 / rate, lots=inverse, side=SHORT), rules(**{which: share / (1 - share)})
    )
    assume(not near_a_stop(lots, share, rate))
    assert stopped_levels(long) == stopped_levels(short)


def near_a_stop(lots: dict[int, Lot], share: float, rate: float) -> bool:
    average = sum(lot.cost for lot in lots.values()) / sum(lot.amount for lot in lots.values())
    prices = [average, *(lot.price for lot in lots.values())]
    return any(math.isclose(price * (1 - share), rate, rel_tol=1e-9) for price in prices)


def stopped_levels(verdict: Verdict) -> tuple[int, ...]:
    order = verdict.order
    return order.levels if order and tags.verb_of(order.tag) in LOSS_VERBS else ()
