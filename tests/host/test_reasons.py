"""The board: for each pair the next order, or the condition against one, and since when."""

import logging
import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid.situation import Block, Order, Verdict
from gridkit.host import logfmt
from gridkit.host.reasons import COLUMN, Reasons

NOW = datetime(2025, 1, 2, tzinfo=UTC)
PAIR = "ETH/USDT"
MINUTE = timedelta(minutes=1)
ADX = Block("trend against the grid, by ADX", 31.5, 25.0)
SELL = Order(False, (3,), 101.25, "sell L3", "nearest target")


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, logger="gridkit")
    return lambda: [record.getMessage() for record in caplog.records]


def test_the_figures_stay_current_while_the_condition_keeps_its_age(said):
    reasons = Reasons(live=True)
    for minute, value in enumerate((31.5, 32.0, 27.25)):
        reasons.waits(PAIR, Block(ADX.condition, value, 25.0), NOW + minute * MINUTE)
    found = reasons.get(PAIR)
    assert (found.value, found.threshold) == (27.25, 25.0)
    assert (found.since, found.updated) == (NOW, NOW + 2 * MINUTE)
    assert said() == [f"{PAIR}: nothing is opened, {ADX}"]


def test_another_condition_is_logged_and_begins_anew(said):
    reasons = Reasons(live=True)
    for minute, block in enumerate((ADX, "no usable candle", ADX)):
        reasons.waits(PAIR, block, NOW + minute * MINUTE)
    assert reasons.get(PAIR).since == NOW + 2 * MINUTE
    assert said() == [
        f"{PAIR}: nothing is opened, {text}" for text in (ADX, "no usable candle", ADX)
    ]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("capital: the share of 4.20 is below 8.25", "capital: the share of 4.30 is below 8.25"),
        ("exposure: 900.5 against 1e+06", "exposure: 9 against -1"),
    ],
)
def test_words_that_differ_in_numbers_alone_are_one_condition(said, first, then):
    reasons = Reasons(live=True)
    reasons.waits(PAIR, first, NOW)
    assert reasons.waits(PAIR, then, NOW + MINUTE).since == NOW
    assert reasons.get(PAIR).condition == then
    assert len(said()) == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (
            Order(True, (2,), 99.0, "L2", "next line"),
            Order(True, (2, 3), 99.0, "L2-3", "next line"),
        ),
        (SELL, Order(False, (2,), 101.25, "sell L2", "nearest target")),
        (SELL, None),
    ],
)
def test_another_next_order_is_logged_though_the_condition_goes_on(said, first, then):
    reasons = Reasons(live=True)
    for minute, order in enumerate((first, first, then, then)):
        reasons.decided(PAIR, Verdict(order, True, ADX), NOW + minute * MINUTE)
    assert len(said()) == 2
    assert reasons.get(PAIR).since == NOW


def test_an_order_whose_price_alone_moves_is_logged_once(said):
    reasons = Reasons(live=True)
    for price in (101.0, 102.0):
        reasons.decided(PAIR, Verdict(Order(False, (3,), price, "sell L3", ""), True, None), NOW)
    assert reasons.get(PAIR).price == 102.0
    assert len(said()) == 1


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Verdict(SELL, True, ADX), f"sell L3: nearest target; nothing is added: {ADX}"),
        (Verdict(SELL, True, None), "sell L3: nearest target"),
        (Verdict(None, False, ADX), f"nothing is added: {ADX}"),
        (Verdict(None, False, None), "nothing to do"),
        (
            Verdict(SELL, True, None, withheld=Block("recovery budget", 3.0, 2.0)),
            "sell L3: nearest target; nothing is added: recovery budget: 3 against 2",
        ),
    ],
)
def test_an_open_cycle_says_its_next_order_and_what_stands_against_more(verdict, text):
    assert str(Reasons(live=False).decided(PAIR, verdict, NOW)) == text


def test_the_same_condition_of_an_open_cycle_began_with_the_cycle():
    reasons = Reasons(live=False)
    reasons.waits(PAIR, ADX, NOW)
    assert reasons.decided(PAIR, Verdict(SELL, False, ADX), NOW + MINUTE).since == NOW + MINUTE


@pytest.mark.parametrize(("minutes", "stands"), [(9, True), (10, False), (300, False)])
def test_a_reason_that_nobody_renewed_gives_way(minutes, stands):
    reasons = Reasons(live=False)
    reasons.waits(PAIR, ADX, NOW)
    reasons.unless_renewed(PAIR, "no free trade", NOW + minutes * MINUTE, 10 * MINUTE)
    assert (reasons.get(PAIR).condition == ADX.condition) is stands


def test_a_pair_of_which_nothing_was_said_takes_the_reason_at_once():
    reasons = Reasons(live=False)
    reasons.unless_renewed(PAIR, "no free trade", NOW, 10 * MINUTE)
    assert reasons.get(PAIR).condition == "no free trade"


def test_a_cycle_that_opens_says_its_order_and_what_it_costs():
    reason = Reasons(live=False).opens(PAIR, "L1", 99.5, "5 of 10 lines at 20 each", NOW)
    assert (reason.state, reason.order, reason.price) == ("opening", "L1", 99.5)
    assert str(reason) == "L1: 5 of 10 lines at 20 each"


def test_a_backtest_keeps_reasons_and_logs_none(said):
    reasons = Reasons(live=False)
    reasons.waits(PAIR, ADX, NOW)
    assert reasons.get(PAIR).condition == ADX.condition
    assert said() == []


def test_a_new_run_knows_nothing_of_the_last():
    reasons = Reasons(live=False)
    reasons.waits(PAIR, ADX, NOW)
    reasons.clear()
    assert reasons.get(PAIR) is None
    assert reasons.all() == []


@given(
    condition=st.text(),
    order=st.none() | st.text(min_size=1),
    price=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    value=st.floats(),
    threshold=st.floats(),
)
def test_the_column_holds_everything_a_program_wants(condition, order, price, value, threshold):
    reason = Reasons(live=False).set(
        PAIR, "open", NOW, order=order, price=price,
        condition=condition, value=value, threshold=threshold,
    )  # fmt: skip
    read = logfmt.read(reason.line())
    assert (read["state"], read["next"], read["condition"]) == ("open", order or "", condition)
    assert read["price"] == ("" if price is None else repr(price))
    for name, number in (("value", value), ("threshold", threshold)):
        assert read[name] == (repr(number) if math.isfinite(number) else "")
    assert datetime.fromisoformat(read["since"]) == NOW


def test_the_last_row_of_the_column_has_the_text_and_the_others_are_empty():
    reasons, frame = Reasons(live=True), pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=[5, 6, 7])
    reasons.waits(PAIR, ADX, NOW)
    reasons.write(frame, PAIR)
    assert list(frame[COLUMN]) == ["", "", reasons.get(PAIR).line()]
    reasons.write(frame, "BTC/USDT")
    assert list(frame[COLUMN]) == [""] * 3


def test_a_frame_without_a_candle_is_left_alone():
    frame = pd.DataFrame({"close": []})
    Reasons(live=True).write(frame, PAIR)
    assert COLUMN not in frame
