"""freqtrade's orders as the grid's fills: read once each, in order.

A trade's ledger is kept between calls. It is thrown away when the run starts anew, when another
trade carries the same id, or when an order it has read is no longer where it was (DESIGN 2.22).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from freqtrade.constants import CANCEL_REASON
from freqtrade.persistence import Trade

from gridkit.grid import tags
from gridkit.grid.lots import Closed, Fill, Ledger
from gridkit.grid.situation import Resting

if TYPE_CHECKING:
    from freqtrade.persistence import LocalTrade, Order

# ccxt's precision modes: the precision counts digits, or is the step itself
DECIMAL_PLACES = 2
TICK_SIZE = 4
FORCE_EXIT_TAG = "force_exit"
NEWEST = 10  # orders among which the one in work is looked for

Tell = Callable[["Order", Fill, list[Closed]], None]


@dataclass(slots=True)
class TradeBook:
    """The ledger of one trade, and how far its orders have been read."""

    pair: str
    opened: datetime
    ledger: Ledger
    read: int = 0
    last_read: str = ""
    last_fee: float | None = None  # in base coin
    forced_at: float = 0.0
    ahead: set[str] = field(default_factory=set)  # read although an earlier one is still open

    def belongs_to(self, trade: "LocalTrade") -> bool:
        """Whether this was read from the same trade, and its orders only grew since.

        freqtrade may learn what an order paid in coins after it closed, and then it is read again.
        """
        if trade.pair != self.pair or trade.open_date != self.opened:
            return False
        if not self.read:
            return True
        if len(trade.orders) < self.read:
            return False
        last = trade.orders[self.read - 1]
        return last.order_id == self.last_read and last.ft_fee_base == self.last_fee

    def has_read(self, trade: "LocalTrade") -> bool:
        """Whether no order was closed since: `read_on` would change nothing."""
        return all(order.ft_is_open for order in trade.orders[self.read :])

    def read_on(
        self, trade: "LocalTrade", levels_at: dict[int, float], tell: Tell | None = None
    ) -> bool:
        """Read the orders closed since, and say whether one was filled; `tell` hears of each.

        An order still open is read once it is closed. Others may stand behind it: what freqtrade
        finds at the exchange (/reload_trade) it puts at the end.
        """
        filled = waits = False
        for order in trade.orders[self.read :]:
            if order.ft_is_open:
                waits = True
                continue
            if order.order_id not in self.ahead and order.safe_filled > 0:
                fill = fill_of(order, trade, levels_at)
                closed = self.ledger.apply(fill)
                filled = True
                if tell is not None:
                    tell(order, fill, closed)
            if waits:
                self.ahead.add(order.order_id)
                continue
            self.read += 1
            self.last_read, self.last_fee = order.order_id, order.ft_fee_base
            self.ahead.discard(order.order_id)
        return filled


def open_trades() -> list[Any]:
    """Return the open trades as freqtrade holds them.

    Live, its own `get_trades_proxy` reads each order of each of them from the database anew, though
    freqtrade did when its loop began. Here what is known stays, and the rest is read once somebody
    looks at it.
    """
    if not Trade.use_db:
        return Trade.get_trades_proxy(is_open=True)
    return list(Trade.get_trades([Trade.is_open.is_(True)], include_orders=False))


def new_book(trade: "LocalTrade") -> TradeBook:
    """Return an empty ledger for a trade."""
    ledger = Ledger(is_short=bool(trade.is_short), amount_step=amount_step(trade))
    return TradeBook(trade.pair, trade.open_date, ledger)


def amount_step(trade: "LocalTrade") -> float:
    """Smallest amount by which an order of this trade can differ, in base currency."""
    step = _step(trade.amount_precision, trade.precision_mode)
    return step * (trade.contract_size or 1.0)


def price_tick(trade: "LocalTrade") -> float:
    """Smallest difference of two prices on this market."""
    return _step(trade.price_precision, trade.precision_mode_price)


def _step(precision: float | None, mode: int | None) -> float:
    """Read ccxt's precision; 0 where there is no step, or one that grows with the number."""
    if precision is None or mode not in (DECIMAL_PLACES, TICK_SIZE):
        return 0.0
    return float(10.0**-precision if mode == DECIMAL_PLACES else precision)


def fill_of(order: "Order", trade: "LocalTrade", levels_at: dict[int, float]) -> Fill:
    """Read one closed order. A foreign entry belongs to the nearest line of the plan."""
    is_entry = order.ft_order_side == trade.entry_side
    price = float(order.safe_price)
    levels = tags.levels_of(order.ft_order_tag)
    if is_entry and not levels and levels_at:
        levels = (min(levels_at, key=lambda level: (abs(levels_at[level] - price), level)),)
    amount = float(order.safe_amount_after_fee if is_entry else order.safe_filled)
    rate = float((trade.fee_open if is_entry else trade.fee_close) or 0.0)
    fee_amount = order.safe_fee_base or order.safe_filled * rate
    filled = order.order_filled_utc
    return Fill(
        is_entry=is_entry,
        levels=levels,
        price=price,
        amount=amount,
        timestamp=filled.timestamp() if filled else order.order_date_utc.timestamp(),
        fee=float(fee_amount) * price,
        tag=order.ft_order_tag or "",
    )


def resting_of(trade: "LocalTrade") -> Resting | None:
    """Return the order in work, None when there is none."""
    order = working_order(trade)
    if order is None:
        return None
    return Resting(
        order.ft_order_side == trade.entry_side,
        tags.levels_of(order.ft_order_tag),
        float(order.safe_placement_price),
        order.ft_order_tag or "",
    )


def working_order(trade: "LocalTrade") -> "Order | None":
    """Return the order in work: the newest that is open, as freqtrade works one at a time."""
    for order in reversed(trade.orders[-NEWEST:]):
        if order.ft_is_open:
            return order
    return None


def stake_of(order: "Order", trade: "LocalTrade") -> float:
    """Return an order's stake in plain arithmetic; freqtrade's own property is exact and slow."""
    return float(order.safe_amount * order.safe_price / (trade.leverage or 1.0))


def forced_exit_rests(trade: "LocalTrade") -> bool:
    """Whether the exit the user forced is still in work."""
    order = working_order(trade)
    return order is not None and order.ft_order_tag == FORCE_EXIT_TAG


def forced_at(trade: "LocalTrade") -> float:
    """When the user last forced an exit, in seconds UTC; 0 for never (DESIGN 2.9)."""
    for order in reversed(trade.orders):
        reason = order.ft_cancel_reason or ""
        if CANCEL_REASON["FORCE_EXIT"] in reason or order.ft_order_tag == FORCE_EXIT_TAG:
            when = order.order_update_date or order.order_date
            return when.replace(tzinfo=order.order_date_utc.tzinfo).timestamp()
    return 0.0
