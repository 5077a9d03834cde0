"""When a directional position leaves as a whole, in parts or by its stop (SPEC M).

Here are the reasons that end it whatever its profit: time, order flow, regime. The stop is in
`stops`, the parts in `parts`.
"""

import math

from gridkit.analytics import regime
from gridkit.candles import SECONDS_PER_HOUR
from gridkit.risk.parts import Asked, part_due, parts_in, parts_sold
from gridkit.risk.position import Exit, Market, Position, break_even
from gridkit.risk.stops import first_stop, stop_price
from gridkit.settings import Settings

__all__ = [
    "FLOW",
    "REGIME",
    "TIME",
    "Asked",
    "Exit",
    "Market",
    "Position",
    "break_even",
    "exit_due",
    "first_stop",
    "part_due",
    "parts_in",
    "parts_sold",
    "stop_price",
]

TIME, FLOW, REGIME = "time", "flow", "regime"


def exit_due(position: Position, market: Market, settings: Settings) -> Exit | None:
    """Return the first reason to leave altogether: time, then order flow, then the regime.

    None while there is none, and while the price is unknown. None of them asks for the ATR.
    """
    if not math.isfinite(market.price) or not position.amount > 0:
        return None
    for tag, rule in _RULES.items():
        reason = rule(position, market, settings)
        if reason:
            return Exit(position.amount, tag, reason)
    return None


def _time(position: Position, market: Market, settings: Settings) -> str:
    rule = settings.exits
    spared = rule.time_exit == "no_first_target" and position.parts_done
    hours = (market.time - position.opened) / SECONDS_PER_HOUR
    if rule.time_exit == "off" or spared or not hours >= rule.max_hours:
        return ""
    sold = f"{len(position.parts_done)} parts sold" if position.parts_done else "no part sold"
    return f"open for {hours:.1f} hours against {rule.max_hours:g}, {sold}"


def _flow(_position: Position, market: Market, settings: Settings) -> str:
    most = settings.exits.flow_candles
    if not most or market.flow_against < most:
        return ""
    return f"order flow against it for {market.flow_against} candles against {most}"


def _regime(position: Position, market: Market, settings: Settings) -> str:
    stands = regime.direction(market.regime, market.regime_side)
    if not settings.exits.regime_exit or stands != -position.side:
        return ""
    kind = regime.Regime(market.regime).name.lower()
    held = f"for {settings.regime.stable_minutes:g} minutes"
    return f"{kind} {held}, direction {stands} against a position of {position.side}"


_RULES = {TIME: _time, FLOW: _flow, REGIME: _regime}
