"""Freqtrade's questions before there is a position: how much, and whether at all."""

import math
from datetime import datetime
from typing import TYPE_CHECKING

from gridkit.analytics import entry_tags
from gridkit.grid.situation import Block
from gridkit.host.context import Context
from gridkit.host.directional.signal_series import SignalSeries
from gridkit.host.pair_rules import PairRules
from gridkit.risk import exits, parts
from gridkit.risk.portfolio import Candidate, stop_distance

if TYPE_CHECKING:
    from gridkit.host.directional.guards import Guards
    from gridkit.host.directional.portfolio_desk import PortfolioDesk
    from gridkit.host.flow import FlowDesk

NET = 0.25  # distance of freqtrade's own stoploss, a fraction of price: the net below our stops
MOST_OF_THE_MARGIN = 0.8  # share of it that the stop may use up: beyond is the liquidation
KINDS = frozenset(entry_tags.KINDS.values())  # first words of our entry tags

UNKNOWN = Block("no usable candle", math.nan, math.nan)
NO_ATR = Block("ATR unknown", math.nan, math.nan)
NO_RATE = Block("rate or amount unknown", math.nan, math.nan)
TOO_FAR = "distance to the stop"
SMALLEST = "the exchange's smallest order"


class Entering:
    """One per strategy object. `signals` are those of all pairs."""

    def __init__(
        self,
        context: Context,
        rules: PairRules,
        guards: "Guards",
        portfolio: "PortfolioDesk",
        signals: dict[str, SignalSeries],
        flow: "FlowDesk",
    ) -> None:
        self._context = context
        self._flow = flow
        self._rules = rules
        self._guards = guards
        self._portfolio = portfolio
        self._signals = signals

    def stake(
        self,
        pair: str,
        now: datetime,
        rate: float,
        side: int,
        leverage: float,
        tag: str | None,
        proposed: float,
    ) -> float:
        """Return the stake of an entry; 0 refuses it, with the reason on the board."""
        if is_forced(tag):
            return min(proposed, self._portfolio.caps_room().stake)
        refusal = self._guards.against(pair, now, side)
        found = refusal or self._candidate(pair, now, rate, side, leverage)
        if isinstance(found, Block):
            self._context.reasons.waits(pair, found, now)
            return 0.0
        return self._affordable(found, now, rate, leverage, tag)

    def allowed(
        self, pair: str, now: datetime, rate: float, amount: float, side: int, tag: str | None
    ) -> bool:
        """Whether an entry may be placed; what the user forces is bound by the caps alone."""
        if not (math.isfinite(rate * amount) and rate * amount > 0):
            refusal: Block | None = NO_RATE
        elif is_forced(tag):
            return True
        else:
            refusal = self._guards.against(pair, now, side) or self._guards.spread(pair)
        if refusal is not None:
            self._context.reasons.waits(pair, refusal, now)
        return refusal is None

    def _candidate(
        self, pair: str, now: datetime, rate: float, side: int, leverage: float
    ) -> Candidate | Block:
        """Return the entry as the portfolio wants it, or why it cannot be reckoned."""
        series, seen = self._context.market.series.get(pair), self._signals.get(pair)
        index = series.index_at(now.timestamp()) if series else -1
        if series is None or seen is None or index < 0 or not rate > 0:
            return UNKNOWN
        atr, settings = float(seen.atr.item(index)), self._context.settings
        if not atr > 0:
            return NO_ATR
        stop = exits.first_stop(side, rate, atr, series.regime.item(index), settings)
        if not settings.exits.stop_enabled:
            stop = rate * (1 - side * NET)
        away, most = abs(stop / rate - 1), min(NET, MOST_OF_THE_MARGIN / leverage)
        if not away <= most:
            return Block(TOO_FAR, away, most)
        costs = self._rules.costs(pair)
        cost = costs.entry_fee + costs.exit_fee
        unrewarding = parts.reward_block(atr / rate, cost, settings)
        if unrewarding is not None:
            return unrewarding
        return Candidate(
            pair,
            side,
            stop_distance(side, rate, stop, cost),
            series.annual.item(index),
            self._confidence(pair, seen, index, side),
            float(seen.size.item(index)),
        )

    def _confidence(self, pair: str, seen: SignalSeries, index: int, side: int) -> float:
        """Return the signal's, raised where books and tape confirm it now as its candle did not."""
        known, verdict = float(seen.confidence.item(index)), side * self._flow.verdict(pair)
        if not verdict > 0 or not known > 0 or seen.confirmed[side].item(index):
            return known
        return min(1.0, known + self._context.settings.entries.flow_bonus)

    def _affordable(
        self, wanted: Candidate, now: datetime, rate: float, leverage: float, tag: str | None
    ) -> float:
        room, reasons = self._portfolio.stake(wanted, now), self._context.reasons
        least = self._rules.limits(wanted.pair).least_stake(rate, leverage)
        if not room.stake >= least:
            # Where it is no limit that binds, the risk taken does not pay for the least there is.
            binding = room.binding if not room.stake > 0 else Block(SMALLEST, room.stake, least)
            reasons.waits(wanted.pair, binding, now)
            return 0.0
        told = f"{room.stake:.2f} at {rate:.8g}, set by {room.binding}"
        reasons.opens(wanted.pair, tag, rate, told, now)
        return room.stake


def is_forced(tag: str | None) -> bool:
    """Whether an entry is the user's own (/forceentry) and not one of our signals."""
    return (tag or "").partition(" ")[0] not in KINDS
