"""What stands against a new position beside its signal: the first reason found is told."""

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from freqtrade.persistence import LocalTrade, Trade

from gridkit.analytics.entry_reasons import Why
from gridkit.grid.situation import Block
from gridkit.host import commands, shut
from gridkit.host.context import Context
from gridkit.risk import brakes

if TYPE_CHECKING:
    from gridkit.host.breakers import Breakers
    from gridkit.host.flow import FlowDesk

HOUR = timedelta(hours=1)
PER_HOUR = "entries an hour"
ILLIQUID = "illiquid hours"
ENDED = Block("a position ended in this candle", math.nan, math.nan)
FORCED = Block("forceexit", math.nan, math.nan)

Spread = Callable[[str], Block | None]


class Guards:
    """One per strategy object.

    Live only: `wide` refuses a pair at a wide spread, `flow` knows its books and trades.
    """

    def __init__(
        self, context: Context, breakers: "Breakers", wide: Spread, flow: "FlowDesk"
    ) -> None:
        self._context = context
        self._breakers = breakers
        self._wide = wide
        self._flow = flow

    def against(self, pair: str, now: datetime, side: int) -> Block | None:
        """Return why nothing is entered now, the spread apart."""
        blocks = self._blocks(pair, now, side)
        return next((block for block in blocks if block is not None), None)

    def spread(self, pair: str) -> Block | None:
        """Return why the spread of a pair is too wide; None in a backtest, which has none."""
        return self._wide(pair) if self._context.live else None

    def _blocks(self, pair: str, now: datetime, side: int) -> Iterator[Block | None]:
        """Yield what each guard says, asked only where those before it let it pass."""
        context = self._context
        yield context.features.block(pair)
        yield self._breakers.block_start(pair)
        yield self._breakers.block_market(pair)
        yield self._hours(now)
        yield self._per_hour(now)
        yield self._flow_against(pair, side)
        yield commands.block(context.strategy, side) if context.live else None
        yield self._ended(pair, now)

    def _hours(self, now: datetime) -> Block | None:
        rule = self._context.settings.brakes
        if brakes.illiquid(now.hour, rule) != "pause":
            return None
        return Block(ILLIQUID, now.hour, rule.illiquid_to)

    def _per_hour(self, now: datetime) -> Block | None:
        most = self._context.settings.entries.most_per_hour
        entered = entered_since(now - HOUR, live=self._context.live)
        return Block(PER_HOUR, entered, most) if entered >= most else None

    def _flow_against(self, pair: str, side: int) -> Block | None:
        """Heed what books and tape say now; what the candle's trades said is in its signal."""
        settings, rule = self._context.settings, self._context.settings.orderflow
        if not settings.entries.flow_veto:
            return None
        for said, threshold in (
            (self._flow.pressure(pair), rule.one_sided),
            (self._flow.verdict(pair), rule.action_threshold),
        ):
            if side * said <= -threshold:
                return Block(Why.FLOW.text, said, -side * threshold)
        return None

    def _ended(self, pair: str, now: datetime) -> Block | None:
        if self._context.live:
            return FORCED if shut.recently_forced(self._context, pair, now) else None
        return ENDED if shut.ended_at(pair, now) else None


def entered_since(since: datetime, *, live: bool) -> int:
    """Count the trades opened after a moment, over all pairs, closed ones included."""
    if live:
        return len(list(Trade.get_trades([Trade.open_date > since], include_orders=False)))
    trades = [*LocalTrade.bt_trades_open, *_closed_since(since)]
    return sum(trade.open_date_utc > since for trade in trades)


def _closed_since(since: datetime) -> Iterator[LocalTrade]:
    """Yield what a backtest closed after a moment: what was opened since can only be there."""
    newest_first = reversed(LocalTrade.bt_trades)
    return takewhile(lambda trade: trade.close_date_utc > since, newest_first)
