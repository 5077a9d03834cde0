"""freqtrade trades with as many filled orders as wanted, as its backtest would have left them.

The first order buys line 1 and keeps it; after it line 2 is bought and sold, over and over. With
an even number of fills, both lines are held and the last order has just bought line 2.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from freqtrade.optimize.backtesting import Backtesting
from freqtrade.persistence import LocalTrade, Order

BUY, SELL = "buy", "sell"
FIRST, SECOND, SOLD = "L1", "L2", "sell L2"
STAKE = 1_000.0


@dataclass(frozen=True)
class Lines:
    """Prices of the first two lines."""

    first: float
    second: float


def opened(backtesting: Backtesting, pair: str, number: int, price: float, now: datetime) -> Any:
    """Make a trade without orders, and have freqtrade know it as open."""
    exchange = backtesting.exchange
    trade = LocalTrade(
        id=number,
        pair=pair,
        base_currency=exchange.get_pair_base_currency(pair),
        stake_currency="USDT",
        open_rate=price,
        open_date=now,
        stake_amount=STAKE,
        amount=0.0,
        fee_open=backtesting.fee,
        fee_close=backtesting.fee,
        is_open=True,
        enter_tag=FIRST,
        timeframe=5,
        exchange=exchange.id,
        is_short=False,
        leverage=1.0,
        amount_precision=exchange.get_precision_amount(pair),
        price_precision=exchange.get_precision_price(pair),
        precision_mode=exchange.precisionMode,
        precision_mode_price=exchange.precision_mode_price,
        contract_size=1.0,
        orders=[],
    )
    LocalTrade.add_bt_trade(trade)
    return trade


def add_order(trade: Any, side: str, price: float, amount: float, tag: str, now: datetime) -> Order:
    """Append an open order, as the backtest builds them."""
    number = 100_000 * trade.id + len(trade.orders) + 1
    order = Order(
        id=number,
        ft_trade_id=trade.id,
        ft_is_open=True,
        ft_pair=trade.pair,
        order_id=str(number),
        symbol=trade.pair,
        ft_order_side=side,
        side=side,
        order_type="limit",
        status="open",
        order_date=now,
        order_update_date=now,
        ft_price=price,
        price=price,
        average=price,
        amount=amount,
        filled=0.0,
        remaining=amount,
        cost=amount * price * (1 + trade.fee_open),
        ft_order_tag=tag,
    )
    order._trade_bt = trade
    trade.orders.append(order)
    return order


def fill(order: Order, now: datetime) -> None:
    """Fill an order whole; the trade's own numbers are left for `recalc_trade_from_orders`."""
    order.order_filled_date = now
    order.filled, order.remaining = order.amount, 0.0
    order.status, order.ft_is_open = "closed", False


def fill_up_to(trade: Any, fills: int, lines: Lines, last: datetime, candle: timedelta) -> None:
    """Give the trade so many filled orders, one per candle, the last one at `last`."""
    amount = round(STAKE / lines.second / trade.amount_precision) * trade.amount_precision
    for number in range(fills):
        now = last - (fills - 1 - number) * candle
        side, price, tag = _order(number, lines)
        fill(add_order(trade, side, price, amount, tag, now), now)
    trade.open_date = trade.orders[0].order_date
    trade.recalc_trade_from_orders()


def _order(number: int, lines: Lines) -> tuple[str, float, str]:
    if number == 0:
        return BUY, lines.first, FIRST
    return (BUY, lines.second, SECOND) if number % 2 else (SELL, lines.first, SOLD)
