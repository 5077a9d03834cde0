"""Which unfilled first orders have gone without our doing."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gridkit.host import taken_back
from gridkit.host.taken_back import TakenBack

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


class Database:
    """freqtrade's trades, as far as they are asked for."""

    def __init__(self) -> None:
        self.trades: list[Any] = []

    def opens(self, pair: str, order_id: str) -> Any:
        order = SimpleNamespace(order_id=order_id)
        trade = SimpleNamespace(
            pair=pair, orders=[order], nr_of_successful_entries=0, is_open=True, open_date=NOW
        )
        self.trades.append(trade)
        return trade

    def found(self, **wanted: Any) -> list[Any]:
        wanted.pop("open_date", None)
        return [
            trade
            for trade in self.trades
            if all(getattr(trade, name) == value for name, value in wanted.items())
        ]

    def order(self, order_id: str) -> Any:
        ids = [order.order_id for trade in self.trades for order in trade.orders]
        return order_id if order_id in ids else None


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database()
    monkeypatch.setattr(taken_back.Trade, "get_trades_proxy", database.found)
    monkeypatch.setattr(taken_back.Order, "order_by_id", database.order)
    return database


def test_a_first_order_that_is_gone_was_taken_back_once(database: Database) -> None:
    looks = TakenBack()
    database.opens("A/B", "1")
    assert looks.look() == []
    database.trades.clear()
    assert looks.look() == ["A/B"]
    assert looks.look() == []


def test_a_first_order_that_was_filled_was_not_taken_back(database: Database) -> None:
    looks = TakenBack()
    trade = database.opens("A/B", "1")
    looks.look()
    trade.nr_of_successful_entries = 1
    assert looks.look() == []
    trade.is_open = False
    assert looks.look() == []


def test_a_first_order_the_strategy_withdraws_was_not_taken_back(database: Database) -> None:
    looks = TakenBack()
    database.opens("A/B", "1")
    looks.look()
    looks.withdraw("1")
    database.trades.clear()
    assert looks.look() == []


def test_an_allowed_order_that_never_showed_was_taken_back_once(database: Database) -> None:
    looks = TakenBack()
    looks.allow("A/B", NOW)
    assert looks.look() == ["A/B"]
    assert looks.look() == []


@pytest.mark.parametrize("is_open", [True, False])
def test_an_allowed_order_that_became_a_trade_was_not_taken_back(
    database: Database, is_open: bool
) -> None:
    looks = TakenBack()
    looks.allow("A/B", NOW)
    database.opens("A/B", "1").is_open = is_open
    assert looks.look() == []
