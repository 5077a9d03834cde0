"""What keeps a pair from opening although its market would let it."""

from datetime import datetime, timedelta
from itertools import takewhile

from freqtrade.persistence import Trade

from gridkit.host import orders
from gridkit.host.context import Context

REASON = "forceexit: nothing is placed for a while"


def pause(context: Context) -> timedelta:
    """Return how long a pair places nothing after the user forced an exit."""
    return timedelta(seconds=context.settings.stops.force_exit_pause_candles * context.seconds)


def recently_forced(context: Context, pair: str, now: datetime) -> bool:
    """Whether the user just forced this pair out: it is locked, and does not open at once."""
    length = pause(context)
    since = now - length
    closed = Trade.get_trades_proxy(pair=pair, is_open=False, close_date=since)
    found = [trade for trade in closed if orders.forced_at(trade) > since.timestamp()]
    if not found:
        return False
    until = max(trade.close_date_utc for trade in found) + length
    context.lock(pair, until, REASON)
    return True


def ended_at(pair: str, now: datetime) -> bool:
    """Whether a trade ended in this candle of a backtest, which asks again to turn around at once.

    Its last fill may have come later in the candle than what would be filled now (DESIGN 2.11).
    """
    newest_first = reversed(Trade.get_trades_proxy(is_open=False))
    return any(
        trade.pair == pair
        for trade in takewhile(lambda trade: trade.close_date_utc >= now, newest_first)
    )


def by_freqtrade(context: Context, pair: str) -> str:
    """Say what of freqtrade keeps a pair from opening; "" for nothing."""
    strategy = context.strategy
    if strategy.is_pair_locked(pair):
        return "locked, see /locks"
    opened = len(orders.open_trades())
    return "no free trade slot" if opened >= strategy.max_open_trades else ""
