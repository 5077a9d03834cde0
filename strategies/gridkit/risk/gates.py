"""Reasons not to take new risk now."""

import math

from gridkit.analytics import regime
from gridkit.analytics.regime import NAMES
from gridkit.grid.situation import Block
from gridkit.settings import RegimeSettings, Settings, StopSettings

# Code of the regime, ADX (NaN: unknown), sign of the averages.
Market = tuple[int, float, float]


def regime_block(market: Market, side: int, rule: RegimeSettings) -> Block | None:
    """Refuse to add against a trend; an unknown regime refuses. `side` is 1 for long, -1 short."""
    if not rule.enabled:
        return None
    code, adx, market_side = market
    if adx != adx:  # noqa: PLR0124 (NaN)
        return _UNKNOWN
    if regime.direction(code, market_side) * side < 0:
        return _block(f"{NAMES[code]} market against the grid", adx, rule.adx_strong, rule)
    return None


def trends_against(market: Market, side: int, rule: RegimeSettings) -> bool:
    """Whether the market trends against a cycle; taken for so where nobody looks.

    An unknown regime has no direction. `side` is 1 for long, -1 for short.
    """
    code, _, market_side = market
    return not rule.enabled or regime.direction(code, market_side) * side < 0


def start_block(market: Market, side: int, rule: RegimeSettings) -> Block | None:
    """Refuse to start a cycle: what refuses additions, and a regime that starts none."""
    block = regime_block(market, side, rule)
    code, adx, _ = market
    if block is not None or not rule.enabled or regime.parameters(code, rule).new_cycles:
        return block
    return _block(f"{NAMES[code]} market starts no cycle", adx, rule.adx_calm, rule)


def flatten_by_trend(
    market: Market, distance: float, side: int, settings: Settings
) -> Block | None:
    """Close a cycle that a trend stands against, once price is far on the wrong side (SPEC E.4).

    `distance` is the close over the slow average, minus 1. Where it or the regime is unknown,
    nothing is closed. `side` is 1 for long, -1 for short.
    """
    code, adx, market_side = market
    stops = settings.stops
    if not (settings.regime.enabled and stops.trend_flatten_enabled) or math.isnan(adx):
        return None
    against = regime.direction(code, market_side) * side < 0
    if not against or not side * distance < -stops.trend_flatten:
        return None
    condition = f"{NAMES[code]} market, close beyond its slow average"
    return Block(condition, distance, -side * stops.trend_flatten)


def _block(condition: str, adx: float, threshold: float, rule: RegimeSettings) -> Block:
    """Name the ADX where it decides; a composite regime is of no single figure."""
    if rule.method == "adx":
        return Block(f"{condition}, by ADX", adx, threshold)
    return Block(condition, math.nan, math.nan)


_UNKNOWN = Block("market regime unknown", math.nan, math.nan)


def price_block(price: float, side: int, pair: str, stops: StopSettings) -> Block | None:
    """Refuse to open beyond a pair's `stop_price` or `pause_price`. `side` is 1 for long."""
    for name, limits in (("stop_price", stops.stop_price), ("pause_price", stops.pause_price)):
        limit = limits.get(pair)
        if limit is not None and side * price <= side * limit:
            return Block(f"price beyond {name}", price, limit)
    return None
