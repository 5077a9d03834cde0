"""What each measure of order flow says about the next move, and what all of them say together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gridkit.analytics.trades import Tape
from gridkit.settings import OrderflowSettings

# How much each kind of evidence counts. What rests, what is traded and what changes are three views
# of the same pressure and count about alike; whales and the two best sizes are parts of them.
IMBALANCE, TRADES, ORDER_FLOW, WHALES, MICROPRICE = 0.30, 0.25, 0.25, 0.10, 0.10
LEAST_WEIGHT = 0.5  # evidence that counts less than this together cannot be full strength


@dataclass(frozen=True, slots=True)
class Vote:
    """One measure's opinion: `value` -1 (down) … 1 (up), and its `reason` in words."""

    name: str
    value: float
    weight: float
    reason: str


def strength(votes: Iterable[Vote]) -> float:
    """Return what the votes say together, -1 (down) … 1 (up); 0 where there are none.

    Their weighted mean, renormalised over the votes there are, but over at least half of the full
    weight: so one small piece of evidence alone is never strong.
    """
    given = list(votes)
    total = math.fsum(vote.weight * vote.value for vote in given)
    return total / max(LEAST_WEIGHT, math.fsum(vote.weight for vote in given))


def of_imbalance(imbalance: float, settings: OrderflowSettings) -> Vote:
    """Judge depth: nothing within `significant`, everything from `one_sided` on."""
    more, less = _ordered(imbalance, "bids", "asks")
    levels = f"the best {settings.imbalance_depth} levels"
    return Vote(
        "imbalance",
        _beyond(imbalance, settings),
        IMBALANCE,
        f"imbalance: {more} exceed {less} by {abs(imbalance):.0%} of all at {levels}",
    )


def of_microprice(lean: float, settings: OrderflowSettings) -> Vote:
    """Judge how far the microprice is from the middle (0) to a best price (1), as depth is."""
    to, _ = _ordered(lean, "ask", "bid")
    return Vote(
        "microprice",
        _beyond(lean, settings),
        MICROPRICE,
        f"microprice: {abs(lean):.0%} of the way from the middle to the {to}",
    )


def of_order_flow(pressure: float, books: int, settings: OrderflowSettings) -> Vote:
    """Judge changes of the book: everything from `significant` on, as much of them cancels."""
    side, _ = _ordered(pressure, "buyers", "sellers")
    return Vote(
        "order flow",
        _up_to(pressure, settings.significant),
        ORDER_FLOW,
        f"order flow: what changed over {books} books favours {side} by {abs(pressure):.0%} net",
    )


def of_trades(tape: Tape, settings: OrderflowSettings) -> Vote:
    """Judge the delta of all that was traded, as depth is; an unknown side counts for none.

    Old trades weigh less: see `freshness`.
    """
    share = tape.imbalance * (1.0 - tape.unknown_share)
    done, _ = _ordered(share, "bought", "sold")
    return Vote(
        "trades",
        _beyond(share, settings),
        TRADES * freshness(tape.age_seconds, settings),
        f"trades{_aged(tape, settings)}: takers {done} {abs(share):.0%} "
        f"net of the volume of {tape.trades} trades",
    )


def of_whales(tape: Tape, settings: OrderflowSettings) -> Vote:
    """Judge what the largest trades net of all that was traded: everything from `significant`.

    They are as old as the other trades, and weigh as much less: see `freshness`.
    """
    done, _ = _ordered(tape.whale_share, "bought", "sold")
    return Vote(
        "whales",
        _up_to(tape.whale_share, settings.significant),
        WHALES * freshness(tape.age_seconds, settings),
        f"whales{_aged(tape, settings)}: they {done} {abs(tape.whale_share):.0%} net of the volume",
    )


def freshness(age_seconds: float, settings: OrderflowSettings) -> float:
    """Return the share of its weight that a tape whose last trade is so old keeps, 0 … 1.

    1 up to `max_age_seconds`, then 1 - (age - max_age_seconds) / tape_seconds, and never below 0,
    which an unknown age has too. Freqtrade fetches trades once a candle, and what was traded then
    is not traded now.
    """
    share = 1.0 - (age_seconds - settings.max_age_seconds) / settings.tape_seconds
    return min(1.0, max(0.0, share))


def _aged(tape: Tape, settings: OrderflowSettings) -> str:
    """Return in words how old the last trade is, where that is more than a book may be."""
    if not tape.age_seconds > settings.max_age_seconds:
        return ""
    return f", the last {tape.age_seconds:.0f} s old"


def _beyond(value: float, settings: OrderflowSettings) -> float:
    return _up_to(value, settings.one_sided) if abs(value) >= settings.significant else 0.0


def _up_to(value: float, full: float) -> float:
    """Return the share of `full` a value is, at most 1 and with the value's sign."""
    if abs(value) >= full:
        return math.copysign(1.0, value) if value else 0.0
    return value / full


def _ordered(value: float, up: str, down: str) -> tuple[str, str]:
    return (up, down) if value > 0 else (down, up)
