"""What is traded: symbols and their tick, lot and minimum-notional filters."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Market = Literal["spot", "futures"]

_FINEST_DECIMALS = 8


@dataclass(frozen=True)
class Instrument:
    """One symbol of one market. Prices are whole ticks, amounts whole lots."""

    base: str
    quote: str
    tick: float
    lot: float
    min_notional: float

    @property
    def symbol(self) -> str:
        """The name in Binance's API, e.g. BTCUSDT."""
        return self.base + self.quote

    @property
    def price_decimals(self) -> int:
        """Digits after the point that the tick needs."""
        return decimals(self.tick)

    @property
    def lot_decimals(self) -> int:
        """Digits after the point that the lot needs."""
        return decimals(self.lot)


# Binance's filters against USDT: tick and lot of a coin, then of its perpetual with the minimum.
_SPOT_FILTERS: dict[str, tuple[float, float]] = {
    "BTC": (0.01, 0.00001),
    "ETH": (0.01, 0.0001),
    "SOL": (0.01, 0.001),
    "BNB": (0.01, 0.001),
    "XRP": (0.0001, 0.1),
    "ADA": (0.0001, 0.1),
    "DOGE": (0.00001, 1),
    "AVAX": (0.01, 0.01),
    "LINK": (0.01, 0.01),
    "LTC": (0.01, 0.001),
    "DOT": (0.001, 0.01),
    "SUI": (0.0001, 0.1),
    "PEPE": (0.00000001, 1),
}
_PERPETUAL_FILTERS: dict[str, tuple[float, float, float]] = {
    "BTC": (0.1, 0.001, 100),
    "ETH": (0.01, 0.001, 20),
    "SOL": (0.01, 0.01, 5),
    "BNB": (0.01, 0.01, 5),
    "XRP": (0.0001, 0.1, 5),
    "ADA": (0.0001, 1, 5),
    "DOGE": (0.00001, 1, 5),
    "AVAX": (0.001, 1, 5),
    "LINK": (0.001, 0.01, 20),
    "LTC": (0.01, 0.001, 20),
    "DOT": (0.001, 0.1, 5),
    "SUI": (0.0001, 0.1, 5),
    "1000PEPE": (0.0000001, 1, 5),
}
_SPOT_MIN_NOTIONAL = {"BTC": 0.0001, "ETH": 0.001, "BNB": 0.01}
_USUAL_MIN_NOTIONAL = 5.0


def known(base: str, quote: str, market: Market) -> Instrument | None:
    """Binance's own filters for a common coin against USDT; None for any other symbol."""
    if quote != "USDT":
        return None
    if market == "spot" and base in _SPOT_FILTERS:
        return Instrument(base, quote, *_SPOT_FILTERS[base], _USUAL_MIN_NOTIONAL)
    if market == "futures" and base in _PERPETUAL_FILTERS:
        return Instrument(base, quote, *_PERPETUAL_FILTERS[base])
    return None


def inferred(
    base: str, quote: str, market: Market, prices: np.ndarray, volumes: np.ndarray
) -> Instrument:
    """Take filters from the table where it knows the coin, but never coarser than the data."""
    tick, lot = decimal_step(prices), decimal_step(volumes)
    listed = known(base, quote, market)
    if listed is None:
        notional = _SPOT_MIN_NOTIONAL.get(quote, _USUAL_MIN_NOTIONAL)
        return Instrument(base, quote, tick, lot, notional)
    return Instrument(base, quote, min(tick, listed.tick), listed.lot, listed.min_notional)


def decimal_step(values: np.ndarray) -> float:
    """Largest power of ten, at most 1, of which every value is a multiple (to 8 decimals)."""
    finite = values[np.isfinite(values)]
    for digits in range(_FINEST_DECIMALS):
        scaled = finite * 10.0**digits
        # Stored volumes are sums of floats: a few units in the last place are not a decimal.
        if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(1, np.abs(scaled))):
            return float(10.0**-digits)
    return float(10.0**-_FINEST_DECIMALS)


def decimals(step: float) -> int:
    """Digits after the point of a power of ten, or of any step such as 0.005."""
    text = f"{step:.{_FINEST_DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])
