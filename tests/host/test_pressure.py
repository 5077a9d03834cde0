"""What live books and tapes press, and what a wide spread takes back: nothing that rests."""

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import CustomDataWrapper, Trade
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.books import Book
from gridkit.host.announcer import Announcer
from gridkit.host.commands import PAUSED
from gridkit.host.desk import GridDesk
from host.desks import CANDLE, NOW, PAIR, order_of, sees, strategy_of, trade_of

OTHER = "SOL/USDT"


def book(side, age=0.0):
    """Two levels, of which `side` (-1 … 1) of the size is more on the bid."""
    bids = np.array([[99.99, 1.0 + side], [99.98, 1.0 + side]])
    asks = np.array([[100.01, 1.0 - side], [100.02, 1.0 - side]])
    return Book(bids, asks, NOW.timestamp() - age)


def flow_of(*books, tape=None, analysed=True, **settings):
    strategy = strategy_of(RunMode.DRY_RUN, orderflow={"enabled": True, **settings})
    flow = strategy.desk.flow
    flow._books[PAIR] = deque(books)
    if analysed:
        seen = None if tape is None else SimpleNamespace(imbalance=tape)
        flow.analyses[PAIR] = SimpleNamespace(tape=seen)
    return flow


# -- pressure ---------------------------------------------------------------------------------


def test_the_tape_counts_where_there_is_one_whatever_the_books_say():
    assert flow_of(book(0.9), tape=-0.3).pressure(PAIR) == -0.3
    assert flow_of(tape=0.0).pressure(PAIR) == 0.0


def test_without_a_tape_it_is_the_mean_of_the_last_minutes_books():
    flow = flow_of(book(-0.9, 60.1), book(0.9, 60.0), book(0.3, 30.0), book(-0.6))
    assert flow.pressure(PAIR) == pytest.approx((0.9 + 0.3 - 0.6) / 3)


@given(st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=12))
def test_a_single_book_moves_it_by_no_more_than_its_share(sides):
    before = flow_of(*(book(side) for side in sides)).pressure(PAIR)
    flipped = flow_of(*(book(side) for side in [-sides[0], *sides[1:]])).pressure(PAIR)
    assert before == pytest.approx(sum(sides) / len(sides), abs=1e-9)
    assert abs(flipped - before) <= 2.0 / len(sides) + 1e-9


@pytest.mark.parametrize(
    "flow",
    [
        flow_of,
        lambda: flow_of(book(0.9, 61.0)),
        lambda: flow_of(analysed=False),
    ],
    ids=["no book", "old books", "nothing analysed"],
)
def test_without_recent_books_it_is_unknown_and_stops_nothing(flow):
    desk = flow()
    assert np.isnan(desk.pressure(PAIR))
    assert np.isnan(desk.pressure(OTHER))


def test_before_the_first_loop_it_is_unknown():
    flow = flow_of(book(0.9))
    flow._context.now = None
    assert np.isnan(flow.pressure(PAIR))
    assert flow.fresh_book(PAIR) is None


def test_only_the_levels_that_are_set_are_counted():
    bids, asks = [[99.99, 1.5], [99.98, 0.1]], [[100.01, 0.5], [100.02, 0.5]]
    deep = Book(np.array(bids), np.array(asks), NOW.timestamp())
    assert flow_of(deep, imbalance_depth=1).pressure(PAIR) == pytest.approx(0.5)
    assert flow_of(deep, imbalance_depth=2).pressure(PAIR) == pytest.approx(0.6 / 2.6)


# -- a wide spread ----------------------------------------------------------------------------


PLAIN = {
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "density": {"enabled": False},
    "volume_lines": {"enabled": False},
    "recovery": {"mode": "none"},
    "grid": {"wait_time_seconds": 0},
}


@pytest.fixture
def trades(open_trades, monkeypatch):
    for kept in (Trade, CustomDataWrapper):
        monkeypatch.setattr(kept, "use_db", False)
    monkeypatch.setattr(CustomDataWrapper, "custom_data", [])
    for cls, name in ((GridDesk, "_tell"), (Announcer, "teller"), (Announcer, "opened")):
        monkeypatch.setattr(cls, name, lambda *_given: None)
    return open_trades


def loop(strategy, trade, spread, *, rate=98.5, after=0):
    """A loop of freqtrade: whether what rests is taken back, and the tag of what is asked for."""
    now = NOW + after * CANDLE
    strategy.desk.context.now = now
    taken_back = trade.orders[-1].ft_is_open and strategy.check_entry_timeout(
        pair=PAIR, trade=trade, order=trade.orders[-1], current_time=now
    )
    asked = strategy.adjust_trade_position(
        trade=trade, current_time=now, current_entry_rate=rate * (1 + spread),
        current_exit_rate=rate,
    )  # fmt: skip
    return bool(taken_back), asked and asked[1]


def bot_with(trades, *orders):
    strategy = strategy_of(RunMode.DRY_RUN, **PLAIN)
    strategy.locks = []
    strategy.lock_pair = lambda pair, until, reason: strategy.locks.append(reason)
    sees(strategy, 98.5)
    trades.append(trade_of(order_of("L1", 99.0), *orders))
    return strategy, trades[0]


def test_a_resting_line_stays_in_a_spread_that_opens_and_closes(trades):
    strategy, trade = bot_with(trades, order_of("L2", 98.01, rests=True))
    for number in range(10):
        spread = 0.01 if number % 2 else 0.0
        taken_back, asked = loop(strategy, trade, spread)
        assert not taken_back
        assert asked is None, "nothing is added, and nothing put in its place"
    assert [order.ft_order_tag for order in trade.orders] == ["L1", "L2"]


def test_nothing_new_is_added_in_a_wide_spread_and_the_line_comes_once_it_is_narrow(trades):
    strategy, trade = bot_with(trades)
    assert [loop(strategy, trade, spread)[1] == "L2" for spread in (0.01, 0.0)] == [False, True]


def test_what_rests_is_taken_back_for_any_other_lasting_reason_though_the_spread_is_wide(trades):
    strategy, trade = bot_with(trades, order_of("L2", 98.01, rests=True))
    loop(strategy, trade, 0.01)
    strategy.desk.surroundings.refusals.append(lambda _pair, _side: PAUSED)
    assert loop(strategy, trade, 0.01)[0]
