"""The live tests' own measures: each tells a good life from a bad one."""

import pytest

from live.evidence import (
    Placed,
    Sample,
    Trade,
    bought_twice,
    disagreements,
    entered_less_left,
    replacements,
    unexplained,
)

BAND = 0.15
REPLACED = "cancelled to be replaced by new limit order"


def order(tag: str, price: float = 100.0, filled: float = 1.0, reason: str = "", side: int = 1):
    return Placed(1, "A/B", side, tag.startswith("L"), False, tag, reason, price, filled, 0)


def trade(*orders: Placed) -> Trade:
    return Trade(1, "A/B", True, 0.0, orders)


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        (["L1", "L2", "sell L2", "L2"], 0),
        (["L1", "L2-3", "sell L3", "L3", "sell L1-3", "L1"], 0),
        (["L1", "L1"], 1),
        (["L1", "L2-4", "sell L2", "L3"], 1),
        (["L1,3", "L2", "L3"], 1),
    ],
)
def test_a_line_bought_twice_is_seen(tags: list[str], wrong: int) -> None:
    assert len(bought_twice(trade(*map(order, tags)))) == wrong


def test_a_part_of_an_entry_holds_its_line_and_an_unfilled_one_does_not() -> None:
    assert bought_twice(trade(order("L1", filled=0.1, reason=REPLACED), order("L1")))
    assert not bought_twice(trade(order("L1", filled=0.0, reason=REPLACED), order("L1")))


def test_what_is_left_is_entries_less_exits() -> None:
    assert entered_less_left(trade(order("L1-2", filled=3.0), order("sell L2", filled=1.0))) == 2.0


@pytest.mark.parametrize(
    ("cancelled", "placed", "prices", "due"),
    [
        (order("L2", 99), order("sell L1", 101), [100.31], True),
        (order("L2", 99), order("sell L1", 101), [100.29], False),
        (order("L2", 99), order("sell L1", 101), [100.0, 100.31], True),
        (order("sell L1", 101), order("L2", 99), [99.69], True),
        (order("sell L1", 101), order("L2", 99), [99.71, 100.9], False),
        (order("L2", 101, side=-1), order("cover L1", 99, side=-1), [99.69], True),
        (order("L2", 101, side=-1), order("cover L1", 99, side=-1), [100.1], False),
        (order("L2", 99), order("L3", 98), [98.5], False),
    ],
)
def test_a_replacement_is_due_only_beyond_the_band(
    cancelled: Placed, placed: Placed, prices: list[float], due: bool
) -> None:
    assert (unexplained(cancelled, placed, prices, BAND) is None) is due


def test_only_orders_cancelled_for_another_count_as_replaced() -> None:
    first, second = order("L2", reason=REPLACED), order("sell L1")
    assert list(replacements([trade(first, second, order("L2"))])) == [(first, second)]


def test_lots_that_stay_unlike_the_position_are_seen_for_how_long() -> None:
    def sample(at: float, amount: float, lot: float) -> Sample:
        state = {"lots": [{"amount": lot}], "dust": 0.0}
        status = [{"trade_id": 1, "amount": amount}]
        return Sample(at, status, {1: {"gridstate": {"value": state}}})

    assert disagreements([sample(0, 1, 1), sample(1, 2, 1), sample(2, 2, 2)]) == {1: 0.0}
    assert disagreements([sample(0, 1, 1), sample(1, 2, 1), sample(7, 2, 1)]) == {1: 6.0}
