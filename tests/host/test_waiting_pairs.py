"""A pair without a trade says why: on the board, in the log, on the chart, in the column."""

import logging

import pytest
from freqtrade.enums import RunMode

from gridkit.host import signals, startup
from host.desks import CALM, CANDLE, NOW, PAIR, STRONG, candles_at, order_of, strategy_of, trade_of

BEARISH = "trending bearish market against the grid, by ADX"
AGAINST = f"ETH/USDT: nothing is opened, {BEARISH}"


@pytest.fixture
def said(caplog):
    """What gridkit logged: level and text."""
    caplog.set_level(logging.INFO, logger="gridkit")
    return lambda: [
        record.getMessage() for record in caplog.records if record.name.startswith("gridkit")
    ]


def prepared(strategy, **candle):
    """A loop of freqtrade, as far as a pair without a signal gets in it."""
    frame = candles_at(100.0, **candle)
    signals.prepare(frame, PAIR, strategy)
    return frame


@pytest.mark.usefixtures("open_trades")
def test_a_pair_the_market_stands_against_says_so_once_although_its_numbers_change(said):
    strategy = strategy_of(RunMode.DRY_RUN)
    for strength in (60.0, 61.5, 62.25):
        prepared(strategy, strength=strength, side=-1.0)
        note = str(strategy.desk.context.reasons.get(PAIR))
        assert note.startswith(f"nothing is opened, {BEARISH}: ")
        assert f"{strength:g}" in note
    assert [line for line in said() if line.startswith(PAIR)] == [f"{AGAINST}: 60 against 25"]


@pytest.mark.usefixtures("open_trades")
def test_another_condition_is_logged_and_so_is_the_first_when_it_comes_back(said):
    strategy = strategy_of(RunMode.DRY_RUN)
    for strength in (60.0, float("nan"), 61.0):
        prepared(strategy, strength=strength, side=-1.0)
    opened = f"{PAIR}: nothing is opened, "
    conditions = [line.removeprefix(opened).split(":")[0] for line in said() if PAIR in line]
    assert conditions == [BEARISH, "market regime unknown", BEARISH]


@pytest.mark.usefixtures("open_trades")
def test_a_pair_whose_market_starts_no_cycle_says_so(said):
    strategy = strategy_of(RunMode.DRY_RUN)
    prepared(strategy, strength=22.0)
    note = "nothing is opened, uncertain market starts no cycle, by ADX: 22 against 20"
    assert str(strategy.desk.context.reasons.get(PAIR)) == note
    assert f"{PAIR}: {note}" in said()


def test_a_pair_with_a_trade_or_with_nothing_against_it_has_no_reason(open_trades):
    strategy = strategy_of(RunMode.DRY_RUN)
    prepared(strategy, strength=CALM)
    assert strategy.desk.context.reasons.get(PAIR) is None
    open_trades.append(trade_of(order_of("L1", 99.0)))
    prepared(strategy, strength=STRONG, side=-1.0)
    assert strategy.desk.context.reasons.get(PAIR) is None


# -- on the chart -----------------------------------------------------------------------------


def drawn(strategy, frame):
    start, end = frame["date"].iloc[0], frame["date"].iloc[-1]
    lines = strategy.plot_annotations(PAIR, start, end, frame)
    assert all((line["start"], line["end"]) == (start, end) for line in lines)
    assert all(line["type"] == "line" for line in lines)
    return {line["label"]: (line["y_start"], line["y_end"]) for line in lines}


@pytest.mark.usefixtures("open_trades")
def test_the_chart_of_a_waiting_pair_says_why_at_the_last_price():
    strategy = strategy_of(RunMode.DRY_RUN)
    frame = prepared(strategy, strength=STRONG, side=-1.0)
    assert drawn(strategy, frame) == {str(strategy.desk.context.reasons.get(PAIR)): (100.0, 100.0)}


@pytest.mark.usefixtures("open_trades")
def test_the_chart_of_a_pair_that_says_nothing_is_empty():
    strategy = strategy_of(RunMode.DRY_RUN)
    assert drawn(strategy, prepared(strategy)) == {}
    strategy.desk.context.reasons.waits(PAIR, "no usable candle", NOW)
    assert strategy.plot_annotations(PAIR, NOW, NOW, candles_at(1.0).iloc[:0]) == []


def test_the_chart_shows_an_unfilled_first_order_at_its_price_and_not_the_reason(open_trades):
    strategy = strategy_of(RunMode.DRY_RUN)
    frame = prepared(strategy)
    strategy.desk.context.reasons.opens(PAIR, "L1", 99.0, "10 of 10 lines at 20.00 each", NOW)
    open_trades.append(trade_of(order_of("L1", 99.0, rests=True)))
    assert drawn(strategy, frame) == {"next: L1": (99.0, 99.0)}


def said_in(frame):
    return list(frame["why"].iloc[[0, -2, -1]])


@pytest.mark.usefixtures("open_trades")
def test_the_last_row_of_the_column_says_why_and_a_look_at_the_chart_brings_it_up_to_date():
    strategy = strategy_of(RunMode.DRY_RUN)
    frame = prepared(strategy, strength=STRONG, side=-1.0)
    reasons = strategy.desk.context.reasons
    first = reasons.get(PAIR).line()
    assert said_in(frame) == ["", "", first]
    later = reasons.waits(PAIR, "no usable candle", NOW + CANDLE).line()
    sent = frame.copy().iloc[-50:]  # as freqtrade's REST API does, before it asks
    drawn(strategy, sent)
    assert said_in(sent) == ["", "", later]
    assert said_in(frame) == ["", "", first]


@pytest.mark.usefixtures("open_trades")
def test_a_backtest_has_no_such_column():
    strategy = strategy_of()
    frame = prepared(strategy, strength=STRONG, side=-1.0)
    drawn(strategy, frame)
    assert "why" not in frame


# -- lines that capital does not give ----------------------------------------------------------


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("cash", "caps", "told"),
    [
        (45.0, {}, "capital gives 4 of 15 lines"),
        (1_000.0, {}, None),
        (1_000.0, {"max_lots": 5}, None),  # fewer lines, but not for want of capital
        (30.0, {"max_lots": 5}, "capital gives 3 of 5 lines"),
        (5.0, {}, None),  # not one line: refused elsewhere
    ],
)
def test_a_backtest_says_when_capital_gives_fewer_lines_than_asked_for(said, cash, caps, told):
    strategy = strategy_of(cash=cash, caps=caps)
    startup.tell_lines(PAIR, 100.0, strategy.desk)
    found = [line for line in said() if "capital gives" in line]
    assert len(found) == bool(told)
    assert told is None or f"{PAIR}: {told}" in found[0]


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(("cash", "count"), [(45.0, 1), (1_000.0, 0)])
def test_the_lines_are_told_of_when_a_backtest_is_prepared(said, cash, count):
    prepared(strategy_of(cash=cash))
    assert len([line for line in said() if "capital gives" in line]) == count
