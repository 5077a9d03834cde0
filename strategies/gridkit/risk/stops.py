"""Where the stop of a directional position stands (SPEC M): the tightest of its rules, never back.

| rule | price, for a long position |
|---|---|
| stop | entry - stop_atr_multiple of the regime x ATR |
| break-even | entry with the fees, once the best price was `break_even` ATR away |
| reversal | price - `reversal` x ATR, while momentum turns against the position |
| trail | best price - `trail` x ATR, once the second part left, for a rest that trails |

A short position's are mirrored. ATR is that at the entry.
"""

import math
from collections.abc import Callable

from gridkit.analytics import regime
from gridkit.risk.parts import parts_left
from gridkit.risk.position import Market, Position, break_even
from gridkit.settings import Settings

KEPT = "kept"
NO_STOP = "none"

Rule = Callable[[Position, Market, Settings], float]


def first_stop(side: int, entry: float, atr: float, code: int, settings: Settings) -> float:
    """Return the stop an entry in this regime begins with; NaN where switched off or unknown."""
    multiple = regime.parameters(code, settings.regime).stop_atr_multiple
    price = entry - side * multiple * atr
    known = settings.exits.stop_enabled and atr > 0 and math.isfinite(price) and price > 0
    return price if known else math.nan


def stop_price(position: Position, market: Market, settings: Settings) -> tuple[float, str]:
    """Return the stop and what set it, its numbers included.

    Never looser than `position.stop`, which stays where nothing is tighter and where the price or
    the ATR is unknown: then it was `KEPT`. NaN and `NO_STOP` where there is none at all.

    Weak: the stop may be beyond the price already, where the best price is from within a candle.
    """
    found, name = position.stop, KEPT
    if position.measurable and math.isfinite(market.price):
        for rule_name, rule in _RULES.items():
            price = rule(position, market, settings)
            if _tighter(price, found, position.side):
                found, name = price, rule_name
    if math.isnan(found):
        return found, NO_STOP
    return found, name if name == KEPT else f"{name} {_numbers(name, position, market, settings)}"


def next_best(position: Position, settings: Settings) -> float:
    """Return the best price at which a rule reckons another stop; beyond reach where there is none.

    That is break-even's, and where the rest trails any better price.
    """
    rule, side = settings.exits, position.side
    if rule.rest == "trail":
        return position.best
    far = _turn(position, settings)
    if not rule.break_even_enabled or position.reached(position.best, far):
        return side * math.inf
    return far


def _turn(position: Position, settings: Settings) -> float:
    """Return the best price from which the stop is at break-even: an ATR may be less than fees."""
    even = break_even(position.side, position.entry, position.cost)
    far = position.at(settings.exits.break_even)
    return max(even, far) if position.side > 0 else min(even, far)


def _tighter(price: float, than: float, side: int) -> bool:
    """Whether a price is a tighter stop. What is unknown or not above 0 is none."""
    return price > 0 and not side * price <= side * than


def _initial(position: Position, market: Market, settings: Settings) -> float:
    return first_stop(position.side, position.entry, position.atr, market.regime, settings)


def _break_even(position: Position, _market: Market, settings: Settings) -> float:
    due = position.reached(position.best, _turn(position, settings))
    price = break_even(position.side, position.entry, position.cost)
    return price if due and settings.exits.break_even_enabled else math.nan


def _reversal(position: Position, market: Market, settings: Settings) -> float:
    rule = settings.exits
    if not rule.reversal_enabled or market.momentum != -position.side:
        return math.nan
    return market.price - position.side * rule.reversal * position.atr


def _trail(position: Position, _market: Market, settings: Settings) -> float:
    rule = settings.exits
    if rule.rest != "trail" or parts_left(position, rule):
        return math.nan
    return position.best - position.side * rule.trail * position.atr


_RULES: dict[str, Rule] = {
    "stop": _initial,
    "break-even": _break_even,
    "reversal": _reversal,
    "trail": _trail,
}


def _numbers(name: str, position: Position, market: Market, settings: Settings) -> str:
    """Say what the rule was reckoned from."""
    rule, atr = settings.exits, f"{position.atr:.6g}"
    if name == "stop":
        kind = regime.Regime(market.regime).name.lower()
        multiple = regime.parameters(market.regime, settings.regime).stop_atr_multiple
        return f"{multiple:g} x ATR {atr} from {position.entry:.6g}, {kind}"
    if name == "break-even":
        far = position.side * (position.best - position.entry) / position.atr
        return f"of {position.entry:.6g} with fees {position.cost:.2%}, best {far:.2f} ATR away"
    if name == "reversal":
        return f"{rule.reversal:g} x ATR {atr} from {market.price:.6g}, momentum {market.momentum}"
    return f"{rule.trail:g} x ATR {atr} from the best price {position.best:.6g}"
