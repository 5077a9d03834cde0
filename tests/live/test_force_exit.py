"""A forced exit ends flat, and the pair stays out for a while (DESIGN 2.9)."""

import pytest

from live.evidence import Placed
from live.session import FORCE_EXIT_PAUSE_CANDLES, Forced, Record

pytestmark = pytest.mark.slow

EVERY = ["an entry rests", "an exit rests", "the first entry rests"]
CANDLE_SECONDS = 60


@pytest.fixture(params=EVERY)
def forced(request: pytest.FixtureRequest, record: Record) -> Forced:
    return record.forced[request.param]


def placed_since(forced: Forced, record: Record) -> list[Placed]:
    """Orders on the forced pair from the first answer on, until the watch ended."""
    orders = [order for trade in record.in_the_end for order in trade.orders]
    return [
        order
        for order in orders
        if order.pair == forced.trade["pair"] and order.placed_ms >= forced.at * 1000
    ]


def test_a_forced_exit_while_an_entry_rests_takes_two_tries(record: Record) -> None:
    """freqtrade's own doing: should it change, DESIGN 2.9 has to be written anew."""
    assert [answer.status for answer in record.forced["an entry rests"].answers] == [502, 200]


def test_between_the_two_tries_the_lots_are_held_and_nothing_rests(record: Record) -> None:
    forced = record.forced["an entry rests"]
    assert len(forced.between) >= 3
    for trade in forced.between:
        assert trade["amount"] == forced.trade["amount"]
        assert not any(order["is_open"] for order in trade["orders"])


def test_between_the_two_tries_the_pair_is_locked_already(record: Record) -> None:
    forced = record.forced["an entry rests"]
    locked = [lock["pair"] for lock in forced.locks_between if "forceexit" in lock["reason"]]
    assert locked == [forced.trade["pair"]]


def test_between_the_two_tries_custom_data_tell_why_nothing_rests(record: Record) -> None:
    state = record.forced["an entry rests"].grid_between["gridstate"]["value"]
    assert state["next"] is None
    assert state["blocked"]["condition"] == "forceexit"


def test_a_forced_exit_ends_flat(forced: Forced, record: Record) -> None:
    trades = [trade for trade in record.in_the_end if trade.pair == forced.trade["pair"]]
    assert not any(trade.is_open for trade in trades)


def test_after_a_forced_exit_nothing_is_bought_again(forced: Forced, record: Record) -> None:
    assert {order.tag for order in placed_since(forced, record)} <= {"force_exit"}


def test_locks_show_the_forced_exit_for_the_set_number_of_candles(
    forced: Forced, record: Record
) -> None:
    ends = [
        lock["lock_end_timestamp"] / 1000 - forced.at
        for lock in record.locks
        if lock["pair"] == forced.trade["pair"] and "gridkit forceexit" in lock["reason"]
    ]
    pause = FORCE_EXIT_PAUSE_CANDLES * CANDLE_SECONDS
    assert ends
    # freqtrade rounds a lock's end up to a candle, and the last exit may come long after the first
    assert all(pause - 1 <= end <= pause + 3 * CANDLE_SECONDS for end in ends)


def test_the_other_pairs_are_not_locked(record: Record) -> None:
    locked = {lock["pair"] for lock in record.locks if "gridkit" in lock["reason"]}
    assert locked == {forced.trade["pair"] for forced in record.forced.values()}
