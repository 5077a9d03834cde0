"""Which unknown order a restart takes for its own; through freqtrade itself: test_kills.py."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from freqtrade.persistence import LocalTrade, Order, Trade

from gridkit.host.adoption import adopt_lost_order, recount
from host.desks import NOW, order_of, trade_of

TAG, PRICE = "L2", 98.0


def placed(number: str = "4711", **changed: Any) -> dict[str, Any]:
    """An order as freqtrade's exchange returns it: the one that was to be placed."""
    return {
        "id": number, "side": "buy", "price": PRICE, "amount": 0.2, "filled": 0.0,
        "remaining": 0.2, "status": "open", "type": "limit", "symbol": "ETH/USDT",
        "timestamp": int(NOW.timestamp() * 1_000), **changed,
    }  # fmt: skip


class Exchange:
    """Answers with what was placed since."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders = orders
        self.asked: list[tuple[str, datetime]] = []

    def fetch_orders(self, pair: str, since: datetime) -> list[dict[str, Any]]:
        self.asked.append((pair, since))
        return list(self.orders)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What custom data say of the trade, and freqtrade's database as far as it is asked."""
    state = {"next": {"tag": TAG, "price": PRICE, "why": ""}, "updated": NOW.isoformat()}
    monkeypatch.setattr(LocalTrade, "get_custom_data", lambda _self, _key: state, raising=False)
    monkeypatch.setattr(Trade, "commit", staticmethod(lambda: None))
    known = staticmethod(lambda number, _pair=None: True if number == "known" else None)
    monkeypatch.setattr(Order, "order_by_id", known)
    return state


def a_trade(**more: Any) -> Any:
    return trade_of(order_of("L1", 99.0), **more)


def test_the_order_that_was_to_be_placed_is_adopted_with_its_tag(published: Any) -> None:
    trade, exchange = a_trade(), Exchange(placed("known"), placed())
    assert adopt_lost_order(trade, exchange) == TAG
    adopted = trade.orders[-1]
    assert (adopted.order_id, adopted.ft_order_tag) == ("4711", TAG)
    assert (adopted.ft_order_side, adopted.ft_price, adopted.ft_amount) == ("buy", PRICE, 0.2)
    ((pair, since),) = exchange.asked
    assert pair == "ETH/USDT"
    assert timedelta(0) <= NOW - since <= timedelta(minutes=1)


def test_a_filled_one_is_left_open_so_that_freqtrade_finds_the_fill(published: Any) -> None:
    trade = a_trade()
    filled = placed(status="closed", filled=0.2, remaining=0.0)
    assert adopt_lost_order(trade, Exchange(filled)) == TAG
    assert trade.orders[-1].ft_is_open
    assert trade.amount == pytest.approx(0.2)


@pytest.mark.parametrize(
    "changed",
    [
        {"side": "sell"},
        {"price": PRICE * 1.001},
        {"price": None},
        {"timestamp": int((NOW - timedelta(seconds=30)).timestamp() * 1_000)},
        {"timestamp": int((NOW + timedelta(minutes=3)).timestamp() * 1_000)},
        {"status": "canceled"},
        {"id": "known"},
    ],
)
def test_an_order_that_differs_is_somebody_elses(published: Any, changed: dict[str, Any]) -> None:
    trade = a_trade()
    assert adopt_lost_order(trade, Exchange(placed(**changed))) is None
    assert len(trade.orders) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"price": PRICE * 1.00005},
        {"timestamp": int((NOW - timedelta(seconds=5)).timestamp() * 1_000)},
        {"timestamp": int((NOW + timedelta(seconds=60)).timestamp() * 1_000)},
        {"status": "canceled", "filled": 0.1},
    ],
)
def test_a_tick_and_two_clocks_may_differ(published: Any, changed: dict[str, Any]) -> None:
    assert adopt_lost_order(a_trade(), Exchange(placed(**changed))) == TAG


def test_an_order_at_market_is_known_by_side_and_time(published: Any) -> None:
    published["next"]["price"] = None
    assert adopt_lost_order(a_trade(), Exchange(placed(price=97.3))) == TAG


@pytest.mark.parametrize("is_short", [False, True])
def test_an_exit_is_known_by_its_side_and_named_as_the_trades_reason(
    published: Any, is_short: bool
) -> None:
    published["next"]["tag"] = "sell L1"
    trade = trade_of(order_of("L1", 99.0, side="sell" if is_short else "buy"), is_short=is_short)
    entry, leave = ("sell", "buy") if is_short else ("buy", "sell")
    assert adopt_lost_order(trade, Exchange(placed(side=entry))) is None
    assert adopt_lost_order(trade, Exchange(placed(side=leave))) == "sell L1"
    assert trade.exit_reason == "sell L1"


def test_two_that_could_be_it_are_left_to_the_user(published: Any) -> None:
    trade = a_trade()
    assert adopt_lost_order(trade, Exchange(placed("1"), placed("2"))) is None
    assert len(trade.orders) == 1


def test_where_an_order_rests_the_exchange_is_not_asked(published: Any) -> None:
    trade, exchange = trade_of(order_of("L1", 99.0, rests=True)), Exchange(placed())
    assert adopt_lost_order(trade, exchange) is None
    assert exchange.asked == []


@pytest.mark.parametrize("missing", ["next", "updated"])
def test_where_nothing_was_to_be_placed_the_exchange_is_not_asked(
    published: Any, missing: str
) -> None:
    published[missing] = None
    exchange = Exchange(placed())
    assert adopt_lost_order(a_trade(), exchange) is None
    assert exchange.asked == []


@pytest.mark.parametrize(
    ("known", "recounted"),
    [(0.2, True), (0.398, True), (0.4, False), (0.3995, False), (0.5, False)],
)
def test_a_trade_is_reckoned_anew_where_its_orders_hold_a_step_more(
    published: Any, known: float, recounted: bool
) -> None:
    trade = trade_of(order_of("L1", 99.0), order_of("L2", 98.0), order_of("L3", 97.0, rests=True))
    for order in trade.orders:
        order.ft_fee_base = 0.0
    trade.amount = known
    assert recount(trade) is recounted
    assert trade.amount == pytest.approx(0.4 if recounted else known)


def test_sales_count_against_it(published: Any) -> None:
    trade = trade_of(order_of("L1", 99.0), order_of("sell L1", 101.0, amount=0.1, side="sell"))
    trade.orders[0].ft_fee_base = 0.0
    assert not recount(trade)
    assert trade.amount == pytest.approx(0.1)
