"""What the bot's last life did and could not write down any more when the power went out.

Between the exchange's yes and the database's commit an order gets lost: freqtrade knows nothing of
it, and the same line would be placed a second time. But what the desk was about to do stands in
the trade's custom data, written before freqtrade places anything. So an unknown order on that
side, at that price and from that minute is the trade's own, and is put where freqtrade would have
put it; its fills are then freqtrade's to find. A cycle's first order has no trade yet and cannot be
adopted.

And freqtrade notes that an order is filled before it reckons the trade anew, with requests in
between; of an entry caught there it would hear no more before the next fill.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from freqtrade.persistence import Order, Trade

from gridkit.grid import tags
from gridkit.host import orders, plan_store

EARLIER = timedelta(seconds=10)  # the exchange's clock may be behind ours
LATER = timedelta(seconds=120)
NOISE = 1e-6  # a fraction, of binary fractions added up
SAME_PRICE = 1e-4  # a fraction: freqtrade rounds prices to the exchange's tick once more


@dataclass(frozen=True, slots=True)
class Intent:
    """The order that was about to be placed. `price` None: at the market's price then."""

    is_entry: bool
    tag: str
    price: float | None
    when: datetime

    @classmethod
    def of(cls, trade: Any) -> Self | None:
        """Read what was last published of a trade; None where nothing was to be placed."""
        state = trade.get_custom_data(plan_store.STATE_KEY) or {}
        wanted, updated = state.get("next"), state.get("updated")
        if not wanted or not updated:
            return None
        when = datetime.fromisoformat(updated)
        return cls(not tags.verb_of(wanted["tag"]), wanted["tag"], wanted["price"], when)

    def is_met_by(self, order: Mapping[str, Any], side: str) -> bool:
        """Whether an order of the exchange is the one that was to be placed on this side."""
        placed = datetime.fromtimestamp(order["timestamp"] / 1_000, UTC)
        in_time = self.when - EARLIER <= placed <= self.when + LATER
        at_price = self.price is None or math.isclose(
            order["price"] or math.nan, self.price, rel_tol=SAME_PRICE
        )
        lasts = order["status"] == "open" or order["filled"] > 0
        return order["side"] == side and in_time and at_price and lasts


def adopt_lost_order(trade: Any, exchange: Any) -> str | None:
    """Put a trade's lost order into the database; returns its tag, None where there is none.

    Asks the exchange once, and only for a trade in which no order is known to rest: freqtrade
    never places a second one. Two orders that could be it are left to the user.
    """
    intent = Intent.of(trade)
    if intent is None or trade.has_open_orders:
        return None
    side = trade.entry_side if intent.is_entry else trade.exit_side
    recent = exchange.fetch_orders(trade.pair, intent.when - EARLIER)
    lost = [one for one in _unknown(recent, trade.pair) if intent.is_met_by(one, side)]
    if len(lost) != 1:
        return None
    order = Order.parse_from_ccxt_object(lost[0], trade.pair, side)
    order.ft_order_tag = intent.tag
    order.ft_is_open = True  # though it may be filled: freqtrade shall look, and deal with it
    trade.orders.append(order)
    if not intent.is_entry:
        trade.exit_reason = intent.tag
    Trade.commit()
    return intent.tag


def recount(trade: Any) -> bool:
    """Have freqtrade reckon a trade anew whose filled orders hold more than it knows."""
    amount = sum(_signed(order, trade) for order in trade.orders if not order.ft_is_open)
    step = orders.amount_step(trade) or NOISE * abs(amount)
    if amount - float(trade.amount) < step * (1 - NOISE):
        return False
    trade.recalc_trade_from_orders()
    Trade.commit()
    return True


def _signed(order: Any, trade: Any) -> float:
    is_entry = order.ft_order_side == trade.entry_side
    return float(order.safe_amount_after_fee if is_entry else -order.safe_filled)


def _unknown(placed: Iterable[Mapping[str, Any]], pair: str) -> list[Mapping[str, Any]]:
    return [one for one in placed if Order.order_by_id(str(one["id"]), pair) is None]
