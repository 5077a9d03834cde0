"""A position at 100 with an ATR of 2, the market around it, and both seen in a mirror."""

import math
from dataclasses import replace
from typing import Any

from gridkit.analytics.regime import Regime
from gridkit.risk.exits import Market, Position

LONG = Position(
    side=1,
    entry=100.0,
    atr=2.0,
    amount=3.0,
    bought=3.0,
    parts_done=frozenset(),
    opened=0.0,
    best=100.0,
    stop=math.nan,
    cost=0.002,
)
QUIET = Market(
    price=100.0,
    regime=int(Regime.RANGING),
    regime_side=0.0,
    momentum=0,
    flow_against=0,
    time=0.0,
)
MIRRORED = {
    Regime.TRENDING_BULLISH: Regime.TRENDING_BEARISH,
    Regime.TRENDING_BEARISH: Regime.TRENDING_BULLISH,
}


def position(**changes: Any) -> Position:
    return replace(LONG, **changes)


def market(**changes: Any) -> Market:
    return replace(QUIET, **changes)


def mirrored(seen: Position) -> Position:
    """The same position for a falling market, reflected at its entry."""
    twice = 2 * seen.entry
    return replace(seen, side=-seen.side, best=twice - seen.best, stop=twice - seen.stop)


def mirrored_market(seen: Market, entry: float) -> Market:
    kind = Regime(seen.regime)
    return replace(
        seen,
        price=2 * entry - seen.price,
        regime=int(MIRRORED.get(kind, kind)),
        regime_side=-seen.regime_side,
        momentum=-seen.momentum,
    )
