"""A pair without a trade says why: in the notes, in the log, on the chart."""

import logging

import pytest
from freqtrade.enums import RunMode

from gridkit.host import signals, startup
from host.desks import CALM, NOW, PAIR, STRONG, candles_at, order_of, strategy_of, trade_of

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
        note = strategy.desk.context.notes[PAIR]
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
    assert strategy.desk.context.notes[PAIR] == note
    assert f"{PAIR}: {note}" in said()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("nothing is added: exposure", "nothing is added: price beyond pause_price"),
        ("sell L1: nearest target", "sell L2: nearest target"),
        ("L2: next free line", "L2: next free line; nothing is added: exposure"),
        ("L2-3: price is beyond the line", "L2-4: price is beyond the line"),
    ],
)
def test_notes_that_differ_in_more_than_numbers_are_both_logged(said, first, then):
    context = strategy_of(RunMode.DRY_RUN).desk.context
    for note in (first, first, then, then):
        context.note(PAIR, note)
    assert said()[-2:] == [f"{PAIR}: {first}", f"{PAIR}: {then}"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("opening: 5 of 10 lines at 9.90 each", "opening: 4 of 10 lines at 9.85 each"),
        ("nothing is opened, exposure: 900.5 against 1e+06",
         "nothing is opened, exposure: 9 against -1"),
        ("nothing is opened, capital: the share of 4.20 is below 8.25, the least one line needs",
         "nothing is opened, capital: the share of 4.30 is below 8.25, the least one line needs"),
    ],
)  # fmt: skip
def test_notes_that_differ_in_numbers_alone_are_logged_once(said, first, then):
    context = strategy_of(RunMode.DRY_RUN).desk.context
    for note in (first, then):
        context.note(PAIR, note)
    assert [line for line in said() if line.startswith(PAIR)] == [f"{PAIR}: {first}"]
    assert context.notes[PAIR] == then


def test_a_pair_with_a_trade_or_with_nothing_against_it_has_no_note(open_trades):
    strategy = strategy_of(RunMode.DRY_RUN)
    prepared(strategy, strength=CALM)
    assert PAIR not in strategy.desk.context.notes
    open_trades.append(trade_of(order_of("L1", 99.0)))
    prepared(strategy, strength=STRONG, side=-1.0)
    assert PAIR not in strategy.desk.context.notes


@pytest.mark.usefixtures("open_trades")
def test_a_backtest_logs_no_notes(said):
    strategy = strategy_of()
    strategy.desk.context.note(PAIR, "nothing is opened, exposure: 1 against 2")
    assert PAIR in strategy.desk.context.notes
    assert [line for line in said() if line.startswith(PAIR)] == []


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
    assert drawn(strategy, frame) == {strategy.desk.context.notes[PAIR]: (100.0, 100.0)}


@pytest.mark.usefixtures("open_trades")
def test_the_chart_of_a_pair_that_says_nothing_is_empty():
    strategy = strategy_of(RunMode.DRY_RUN)
    assert drawn(strategy, prepared(strategy)) == {}
    strategy.desk.context.notes[PAIR] = "nothing is opened, no usable candle"
    assert strategy.plot_annotations(PAIR, NOW, NOW, candles_at(1.0).iloc[:0]) == []


def test_the_chart_shows_an_unfilled_first_order_at_its_price_and_not_the_note(open_trades):
    strategy = strategy_of(RunMode.DRY_RUN)
    frame = prepared(strategy)
    strategy.desk.context.notes[PAIR] = "opening: 10 of 10 lines at 20.00 each"
    open_trades.append(trade_of(order_of("L1", 99.0, rests=True)))
    assert drawn(strategy, frame) == {"next: L1": (99.0, 99.0)}


# -- lines that capital does not give ----------------------------------------------------------


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("cash", "caps", "told"),
    [
        (45.0, {}, "capital gives 4 of 10 lines"),
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
