"""The live loop: six fills each side, a power cut, six more, on spot and on futures short."""

import re

import pytest

from live.evidence import (
    AMOUNT_TOLERANCE,
    bought_twice,
    disagreements,
    entered_less_left,
    fills,
    replacements,
    unexplained,
)
from live.session import HYSTERESIS, WANTED_FILLS, Record

pytestmark = pytest.mark.slow

ONE_LOOP_SECONDS = 15.0  # throttled to one second; on a busy machine a loop takes several
REFUSED_REQUESTS = ("API Error calling: Failed to exit trade", "API Error calling: No custom-data")


def test_the_bot_fills_both_sides_before_the_kill_and_after(record: Record) -> None:
    assert min(record.fills_before_kill) >= WANTED_FILLS
    assert min(fills(record.traded)) >= 2 * WANTED_FILLS


def test_no_line_is_bought_twice(record: Record) -> None:
    assert [wrong for trade in record.in_the_end for wrong in bought_twice(trade)] == []


def test_lots_are_freqtrades_position_within_one_loop_of_each_fill(record: Record) -> None:
    several = [
        len(grid["gridstate"]["value"]["lots"])
        for life in record.lives
        for sample in life
        for grid in sample.grids.values()
        if "gridstate" in grid
    ]
    assert max(several) >= 2
    for life in record.lives:
        assert max(disagreements(life).values(), default=0.0) < ONE_LOOP_SECONDS


def test_the_orders_leave_what_freqtrade_holds(record: Record) -> None:
    for trade in record.in_the_end:
        left = entered_less_left(trade)
        assert abs(left - (trade.held if trade.is_open else 0.0)) < AMOUNT_TOLERANCE, trade


def test_a_resting_order_is_replaced_only_beyond_the_hysteresis_band(record: Record) -> None:
    """Across the kill too: what rested then is followed like every other order."""
    pairs = list(replacements(record.traded))
    assert pairs, "no side ever changed, so nothing was tested"
    reasons = [
        unexplained(cancelled, placed, record.prices[placed], HYSTERESIS)
        for cancelled, placed in pairs
    ]
    assert [reason for reason in reasons if reason] == []


def test_orders_are_not_replaced_more_often_than_filled(record: Record) -> None:
    assert len(list(replacements(record.traded))) <= sum(fills(record.traded))


def test_nothing_but_a_replacement_cancels_an_order_while_nobody_intervenes(record: Record) -> None:
    reasons = {order.cancel_reason for trade in record.traded for order in trade.orders}
    assert {reason for reason in reasons if "to be replaced" not in reason} == {""}


def test_after_the_kill_the_stored_plans_go_on_untouched(record: Record) -> None:
    """The custom data's own dates tell that they were not written again, the same or not."""
    before, after = record.before_kill, record.grids_after_kill
    assert before is not None
    assert after
    plans = {number: grid["gridplan"] for number, grid in after.items()}
    assert plans == {number: before.grids[number]["gridplan"] for number in after}


def test_status_names_the_line_of_every_order(record: Record) -> None:
    trades = [trade for life in record.lives for sample in life for trade in sample.status]
    tags = {order["ft_order_tag"] for trade in trades for order in trade["orders"]}
    exit_verb = "sell" if record.venue.entry_side == "buy" else "cover"
    ours = re.compile(rf"({exit_verb} )?L\d+(-\d+)?(,\d+(-\d+)?)*|force_exit")
    assert {tag for tag in tags if not ours.fullmatch(tag)} == set()
    assert {bool(tag.startswith("L")) for tag in tags} == {True, False}


def test_custom_data_tell_plan_lots_and_the_next_order_with_its_reason(record: Record) -> None:
    plan, state = (record.charted[key]["value"] for key in ("gridplan", "gridstate"))
    levels = {line["level"] for line in plan["lines"]}
    assert len(levels) >= 5
    assert {lot["level"] for lot in state["lots"]} <= levels
    assert state["next"]["tag"].partition("L")[1] == "L"
    assert state["next"]["why"]


def test_the_log_tells_of_no_error(record: Record) -> None:
    bad = re.compile(r" - (ERROR|CRITICAL) - |Traceback|Strategy caused|Unexpected error")
    lines = [line for line in record.log.splitlines() if bad.search(line)]
    assert [line for line in lines if not any(known in line for known in REFUSED_REQUESTS)] == []
