"""The grid in freqtrade's custom data: the plan for a restart, the state for people."""

import logging
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gridkit.grid.plan import Plan

if TYPE_CHECKING:
    from freqtrade.persistence import Trade

    from gridkit.grid.situation import Block
    from gridkit.host.cycle import Cycle
    from gridkit.risk.breakers import Breaker

logger = logging.getLogger(__name__)

# `_` and `%` are wildcards in freqtrade's look-up of keys
PLAN_KEY = "gridplan"
STATE_KEY = "gridstate"
REFRESH_SECONDS = 60  # figures that move in every loop are written so often


def save(trade: "Trade", plan: Plan) -> None:
    """Keep the plan with the trade."""
    trade.set_custom_data(PLAN_KEY, finite(plan.as_document()))


def load(trade: "Trade") -> Plan | None:
    """Return the plan kept with the trade; None when there is none that can be read."""
    document = trade.get_custom_data(PLAN_KEY)
    if not document:
        return None
    try:
        known = {**document, "volatility": _number(document["volatility"])}
        return Plan.from_document(known)
    except (KeyError, TypeError) as error:
        logger.warning("%s: the stored plan is unreadable and laid anew: %r", trade.pair, error)
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is told beside a trade's own state. Stake currency.

    `budget` is what recovery may lose in all, `left` what remains of it; None where unknown.
    `features` are those that failed, as documents; `prediction` is what is believed, likewise.
    """

    budget: float | None = None
    left: float | None = None
    breakers: "tuple[Breaker, ...]" = ()
    features: tuple[dict[str, Any], ...] = ()
    prediction: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What was last written, without and with the figures that change by themselves; seconds."""

    lasting: dict[str, Any]
    state: dict[str, Any]
    at: float


def publish(
    trade: "Trade",
    cycle: "Cycle",
    now: datetime,
    *,
    since: datetime | None = None,
    standing: Standing | None = None,
) -> Published:
    """Write lots, next order and the reason for both where REST and Telegram can read them.

    At once when something happened; once a minute when figures alone moved, as each is a write to
    the database. `since` is when what blocks began. Returns what `cycle.published` has to hold.
    """
    before = cycle.published if isinstance(cycle.published, Published) else None
    state = _state(cycle, since, standing or Standing())
    lasting = {**state, "budget": None}
    lasting |= {key: _condition(state[key]) for key in ("blocked", "withheld")}
    lasting["prediction"] = (state["prediction"] or {}).get("gate")
    lasting["breakers"] = [one["name"] + one["action"] for one in state["breakers"]]
    written = Published(lasting, state, now.timestamp())
    if before is not None and (
        before.state == state
        or (before.lasting == lasting and written.at - before.at < REFRESH_SECONDS)
    ):
        return before
    trade.set_custom_data(STATE_KEY, {**state, "updated": now.isoformat(timespec="seconds")})
    return written


def _told(block: "Block | None") -> dict[str, Any] | None:
    """Return what people read of a block."""
    if block is None:
        return None
    figures = {"value": block.value, "threshold": block.threshold}
    return finite({"condition": block.condition, **figures})


def _condition(blocked: dict[str, Any] | None) -> str | None:
    return blocked["condition"] if blocked else None


def _state(cycle: "Cycle", since: datetime | None, standing: Standing) -> dict[str, Any]:
    ledger, verdict = cycle.book.ledger, cycle.verdict
    order = verdict.order if verdict else None
    blocked = _told(verdict.block) if verdict else None
    if blocked and since:
        blocked["since"] = since.isoformat(timespec="seconds")
    return {
        "lots": [
            {"level": lot.level, "amount": lot.amount, "price": lot.price, "opened": lot.opened}
            for lot in ledger.lots.values()
        ],
        "dust": ledger.dust,
        "harvest": ledger.harvest,
        "next": {"tag": order.tag, "price": order.price, "why": order.reason} if order else None,
        "blocked": blocked,
        "withheld": _told(verdict.withheld) if verdict else None,
        "stuck": [{"level": level, **asdict(one)} for level, one in sorted(cycle.stuck.items())],
        "budget": finite({"limit": standing.budget, "left": standing.left}),
        "breakers": [_breaker(one) for one in standing.breakers],
        "features": list(standing.features),
        "prediction": standing.prediction,
    }


def _breaker(one: "Breaker") -> dict[str, Any]:
    figures = {name: getattr(one, name) for name in ("value", "threshold", "since", "until")}
    return {"name": one.name, "action": one.action, **finite(figures)}


def finite(document: dict[str, Any]) -> dict[str, Any]:
    """Replace what JSON has no number for."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in document.items()
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
