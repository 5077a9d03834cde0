"""What a round trip costs, and the distance from entry to target that pays for it (SPEC B.5)."""

import math
from dataclasses import dataclass

_TICK_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Costs:
    """Fractions of price. `fee` is one side's."""

    entry_fee: float
    exit_fee: float
    half_spread: float
    min_profit: float

    @property
    def floor(self) -> float:
        """Smallest distance from entry to target, as a fraction of the entry price."""
        return self.entry_fee + self.exit_fee + 2 * self.half_spread + self.min_profit


def lowest_target(entry: float, side: int, costs: Costs) -> float:
    """Return the first price at which a lot entered at `entry` may be sold.

    `side` is 1 for long, -1 for short. The distance is at least the fee floor, and after fees on both
    legs, each on its own price, at least the spread and the minimum profit remain.
    """
    margin = costs.entry_fee + 2 * costs.half_spread + costs.min_profit
    exact = entry * (1 + side * margin) / (1 - side * costs.exit_fee)
    simple = entry * (1 + side * costs.floor)
    return max(exact, simple) if side > 0 else min(exact, simple)


def on_tick(price: float, tick: float, *, up: bool) -> float:
    """Round to the exchange's price step, never in the other direction. No step: unchanged."""
    if tick <= 0:
        return price
    steps = price / tick
    whole = math.ceil(steps - _TICK_SLACK) if up else math.floor(steps + _TICK_SLACK)
    return round(whole * tick, 12)
