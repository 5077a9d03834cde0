"""The exchange's smallest orders, as freqtrade applies them (DESIGN 2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FULL_RESERVE = 1.5  # freqtrade's cap on the reserve it makes for the stoploss
VIABLE_MARGIN = 1.1  # SPEC A.5: never below the exchange's minimum times this


@dataclass(frozen=True, slots=True)
class Limits:
    """Smallest values (stake currency) and amounts (base currency), before leverage.

    `left_value` and `left_amount` are what freqtrade lets a partial exit leave: live it reckons by
    the strategy's stoploss (-0.99, hence the full reserve), in a backtest more mildly; the stricter
    rule is used in both. `order_value` and `order_amount` are what the exchange takes as an order,
    the value with a little more for an order at market that slips.
    """

    left_value: float
    left_amount: float
    order_value: float
    order_amount: float

    def least_stake(self, price: float, leverage: float) -> float:
        """Stake of the smallest lot that can be bought, and left over by the sale of another."""
        return VIABLE_MARGIN * max(self.left_value, self.left_amount * price) / leverage


def limits_of(market: Mapping[str, Any] | None, config: Mapping[str, Any]) -> Limits:
    """Read the limits of a ccxt market; what the exchange does not state is 0."""
    reserve = 1.0 + config.get("amount_reserve_percent", 0.05)
    limits = (market or {}).get("limits", {})
    contract = (market or {}).get("contractSize") or 1.0
    value = ((limits.get("cost") or {}).get("min") or 0.0) * contract
    amount = ((limits.get("amount") or {}).get("min") or 0.0) * contract
    return Limits(value * FULL_RESERVE, amount * reserve, value * reserve, amount)
