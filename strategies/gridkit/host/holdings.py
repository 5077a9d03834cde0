"""What the exchange holds and which orders it works, beside what freqtrade and the lots say."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Order

from gridkit.host.context import Context
from gridkit.host.limits import limits_of

if TYPE_CHECKING:
    from gridkit.host.cycle import Cycle


def expected(trade: Any, cycle: "Cycle | None") -> float:
    """Return what the exchange should hold for a trade in base currency, negative for a short.

    The lots, or the trade's amount before they were read, and what open orders have filled so far,
    which counts as a lot only once the order is closed.
    """
    held = cycle.book.ledger.amount if cycle else float(trade.amount)
    for order in trade.orders:
        if order.ft_is_open:
            sign = 1 if order.ft_order_side == trade.entry_side else -1
            held += sign * float(order.safe_filled)
    return -held if trade.is_short else held


def held(context: Context, pair: str) -> float:
    """Return what wallet or position hold of a pair, negative for a short position."""
    wallets: Any = context.strategy.wallets
    if not context.is_futures:
        return float(wallets.get_total(pair.partition("/")[0]))
    position = wallets.get_all_positions().get(pair)
    if position is None:
        return 0.0
    return float(-position.position if position.side == "short" else position.position)


def fees_in_coin(trade: Any, *, is_futures: bool) -> float:
    """Return the most that the fees of a trade's entries can have taken in base currency."""
    if is_futures:
        return 0.0
    entries = (one for one in trade.orders if one.ft_order_side == trade.entry_side)
    bought = sum(float(order.safe_filled) for order in entries)
    return bought * float(trade.fee_open or 0.0)


def least_of_note(context: Context, pair: str) -> float:
    """Return the amount below which a holding without a trade could not even be sold."""
    strategy, mark = context.strategy, context.mark(pair)
    limits = limits_of(strategy.dp.market(pair), strategy.config)
    by_value = limits.order_value / mark if mark else 0.0
    return max(limits.order_amount, by_value)


def pairs_of(context: Context, open_trades: Iterable[Any]) -> list[str]:
    """Return the pairs that are ours: the whitelist, and those with an open trade."""
    whitelist = context.strategy.dp.current_whitelist()
    return list(dict.fromkeys([*whitelist, *(trade.pair for trade in open_trades)]))


def unknown_orders(dp: Any, pair: str) -> list[str]:
    """Ask the exchange for a pair's open orders; return the ids freqtrade's database has not.

    freqtrade has no public way to ask: its own `fetch_orders` begins at a date, and would miss an
    order older than that.
    """
    exchange = dp._exchange
    if not exchange.exchange_has("fetchOpenOrders"):
        return []
    numbers = (str(order["id"]) for order in exchange._api.fetch_open_orders(pair))
    return [number for number in numbers if Order.order_by_id(number, pair) is None]
