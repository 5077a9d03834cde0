"""Which parts of a position leave, and when."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk.exits import Asked, Exit, part_due, parts_in, parts_sold
from gridkit.risk.parts import part_tag, reward_block
from gridkit.settings import Settings
from risk.positions import position

RULE = Settings().exits


def rule(**changes):
    return Settings.from_config({"gridkit": {"exits": changes}}).exits


TRAIL = rule(rest="trail")


@pytest.mark.parametrize(
    ("price", "done", "settings", "amount", "tag"),
    [
        (102.99, set(), RULE, None, ""),
        (103.0, set(), RULE, 0.99, "part 1"),
        (103.0, {1}, RULE, None, ""),
        (106.0, {1}, RULE, 0.99, "part 2"),
        (106.0, set(), RULE, 1.98, "part 1-2"),
        (110.0, set(), RULE, 3.0, "part 1-3"),
        (110.0, {1}, RULE, 3.0, "part 2-3"),
        (110.0, {1, 2}, RULE, 3.0, "part 3"),
        (110.0, {1, 2, 3}, RULE, None, ""),
        (110.0, {1, 2}, TRAIL, None, ""),
        (110.0, set(), TRAIL, 1.98, "part 1-2"),
        (103.0, set(), rule(parts=[0.0, 0.5]), None, ""),
        (106.0, set(), rule(parts=[0.0, 0.5]), 1.5, "part 1-2"),
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_each_target_sells_its_share_and_what_is_passed_at_once_leaves_together(
    price, done, settings, amount, tag, side
):
    held = position(side=side, parts_done=frozenset(done))
    found = part_due(held, 100.0 + side * (price - 100.0), settings)
    assert (found and found.tag) == (tag or None)
    assert (found and found.amount) == (amount and pytest.approx(amount))


def test_a_part_says_its_target_and_its_numbers():
    found = part_due(position(), 106.5, RULE)
    assert found == Exit(
        1.98, "part 1-2", "106.5 is at target 2, 106 (3 ATR from 100): 1.98 of 3 leaves"
    )


@pytest.mark.parametrize(("held", "amount"), [(3.0, 0.99), (1.2, 0.99), (0.5, 0.5)])
def test_after_a_manual_exit_a_part_takes_what_it_did_or_all_there_is(held, amount):
    found = part_due(position(amount=held), 103.0, RULE)
    assert found is not None
    assert found.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    ("held", "least", "amount"),
    [
        (3.0, 0.0, 0.99),
        (3.0, 1.2, 1.2),  # a part too small grows
        (3.0, 1.6, 3.0),  # and takes all where the rest would be too small
        (1.5, 0.6, 1.5),
        (1.5, 0.5, 0.99),
        (0.5, 0.8, 0.5),
        (3.0, math.nan, 0.99),
        (0.5, math.nan, 0.5),
    ],
)
def test_neither_a_part_nor_what_it_leaves_is_below_the_least(held, least, amount):
    found = part_due(position(amount=held), 103.0, RULE, least)
    assert found is not None
    assert found.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    ("change", "price"),
    [
        ({"atr": math.nan}, 200.0),
        ({"atr": 0.0}, 200.0),
        ({"entry": math.nan}, 200.0),
        ({"amount": 0.0}, 200.0),
        ({"amount": math.nan}, 200.0),
        ({}, math.nan),
        ({}, math.inf),
    ],
)
def test_nothing_is_due_while_price_atr_or_amount_is_unknown(change, price):
    assert part_due(position(**change), price, RULE) is None


@pytest.mark.parametrize(
    ("tags", "parts"),
    [
        ([], set()),
        (["part 1"], {1}),
        (["part 1-2", "part 3"], {1, 2, 3}),
        (["part 1-3"], {1, 2, 3}),
        (["stop", "shrink", "time", "", "part", "part x", "part 1-x", "partial 2"], set()),
        (["force_exit", "part 2"], {2}),
    ],
)
def test_what_was_sold_is_read_from_tags(tags, parts):
    assert parts_in(tags) == parts


@pytest.mark.parametrize(
    ("orders", "parts", "begun"),
    [
        ([("part 1", 1.0, 1.0)], {1}, 0.0),
        ([("part 1", 1.0, 0.5)], {1}, 0.0),
        ([("part 1", 1.0, 0.4)], set(), 0.4),
        ([("part 1", 1.0, 0.4), ("part 1", 0.6, 0.05)], set(), 0.45),
        ([("part 1", 1.0, 0.4), ("part 1", 0.6, 0.1)], {1}, 0.0),
        ([("part 1", 1.0, 0.4), ("part 1-2", 1.6, 1.6)], {1, 2}, 0.0),
        ([("part 1", 1.0, 1.0), ("part 2", 1.0, 0.1), ("force_exit", 1.0, 0.1)], {1}, 0.1),
    ],
)
def test_a_part_is_sold_where_half_of_what_was_asked_for_was_filled(orders, parts, begun):
    assert parts_sold([Asked(*order) for order in orders]) == (parts, pytest.approx(begun))


def test_a_part_that_was_begun_sells_the_rest_of_its_share():
    found = part_due(position(begun=0.2), 103.0, RULE)
    assert found is not None
    assert found.amount == pytest.approx(3 * RULE.parts[0] - 0.2)


@given(st.integers(1, 3), st.integers(0, 2))
def test_a_tag_is_read_as_it_was_written(first, more):
    numbers = list(range(first, min(3, first + more) + 1))
    assert parts_in([part_tag(numbers)]) == set(numbers)


SHARES = st.tuples(st.floats(0.0, 0.6), st.floats(0.0, 0.39))
TARGETS = st.tuples(st.floats(0.1, 2.0), st.floats(2.1, 4.0), st.floats(4.1, 9.0))
RULES = st.builds(
    lambda parts, targets, rest: rule(parts=list(parts), targets=list(targets), rest=rest),
    SHARES,
    TARGETS,
    st.sampled_from(["target", "trail"]),
)
# Prices in ATR from the entry, the share of what is held that somebody sells by hand, and the
# share of what is asked for that is filled before the order is taken back.
STEPS = st.lists(
    st.tuples(
        st.floats(-3.0, 10.0),
        st.sampled_from([0.0, 0.0, 0.0, 0.5]),
        st.sampled_from([1.0, 1.0, 0.7, 0.3, 0.0]),
    ),
    max_size=25,
)


def follow(side, steps, settings, bought, least):
    """Sell parts along a path as a bot does that forgets all but its orders."""
    held, asked = bought, []
    for multiple, by_hand, share in steps:
        held -= by_hand * held
        done, begun = parts_sold(one for one in asked if one.filled)
        now = position(side=side, bought=bought, amount=held, parts_done=done, begun=begun)
        found = part_due(now, now.at(multiple), settings, least)
        if found is None:
            continue
        assert 0 < found.amount <= held
        assert not parts_in([found.tag]) & done
        whole = share == 1.0 and found.amount == now.amount
        held = 0.0 if whole else held - share * found.amount
        asked.append(Asked(found.tag, found.amount, share * found.amount))
    return held, asked


@given(st.sampled_from([1, -1]), STEPS, RULES, st.floats(0.01, 1e4), st.floats(0.0, 50.0))
def test_p19_partial_exits_never_sum_above_what_was_bought_and_each_triggers_once(
    side, steps, settings, bought, least
):
    held, asked = follow(side, steps, settings, bought, least)
    assert sum(one.filled for one in asked) + held <= bought * (1 + 1e-9)
    whole = [one for one in asked if one.filled == one.amount]
    named = [number for one in whole for number in sorted(parts_in([one.tag]))]
    assert len(named) == len(set(named))
    assert named == sorted(named)


@given(st.sampled_from([1, -1]), STEPS, RULES, st.floats(0.01, 1e4))
def test_p19_closing_all_parts_closes_the_position(side, steps, settings, bought):
    settings = settings.model_copy(update={"rest": "target"})
    filled = [(multiple, by_hand, 1.0) for multiple, by_hand, _ in steps]
    held, asked = follow(side, [*filled, (9.5, 0.0, 1.0)], settings, bought, 0.0)
    assert held == 0.0
    assert 3 in parts_in(one.tag for one in asked)


@given(STEPS, RULES, st.floats(1.0, 1e4), st.floats(0.0, 0.9))
def test_what_remains_is_nothing_or_enough_for_an_order(steps, settings, bought, least):
    whole = [(multiple, 0.0, 1.0) for multiple, _, _ in steps]
    held, asked = follow(1, whole, settings, bought, least)
    assert held == 0.0 or held >= least
    assert all(one.amount >= least for one in asked)


@given(RULES, st.floats(-9.0, 10.0), st.sets(st.sampled_from([1, 2])))
def test_the_parts_are_those_of_their_readable_twin(settings, multiple, done):
    held = position(parts_done=frozenset(done))
    amount = 0.0
    for number in (1, 2):
        reached = 100.0 + 2.0 * multiple >= 100.0 + 2.0 * settings.targets[number - 1]
        if reached and number not in done:
            amount += settings.parts[number - 1] * held.bought
    if settings.rest == "target" and 100.0 + 2.0 * multiple >= 100.0 + 2.0 * settings.targets[2]:
        amount = held.amount
    found = part_due(held, held.at(multiple), settings)
    assert (found.amount if found else 0.0) == pytest.approx(amount)


@given(STEPS, RULES)
def test_mirrored_prices_sell_the_same_parts(steps, settings):
    for multiple, _, _ in steps:
        long, short = (position(side=side, entry=1_024.0, atr=1.0) for side in (1, -1))
        rise = round(multiple * 8) / 8
        first = part_due(long, 1_024.0 + rise, settings)
        second = part_due(short, 1_024.0 - rise, settings)
        assert (first and replace(first, reason="")) == (second and replace(second, reason=""))


@pytest.mark.parametrize(
    ("atr", "cost", "least", "refused"),
    [
        (0.01, 0.002, 8, True),  # 1.5 ATR are 7.5 times the fees
        (0.011, 0.002, 8, False),
        (0.01, 0.002, 7.5, False),
        (0.01, 0.0, 8, False),
        (1e-6, 0.002, 0, False),
        (math.nan, 0.002, 8, True),
        (math.nan, 0.002, 0, True),
    ],
)
def test_an_entry_must_be_able_to_pay_its_fees_several_times(atr, cost, least, refused):
    settings = Settings.from_config({"gridkit": {"entries": {"least_reward": least}}})
    block = reward_block(atr, cost, settings)
    assert (block is not None) == refused
    if block is not None and not math.isnan(atr):
        assert (block.value, block.threshold) == (pytest.approx(7.5), least)
