"""Unfilled first orders that the user has taken back, by /forceexit or by hand (DESIGN 2.9).

freqtrade deletes such a trade with its orders, so nothing is left to read later: who wants to know
has to look on. A restart within the loop in which it happened forgets it. An order that was allowed
and then refused by the exchange looks the same.
"""

from datetime import datetime

from freqtrade.persistence import Order, Trade


class TakenBack:
    """Looks at the unfilled first orders and says which have gone without our doing."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self._withdrawn: set[str] = set()
        self._allowed: dict[str, datetime] = {}

    def withdraw(self, order_id: str) -> None:
        """Take note of an order the strategy itself takes back."""
        self._withdrawn.add(order_id)

    def allow(self, pair: str, now: datetime) -> None:
        """Take note of a first order that freqtrade places next."""
        self._allowed[pair] = now

    def look(self) -> list[str]:
        """Return the pairs whose first order has gone since the last look."""
        open_trades = Trade.get_trades_proxy(is_open=True)
        waiting = {
            trade.orders[0].order_id: trade.pair
            for trade in open_trades
            if trade.orders and not trade.nr_of_successful_entries
        }
        gone = self._waiting.keys() - waiting.keys() - self._withdrawn
        pairs = {self._waiting[one] for one in gone if Order.order_by_id(one) is None}
        missing = self._allowed.keys() - {trade.pair for trade in open_trades}
        pairs.update(pair for pair in missing if not self._opened_since_allowed(pair))
        self._waiting = waiting
        self._allowed.clear()
        self._withdrawn &= waiting.keys()
        return sorted(pairs)

    def _opened_since_allowed(self, pair: str) -> bool:
        return bool(Trade.get_trades_proxy(pair=pair, open_date=self._allowed[pair]))
