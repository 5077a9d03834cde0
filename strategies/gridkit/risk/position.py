"""A directional position, the market it stands in, and what leaves it: small frozen values."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """An open trade. Amounts in base currency, prices in quote currency, times in seconds UTC.

    `side` is 1 for long, -1 for short; `entry` the mean entry price; `atr` that at the entry, in
    quote currency; `amount` what is held now and `bought` all that was entered; `parts_done` the
    numbers of the parts already sold; `best` the best price since the entry; `stop` the stop in
    force, NaN for none; `cost` the fees of both sides together, a fraction; `begun` the amount sold
    of parts of which most is still to be sold.
    """

    side: int
    entry: float
    atr: float
    amount: float
    bought: float
    parts_done: frozenset[int]
    opened: float
    best: float
    stop: float
    cost: float
    begun: float = 0.0

    @property
    def measurable(self) -> bool:
        """Whether distances in ATR mean anything."""
        return self.atr > 0 and self.entry > 0 and math.isfinite(self.atr * self.entry)

    def at(self, multiples: float) -> float:
        """Return the price so many ATR from the entry, in favour of the position."""
        return self.entry + self.side * multiples * self.atr

    def reached(self, price: float, level: float) -> bool:
        """Whether a price is at a level or beyond it, in favour of the position."""
        return self.side * price >= self.side * level


@dataclass(frozen=True, slots=True)
class Market:
    """What a position is judged by now.

    `price` is what an exit gets, NaN unknown; `regime` a settled `analytics.regime.Regime` and
    `regime_side` the side of its averages; `momentum` 1 or -1 where RSI and MACD both turned up or
    down, else 0; `flow_against` how many candles in a row order flow was one-sided against the
    position; `time` in seconds UTC.
    """

    price: float
    regime: int
    regime_side: float
    momentum: int
    flow_against: int
    time: float


@dataclass(frozen=True, slots=True)
class Exit:
    """What leaves, in base currency. The position's whole amount: everything."""

    amount: float
    tag: str
    reason: str


def break_even(side: int, entry: float, cost: float) -> float:
    """Return the first price at which leaving loses nothing, fees of both sides paid.

    `cost` is both fees together, a fraction below 1. It holds however they divide between the
    sides, and where a long entry pays its fee in the coin it buys.
    """
    return entry / (1 - cost) if side > 0 else entry * (1 - cost)
