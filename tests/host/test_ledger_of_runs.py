"""The ledger of lots: read on from fill to fill, and never another run's or another trade's."""

from datetime import UTC, datetime, timedelta

import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import LocalTrade, Order

from backtests import runs
from backtests.runs import QUICK, UNGATED
from gridkit.host import orders
from host import desks
from host.desks import strategy_of

SETTINGS = {**QUICK, "spacing": {"method": "volatility", "volatility_factor": 0.3}}
NOW = datetime(2025, 1, 1, tzinfo=UTC)


def trade_of(pair="ETH/USDT", opened=NOW, count=3):
    trade = LocalTrade(id=1, pair=pair, stake_amount=30.0, amount=3.0, open_rate=10.0, fee_open=0.0,
                       fee_close=0.0, exchange="binance", open_date=opened, is_open=True,
                       amount_precision=0.01, precision_mode=4)  # fmt: skip
    trade.orders = [order_of(index) for index in range(1, count + 1)]
    return trade


def order_of(index):
    return Order(
        ft_order_side="buy", ft_pair="ETH/USDT", ft_is_open=False, order_id=f"{index}",
        ft_price=11.0 - index, price=11.0 - index, average=11.0 - index, ft_amount=1.0, amount=1.0,
        filled=1.0, remaining=0.0, order_date=NOW, order_filled_date=NOW + timedelta(minutes=index),
        ft_order_tag=f"L{index}", status="closed",
    )  # fmt: skip


def read(trade):
    book = orders.new_book(trade)
    book.read_on(trade, {})
    return book


def test_a_book_does_not_belong_to_another_trade_of_the_same_id():
    book = read(trade_of())
    assert book.belongs_to(trade_of())
    assert not book.belongs_to(trade_of(pair="SOL/USDT"))
    assert not book.belongs_to(trade_of(opened=NOW + timedelta(minutes=5)))


def test_a_book_does_not_survive_the_removal_of_an_order_it_has_read():
    trade = trade_of()
    book = read(trade)
    del trade.orders[-1]
    assert not book.belongs_to(trade)
    trade.orders.append(order_of(9))
    assert not book.belongs_to(trade), "as many orders, but another one in its place"


def test_a_book_does_not_survive_the_removal_of_an_earlier_order():
    trade = trade_of()
    book = read(trade)
    del trade.orders[0]
    trade.orders.append(order_of(4))
    assert not book.belongs_to(trade)


@pytest.mark.usefixtures("open_trades")
def test_a_book_is_read_anew_once_freqtrade_learns_the_fee_an_order_paid_in_coins():
    trade = trade_of()
    book = read(trade)
    trade.orders[-1].ft_fee_base = 0.001
    assert not book.belongs_to(trade)
    assert read(trade).ledger.amount == pytest.approx(book.ledger.amount - 0.001)


@pytest.mark.parametrize(
    ("mode", "later", "kept"),
    [
        (RunMode.BACKTEST, timedelta(minutes=5), True),
        (RunMode.BACKTEST, timedelta(0), False),
        (RunMode.HYPEROPT, -timedelta(days=1), False),
    ],
)
@pytest.mark.usefixtures("open_trades")
def test_time_that_does_not_go_on_means_another_run_and_all_is_forgotten(mode, later, kept):
    desk = strategy_of(mode).desk
    desk.begin_loop(desks.NOW)
    desk.cycles[1] = object()
    desk.context.reasons.waits("ETH/USDT", "of this run", desks.NOW)
    desk.begin_loop(desks.NOW + later)
    known = desk.context.reasons.get("ETH/USDT") is not None
    assert (1 in desk.cycles) is known is kept


def test_reading_on_gives_the_lots_of_reading_all():
    trade = trade_of(count=2)
    book = read(trade)
    trade.orders += [order_of(3), order_of(4)]
    book.read_on(trade, {})
    assert book.ledger == read(trade).ledger
    assert book.read == 4


def test_an_order_is_read_once_it_is_closed_and_those_behind_it_do_not_wait():
    trade = trade_of()
    trade.orders[1].ft_is_open = True
    book = read(trade)
    assert list(book.ledger.lots) == [1, 3]
    assert not book.read_on(trade, {}), "nothing is read twice"
    trade.orders[1].ft_is_open = False
    assert book.read_on(trade, {})
    assert {level: lot.amount for level, lot in book.ledger.lots.items()} == {1: 1, 3: 1, 2: 1}


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["long", "short"])
def test_at_every_step_of_a_run_the_ledger_is_that_of_all_orders_read_anew(
    backtest, futures, direction
):
    wrong, steps = [], []

    def compare(run, pair, now):
        for trade in LocalTrade.bt_trades_open_pp[pair]:
            cycle = run.strategy.desk.cycles.get(trade.id)
            if cycle is None or not cycle.book.belongs_to(trade):
                continue
            anew = orders.new_book(trade)
            anew.read_on(trade, {})
            steps.append(now)
            read = cycle.book.read
            if read == anew.read and cycle.book.ledger != anew.ledger:
                wrong.append((now, cycle.book.ledger, anew.ledger))

    backtest(futures, {**SETTINGS, "direction": direction}, watch=compare)
    assert len(steps) > 1000
    assert wrong == []


LEVELS = (4, 10, 10, 4)
# Cash binds, so that what is reserved by another pair's plan decides.
POOR = {**SETTINGS, "caps": {"exposure": 1.0, "inventory": 0.9}}


@pytest.mark.slow
def test_backtests_repeated_on_one_object_as_hyperopt_does_equal_fresh_ones(tmp_path, futures):
    with runs.backtesting(tmp_path / "repeated", futures, POOR) as repeated:
        data, timerange = repeated.load_bt_data()
        strategy = repeated.strategylist[0]
        placed = []
        for levels in LEVELS:
            strategy.grid_levels.value = levels
            repeated.backtest_one_strategy(strategy, data, timerange)
            placed.append(repeated.placed)
    fresh = {
        levels: runs.run(tmp_path / f"{levels}", futures, POOR, change=levels_of(levels)).placed
        for levels in set(LEVELS)
    }
    assert fresh[4] != fresh[10], "the parameter matters"
    assert placed == [fresh[levels] for levels in LEVELS]


def levels_of(count):
    def change(strategy):
        strategy.grid_levels.value = count

    return change


@pytest.mark.slow
def test_a_backtest_on_other_candles_with_the_same_object_equals_a_fresh_one(tmp_path, futures):
    """Trade ids begin at 1 again, at a later and at an earlier time."""
    ranges = ("20251208-20251210", "20251211-20251214", "20251206-20251208")
    settings = {**SETTINGS, **UNGATED}  # freqtrade keeps informative candles
    with runs.backtesting(tmp_path / "repeated", futures, settings) as repeated:
        strategy, placed = repeated.strategylist[0], []
        for timerange in ranges:
            repeated.timerange = type(repeated.timerange).parse_timerange(timerange)
            data, timerange_used = repeated.load_bt_data()
            repeated.trade_id_counter = 0
            repeated.backtest_one_strategy(strategy, data, timerange_used)
            placed.append(repeated.placed)
    fresh = [
        runs.run(tmp_path / timerange, futures, settings, timerange=timerange).placed
        for timerange in ranges
    ]
    assert all(fresh)
    assert placed == fresh
