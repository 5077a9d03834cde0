"""What a round trip costs, and the distance from entry to target that pays for it (SPEC B.5)."""

import math
import sys
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_TICK_SLACK = 1e-9
_ROUNDING = 4 * sys.float_info.epsilon


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

    `side` is 1 for long, -1 for short. The distance is at least the fee floor, and after fees on
    both legs, each on its own price and also where a long entry pays in the coin it buys, at least
    the spread and the minimum profit remain.
    """
    gain = 2 * costs.half_spread + costs.min_profit
    if side > 0:
        exact = entry * (1 + gain) / ((1 - costs.entry_fee) * (1 - costs.exit_fee))
        return max(exact, entry * (1 + costs.floor))
    exact = entry * (1 - costs.entry_fee - gain) / (1 + costs.exit_fee)
    return min(exact, entry * (1 - costs.floor))


def on_tick(price: float, tick: float, *, up: bool) -> float:
    """Round to the exchange's price step, never in the other direction. No step: unchanged."""
    if tick <= 0:
        return price
    steps = price / tick
    slack = max(_TICK_SLACK, abs(steps) * _ROUNDING)
    whole = math.ceil(steps - slack) if up else math.floor(steps + slack)
    return round(whole * tick, _decimals(tick))


@lru_cache
def _decimals(tick: float) -> int:
    exponent = Decimal(repr(tick)).normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0
