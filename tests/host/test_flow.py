"""Live order flow at the desk: one book per pair and loop, within a budget, said on change."""

import json
import logging
from datetime import timedelta

import pandas as pd
import pytest
from freqtrade.enums import RunMode
from freqtrade.exceptions import ExchangeError

from gridkit.host import drawing
from gridkit.host.flow import KEY
from host.desks import NOW, PAIR, candles_at, strategy_of
from tapes import tape_of

OTHER = "BTC/USDT"
LOOP = timedelta(seconds=5)
BUYERS, SELLERS = 1, -1
STANDING = 14  # loops of 5 s: a side is said once it has stood for a minute


def raw_book(side: int = 0, middle: float = 100.0) -> dict:
    """Ten levels each; the pressing side shows ten times the size."""
    sizes = {1: 10.0 if side > 0 else 1.0, -1: 10.0 if side < 0 else 1.0}
    bids = [[middle - 0.01 * step, sizes[1]] for step in range(1, 11)]
    asks = [[middle + 0.01 * step, sizes[-1]] for step in range(1, 11)]
    return {"bids": bids, "asks": asks, "timestamp": None}


class Market:
    """What `dp` answers: a book that a test sets (an exception is raised), and no trades."""

    def __init__(self, dp) -> None:
        self.books: dict[str, object] = {}
        self.asked: list[str] = []
        self.depths: set[int] = set()
        self.tape = pd.DataFrame()
        dp.orderbook, dp.trades = self.orderbook, self.trades

    def orderbook(self, pair: str, maximum: int) -> object:
        self.asked.append(pair)
        self.depths.add(maximum)
        book = self.books.get(pair, raw_book())
        if isinstance(book, Exception):
            raise book
        return book

    def trades(self, pair: str, **_options) -> pd.DataFrame:
        return self.tape


@pytest.fixture
def desk(open_trades):
    strategy = strategy_of(
        RunMode.DRY_RUN, pairs=(PAIR, OTHER), orderflow={"enabled": True, "loop_seconds": 30}
    )
    strategy.desk.market_of_test = Market(strategy.dp)
    strategy.desk.time_of_test = NOW
    return strategy.desk


@pytest.fixture
def market(desk) -> Market:
    return desk.market_of_test


def looks(desk, times: int = 1) -> None:
    """So many loops, each five seconds after the one before."""
    for _ in range(times):
        desk.flow.look(desk.time_of_test)
        desk.time_of_test += LOOP


def test_books_are_asked_for_as_deep_as_is_set(desk, market):
    depth = {"orderflow": {"depth": 35}}
    desk.use(desk.settings.with_values(depth))
    looks(desk)
    assert market.depths == {35}


def test_every_pair_is_asked_once_a_loop(desk, market):
    looks(desk, 2)
    assert sorted(market.asked) == sorted([PAIR, OTHER] * 2)


def test_a_loop_that_takes_too_long_leaves_the_other_pairs_to_the_next(desk, market, monkeypatch):
    clock = iter(range(0, 10_000, 31))  # each look at the clock is later than the budget
    monkeypatch.setattr("gridkit.host.flow.time.monotonic", lambda: float(next(clock)))
    looks(desk)
    assert len(market.asked) == 1
    looks(desk)
    assert sorted(market.asked) == sorted([PAIR, OTHER])


def test_switched_off_nothing_is_asked(market, desk):
    settings = desk.settings.with_values({"orderflow": {"enabled": False}})
    desk.use(settings)
    looks(desk)
    assert not market.asked
    assert not desk.flow.analyses


@pytest.mark.parametrize(("side", "word"), [(BUYERS, "buying"), (SELLERS, "selling")])
def test_a_one_sided_book_is_said_when_it_becomes_so_and_not_again(
    desk, market, caplog, side, word
):
    caplog.set_level(logging.INFO, logger="gridkit")
    looks(desk)
    assert desk.flow.analyses[PAIR].direction == 0
    market.books[PAIR] = raw_book(side)
    looks(desk, STANDING)
    found = desk.flow.analyses[PAIR]
    assert found.direction == side
    assert found.strength >= desk.settings.orderflow.action_threshold
    said = [record.message for record in caplog.records if "order flow" in record.message]
    assert len(said) == 1
    assert said[0].startswith(f"{PAIR}: order flow, {word}: ")
    market.books[PAIR] = raw_book()
    looks(desk, STANDING)
    assert any("order flow, no side" in record.message for record in caplog.records)


def test_a_side_that_flickers_is_never_said(desk, market, caplog):
    caplog.set_level(logging.INFO, logger="gridkit")
    for loop in range(40):
        market.books[PAIR] = raw_book(BUYERS if loop % 8 else SELLERS)
        looks(desk)
    assert not [record for record in caplog.records if "order flow" in record.message]


def test_a_pair_that_left_the_whitelist_is_forgotten(desk, market):
    looks(desk)
    desk.context.strategy.dp.pairs = (OTHER,)
    looks(desk)
    assert set(desk.flow.analyses) == {OTHER}


def test_trades_that_cannot_be_read_are_said_once_and_the_books_are_analysed(desk, market, caplog):
    market.tape = tape_of(3, 60).iloc[::-1]
    looks(desk, 3)
    assert sum("no trades" in record.message for record in caplog.records) == 2  # one per pair
    assert set(desk.flow.analyses) == {PAIR, OTHER}
    assert desk.flow.analyses[PAIR].tape is None


def test_an_open_trade_carries_what_was_found_as_plain_json(desk, market, open_trades):
    trade = Carrying(PAIR)
    open_trades.append(trade)
    market.books[PAIR] = raw_book(BUYERS)
    looks(desk, STANDING)
    key, document = trade.written
    assert key == KEY
    assert document == json.loads(json.dumps(document, allow_nan=False))
    assert document["direction"] == 1
    assert document["measures"]["imbalance"] == pytest.approx(9 / 11)
    assert document["summary"]
    assert any("trades" in line for line in document["unavailable"])


class Carrying:
    """An open trade, as far as the flow desk looks at one."""

    def __init__(self, pair: str) -> None:
        self.pair, self.is_open, self.written = pair, True, None

    def set_custom_data(self, key: str, value: object) -> None:
        self.written = key, value


@pytest.mark.parametrize(
    "failure",
    [
        ExchangeError("down"),
        {"bids": [[101.0, 1.0]], "asks": [[100.0, 1.0]], "timestamp": None},
        {"bids": [[100.0, -1.0]], "asks": [[101.0, 1.0]], "timestamp": None},
    ],
    ids=["no answer", "crossed", "negative size"],
)
def test_a_book_that_fails_is_said_once_and_again_after_it_worked(desk, market, caplog, failure):
    market.books[PAIR] = failure
    looks(desk, 3)
    assert said_missing(caplog) == 1
    assert "book" in " ".join(desk.flow.analyses[PAIR].unavailable)
    assert desk.flow.analyses[PAIR].direction == 0
    assert OTHER in desk.flow.analyses
    market.books[PAIR] = raw_book()
    looks(desk)
    market.books[PAIR] = failure
    looks(desk)
    assert said_missing(caplog) == 2


def said_missing(caplog) -> int:
    return sum(f"{PAIR}: no order book" in record.message for record in caplog.records)


def test_the_tape_is_read_where_public_trades_are_on(desk, market):
    begin = int((NOW - timedelta(seconds=200)).timestamp() * 1_000)
    market.tape = tape_of(3, 60, steps_ms=(1_000,), start_ms=begin)
    looks(desk)
    tape = desk.flow.analyses[PAIR].tape
    assert tape is not None
    assert tape.trades == 60


@pytest.mark.parametrize(("contract", "size"), [(None, 1.0), (1.0, 1.0), (0.01, 0.01)])
def test_sizes_are_coins_where_the_exchange_counts_contracts(desk, market, contract, size):
    known = desk.context.strategy.dp.market
    desk.context.strategy.dp.market = lambda pair: {**known(pair), "contractSize": contract}
    looks(desk)
    book = desk.flow._books[PAIR][0]
    assert book.bids[0].tolist() == pytest.approx([99.99, size])
    assert book.asks[0].tolist() == pytest.approx([100.01, size])


def test_so_many_books_are_kept_and_no_more(market, desk):
    desk.use(desk.settings.with_values({"orderflow": {"snapshots": 5}}))
    looks(desk, 9)
    assert len(desk.flow._books[PAIR]) == 5


def test_the_chart_shows_the_pressing_side_and_its_walls(desk, market):
    raw = raw_book(BUYERS)
    raw["bids"][5][1] = 1_000.0
    market.books[PAIR] = raw
    looks(desk, 8)
    frame = candles_at(100.0)
    drawn = drawing.for_pair(PAIR, NOW, NOW, frame, desk)
    labels = [line["label"] for line in drawn]
    assert any(label.startswith("order flow: ") for label in labels)
    walls = [line for line in drawn if line["label"].startswith("wall of ")]
    assert [line["y_start"] for line in walls] == [pytest.approx(99.94)]
