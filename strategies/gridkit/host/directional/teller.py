"""Tells people of positions: opened, a part sold, closed. Live, within the limits of messages."""

from functools import partial
from typing import TYPE_CHECKING, Any

from gridkit.host.context import Context
from gridkit.host.messages import Messages, code, duration

if TYPE_CHECKING:
    from freqtrade.persistence import Order, Trade

POSITION = "position"  # kind of message


class Teller:
    """One per strategy object."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.messages = Messages(context)

    def filled(self, trade: "Trade", order: "Order") -> None:
        """Tell what an order that was just filled did."""
        tell = partial(self._filled, trade, order)
        self._context.features.run("messages", trade.pair, tell, lambda: None)

    def _filled(self, trade: "Trade", order: "Order") -> None:
        if not order.safe_filled > 0:
            return
        if order.ft_order_side == trade.entry_side:
            self._opened(trade, order)
        elif trade.is_open:
            self._left(trade, order)
        else:
            self._closed(trade)

    def _opened(self, trade: "Trade", order: "Order") -> None:
        side = "short" if trade.is_short else "long"
        stake = self.messages.money(float(trade.stake_amount))
        text = f"{side} opened: {stake} at {order.safe_price:.8g}, {code(trade.enter_tag or '')}"
        self.messages.send(f"{POSITION} {order.order_id}", trade.pair, text)

    def _left(self, trade: "Trade", order: "Order") -> None:
        made = self.messages.money(float(trade.realized_profit or 0.0))
        text = (
            f"{code(order.ft_order_tag or 'part')} sold: {order.safe_filled:.8g} at "
            f"{order.safe_price:.8g}, {made} realised so far, {trade.amount:.8g} left"
        )
        self.messages.send(f"{POSITION} {order.order_id}", trade.pair, text)

    def _closed(self, trade: "Trade") -> None:
        made = self.messages.money(float(trade.close_profit_abs or 0.0))
        seconds = _seconds(trade)
        text = f"closed by {code(trade.exit_reason or '')}: {made} after {duration(seconds)}"
        self.messages.send(f"{POSITION} {trade.id} closed", trade.pair, text)


def _seconds(trade: Any) -> float:
    ended = trade.close_date_utc
    return float((ended - trade.open_date_utc).total_seconds()) if ended else 0.0
