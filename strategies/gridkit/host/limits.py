"""The exchange's smallest orders, as freqtrade applies them (DESIGN 2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FULL_RESERVE = 1.5  # freqtrade's cap on the reserve it makes for the stoploss
VIABLE_MARGIN = 1.1  # SPEC A.5: never below the exchange's minimum times this


@dataclass(frozen=True, slots=True)
class Limits:
    """Smallest value (stake currency) and amount (base currency) that freqtrade lets stand.

    Live, a partial exit is vetoed by the strategy's stoploss (-0.99, hence the full reserve), in a
    backtest by a milder rule: the stricter one is used in both.
    """

    value: float
    amount: float

    def least_stake(self, price: float, leverage: float) -> float:
        """Stake of the smallest lot that can be bought, and left over by the sale of another."""
        return VIABLE_MARGIN * max(self.value, self.amount * price) / leverage


def limits_of(market: Mapping[str, Any] | None, config: Mapping[str, Any]) -> Limits:
    """Read the limits of a ccxt market; what the exchange does not state is 0."""
    reserve = 1.0 + config.get("amount_reserve_percent", 0.05)
    limits = (market or {}).get("limits", {})
    contract = (market or {}).get("contractSize") or 1.0
    value = (limits.get("cost") or {}).get("min") or 0.0
    amount = (limits.get("amount") or {}).get("min") or 0.0
    return Limits(value * contract * FULL_RESERVE, amount * contract * reserve)
