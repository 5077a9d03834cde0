"""Stuck lots: which they are, the ladder they leave by, the budget above all (SPEC E.2 to E.5)."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid import ladder, recovery, tags
from gridkit.grid.costs import Costs
from gridkit.grid.decisions import decide
from gridkit.grid.lots import Fill, Ledger, Lot
from gridkit.grid.plan import Line, Plan
from gridkit.grid.situation import Order, RecoveryRules, Resting, Rules, Situation, Stuck
from gridkit.grid.view import View
from gridkit.settings import RecoverySettings, StopSettings
from strategies import LONG, SHORT, SIDES, at, situations

FREE, DEAR = Costs(0.0, 0.0, 0.0, 0.0), Costs(0.001, 0.002, 0.0001, 0.001)
LADDER = RecoveryRules("ladder", (0.015, 0.03, 0.045), 0.03, 3_600.0, 0.9)
LOSING, AGAINST = replace(LADDER, rungs="losing"), replace(LADDER, rungs="against")
ESCALATING = replace(LADDER, threshold=0.05)
AGGRESSIVE = replace(ESCALATING, mode="aggressive")
HOUR = 3_600.0
EACH_SIDE = pytest.mark.parametrize("side", [LONG, SHORT])


def rules(how: RecoveryRules | None = LADDER, **changes) -> Rules:
    """Every stop off, no costs, so that recovery alone acts."""
    usual = {
        "hysteresis": 0.15, "lot_stop": math.inf, "cycle_stop": math.inf, "stop_price": None,
        "pause_price": None, "max_lots": 25, "max_orders": 150, "max_distance": 0.9,
        "answers_gaps": False, "costs": FREE, "recovery": how,
    }  # fmt: skip
    return Rules(**{**usual, **changes})


def plan_of(side: int = LONG, *, target: float = 0.2, levels: int = 3) -> Plan:
    """Lines at 100 and a step apart, whose targets are far away."""
    prices = [100.0 * (1 - side * 0.01) ** index for index in range(levels)]
    lines = tuple(
        Line(index + 1, price, price * (1 + side * target)) for index, price in enumerate(prices)
    )
    return Plan(side, 101.0, 0.01, lines, 25.0, 0.0, 0.02)


def lot(level: int = 1, amount: float = 3.0, price: float = 100.0, opened: float = 0.0) -> Lot:
    return Lot(level, amount, price, opened)


def facing(rate: float, *lots: Lot, side: int = LONG, **changes) -> Situation:
    """Lots, all of them stuck at a tenth less than was paid; no entry is wanted."""
    held = {one.level: one for one in lots or (lot(),)}
    plan = changes.pop("plan", None) or plan_of(side)
    stuck = {
        level: Stuck(one.price * (1 - side * 0.1), HOUR, one.amount) for level, one in held.items()
    }
    held = changes.pop("lots", held)
    usual = {
        "plan": plan, "lots": held, "resting": None, "entry_rate": rate, "exit_rate": rate,
        "stopped": frozenset(line.level for line in plan.lines), "stuck": stuck,
    }  # fmt: skip
    return Situation(**{**usual, **changes})


def order_at(rate: float, *lots: Lot, how: Rules | None = None, **changes) -> Order | None:
    return decide(facing(rate, *lots, **changes), how or rules()).order


# -- when a lot is stuck ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "away", "stuck"),
    [
        (HOUR + 1, 0.031, True),
        (HOUR, 0.031, False),  # older than the timeout, not as old
        (HOUR + 1, 0.029, False),
        (60 * HOUR, 0.5, True),
        (0.0, 0.5, False),
    ],
)
@EACH_SIDE
def test_a_lot_is_stuck_once_it_is_old_and_its_target_is_far(side, age, away, stuck):
    rate = 120.0 / (1 + away) if side > 0 else 80.0 / (1 - away)
    lots = {1: lot(opened=1_000.0)}
    found = recovery.newly_stuck(lots, {}, plan_of(side), rate, 1_000.0 + age, rules())
    assert found == ({1: Stuck(rate, 1_000.0 + age, 3.0)} if stuck else {})


@pytest.mark.parametrize("rate", [math.nan, 0.0, -1.0, math.inf])
def test_at_an_unknown_rate_nothing_becomes_stuck(rate):
    assert recovery.newly_stuck({1: lot()}, {}, plan_of(), rate, 9 * HOUR, rules()) == {}


def test_a_lot_that_is_stuck_already_keeps_the_price_at_which_it_became_so():
    lots = {1: lot(1), 2: lot(2)}
    known = {1: Stuck(95.0, HOUR, 3.0)}
    found = recovery.newly_stuck(lots, known, plan_of(), 80.0, 9 * HOUR, rules())
    assert list(found) == [2]


def test_without_recovery_nothing_is_stuck():
    assert recovery.newly_stuck({1: lot()}, {}, plan_of(), 50.0, 9 * HOUR, rules(None)) == {}


@given(
    st.lists(st.floats(0.0, 1e5), max_size=6),
    st.sets(st.integers(0, 5)),
    st.floats(0.0, 2e5),
    st.floats(300.0, 1e5),
)
def test_every_lot_is_of_age_stuck_or_comes_of_age_at_a_time_that_is_told(
    opened, stuck, now, timeout
):
    lots = {level: lot(level, opened=when) for level, when in enumerate(opened)}
    aged = recovery.of_age(lots, stuck, now, timeout)
    then = recovery.next_age(lots, stuck, now, timeout)
    young = {level for level in lots if level not in stuck and level not in aged}
    assert aged == {level for level in lots if level not in stuck and now - timeout > opened[level]}
    assert (then == math.inf) is (not young)
    if young:
        assert then == min(opened[level] for level in young) + timeout
        later = recovery.of_age(lots, stuck, math.nextafter(then, math.inf) + 1e-6, timeout)
        assert later > aged


@given(situations())
def test_a_verdict_holds_at_most_until_a_lot_that_is_of_age_becomes_stuck(found):
    situation, how = found
    if how.recovery is None:
        return
    verdict = decide(situation, how)
    lots = {level: situation.lots[level] for level in situation.of_age}
    for rate in (math.nextafter(verdict.holds_above, math.inf), verdict.holds_below - 1e-9):
        if rate > 0 and verdict.holds_at(rate):
            now, there = (
                recovery.newly_stuck(lots, {}, situation.plan, one, 1e9, how)
                for one in (situation.exit_rate, rate)
            )
            assert set(now) == set(there)


def test_the_settings_become_rules():
    settings, stops = RecoverySettings(position_timeout_minutes=90), StopSettings(lot_stop=0.07)
    made = recovery.recovery_rules(settings, stops)
    assert made == RecoveryRules("ladder", (0.015, 0.03, 0.045), 0.03, 5_400.0, 0.07, "against")


# -- the ladder -------------------------------------------------------------------------------


@EACH_SIDE
def test_thirds_leave_at_the_rungs_above_the_price_at_which_the_lot_became_stuck(side):
    """A hundred coins bought at 100, stuck at 90 (110 for a short)."""
    stuck_at = 100.0 - side * 10.0
    book = Ledger(is_short=side < 0)
    book.apply(Fill(True, (1,), 100.0, 99.0, 0.0, 0.0, "L1"))
    stuck = {1: Stuck(stuck_at, HOUR, 99.0)}
    for rung in LADDER.ladder:
        situation = facing(stuck_at, *book.lots.values(), side=side, stuck=stuck)
        order = decide(situation, rules()).order
        assert order is not None
        assert order.tag == "recover L1"
        assert order.price == pytest.approx(stuck_at * (1 + side * rung))
        share = 1.0 if order.share is None else order.share
        sold = share * book.lots[1].amount
        assert sold == pytest.approx(33.0)
        book.apply(Fill(False, (1,), order.price, sold, 2 * HOUR, 0.0, order.tag))
    assert not book.lots


@given(st.floats(1e-6, 1e6), st.floats(1.0, 1e5), SIDES)
def test_a_lot_of_any_size_leaves_whole_in_three_parts(amount, price, side):
    book = Ledger(is_short=side < 0)
    book.apply(Fill(True, (1,), price, amount, 0.0, 0.0, "L1"))
    plan = replace(plan_of(side), lines=(Line(1, price, price * (1 + side * 0.5)),))
    stuck = {1: Stuck(price, HOUR, amount)}
    parts = []
    for _ in range(3):
        held = book.lots.values()
        order = order_at(price, *held, side=side, plan=plan, stuck=stuck)
        assert order is not None
        assert order.price is not None
        assert tags.verb_of(order.tag) == tags.RECOVER
        parts.append((order.share or 1.0) * book.lots[1].amount)
        book.apply(Fill(False, (1,), order.price, parts[-1], 2 * HOUR, 0.0, order.tag))
    assert parts == pytest.approx([amount / 3] * 3)
    assert not book.lots


def target_verb(side: int) -> str:
    return tags.SELL if side > 0 else tags.COVER


def exits(stuck: Stuck, how: Rules, side: int, **changes) -> list[tuple[str, float | None]]:
    """Tags and prices of the exits of one lot, bought at 100, a third of it gone with each rung."""
    found: list[tuple[str, float | None]] = []
    for left in (3.0, 2.0, 1.0):
        held, rate = lot(amount=left), 100 - side * 9.0
        order = order_at(rate, held, how=how, side=side, stuck={1: stuck}, **changes)
        assert order is not None
        found.append((tags.verb_of(order.tag), order.price))
    return found


@pytest.mark.parametrize("least", [0.0, 0.002])
@pytest.mark.parametrize("beyond", [-1e-4, 1e-4])
@pytest.mark.parametrize("number", [1, 2, 3])
@EACH_SIDE
def test_rungs_are_for_lots_that_lose_there_and_one_that_earns_keeps_its_target(
    side, number, beyond, least
):
    """The rung of this number is just short of where the lot earns `least`, or just beyond."""
    price = 100.0 * (1 + side * (least + beyond)) / (1 + side * LADDER.ladder[number - 1])
    prices = [price * (1 + side * rung) for rung in LADDER.ladder]
    costs = Costs(0.0, 0.0, 0.0, least)
    used = number if beyond < 0 else number - 1
    target = [(target_verb(side), 100.0 * (1 + side * 0.2))] * (3 - used)
    rungs = [("recover", pytest.approx(one)) for one in prices]
    stuck = Stuck(price, HOUR, 3.0)
    assert exits(stuck, rules(LOSING, costs=costs), side) == rungs[:used] + target
    against = rules(AGAINST, costs=costs)
    assert exits(stuck, against, side, adverse=True) == rungs[:used] + target
    assert [verb for verb, _ in exits(stuck, against, side)] == [target_verb(side)] * 3
    assert exits(stuck, rules(costs=costs), side) == rungs


@pytest.mark.parametrize(
    ("left", "rung", "sold"),
    [
        (3.0, 1, 1.0),
        (2.7, 1, 0.7),  # a part of the first third is gone
        (2.0, 2, 1.0),
        (1.3, 2, 0.3),
        (1.0, 3, 1.0),
        (0.2, 3, 0.2),
        (3.6, 1, 1.0),  # bought by hand since: what is more goes last
    ],
)
def test_how_far_a_ladder_has_come_follows_from_the_amount_left(left, rung, sold):
    stuck = {1: Stuck(90.0, HOUR, 3.0)}
    order = order_at(88.0, lot(amount=left), stuck=stuck)
    assert order is not None
    assert order.price == pytest.approx(90.0 * (1 + LADDER.ladder[rung - 1]))
    assert (order.share or 1.0) * left == pytest.approx(sold)
    assert (order.share is None) is (sold == left)


@pytest.mark.parametrize("minimum", [{"least_order_value": 10.0}, {"least_order_amount": 0.11}, {}])
def test_what_is_left_of_a_part_and_too_small_for_an_order_goes_with_the_next(minimum):
    """A tenth of a coin of the first third is left, worth 9.1."""
    order = order_at(88.0, lot(amount=2.1), stuck={1: Stuck(90.0, HOUR, 3.0)}, **minimum)
    assert order is not None
    rung, sold = (1, 1.1) if minimum else (0, 0.1)
    assert order.price == pytest.approx(90.0 * (1 + LADDER.ladder[rung]))
    assert (order.share or 1.0) * 2.1 == pytest.approx(sold)


@pytest.mark.parametrize(
    ("minimum", "parts"),
    [
        ({}, [(91.35, 1 / 3), (92.7, 2 / 3), (94.05, 1.0)]),
        ({"least_order_value": 89.9}, [(91.35, 1 / 3), (92.7, 2 / 3), (94.05, 1.0)]),
        ({"least_order_value": 90.1}, [(91.35, 0.5), (94.05, 1.0)]),
        ({"least_order_value": 135.1}, [(92.7, 1.0)]),
        ({"least_order_amount": 1.1}, [(91.35, 0.5), (94.05, 1.0)]),
        ({"least_value_left": 90.1}, [(91.35, 0.5), (94.05, 1.0)]),
        ({"least_value_left": 135.1}, [(92.7, 1.0)]),
        ({"least_amount_left": 1.6}, [(92.7, 1.0)]),
    ],
)
def test_parts_too_small_for_the_exchange_become_two_or_one(minimum, parts):
    """Three coins stuck at 90: a third is worth 90, a half 135."""
    view = View(facing(88.0, **minimum), rules())
    found = ladder.rungs(Stuck(90.0, HOUR, 3.0), LADDER, view)
    assert found == [(pytest.approx(price), pytest.approx(share)) for price, share in parts]


def test_a_part_of_less_than_a_step_is_none():
    view = View(facing(88.0), rules(amount_step=2.0))
    assert ladder.rungs(Stuck(90.0, HOUR, 3.0), LADDER, view) == [(pytest.approx(92.7), 1.0)]


@EACH_SIDE
def test_rungs_stand_on_the_price_step_on_the_side_that_earns_more(side):
    view = View(facing(100.0 - side * 11.0, side=side), rules(tick=0.5))
    prices = ladder.rung_prices(Stuck(100.0 - side * 10, HOUR, 3.0), LADDER, view)
    assert prices == ((91.5, 93.0, 94.5) if side > 0 else (108.0, 106.5, 105.0))


@pytest.mark.parametrize(
    ("target", "tag", "price"),
    [(91.0, "sell L1", 91.0), (91.5, "recover L1", 91.35), (92.0, "recover L1", 91.35)],
)
def test_what_a_lots_own_target_comes_before_is_sold_there_whole(target, tag, price):
    """Bought at 90.5 by hand, stuck at 90: the first rung is at 91.35."""
    plan = replace(plan_of(), lines=(Line(1, 90.5, target),))
    stuck = {1: Stuck(90.0, HOUR, 3.0)}
    order = order_at(88.0, lot(price=90.5), plan=plan, stuck=stuck)
    assert order is not None
    assert (order.tag, order.price) == (tag, pytest.approx(price))


def test_the_nearest_exit_rests_whether_rung_or_target():
    plan = replace(plan_of(), lines=(Line(1, 100.0, 120.0), Line(2, 90.0, 91.0)))
    lots = lot(1), lot(2, price=90.0)
    order = order_at(88.0, *lots, plan=plan, stuck={1: Stuck(90.0, HOUR, 3.0)})
    assert order is not None
    assert (order.tag, order.price) == ("sell L2", 91.0)
    order = order_at(88.0, *lots, plan=plan, stuck={1: Stuck(89.0, HOUR, 3.0)})
    assert order is not None
    assert (order.tag, order.price) == ("recover L1", pytest.approx(89.0 * 1.015))


def test_of_several_stuck_lots_the_nearest_rung_rests():
    stuck = {1: Stuck(90.0, HOUR, 3.0), 2: Stuck(89.0, HOUR, 3.0)}
    order = order_at(88.0, lot(1), lot(2, price=99.0), stuck=stuck)
    assert order is not None
    assert order.tag == "recover L2"


@EACH_SIDE
def test_a_rung_the_market_is_beyond_is_sold_at_market(side):
    order = order_at(100.0 - side * 8.0, side=side)  # the first rung is at 91.35 (108.35)
    assert order is not None
    assert (order.tag, order.price, order.share) == ("recover L1", None, pytest.approx(1 / 3))


@pytest.mark.parametrize(("rate", "tag"), [(104.9, "recover L1"), (104.7, "cover L1")])
def test_a_shorts_part_must_be_an_order_at_the_rate_at_which_it_is_sold(rate, tag):
    """The last rung is at 105.05 and a coin must be worth 104.8 there, and where it is sold."""
    order = order_at(rate, side=SHORT, least_order_value=104.8)
    assert order is not None
    assert order.tag == tag


def test_a_rung_beyond_freqtrades_reach_is_waited_for():
    verdict = decide(facing(88.0), rules(max_distance=0.03))
    assert verdict.order is None
    assert decide(facing(89.0), rules(max_distance=0.03)).order is not None


@pytest.mark.parametrize(("rate", "share"), [(44.7, 1.0), (44.8, 1 / 3)])
def test_a_part_that_would_leave_too_little_at_the_rate_now_is_no_part_but_all(rate, share):
    """Two thirds, 2 coins, must be worth 89.5 for freqtrade: they are from a rate of 44.75."""
    order = order_at(rate, how=rules(max_distance=2.0), least_value_left=89.5)
    assert order is not None
    assert (order.share or 1.0) == pytest.approx(share)
    assert order.price == pytest.approx(90.0 * (1.045 if share == 1 else 1.015))


def placed(situation: Situation, how: Rules) -> Situation:
    order = decide(situation, how).order
    assert order is not None
    price = situation.exit_rate if order.price is None else order.price
    rest = Resting(order.is_entry, order.levels, price, order.tag)
    return replace(situation, resting=rest)


def test_a_rung_that_rests_stays_wherever_the_market_is_below_it():
    how = rules()
    situation = placed(facing(90.0), how)
    for rate in (70.0, 88.0, 91.0, 91.3):
        verdict = decide(at(situation, rate), how)
        assert verdict.order is not None
        assert (verdict.order.tag, verdict.place) == ("recover L1", False)


def test_a_part_that_rests_is_not_made_all_when_what_remains_loses_value():
    how = rules(max_distance=2.0)
    situation = placed(facing(44.8, least_value_left=89.5), how)
    verdict = decide(at(situation, 44.0), how)
    assert verdict.order is not None
    assert (verdict.order.share, verdict.place) == (pytest.approx(1 / 3), False)


@pytest.mark.parametrize(("rate", "share"), [(45.0, None), (46.9, None), (47.1, 1 / 3)])
def test_all_becomes_a_part_again_only_well_beyond_the_limit(rate, share):
    how = rules(max_distance=2.0)
    situation = placed(facing(44.7, least_value_left=89.5), how)
    verdict = decide(at(situation, rate), how)
    assert verdict.order is not None
    assert (verdict.order.share, verdict.place) == (share and pytest.approx(share), bool(share))


def test_a_target_heeds_what_remains_although_a_part_of_its_lot_rests():
    """What rests would leave more: a third of the lot was to be sold, and now it is all of it."""
    plan = replace(plan_of(), lines=(Line(1, 100.0, 120.0), Line(2, 99.0, 101.0)))
    situation = facing(
        90.0, lot(1, 0.1), lot(2, price=99.0), plan=plan, least_value_left=50.0,
        stuck={2: Stuck(90.0, HOUR, 3.0)}, resting=Resting(False, (2,), 91.35, "recover L2"),
        recovery_budget=0.0,
    )  # fmt: skip
    order = decide(situation, rules()).order
    assert order is not None
    assert (order.tag, order.price) == ("sell L1-2", 120.0)


def test_beyond_its_target_a_lot_is_sold_at_market_whatever_part_of_it_rests():
    situation = facing(121.0, resting=Resting(False, (1,), 91.35, "recover L1"))
    order = decide(situation, rules()).order
    assert order is not None
    assert (order.tag, order.price, order.share) == ("sell L1", None, None)


def test_a_verdict_ends_where_a_shorts_part_becomes_too_small_for_an_order():
    verdict = decide(facing(104.9, side=SHORT, least_order_value=104.8), rules())
    assert verdict.holds_above == pytest.approx(104.8)


@pytest.mark.parametrize("answers_gaps", [True, False])
def test_a_rung_the_market_jumped_over_is_placed_again_in_a_backtest_only(answers_gaps):
    how = rules(answers_gaps=answers_gaps)
    verdict = decide(at(placed(facing(90.0), how), 91.8), how)
    assert verdict.order is not None
    assert (verdict.order.price, verdict.place) == (pytest.approx(91.35), answers_gaps)


def test_the_next_rung_replaces_the_last_although_its_tag_is_the_same():
    how = rules()
    situation = placed(facing(90.0), how)
    verdict = decide(replace(situation, lots={1: lot(amount=2.0)}), how)
    assert verdict.order is not None
    assert (verdict.order.price, verdict.place) == (pytest.approx(92.7), True)


@pytest.mark.parametrize("mode", ["hedge", "none", "aggressive"])
def test_other_modes_have_no_ladder(mode):
    order = order_at(96.0, how=rules(replace(LADDER, mode=mode)))
    assert order is not None
    assert order.tag == "sell L1"


def test_without_stuck_lots_recovery_changes_nothing():
    situation = facing(88.0, stuck={})
    assert decide(situation, rules()) == decide(situation, rules(None))


@given(situations())
def test_without_recovery_what_is_stuck_changes_nothing(found):
    situation, how = found
    how = replace(how, recovery=None)
    plain = replace(situation, stuck={}, of_age=frozenset(), recovery_budget=math.inf)
    assert repr(decide(situation, how)) == repr(decide(plain, how))


# -- at the market's price --------------------------------------------------------------------


@pytest.mark.parametrize("how", [ESCALATING, AGGRESSIVE])
@pytest.mark.parametrize(("away", "at_market"), [(0.049, False), (0.051, True)])
@EACH_SIDE
def test_a_stuck_lot_that_lost_more_than_the_threshold_is_sold_at_market(
    side, away, at_market, how
):
    order = order_at(100.0 * (1 - side * away), side=side, how=rules(how))
    found = order is not None and order.price is None and order.tag == "recover L1"
    assert (found and order is not None and order.share is None) is at_market


def test_a_lot_that_is_not_stuck_is_left_alone():
    situation = facing(90.0, lot(1), lot(2, price=99.0), stuck={2: Stuck(91.0, HOUR, 3.0)})
    order = decide(situation, rules(AGGRESSIVE)).order
    assert order is not None
    assert (order.levels, order.price) == ((2,), None)


def test_the_lot_stop_comes_first_and_heeds_no_budget():
    situation = facing(94.0, recovery_budget=0.0)
    order = decide(situation, rules(AGGRESSIVE, lot_stop=0.05)).order
    assert order is not None
    assert order.tag == "stop L1"


def test_all_lots_that_lost_too_much_leave_in_one_order():
    order = order_at(80.0, lot(1), lot(2, price=99.0), how=rules(AGGRESSIVE))
    assert order is not None
    assert (order.tag, order.price) == ("recover L1-2", None)


# -- the budget -------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(60.0, 140.0)), min_size=1, max_size=6),
    st.floats(40.0, 160.0),
    SIDES,
)
def test_the_loss_that_is_reckoned_is_the_loss_the_ledger_tells_afterwards(held, price, side):
    """The ledger's profit of each piece, with the fee a fill brings, is the twin."""
    book = Ledger(is_short=side < 0)
    for level, (amount, entry) in enumerate(held, 1):
        fee = DEAR.entry_fee * amount * entry
        book.apply(Fill(True, (level,), entry, float(amount), 0.0, fee, f"L{level}"))
    sold = [(one, one.amount) for one in book.lots.values()]
    reckoned = recovery.loss_of(sold, price, side, DEAR.exit_fee)
    amount = sum(one.amount for one, _ in sold)
    fee, levels = DEAR.exit_fee * amount * price, tuple(book.lots)
    tag = tags.exit_tag(levels, tags.RECOVER)
    pieces = book.apply(Fill(False, levels, price, amount, 1.0, fee, tag))
    assert reckoned == pytest.approx(-sum(piece.profit for piece in pieces), abs=1e-9)
    told = sum(loss for _, loss in book.recovery_losses)
    assert told == pytest.approx(max(0.0, reckoned), abs=1e-9)


@EACH_SIDE
@pytest.mark.parametrize("costs", [FREE, DEAR])
def test_an_order_at_market_is_withheld_exactly_while_it_loses_more_than_is_left(side, costs):
    """Three coins; the rate at which they lose 20, found by bisection of the verdict itself."""
    fee = costs.entry_fee * 300.0
    situation = facing(1.0, replace(lot(), fee=fee), side=side, recovery_budget=20.0)
    how = rules(AGGRESSIVE, costs=costs)

    def sells(rate: float) -> bool:
        order = decide(at(situation, rate), how).order
        return order is not None and order.price is None

    bad, good = 100.0 - side * 12.0, 100.0 - side * 5.01
    assert (sells(bad), sells(good)) == (False, True)
    for _ in range(60):
        middle = (bad + good) / 2
        bad, good = (bad, middle) if sells(middle) else (middle, good)
    lost = 3 * side * (100.0 - good) + fee + 3 * good * costs.exit_fee
    assert lost == pytest.approx(20.0)


def test_what_is_withheld_names_the_loss_and_the_budget_left():
    verdict = decide(facing(90.0, recovery_budget=25.0), rules(AGGRESSIVE))
    assert verdict.withheld is not None
    assert str(verdict.withheld) == "recovery budget: 30 against 25"
    assert verdict.order is None or verdict.order.price is not None


@pytest.mark.parametrize(
    ("budget", "levels"),
    [(100.0, (1, 2)), (58.0, (1, 2)), (56.0, (2,)), (26.0, None), (-1.0, None)],
)
def test_where_all_are_too_dear_the_lot_that_loses_least_is_sold(budget, levels):
    """At 90 the first lot, bought at 100, loses 30 and the second, bought at 99, 27."""
    lots = lot(1), lot(2, price=99.0)
    order = order_at(90.0, *lots, how=rules(AGGRESSIVE), recovery_budget=budget)
    at_market = order is not None and order.price is None
    assert (order.levels if order is not None and at_market else None) == levels


@pytest.mark.parametrize(
    ("entry", "budget", "rung", "share"),
    [
        (100.0, 8.66, 1, 1 / 3),  # 8.65 for a coin at the first rung
        (100.0, 8.64, None, None),  # 14.6 for two at the second, 17.85 for three at the last
        (93.0, 1.66, 1, 1 / 3),  # 1.65, then a profit of 0.6 in all at the second
        (93.0, 1.64, 2, 2 / 3),
        (94.0, 0.5, 3, 1.0),  # 2.65, 2.6, then a profit
    ],
)
def test_a_rung_that_loses_more_than_is_left_gives_way_to_a_later_one(entry, budget, rung, share):
    stuck = {1: Stuck(90.0, HOUR, 3.0)}
    held = {1: lot(price=entry)}
    verdict = decide(facing(89.0, lots=held, stuck=stuck, recovery_budget=budget), rules())
    order = verdict.order
    assert order is not None
    assert order.price == pytest.approx(
        120.0 if rung is None else 90.0 * (1 + LADDER.ladder[rung - 1])
    )
    assert (order.share or 1.0) == pytest.approx(share or 1.0)
    assert (verdict.withheld is None) is (rung == 1)


def test_a_rung_at_a_profit_is_never_refused():
    """Bought at 91: the first rung, at 91.35, earns."""
    plan = replace(plan_of(), lines=(Line(1, 91.0, 99.0),))
    situation = facing(88.0, lot(price=91.0), plan=plan, recovery_budget=-5.0)
    verdict = decide(replace(situation, stuck={1: Stuck(90.0, HOUR, 3.0)}), rules())
    assert verdict.order is not None
    assert (verdict.order.tag, verdict.withheld) == ("recover L1", None)


@given(situations())
def test_no_order_of_recovery_can_lose_more_than_is_left(found):
    situation, how = found
    order = decide(situation, how).order
    if order is None or tags.verb_of(order.tag) != tags.RECOVER:
        return
    share = 1.0 if order.share is None else order.share
    side, lost = situation.plan.side, 0.0
    price = situation.exit_rate if order.price is None else order.price
    for level in order.levels:
        one = situation.lots[level]
        sold = share * one.amount
        fees = share * one.fee + how.costs.exit_fee * sold * price
        lost += side * sold * (one.price - price) + fees
    assert lost <= max(0.0, situation.recovery_budget) + 1e-9 * (1 + price)


# -- the other verdicts from outside ----------------------------------------------------------


def test_an_outside_reason_sells_everything_before_any_stop():
    situation = facing(50.0, lot(1), lot(2), flatten="breaker red")
    order = decide(situation, rules(AGGRESSIVE, lot_stop=0.01, cycle_stop=0.01)).order
    assert order is not None
    assert (order.tag, order.price) == ("flatten L1-2", None)
    assert order.reason == "breaker red"


def test_an_outside_reason_without_lots_sells_nothing():
    verdict = decide(replace(facing(95.0), lots={}, flatten="breaker red"), rules())
    assert verdict.order is None


@pytest.mark.parametrize(
    ("held", "stopped", "tag", "condition"),
    [
        ((), (), "L1", None),
        ((1,), (), "L3", None),
        ((1, 3), (), None, "illiquid hours, every second line waits"),
        ((1, 2, 3), (), None, "no line is free"),
        ((1,), (3,), None, "illiquid hours, every second line waits"),
        ((1,), (2, 3), None, "no line is free"),
    ],
)
def test_in_a_thin_market_lines_of_even_number_wait(held, stopped, tag, condition):
    lots = {level: lot(level, price=99.0) for level in held}
    situation = replace(facing(100.5), lots=lots, stuck={}, stopped=frozenset(stopped), thin=True)
    verdict = decide(situation, rules(hysteresis=0.0))
    entry = verdict.order if verdict.order and verdict.order.is_entry else None
    assert (entry and entry.tag) == tag
    assert (verdict.block and verdict.block.condition) == condition


def test_lines_beyond_in_a_thin_market_are_the_odd_ones():
    situation = replace(facing(90.0), lots={}, stuck={}, stopped=frozenset(), thin=True)
    order = decide(situation, rules()).order
    assert order is not None
    assert order.tag == "L1,3"


# -- hedge ------------------------------------------------------------------------------------


@EACH_SIDE
def test_a_hedge_request_names_what_is_stuck_and_the_other_side(side):
    lots = {1: lot(1, 1.0, 100.0), 2: lot(2, 3.0, 96.0), 3: lot(3, 9.0)}
    stuck = {1: Stuck(90.0, 2 * HOUR, 1.0), 2: Stuck(86.0, HOUR, 4.0), 7: Stuck(1.0, 0.0, 1.0)}
    assert recovery.hedge_request(plan_of(side), lots, stuck) == {
        "side": "short" if side > 0 else "long",
        "amount": 4.0,
        "price": 97.0,
        "stuck_price": 87.0,
        "levels": [1, 2],
        "since": HOUR,
    }


def test_without_a_stuck_lot_there_is_nothing_to_hedge():
    assert recovery.hedge_request(plan_of(), {1: lot()}, {}) is None
