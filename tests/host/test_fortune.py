"""What the account made: in a backtest from its trades, live from freqtrade's own database."""

import math
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from freqtrade.persistence import (
    KeyValueStore,
    LocalTrade,
    Trade,
    disable_database_use,
    enable_database_use,
    init_db,
)
from hypothesis import given
from hypothesis import strategies as st

from gridkit.host import orders
from gridkit.host.fortune import Fortune
from gridkit.host.lot_record import Peak
from gridkit.risk.guards import RunFailed
from host.accounts import CANDLE, CASH, FEE, NOW, OTHER, PAIR, Account


@pytest.fixture
def offline():
    disable_database_use("5m")
    LocalTrade.reset_trades()
    yield
    LocalTrade.reset_trades()
    enable_database_use()


@pytest.fixture
def database(tmp_path):
    """A bot's database in a file; killing the bot loses all but what was committed."""
    url = f"sqlite:///{tmp_path / 'trades.sqlite'}"
    init_db(url)
    yield url
    Trade.session.remove()


def kill(account, url, after=CANDLE):
    """A new process: sessions and objects are gone, the file is there."""
    Trade.session.rollback()
    Trade.session.remove()
    init_db(url)
    account.starts(account.now + after)


# -- profit -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_an_account_without_trades_has_what_was_paid_in():
    fortune = Account(live=False).look().fortune
    assert (fortune.base, fortune.profit, fortune.realised) == (CASH, 0.0, 0.0)
    assert (fortune.peak, fortune.drawdown) == (Peak(0.0, NOW.timestamp()), 0.0)
    assert not fortune.holding


@pytest.mark.usefixtures("offline")
def test_profit_is_that_of_closed_trades_of_parts_sold_and_of_what_is_held():
    account = Account(live=False).look()
    account.sells(account.opens(100.0, 1.0), 110.0)  # 10 less fees of 0.1 and 0.11
    trade = account.opens(100.0, 2.0)
    account.sells(trade, 104.0, amount=1.0)  # 4 less 0.1 and 0.104
    account.price(97.0)
    fortune = account.look().fortune
    assert fortune.realised == pytest.approx(10 - 0.21 + 4 - 0.204)
    assert fortune.profit == pytest.approx(fortune.realised - 3.0)
    assert fortune.equity == pytest.approx(fortune.capital)
    assert fortune.holding


@pytest.mark.usefixtures("offline")
def test_a_short_gains_where_price_falls():
    account = Account(live=False).look()
    account.opens(100.0, 2.0, is_short=True)
    account.price(90.0)
    assert account.look().fortune.profit == pytest.approx(20.0)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("short", [False, True])
def test_funding_counts_before_and_after_an_exit(short):
    account = Account(live=False, trading_mode="futures").look()
    trade = account.opens(100.0, 2.0, is_short=short, trading_mode="futures")
    trade.set_funding_fees(-1.5)
    assert account.look().fortune.profit == pytest.approx(-1.5)
    trade.orders[-1].funding_fee, trade.funding_fee_running = -1.5, 0.0
    account.fills(trade, "L2", 100.0, 1.0, entry=True)
    trade.orders[-1].funding_fee = 0.0
    trade.set_funding_fees(-0.5)
    assert account.wait().fortune.profit == pytest.approx(-2.0)
    trade.orders[-1].funding_fee, trade.funding_fee_running = -0.5, 0.0
    account.sells(trade, 100.0, amount=1.0)
    trade.orders[-1].funding_fee = 0.0
    fees = 2 * 100.0 * FEE
    assert trade.realized_profit == pytest.approx(-2.0 - fees)
    assert account.wait().fortune.profit == pytest.approx(-2.0 - fees)
    trade.set_funding_fees(0.25)
    assert account.wait().fortune.profit == pytest.approx(-1.75 - fees)


@pytest.mark.usefixtures("offline")
def test_a_candle_without_a_price_leaves_the_last_known_one():
    account = Account(live=False).look()
    account.opens(100.0, 1.0)
    account.price(95.0)
    assert account.look().fortune.profit == pytest.approx(-5.0)
    account.closes([95.0, math.nan])
    assert account.look().fortune.profit == pytest.approx(-5.0)


@pytest.mark.usefixtures("offline")
def test_a_position_that_never_had_a_price_makes_the_profit_unknown():
    account = Account(live=False).look()
    account.opens(100.0, 1.0, pair="NEW/USDT")
    fortune = account.look().fortune
    assert math.isnan(fortune.profit)
    assert math.isnan(fortune.drawdown)
    assert fortune.peak == Peak(0.0, NOW.timestamp()), "what is unknown is no peak"
    assert account.breakers.block_add(PAIR).condition == "drawdown unknown"


# -- peak and drawdown ------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_the_drawdown_is_that_of_marked_equity_from_its_peak():
    account = Account(live=False).look()
    account.opens(100.0, 5.0)
    for price in (120.0, 90.0):
        account.price(price)
        account.wait()
    fortune = account.fortune
    assert fortune.peak == Peak(100.0, (NOW + CANDLE).timestamp())
    assert fortune.drawdown == pytest.approx(150.0 / 1_100.0)


moves = st.lists(st.tuples(st.floats(0.9, 1.1), st.booleans()), min_size=1, max_size=12)


@given(moves=moves)
def test_profit_peak_and_drawdown_equal_those_of_the_wallet_marked_candle_by_candle(moves):
    disable_database_use("5m")
    LocalTrade.reset_trades()
    try:
        account, price, equities, trade = Account(live=False).look(), 100.0, [CASH], None
        for move, trades in moves:
            price *= move
            account.price(price)
            if trades and trade is None:
                trade = account.opens(price, 3.0)
            elif trades:
                account.sells(trade, price)
                trade = None
            account.wait()
            held = trade.amount * price if trade else 0.0
            equities.append(account.wallet.get_free("USDT") + held)
            worst = 1 - equities[-1] / max(equities)
            assert account.fortune.equity == pytest.approx(equities[-1])
            assert account.fortune.drawdown == pytest.approx(worst, abs=1e-6)
    finally:
        LocalTrade.reset_trades()
        enable_database_use()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("paid", [500.0, -300.0])
def test_a_deposit_is_no_profit_and_a_withdrawal_no_drawdown(paid):
    account = Account(live=True).look()
    account.wallet.paid_in += paid
    fortune = account.wait(timedelta(minutes=1)).fortune
    assert (fortune.profit, fortune.drawdown) == (0.0, 0.0)
    assert fortune.base == CASH + paid


@pytest.mark.usefixtures("offline")
def test_capital_that_is_set_is_what_was_paid_in():
    account = Account(live=False, available_capital=400.0).look()
    account.opens(100.0, 1.0)
    account.price(80.0)
    fortune = account.look().fortune
    assert fortune.base == 400.0
    assert fortune.drawdown == pytest.approx(20 / 400)


@pytest.mark.usefixtures("database")
def test_a_part_of_the_balance_is_the_base_whatever_was_made():
    account = Account(live=True, tradable_balance_ratio=0.5).look()
    account.sells(account.opens(100.0, 1.0), 150.0)
    fortune = account.wait(timedelta(minutes=2)).fortune
    assert fortune.base == pytest.approx(CASH / 2)


# -- lots and recovery ------------------------------------------------------------------------


def book_of(account, trade):
    """The desk's own book of a trade, read as far as it goes."""
    cycle = account.cycles.get(trade.id)
    if cycle is None:
        cycle = account.cycles[trade.id] = SimpleNamespace(book=orders.new_book(trade))
    cycle.book.read_on(trade, {})
    account.fortune.take(trade, cycle.book.ledger)
    return cycle.book


@pytest.mark.usefixtures("offline")
def test_each_lot_counts_once_however_often_its_orders_are_read():
    account = Account(live=False).look()
    trade = account.opens(100.0, 1.0)
    account.fills(trade, "L2", 98.0, 1.0, entry=True)
    account.sells(trade, 99.0, "sell L2", amount=1.0)
    for _ in range(2):
        book_of(account, trade)
        assert account.fortune.tally.closed == 1
    account.cycles.clear()
    book_of(account, trade)
    assert account.fortune.tally.closed == 1
    account.sells(trade, 90.0, "stop L1")
    account.wait()
    assert account.fortune.tally.closed == 2, "the end of a trade is asked of no callback"
    assert account.wait().fortune.tally.closed == 2
    assert account.fortune.tally.winners == 1


@pytest.mark.usefixtures("offline")
def test_what_recovery_lost_counts_from_the_peak_on():
    account = Account(live=False).look()
    trade = account.opens(100.0, 1.0)
    account.wait()
    account.sells(trade, 97.0, "recover L1")
    lost = 3.0 + (100 + 97) * FEE
    assert account.wait().fortune.recovery_loss() == pytest.approx(lost)
    account.sells(account.opens(100.0, 2.0), 110.0)
    assert account.wait().fortune.recovery_loss() == 0.0, "a new peak"


@pytest.mark.usefixtures("offline")
def test_stops_and_profits_are_no_losses_of_recovery():
    account = Account(live=False).look()
    for price, tag in ((97.0, "stop L1"), (99.0, "sell L1"), (101.0, "recover L1")):
        account.sells(account.opens(100.0, 1.0), price, tag)
    assert account.wait().fortune.recovery_loss() == 0.0


@pytest.mark.usefixtures("offline")
def test_open_lots_below_their_price_count_as_losses():
    account = Account(live=False).look()
    for _ in range(10):
        account.sells(account.opens(100.0, 0.1), 101.0)
        account.wait()
    assert account.fortune.performance().win_rate == 1.0
    trade = account.opens(100.0, 1.0)
    account.fills(trade, "L2", 90.0, 1.0, entry=True)
    book_of(account, trade)
    account.price(95.0)
    assert account.wait().fortune.performance().win_rate == pytest.approx(10 / 11)


@pytest.mark.usefixtures("offline")
def test_another_run_begins_with_nothing():
    account = Account(live=False).look()
    account.sells(account.opens(100.0, 1.0), 90.0, "recover L1")
    account.wait()
    assert account.fortune.tally.closed == 1
    LocalTrade.reset_trades()
    account.fortune.forget()
    fortune = account.look().fortune
    assert (fortune.profit, fortune.recovery_loss(), fortune.tally.closed) == (0.0, 0.0, 0)
    account.number = 0
    account.sells(account.opens(100.0, 1.0), 90.0, "recover L1")
    assert account.wait().fortune.tally.closed == 1


# -- errors -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_an_error_ends_a_backtest():
    account = Account(live=False)
    account.context.strategy.wallets = None
    with pytest.raises(RunFailed, match="bot_loop_start"):
        account.look()


@pytest.mark.usefixtures("database")
def test_an_error_leaves_a_live_account_unknown_until_it_is_over_and_is_said_once(caplog):
    account = Account(live=True).look()
    account.context.strategy.wallets = None
    for _ in range(2):
        account.wait(timedelta(minutes=2))
        assert math.isnan(account.fortune.equity)
        assert account.breakers.block_start(PAIR).condition == "drawdown unknown"
    assert "the capital is unknown" in caplog.text
    account.context.strategy.wallets = account.wallet
    assert account.wait(timedelta(minutes=2)).fortune.profit == 0.0
    assert account.breakers.block_start(PAIR) is None


# -- restarts ---------------------------------------------------------------------------------


def test_a_marked_peak_outlives_a_kill(database):
    account = Account(live=True).look()
    account.opens(100.0, 5.0)
    account.price(120.0)
    account.wait(timedelta(minutes=2))
    peak = account.fortune.peak
    assert peak == Peak(pytest.approx(100.0), account.now.timestamp())
    account.price(90.0)
    account.wait(timedelta(minutes=2))
    kill(account, database)
    account.price(90.0)
    account.look()
    assert account.fortune.peak == peak
    assert account.fortune.drawdown == pytest.approx(150 / 1_100)


def test_after_a_kill_nothing_is_known_before_the_first_candle(database):
    account = Account(live=True).look()
    account.opens(100.0, 5.0)
    account.wait(timedelta(minutes=2))
    kill(account, database)
    account.context.market.series.clear()
    account.look()
    assert math.isnan(account.fortune.drawdown)
    assert account.breakers.block_add(PAIR) is not None
    account.price(100.0)
    assert account.look().fortune.drawdown == 0.0
    assert account.breakers.block_add(PAIR) is None


def test_the_peak_is_written_no_more_than_once_a_minute(database, monkeypatch):
    account = Account(live=True).look()
    account.opens(100.0, 1.0)
    written = []
    monkeypatch.setattr(
        KeyValueStore, "store_value", lambda key, value: written.append((account.now, key))
    )
    for second in range(1, 200, 5):
        account.price(100.0 + second)
        account.wait(timedelta(seconds=5))
    times = [when for when, key in written if key == "gridkit_peak"]
    assert len(times) >= 3
    assert min(b - a for a, b in pairwise(times)) >= timedelta(minutes=1)


def traded(account):
    """Lots that won 10 and 20, recovery that lost 15, one lot still held at a loss."""
    for price, tag in ((110.0, "sell L1"), (120.0, "sell L1"), (85.0, "recover L1")):
        account.now += timedelta(hours=1)
        trade = account.opens(100.0, 1.0)
        account.now += timedelta(hours=1)
        account.sells(trade, price, tag)
        account.look()
    account.now += timedelta(hours=1)
    trade = account.opens(100.0, 2.0)
    account.fills(trade, "L2", 98.0, 1.0, entry=True)
    account.now += timedelta(hours=1)
    account.sells(trade, 96.0, "recover L2", amount=1.0)


LOST = 15 + 185 * FEE + 2 + 194 * FEE


def test_with_its_peak_lost_it_is_that_of_what_was_realised(database):
    account = Account(live=True)
    traded(account)
    KeyValueStore.delete_value("gridkit_peak")
    kill(account, database)
    fortune = account.look().fortune
    won = 30 - (210 + 220) * FEE
    assert fortune.peak == Peak(pytest.approx(won), (NOW + timedelta(hours=4)).timestamp())
    marked = won - LOST
    assert fortune.profit == pytest.approx(marked, abs=0.4), "fees of the lot still held apart"
    assert fortune.recovery_loss() == pytest.approx(LOST)
    assert (fortune.tally.closed, fortune.tally.winners) == (4, 2)


def test_lots_and_losses_are_the_same_with_and_without_a_kill(database):
    account = Account(live=True).look()
    traded(account)
    account.wait()
    trade = Trade.get_trades_proxy(is_open=True)[0]
    book_of(account, trade)
    fortune = account.fortune
    before = fortune.performance(), fortune.recovery_loss(), fortune.tally.closed
    assert before[1:] == (pytest.approx(LOST), 4)
    kill(account, database)
    account.cycles.clear()
    account.look()
    trade = Trade.get_trades_proxy(is_open=True)[0]
    book_of(account, trade)
    fortune = account.fortune
    assert (fortune.performance(), fortune.recovery_loss(), fortune.tally.closed) == before
    account.sells(trade, 101.0, "sell L1")
    assert account.wait().fortune.tally.closed == 5


def test_lots_of_all_trades_are_counted_in_the_order_they_closed(database):
    """The last twenty decide on momentum, whichever trade they belong to."""
    account = Account(live=True)
    old = account.opens(100.0, 30.0)
    for index in range(20):
        account.now += CANDLE
        account.sells(account.opens(100.0, 0.1, pair=OTHER), 90.0)
        account.now += CANDLE
        account.fills(old, f"L{index + 2}", 100.0, 0.1, entry=True)
        account.now += CANDLE
        account.sells(old, 110.0, f"sell L{index + 2}", amount=0.1)
    kill(account, database)
    assert account.look().fortune.performance().momentum == 0.0


def test_trades_of_another_strategy_are_no_peak_to_fall_from(database):
    account = Account(live=True)
    account.sells(account.opens(100.0, 3.0, strategy="Other"), 50.0)
    kill(account, database)
    fortune = account.look().fortune
    assert fortune.drawdown == 0.0
    assert fortune.tally.closed == 0
    account.sells(account.opens(100.0, 1.0), 110.0)
    KeyValueStore.delete_value("gridkit_peak")
    kill(account, database)
    assert account.look().fortune.drawdown == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", '{"profit": 1}', '{"profit": null, "time": 0}']
)
def test_an_unreadable_peak_is_found_anew(database, text):
    account = Account(live=True)
    account.sells(account.opens(100.0, 1.0), 110.0)
    KeyValueStore.store_value("gridkit_peak", text)
    fortune = account.look().fortune
    assert fortune.peak_profit == pytest.approx(10 - 210 * FEE)


def test_of_a_trade_that_closed_between_two_looks_the_last_lot_counts(database):
    account = Account(live=True).look()
    trade = account.opens(100.0, 1.0)
    account.wait()
    account.sells(trade, 97.0, "recover L1")
    fortune = account.wait().fortune
    assert fortune.tally.closed == 1
    assert fortune.recovery_loss() == pytest.approx(3 + 197 * FEE)


def test_of_a_trade_that_opened_and_closed_between_two_looks_as_well(database):
    account = Account(live=True).look()
    account.sells(account.opens(100.0, 1.0), 97.0, "recover L1")
    assert account.wait().fortune.tally.closed == 1


def test_fortune_is_what_it_says_before_its_first_look():
    fortune = Fortune(Account(live=True).context, {})
    assert all(map(math.isnan, (fortune.profit, fortune.drawdown, fortune.peak_profit)))
    assert math.isnan(fortune.peak_time)
