"""The grid in freqtrade's custom data: the plan for a restart, the state for people."""

import logging
import math
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gridkit.grid.plan import Plan

if TYPE_CHECKING:
    from freqtrade.persistence import Trade

    from gridkit.host.cycle import Cycle

logger = logging.getLogger(__name__)

# `_` and `%` are wildcards in freqtrade's look-up of keys
PLAN_KEY = "gridplan"
STATE_KEY = "gridstate"


def save(trade: "Trade", plan: Plan) -> None:
    """Keep the plan with the trade."""
    trade.set_custom_data(PLAN_KEY, _finite(plan.as_document()))


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


def publish(trade: "Trade", cycle: "Cycle", now: datetime) -> Any:
    """Write lots, next order and the reason for both where REST and Telegram can read them."""
    state = _state(cycle)
    lasting = {**state, "blocked": (state["blocked"] or {}).get("condition")}
    if lasting != cycle.published:
        trade.set_custom_data(STATE_KEY, {**state, "updated": now.isoformat(timespec="seconds")})
    return lasting


def _state(cycle: "Cycle") -> dict[str, Any]:
    ledger, verdict = cycle.book.ledger, cycle.verdict
    order = verdict.order if verdict else None
    return {
        "lots": [
            {"level": lot.level, "amount": lot.amount, "price": lot.price, "opened": lot.opened}
            for lot in ledger.lots.values()
        ],
        "dust": ledger.dust,
        "harvest": ledger.harvest,
        "next": {"tag": order.tag, "price": order.price, "why": order.reason} if order else None,
        "blocked": _finite(asdict(verdict.block)) if verdict and verdict.block else None,
    }


def _finite(document: dict[str, Any]) -> dict[str, Any]:
    """Replace what JSON has no number for."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in document.items()
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
