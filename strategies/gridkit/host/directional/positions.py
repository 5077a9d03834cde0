"""freqtrade's trades as the positions that `risk.exits` judges, and the market they stand in.

What is kept of a trade is a cache: it follows from the trade's orders, the candles and the entry.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gridkit.candles import SECONDS_PER_HOUR
from gridkit.host.context import Context
from gridkit.host.directional import entry_record
from gridkit.host.directional.entry_record import EntryRecord
from gridkit.host.directional.signal_series import SignalSeries
from gridkit.risk.exits import Asked, Market, Position, parts_sold
from gridkit.risk.stops import next_best

if TYPE_CHECKING:
    from freqtrade.persistence import Order, Trade

    from gridkit.host.market_data import PairSeries
    from gridkit.settings import ExitSettings

STOPLOSS = "stoploss"  # the side freqtrade gives a stop that rests on the exchange
UNKNOWN = EntryRecord(math.nan, 0.0, math.nan, 0, 0)


@dataclass(slots=True)
class Held:
    """What the orders of a trade came to. Mutable by design.

    `bought` is all that was entered, base currency; `entered` when that last happened, seconds UTC;
    `parts` those that were sold, `begun` what was sold of another; `target` the nearest target of a
    part that was not sold; `best` the best price up to the candle `looked`; `stop_rule` says in
    words what set the stop. In a backtest nothing moves the stop until `settled_until`, nor ends
    the position by itself until `stays_until`; live both are unknown.
    """

    opened: datetime
    state: tuple[Any, ...]
    entry: EntryRecord
    side: int
    cost: float
    bought: float
    entered: float
    parts: frozenset[int]
    begun: float
    target: float
    best: float
    looked: int
    stop_rule: str = ""
    settled_until: float = -math.inf
    stays_until: float = -math.inf
    expires: float = math.inf


class Positions:
    """One per strategy object. `signals` are those of all pairs."""

    def __init__(self, context: Context, signals: dict[str, SignalSeries]) -> None:
        self._context = context
        self._signals = signals
        self._held: dict[int, Held] = {}

    def forget(self) -> None:
        """Start anew with another run, in which trade ids start again at 1."""
        self._held.clear()

    def forget_closed(self, open_trades: set[int]) -> None:
        """Let go of trades that are gone."""
        for number in self._held.keys() - open_trades:
            del self._held[number]

    def held(self, trade: "Trade") -> Held:
        """Return what is known of a trade, read anew when its orders changed."""
        known, state = self._held.get(trade.id), _state(trade)
        if known is not None and known.state == state and known.opened == trade.open_date:
            return known
        fresh = self._read(trade, state)
        if known is not None and known.opened == trade.open_date:
            fresh.stop_rule = known.stop_rule
        self._held[trade.id] = fresh
        return fresh

    def position(self, trade: "Trade", held: Held, index: int) -> Position:
        """Return the position as it stands at a candle."""
        return Position(
            held.side,
            trade.open_rate,
            held.entry.atr,
            trade.amount,
            held.bought,
            held.parts,
            trade.open_date_utc.timestamp(),
            self.best(trade, held, index),
            trade.stop_loss or math.nan,
            held.cost,
            held.begun,
        )

    def market(
        self, series: "PairSeries", pair: str, index: int, side: int, price: float, time: float
    ) -> Market:
        """Return what the last closed candle says, at this price and time."""
        seen = self._signals[pair]
        return Market(
            price,
            series.regime.item(index),
            series.side.item(index),
            int(seen.momentum.item(index)),
            seen.against[side].item(index),
            time,
        )

    def settle(self, pair: str, held: Held, position: Position, index: int) -> None:
        """Note until when the candles give no reason to move the stop."""
        seen, side = self._signals[pair], held.side
        price = next_best(position, self._context.settings)
        held.settled_until = min(
            seen.calm_until(side, index), seen.not_reached_until(side, index, price)
        )

    def stay(self, pair: str, held: Held, index: int) -> None:
        """Note until when neither candles nor time give a reason to end the position."""
        held.stays_until = min(held.expires, self._signals[pair].calm_until(held.side, index))

    def blind_market(self, price: float, time: float) -> Market:
        """Return a market of which no candle is known: price and time alone count."""
        return Market(price, 0, math.nan, 0, 0, time)

    def _read(self, trade: "Trade", state: tuple[Any, ...]) -> Held:
        entry = entry_record.read(trade, self._context, self._signals) or UNKNOWN
        side = -1 if trade.is_short else 1
        filled = [order for order in trade.orders if order.safe_filled > 0]
        entries = [order for order in filled if order.ft_order_side == trade.entry_side]
        exits = (order for order in filled if order.ft_order_side == trade.exit_side)
        parts, begun = parts_sold(
            Asked(one.ft_order_tag or "", float(one.safe_amount), float(one.safe_filled))
            for one in exits
        )
        entered = max((_time(order) for order in entries), default=-math.inf)
        return Held(
            opened=trade.open_date,
            state=state,
            entry=entry,
            side=side,
            cost=float((trade.fee_open or 0.0) + (trade.fee_close or 0.0)),
            bought=sum(float(order.safe_amount_after_fee) for order in entries),
            entered=entered,
            parts=parts,
            begun=begun,
            target=_next_target(trade, side, entry.atr, parts, self._context.settings.exits),
            best=float(trade.open_rate),
            looked=self._index(trade.pair, entered) + 1,
            expires=trade.open_date_utc.timestamp()
            + self._context.settings.exits.max_hours * SECONDS_PER_HOUR,
        )

    def _index(self, pair: str, moment: float) -> int:
        series = self._context.market.series.get(pair)
        return series.index_at(moment) if series and math.isfinite(moment) else -1

    def best(self, trade: "Trade", held: Held, index: int) -> float:
        """Return the best price since the entry.

        In a backtest by the candles closed after that of the entry, whose extreme may have come
        before it; live by every rate freqtrade has seen.
        """
        if self._context.live:
            seen = trade.min_rate if held.side < 0 else trade.max_rate
            return float(seen or trade.open_rate)
        if index == held.looked + 1:
            seen = self._signals[trade.pair]
            price = float(seen.high.item(index) if held.side > 0 else seen.low.item(index))
            if held.side * price > held.side * held.best:
                held.best = price
            held.looked = index
        elif index > held.looked:
            signals = self._signals[trade.pair]
            span = slice(held.looked + 1, index + 1)
            if held.side > 0:
                held.best = float(np.fmax.reduce(signals.high[span], initial=held.best))
            else:
                held.best = float(np.fmin.reduce(signals.low[span], initial=held.best))
            held.looked = index
        return held.best


def working_order(trade: "Trade") -> "Order | None":
    """Return the order in work, a stop that rests on the exchange apart; None for none."""
    return next(
        (one for one in reversed(trade.orders) if one.ft_is_open and one.ft_order_side != STOPLOSS),
        None,
    )


def _state(trade: "Trade") -> tuple[Any, ...]:
    orders = trade.orders
    if not orders:
        return (0,)
    last = orders[-1]
    return len(orders), last.ft_is_open, last.filled, trade.amount


def _time(order: "Order") -> float:
    filled = order.order_filled_utc
    return float((filled or order.order_date_utc).timestamp())


def _next_target(
    trade: "Trade", side: int, atr: float, parts: frozenset[int], rule: "ExitSettings"
) -> float:
    """Return the nearest target that did not trigger yet; beyond reach where there is none."""
    left = [target for number, target in enumerate(rule.targets, 1) if number not in parts]
    if not left or not atr > 0:
        return side * math.inf
    return float(trade.open_rate) + side * min(left) * atr
