from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from freqtrade.persistence import LocalTrade, disable_database_use, enable_database_use

from benchmarks import trades
from benchmarks.trades import Lines

NOW = datetime(2025, 6, 1, tzinfo=UTC)
CANDLE = timedelta(minutes=5)
LINES = Lines(first=101.0, second=100.0)


@pytest.fixture
def trade() -> Iterator[LocalTrade]:
    disable_database_use("5m")
    exchange = SimpleNamespace(
        id="binance",
        precisionMode=4,
        precision_mode_price=4,
        get_pair_base_currency=lambda pair: pair.split("/")[0],
        get_precision_amount=lambda _pair: 0.001,
        get_precision_price=lambda _pair: 0.01,
    )
    backtesting = SimpleNamespace(exchange=exchange, fee=0.001)
    yield trades.opened(backtesting, "SOL/USDT", 1, LINES.first, NOW)
    LocalTrade.reset_trades()
    enable_database_use()


@pytest.mark.parametrize("fills", [2, 10, 100])
def test_a_trade_of_so_many_fills_holds_both_lines(trade: LocalTrade, fills: int) -> None:
    trades.fill_up_to(trade, fills, LINES, NOW, CANDLE)
    assert len(trade.select_filled_orders()) == len(trade.orders) == fills
    assert trade.amount == pytest.approx(20.0)
    assert trade.nr_of_successful_entries == fills / 2 + 1
    assert trade.orders[-1].ft_order_tag == trades.SECOND
    assert trade.orders[-1].order_filled_date == NOW
    assert not trade.has_open_orders


def test_an_added_order_rests_until_it_is_filled(trade: LocalTrade) -> None:
    trades.fill_up_to(trade, 2, LINES, NOW, CANDLE)
    order = trades.add_order(trade, trades.SELL, 101.0, 10.0, trades.SOLD, NOW)
    assert trade.select_order("sell", is_open=True) is order
    trades.fill(order, NOW)
    trade.recalc_trade_from_orders()
    assert trade.amount == pytest.approx(10.0)
