"""Unfilled first orders that the user has taken back, by /forceexit or by hand (DESIGN 2.9).

freqtrade deletes such a trade with its orders, so nothing is left to read later: who wants to know
has to look on. A restart within the loop in which it happened forgets it.
"""

from freqtrade.persistence import Order, Trade


class TakenBack:
    """Looks at the unfilled first orders and says which have gone without our doing."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self._withdrawn: set[str] = set()

    def withdraw(self, order_id: str) -> None:
        """Take note of an order the strategy itself takes back."""
        self._withdrawn.add(order_id)

    def look(self) -> list[str]:
        """Return the pairs whose first order has gone since the last look."""
        waiting = {
            trade.orders[0].order_id: trade.pair
            for trade in Trade.get_trades_proxy(is_open=True)
            if trade.orders and not trade.nr_of_successful_entries
        }
        gone = self._waiting.keys() - waiting.keys() - self._withdrawn
        pairs = [self._waiting[one] for one in gone if Order.order_by_id(one) is None]
        self._waiting = waiting
        self._withdrawn &= waiting.keys()
        return pairs
