"""One line in freqtrade's log for each fill, which needs no database to be read again.

`GRID_FILL action=sell pair=ETH/USDT level=3 size=0.2 entry=99.0 exit=100.0 pnl=0.16 …`, in logfmt;
`gridkit fills` reads it. How a restart repeats nothing: the numbers freqtrade's database gave the
orders that were told are kept with the trade. An older order may fill after a newer one.
"""

import logging
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gridkit.grid import tags
from gridkit.host import logfmt

if TYPE_CHECKING:
    from freqtrade.persistence import Order, Trade

    from gridkit.grid.lots import Closed, Fill

logger = logging.getLogger(__name__)

MARK = "GRID_FILL"
TOLD_KEY = "gridfills"

_WORD = re.compile(r"[a-z]+(?:_[a-z]+)*")


class FillLog:
    """Tells every filled order once, also over restarts and when a ledger is read anew. Live."""

    def __init__(self) -> None:
        self._told: dict[int, set[int]] = {}

    def tell(
        self, trade: "Trade", order: "Order", fill: "Fill", closed: "Sequence[Closed]"
    ) -> bool:
        """Log one fill and the pieces of lots it closed; whether it was new."""
        told = self._numbers(trade)
        if order.id in told:
            return False
        logger.info("%s %s", MARK, logfmt.written(fields_of(trade, order, fill, closed)))
        told.add(order.id)
        trade.set_custom_data(TOLD_KEY, sorted(told))
        return True

    def missed(self, trade: "Trade") -> bool:
        """Whether fills of a trade of which some were told were not told yet."""
        told, filled = self._numbers(trade), {one.id for one in trade.orders if one.safe_filled > 0}
        return bool(told) and not filled <= told

    def forget(self, trade_id: int) -> None:
        """Let go of a trade that is closed."""
        self._told.pop(trade_id, None)

    def _numbers(self, trade: "Trade") -> set[int]:
        """Return the numbers of the orders that were told; none where that cannot be read."""
        if trade.id not in self._told:
            kept = trade.get_custom_data(TOLD_KEY)
            self._told[trade.id] = set(kept) if isinstance(kept, list) else set()
        return self._told[trade.id]


def fields_of(
    trade: "Trade", order: "Order", fill: "Fill", closed: "Sequence[Closed]"
) -> dict[str, logfmt.Value]:
    """Return what is said of a fill.

    `size` is in base currency; `pnl`, after the fees of entry and exit and before funding, and
    `fee`, of this order alone, are in `currency`; `entry` is the average of the lots it closed;
    `duration`, in seconds, is their mean age by amount. Unknown is None.
    """
    levels = fill.levels or sorted({piece.level for piece in closed})
    return {
        "action": action_of(fill, is_short=bool(trade.is_short)),
        "pair": trade.pair,
        "level": tags.entry_tag(levels)[1:] if levels else None,
        "size": fill.amount,
        "entry": fill.price if fill.is_entry else _mean(closed, lambda piece: piece.entry_price),
        "exit": None if fill.is_entry else fill.price,
        "pnl": math.fsum(piece.profit for piece in closed) if closed else None,
        "fee": fill.fee,
        "duration": _mean(closed, lambda piece: piece.closed - piece.opened),
        "lots": len(closed),
        "wins": sum(piece.profit > 0 for piece in closed),
        "currency": trade.stake_currency,
        "trade": trade.id,
        "order": order.id,
        "time": datetime.fromtimestamp(fill.timestamp, UTC).isoformat(timespec="milliseconds"),
    }


def action_of(fill: "Fill", *, is_short: bool) -> str:
    """Return `buy`, `short`, the verb of an exit's tag, freqtrade's own exit tag, or `manual`."""
    if fill.is_entry:
        return "short" if is_short else "buy"
    verb = tags.verb_of(fill.tag)
    return verb or (fill.tag if _WORD.fullmatch(fill.tag) else "manual")


def _mean(closed: "Sequence[Closed]", of: "Callable[[Closed], float]") -> float:
    """Return the mean by amount; NaN of nothing."""
    total = math.fsum(piece.amount for piece in closed)
    if total <= 0:
        return math.nan
    return math.fsum(piece.amount * of(piece) for piece in closed) / total
