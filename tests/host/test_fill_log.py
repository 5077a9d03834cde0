"""One log line per fill: what it says, that it says it once, and that it can be read again."""

import logging
import math
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid.lots import Closed, Fill, Ledger
from gridkit.host.fill_log import MARK, TOLD_KEY, FillLog, action_of, fields_of
from gridkit.reports.fill_log import parsed

START = datetime(2025, 1, 2, tzinfo=UTC).timestamp()
AMOUNTS = st.floats(1e-6, 1e4)
PRICES = st.floats(1e-8, 1e6)


class Trade(SimpleNamespace):
    """As much of freqtrade's as the log asks; `data` is its custom data, which outlives a bot."""

    def __init__(self, number: int = 1, *, is_short: bool = False) -> None:
        super().__init__(id=number, pair="ETH/USDT", is_short=is_short, stake_currency="USDT")
        self.data: dict[str, Any] = {}

    def get_custom_data(self, key: str) -> Any:
        return self.data.get(key)

    def set_custom_data(self, key: str, value: Any) -> None:
        assert "_" not in key
        assert "%" not in key
        self.data[key] = value


def order(number: int) -> SimpleNamespace:
    return SimpleNamespace(id=number)


def buy(levels: tuple[int, ...], price: float, amount: float, at: float = START) -> Fill:
    return Fill(True, levels, price, amount, at, fee=0.001 * price * amount, tag="L1")


def sell(tag: str, levels: tuple[int, ...], price: float, amount: float, at: float) -> Fill:
    return Fill(False, levels, price, amount, at, fee=0.001 * price * amount, tag=tag)


SOLD = sell("sell L3", (3,), 110.0, 2.0, START + 3_600)
PIECE = Closed(3, 2.0, 100.0, 110.0, START, START + 3_600, 0.42, 19.58, "sell L3")


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="gridkit")
    return lambda: [record.getMessage() for record in caplog.records]


# -- what it says -----------------------------------------------------------------------------


def test_a_sale_says_everything_in_one_line(lines):
    assert FillLog().tell(Trade(7), order(9), SOLD, [PIECE])
    assert lines() == [
        f"{MARK} action=sell pair=ETH/USDT level=3 size=2.0 entry=100.0 exit=110.0 pnl=19.58 "
        "fee=0.22 duration=3600.0 lots=1 wins=1 currency=USDT trade=7 order=9 "
        "time=2025-01-02T01:00:00.000+00:00"
    ]


def test_a_purchase_leaves_empty_what_only_a_sale_has():
    said = fields_of(Trade(), order(1), buy((2, 3), 99.0, 1.0), [])
    assert (said["action"], said["level"], said["entry"]) == ("buy", "2-3", 99.0)
    assert (said["exit"], said["pnl"]) == (None, None)
    assert math.isnan(said["duration"])


@pytest.mark.parametrize(
    ("tag", "is_entry", "is_short", "action"),
    [
        ("L1", True, False, "buy"), ("L1", True, True, "short"),
        ("sell L1-3", False, False, "sell"),
        ("cover L2", False, True, "cover"), ("stop L2", False, False, "stop"),
        ("recover L2", False, False, "recover"), ("flatten L1-4", False, False, "flatten"),
        ("force_exit", False, False, "force_exit"), ("", False, False, "manual"),
        ("what I liked", False, False, "manual"), ("a=b pnl=1e9", False, False, "manual"),
        ("force_entry", True, False, "buy"),
    ],
)  # fmt: skip
def test_the_action_is_one_word(tag, is_entry, is_short, action):
    assert action_of(Fill(is_entry, (), 1.0, 1.0, START, tag=tag), is_short=is_short) == action


def test_an_exit_that_names_no_level_says_those_it_closed():
    exit_by_hand = sell("force_exit", (), 110.0, 2.0, START + 60)
    assert fields_of(Trade(), order(1), exit_by_hand, [PIECE])["level"] == "3"
    assert fields_of(Trade(), order(1), exit_by_hand, [])["level"] is None


@given(
    lots=st.lists(st.tuples(AMOUNTS, PRICES, st.floats(0, 1e6)), min_size=1, max_size=5),
    price=PRICES,
    is_short=st.booleans(),
)
def test_the_line_adds_up_to_what_the_ledger_earned(lots, price, is_short):
    ledger, trade = Ledger(is_short=is_short), Trade(is_short=is_short)
    for level, (amount, at_price, after) in enumerate(lots, start=1):
        ledger.apply(buy((level,), at_price, amount, START + after))
    out = sell("flatten L1-5", tuple(range(1, 6)), price, sum(one[0] for one in lots), START + 2e6)
    closed = ledger.apply(out)
    said = fields_of(trade, order(3), out, closed)
    side = -1 if is_short else 1
    fees = 0.001 * (math.fsum(a * p for a, p, _ in lots) + out.amount * price)
    turnover = math.fsum(a * max(p, price) for a, p, _ in lots)
    assert said["pnl"] == pytest.approx(ledger.harvest, abs=1e-9 * turnover)
    by_hand = side * out.amount * (price - said["entry"]) - fees
    assert said["pnl"] == pytest.approx(by_hand, rel=1e-6, abs=1e-6 * turnover)
    assert said["wins"] == sum(piece.profit > 0 for piece in closed) <= said["lots"] == len(lots)
    ages = [out.timestamp - (START + after) for _, _, after in lots]
    assert min(ages) - 1e-3 <= said["duration"] <= max(ages) + 1e-3


@given(amount=AMOUNTS, price=PRICES, at=st.floats(START, START + 1e8))
def test_the_line_is_read_again_with_every_digit(amount, price, at):
    bought = buy((1, 4, 5, 6), price, amount, at)
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr(logging.Logger, "info", lambda _self, text, *rest: said.append(text % rest))
        FillLog().tell(Trade(2), order(5), bought, [])
    fill = parsed(said[0].removeprefix(MARK))
    assert (fill.action, fill.pair, fill.level) == ("buy", "ETH/USDT", "1,4-6")
    assert (fill.size, fill.entry, fill.fee) == (amount, price, bought.fee)
    assert (fill.exit, fill.pnl, fill.duration) == (None, None, None)
    assert (fill.trade, fill.order, fill.lots, fill.wins) == (2, 5, 0, 0)
    assert fill.time.timestamp() == pytest.approx(at, abs=0.001)


# -- once -------------------------------------------------------------------------------------


def test_a_ledger_that_is_read_anew_repeats_nothing(lines):
    log, trade = FillLog(), Trade()
    for number in (1, 2, 1, 2, 3):
        log.tell(trade, order(number), SOLD, [])
    assert len(lines()) == 3


def test_a_restarted_bot_tells_only_what_was_not_told(lines):
    trade = Trade()
    FillLog().tell(trade, order(4), SOLD, [])
    assert trade.data == {TOLD_KEY: [4]}
    restarted = FillLog()
    assert [restarted.tell(trade, order(number), SOLD, []) for number in (4, 6, 4)] == [
        False, True, False
    ]  # fmt: skip
    assert len(lines()) == 2


def test_an_older_order_that_fills_after_a_newer_one_is_told_as_well(lines):
    log, trade = FillLog(), Trade()
    assert [log.tell(trade, order(number), SOLD, []) for number in (4, 3, 3)] == [True, True, False]
    trade.orders = [SimpleNamespace(id=number, safe_filled=1.0) for number in (2, 3, 4)]
    assert FillLog().missed(trade)
    trade.orders[0].safe_filled = 0.0
    assert not FillLog().missed(trade)


@pytest.mark.parametrize("kept", [4, "4", None, {}])
def test_what_was_told_and_cannot_be_read_is_told_again(lines, kept):
    trade = Trade()
    trade.data[TOLD_KEY] = kept
    assert FillLog().tell(trade, order(4), SOLD, [])
    assert len(lines()) == 1


def test_each_trade_is_told_of_by_itself(lines):
    log, first, second = FillLog(), Trade(1), Trade(2)
    log.tell(second, order(9), SOLD, [])
    assert log.tell(first, order(3), SOLD, [])
    log.forget(1)
    assert not log.tell(first, order(3), SOLD, [])
    assert len(lines()) == 2
