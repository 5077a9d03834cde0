"""One row per pair out of a bot's answers: next order, or what stands against one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gridkit.host import failing, logfmt
from gridkit.host.plan_store import STATE_KEY
from gridkit.host.prediction import belief
from gridkit.host.reasons import COLUMN
from gridkit.why.bot import Bot, BotError

MS_PER_SECOND = 1_000
EVERY_PAIR = "*"
RUNNING = ("running", "paused")
UNKNOWN = "nothing said yet: no candle was analysed since the start"


@dataclass(frozen=True, slots=True)
class Row:
    """One pair. `distance` is a fraction of the market's price; times are UTC; None is unknown.

    `resting` says whether the next order is on the exchange already; `lots` are open lots and
    `stuck` those of them that are; `features` are the documents of those that failed or are off,
    `prediction` is that of what is predicted, where something is.
    """

    pair: str
    state: str
    order: str | None = None
    price: float | None = None
    distance: float | None = None
    resting: bool = False
    reason: str = ""
    value: float | None = None
    threshold: float | None = None
    detail: str = ""
    since: datetime | None = None
    updated: datetime | None = None
    lots: int = 0
    stuck: int = 0
    locked_until: datetime | None = None
    lock: str = ""
    features: tuple[Mapping[str, Any], ...] = ()
    prediction: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a bot said of itself and of its pairs; `grid` is a cycle's published state."""

    name: str
    strategy: str
    state: str
    rows: tuple[Row, ...]
    budget: float | None
    left: float | None
    breakers: tuple[Mapping[str, Any], ...]


def told(bot: Bot) -> Told:
    """Ask a bot everything. Raises BotError, also where it runs another strategy or is stopped."""
    config = bot.ask("show_config")
    must_trade(config, bot.url)
    trades = {trade["pair"]: trade for trade in _list(bot.ask("status"))}
    pairs = list(dict.fromkeys([*bot.ask("whitelist")["whitelist"], *trades]))
    locks = [lock for lock in bot.ask("locks")["locks"] if lock["active"]]
    grids = {pair: published(bot, trade, STATE_KEY) for pair, trade in trades.items()}
    candles = {pair: last_candle(bot, pair, config) for pair in pairs}
    rows = [
        row(pair, candles[pair], trades.get(pair), grids.get(pair, {}), locks) for pair in pairs
    ]
    latest = max(grids.values(), key=lambda grid: str(grid.get("updated", "")), default={})
    budget = latest.get("budget") or {}
    return Told(
        config.get("bot_name") or "freqtrade",
        config["strategy"],
        config["state"],
        tuple(rows),
        budget.get("limit"),
        budget.get("left"),
        tuple(latest.get("breakers") or ()),
    )


def must_trade(config: Any, url: str) -> None:
    """Raise BotError where it is no bot, or one that trades nothing now."""
    if not isinstance(config, dict) or not {"state", "strategy", "timeframe"} <= config.keys():
        raise BotError(f"{url} answers, but is not freqtrade's REST API")
    if config.get("runmode") not in ("live", "dry_run"):
        raise BotError(f"{url} trades nothing: it runs as {config.get('runmode')}")
    if config["state"] not in RUNNING:
        raise BotError(f"the bot is {config['state']}: /start lets it trade")


def _list(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else []


def published(bot: Bot, trade: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the document published with a trade under a key; empty where there is none yet."""
    try:
        answer = bot.ask("list_custom_data", trade["trade_id"], key=key)
    except BotError:  # freqtrade answers 404 where a trade has no custom data
        return {}
    found = [data["value"] for one in _list(answer) for data in one["custom_data"]]
    return found[0] if found and isinstance(found[0], dict) else {}


def last_candle(bot: Bot, pair: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last analysed candle by column; empty before the first.

    Raises BotError where the strategy publishes no reason, as it is not gridkit's.
    """
    columns = [COLUMN, failing.COLUMN, *belief.COLUMNS]
    answer = bot.ask("pair_candles", pair, config["timeframe"], limit=1, columns=columns)
    if not answer["data"]:
        return {}
    if COLUMN not in answer["columns"]:
        raise BotError(
            f"{config['strategy']} is not gridkit's strategy: it publishes no {COLUMN!r}"
        )
    return dict(zip(answer["columns"], answer["data"][-1], strict=True))


def row(
    pair: str,
    candle: Mapping[str, Any],
    trade: Mapping[str, Any] | None,
    grid: Mapping[str, Any],
    locks: Sequence[Mapping[str, Any]],
) -> Row:
    """Put together what is known of one pair; an order on the exchange goes before a plan."""
    said, believed = logfmt.read(str(candle.get(COLUMN) or "")), belief.of(candle)
    resting = _resting(trade)
    price = resting["safe_price"] if resting else _number(said.get("price"))
    rate = (trade or {}).get("current_rate") or candle.get("close")
    lock = max(
        (one for one in locks if one["pair"] in (pair, EVERY_PAIR)),
        key=lambda one: one["lock_end_timestamp"],
        default=None,
    )
    return Row(
        pair=pair,
        state=_state(said, trade),
        order=resting["ft_order_tag"] or resting["ft_order_side"]
        if resting
        else _text(said, "next"),
        price=price,
        distance=price / rate - 1 if price and rate else None,
        resting=resting is not None,
        reason=said.get("condition", "") if said else UNKNOWN,
        value=_number(said.get("value")),
        threshold=_number(said.get("threshold")),
        detail=said.get("detail", ""),
        since=_time(said.get("since")),
        updated=_time(said.get("updated")),
        lots=len(grid.get("lots") or ()),
        stuck=len(grid.get("stuck") or ()),
        locked_until=_of_ms(lock["lock_end_timestamp"]) if lock else None,
        lock=(lock["reason"] or "") if lock else "",
        features=failing.read(str(candle.get(failing.COLUMN) or "")),
        prediction=believed.document() if believed else None,
    )


def _state(said: Mapping[str, str], trade: Mapping[str, Any] | None) -> str:
    """Return freqtrade's word on whether a trade is open, as what was said may be older."""
    if trade is None:
        return "waits" if said.get("state") == "open" else said.get("state", "waits")
    return "open" if trade.get("amount") else "opening"


def _resting(trade: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    orders = (trade or {}).get("orders") or ()
    return next((order for order in orders if order["is_open"]), None)


def _text(said: Mapping[str, str], key: str) -> str | None:
    return said.get(key) or None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _of_ms(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / MS_PER_SECOND, UTC)
