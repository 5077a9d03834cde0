"""Reasons not to take new risk now."""

from gridkit.grid.situation import Block
from gridkit.settings import StopSettings, TrendSettings


def trend_block(
    strength: float, trend_side: float, side: int, trend: TrendSettings
) -> Block | None:
    """Refuse to open against a strong trend; an unknown trend refuses as well.

    `side` is 1 for long; `trend_side` 1 for a rising market, -1 for a falling, 0 for a flat one.
    """
    if not trend.enabled:
        return None
    if strength != strength or trend_side != trend_side:  # noqa: PLR0124 (NaN)
        return _UNKNOWN
    if strength >= trend.adx_strong and trend_side * side < 0:
        return Block("ADX of the trend against the grid", float(strength), trend.adx_strong)
    return None


_UNKNOWN = Block("trend unknown", float("nan"), 0.0)


def side_of_market(strength: float, trend_side: float, trend: TrendSettings) -> int:
    """Direction of a cycle with `direction = auto`: with the trend; 0 if uncertain or flat."""
    if strength != strength or trend_side != trend_side:  # noqa: PLR0124 (NaN)
        return 0
    if trend.adx_calm <= strength < trend.adx_strong:
        return 0
    return int(trend_side > 0) - int(trend_side < 0)


def price_block(price: float, side: int, pair: str, stops: StopSettings) -> Block | None:
    """Refuse to open beyond a pair's `stop_price` or `pause_price`. `side` is 1 for long."""
    for name, limits in (("stop_price", stops.stop_price), ("pause_price", stops.pause_price)):
        limit = limits.get(pair)
        if limit is not None and side * price <= side * limit:
            return Block(f"price beyond {name}", price, limit)
    return None
