"""The open trades as the host asks for them: freqtrade's own objects, and no order read twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from freqtrade.persistence import LocalTrade, Trade
from sqlalchemy import event

from benchmarks import live_loop
from gridkit.host import orders
from host.desks import order_of, trade_of


@pytest.fixture
def statements(tmp_path: Path) -> Iterator[list[str]]:
    """What is sent to the database from now on."""
    sent: list[str] = []
    with live_loop.database(tmp_path):
        engine = Trade.session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *seen: sent.append(seen[2]))
        yield sent


def of_orders(sent: list[str]) -> list[str]:
    return [one for one in sent if "FROM orders" in one]


def test_orders_that_freqtrade_has_read_are_not_read_again(statements):
    live_loop.opened_bot(10, read_only=True)
    held = Trade.get_open_trades()
    assert len(held[0].orders) == 11
    statements.clear()
    again = orders.open_trades()
    assert [one is other for one, other in zip(again, held, strict=True)] == [True]
    assert len(again[0].orders) == 11
    assert statements
    assert of_orders(statements) == []


def test_orders_that_nobody_has_read_are_read_when_they_are_looked_at(statements):
    live_loop.opened_bot(10, read_only=True)
    Trade.session.expunge_all()
    (trade,) = orders.open_trades()
    assert of_orders(statements[-1:]) == []
    assert [one.ft_order_tag for one in trade.orders][:2] == ["L1", "L2"]


def test_what_closed_or_opened_since_is_known_at_once(statements):
    bot = live_loop.opened_bot(10, read_only=True)
    held = Trade.get_open_trades()
    bot.trade.is_open = False
    Trade.commit()
    assert orders.open_trades() == []
    held[0].is_open = True
    Trade.commit()
    assert [one.id for one in orders.open_trades()] == [bot.trade.id]


def test_a_backtests_trades_are_found_too(monkeypatch):
    monkeypatch.setattr(Trade, "use_db", False)
    monkeypatch.setattr(LocalTrade, "use_db", False)
    LocalTrade.reset_trades()
    trade = trade_of(order_of("L1", 100.0))
    LocalTrade.add_bt_trade(trade)
    assert orders.open_trades() == [trade]
    LocalTrade.reset_trades()
