"""A bot's story: it trades, is killed, trades on, is looked at, and is forced out three times."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from gridkit.why.bot import Access, BotError
from gridkit.why.bot import Bot as AskedBot
from gridkit.why.rows import Told, told
from live.bot import USER, Answer, Bot, running, until
from live.evidence import Placed, Sample, Trade, fills, first, lots_match, read

WANTED_FILLS = 6
FILL_SECONDS = 180.0
FORCE_SECONDS = 150.0
FLAT_SECONDS = 60.0
LOOPS = 4
TRIES = 3
STEP_MS = 2_000  # the sandbox's price changes so often
DECIDED_WITHIN_MS = 5_000  # from freqtrade's look at the book to its order, on a busy machine
HYSTERESIS = 0.15
FORCE_EXIT_PAUSE_CANDLES = 12

GRID = {
    "regime": {"enabled": False},  # it would decide by the hour whether these tests trade at all
    "spacing": {"method": "fixed", "grid_step": 0.003},
    "grid": {"wait_time_seconds": 1, "hysteresis": HYSTERESIS},
    "stops": {"force_exit_pause_candles": FORCE_EXIT_PAUSE_CANDLES},
    # What takes resting lines back by the market's mood, or by the hour of the day.
    "breakers": {"market": False},
    "brakes": {"illiquid": "ignore"},
}


@dataclass(frozen=True)
class Venue:
    """A market, the direction the grid takes there, and where its tape is."""

    name: str
    pairs: tuple[str, ...]
    overlays: tuple[str, ...]
    tape: str

    @property
    def entry_side(self) -> str:
        return "sell" if self.overlays else "buy"

    def settings(self) -> dict[str, Any]:
        return {
            "timeframe": "1m",
            "fee": 0.0002,
            "max_open_trades": len(self.pairs),
            "internals": {"process_throttle_secs": 1},
            "exchange": {"pair_whitelist": list(self.pairs)},
            "gridkit": GRID,
        }


SPOT_LONG = Venue(
    "spot-long", ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"), (), "/api/v3/aggTrades"
)
FUTURES_SHORT = Venue(
    "futures-short",
    ("SOL/USDT:USDT", "XRP/USDT:USDT", "ADA/USDT:USDT", "DOGE/USDT:USDT"),
    ("futures.json", "short.json"),
    "/fapi/v1/aggTrades",
)
VENUES = (SPOT_LONG, FUTURES_SHORT)


@dataclass
class Forced:
    """A forced exit: what rested, what the API answered, and the trade in the loops after."""

    trade: dict[str, Any]
    answers: list[Answer] = field(default_factory=list)
    between: list[dict[str, Any]] = field(default_factory=list)
    grid_between: dict[str, Any] = field(default_factory=dict)
    locks_between: list[dict[str, Any]] = field(default_factory=list)
    at: float = 0.0


@dataclass
class Record:
    """All that was seen of one life."""

    venue: Venue
    lives: list[list[Sample]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    fills_before_kill: tuple[int, int] = (0, 0)
    before_kill: Sample | None = None
    restarted: float = 0.0
    grids_after_kill: dict[int, dict[str, Any]] = field(default_factory=dict)
    traded: list[Trade] = field(default_factory=list)
    prices: dict[Placed, list[float]] = field(default_factory=dict)
    chart: dict[str, Any] = field(default_factory=dict)
    charted: dict[str, Any] = field(default_factory=dict)
    why: Told | None = None
    why_refused: str = ""
    forced: dict[str, Forced] = field(default_factory=dict)
    locks: list[dict[str, Any]] = field(default_factory=list)
    in_the_end: list[Trade] = field(default_factory=list)
    log: str = ""
    database: Path = Path()


def live_through(venue: Venue, bot: Bot, exchange_url: str) -> Record:
    """Run the whole story and return what was seen."""
    record = Record(venue)
    with running(bot):
        record.lives.append([])
        _clocked(record, "first fills", lambda: _trade_until(WANTED_FILLS, bot, record))
        record.fills_before_kill = fills(read(bot.database))
        record.before_kill = _killed_in_a_position(bot, record)
    with running(bot):
        record.lives.append([])
        record.restarted = time.time()
        record.grids_after_kill = _grids_taken_up(record.before_kill, bot)
        _clocked(
            record, "fills after the kill", lambda: _trade_until(2 * WANTED_FILLS, bot, record)
        )
        record.traded = read(bot.database)
        record.prices = _prices_at_replacements(record.traded, venue, exchange_url)
        _clocked(record, "chart", lambda: _look_at_the_chart(bot, record))
        _clocked(record, "why", lambda: _ask_why(bot, record))
        _clocked(record, "forced exits", lambda: _force_exits(bot, record))
        record.locks = bot.get("locks")["locks"]
    record.in_the_end = read(bot.database)
    record.log = bot.log.read_text()
    record.database = bot.database
    return record


def _clocked(record: Record, what: str, act: Callable[[], None]) -> None:
    start = time.monotonic()
    act()
    record.seconds[what] = time.monotonic() - start


def _sampled(bot: Bot, record: Record) -> Sample:
    """Take a sample in which no order was filled between its two requests."""

    def consistent() -> Sample | None:
        status = bot.get("status")
        grids = {one["trade_id"]: bot.grid(one["trade_id"]) for one in status}
        same = _amounts(status) == _amounts(bot.get("status"))
        return Sample(time.monotonic(), status, grids) if same else None

    sample: Sample = until("a moment without a fill", 20.0, consistent, bot)
    record.lives[-1].append(sample)
    return sample


def _amounts(status: list[dict[str, Any]]) -> dict[int, float]:
    return {trade["trade_id"]: trade["amount"] for trade in status}


def _trade_until(wanted: int, bot: Bot, record: Record) -> None:
    def enough() -> bool:
        _sampled(bot, record)
        return min(fills(read(bot.database))) >= wanted

    until(f"{wanted} fills each side", FILL_SECONDS, enough, bot)


def _killed_in_a_position(bot: Bot, record: Record) -> Sample:
    """Kill the bot while it holds two lots or more, so that the position outlives the kill."""

    def holding() -> Sample | None:
        sample = _sampled(bot, record)
        return sample if any(_holds_several(one, sample) for one in sample.status) else None

    sample: Sample = until("a position of several lots", FILL_SECONDS, holding, bot)
    bot.kill()
    return sample


def _grids_taken_up(before: Sample, bot: Bot) -> dict[int, dict[str, Any]]:
    """Return the positions' custom data once the new process has dealt with each of them."""
    _let_it_loop(bot, lambda: None)
    return {one["trade_id"]: bot.grid(one["trade_id"]) for one in before.status if _holds(one)}


def _holds_several(trade: dict[str, Any], sample: Sample) -> bool:
    document = sample.grids[trade["trade_id"]].get("gridstate")
    several = document is not None and len(document["value"]["lots"]) > 1
    return (
        several
        and _resting(trade) is not None
        and lots_match(trade, sample.grids[trade["trade_id"]])
    )


def _holds(trade: dict[str, Any]) -> bool:
    return bool(trade["amount"])


def _resting(trade: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = first(trade["orders"], lambda order: order["is_open"])
    return found


def _prices_at_replacements(
    trades: list[Trade], venue: Venue, url: str
) -> dict[Placed, list[float]]:
    """Prices in force while each replacement was decided, by the replacing order."""
    found = {}
    for order in (order for trade in trades for order in trade.orders):
        symbol = order.pair.partition(":")[0].replace("/", "")
        start = order.placed_ms - DECIDED_WITHIN_MS - STEP_MS + 1
        query = urlencode({"symbol": symbol, "startTime": start, "endTime": order.placed_ms})
        with urlopen(f"{url}{venue.tape}?{query}", timeout=20) as reply:
            found[order] = [float(step["p"]) for step in json.load(reply)]
    return found


def _look_at_the_chart(bot: Bot, record: Record) -> None:
    """Fetch a chart and the grid it shows, while that did not change, in a pair's later cycle."""

    def unchanged() -> bool:
        again = _pairs_closed_since(record.restarted, bot)
        before = _sampled(bot, record)
        trade = first(
            before.status, lambda one: one["pair"] in again and _has_lots_and_next(one, before)
        )
        if trade is None:
            return False
        grid = before.grids[trade["trade_id"]]
        chart = bot.get("pair_candles", pair=trade["pair"], timeframe="1m", limit=50)
        if _sampled(bot, record).grids.get(trade["trade_id"]) != grid:
            return False
        record.chart, record.charted = chart, grid
        return True

    until("a chart of a grid with lots and a next order", FORCE_SECONDS, unchanged, bot)


def _ask_why(bot: Bot, record: Record) -> None:
    """Ask as `gridkit why` does, with the password and with a wrong one."""
    url = f"http://127.0.0.1:{bot.port}"

    def answered() -> bool:
        record.why = told(AskedBot(Access(url, USER, USER)))
        return any(row.state == "open" and row.resting for row in record.why.rows)

    until("an answer with a cycle whose next order rests", FORCE_SECONDS, answered, bot)
    try:
        told(AskedBot(Access(url, USER, "wrong")))
    except BotError as error:
        record.why_refused = str(error)


def _pairs_closed_since(when: float, bot: Bot) -> set[str]:
    """Return pairs of which this process has seen a cycle to its end."""
    closed = bot.get("trades")["trades"]
    return {trade["pair"] for trade in closed if trade["close_timestamp"] > when * 1000}


def _has_lots_and_next(trade: dict[str, Any], sample: Sample) -> bool:
    document = sample.grids[trade["trade_id"]].get("gridstate")
    return bool(document and document["value"]["lots"] and document["value"]["next"])


def _force_exits(bot: Bot, record: Record) -> None:
    """Force out a trade whose entry rests (twice), one whose exit rests, one that never began."""
    entry = record.venue.entry_side
    rests = {
        "an entry rests": lambda one: _holds(one) and _resting_side(one) == entry,
        "an exit rests": lambda one: _holds(one) and _resting_side(one) not in (entry, None),
        "the first entry rests": lambda one: not _holds(one) and _resting_side(one) == entry,
    }
    for what, condition in rests.items():
        record.forced[what] = _forced_when(what, condition, bot, record)
    _watch_until_the_pairs_could_reopen(bot, record)


def _resting_side(trade: dict[str, Any]) -> str | None:
    order = _resting(trade)
    return order["ft_order_side"] if order else None


def _forced_when(
    what: str, condition: Callable[[dict[str, Any]], bool], bot: Bot, record: Record
) -> Forced:
    """Force a trade out until freqtrade has no such trade, watching some loops after each try."""
    trade = until(f"a trade where {what}", FORCE_SECONDS, lambda: _found(condition, bot), bot)
    forced = Forced(trade)
    while not forced.answers or (_still_open(trade, bot) and len(forced.answers) < TRIES):
        forced.answers.append(bot.post("forceexit", {"tradeid": str(trade["trade_id"])}))
        forced.at = forced.at or time.time()
        if forced.answers[-1].status == 200:
            until(
                "the forced trade to close", FLAT_SECONDS, lambda: not _still_open(trade, bot), bot
            )
            break
        _let_it_loop(bot, lambda: forced.between.append(_still_open(trade, bot)))
        forced.grid_between = bot.grid(trade["trade_id"])
        forced.locks_between = bot.get("locks")["locks"]
    return forced


def _found(condition: Callable[[dict[str, Any]], bool], bot: Bot) -> dict[str, Any] | None:
    found: dict[str, Any] | None = first(bot.get("status"), condition)
    return found


def _still_open(trade: dict[str, Any], bot: Bot) -> dict[str, Any]:
    """Return the trade as it is now, empty when it is gone. Its id may have been given again."""

    def same(one: dict[str, Any]) -> bool:
        keys = ("trade_id", "pair", "open_timestamp")
        return all(one[key] == trade[key] for key in keys)

    return first(bot.get("status"), same) or {}


def _let_it_loop(bot: Bot, look: Callable[[], object]) -> None:
    """Look after each of the bot's next loops."""
    for _ in range(LOOPS):
        _await_loop_after(_last_loop(bot), bot)
        look()


def _await_loop_after(done: int, bot: Bot) -> None:
    until("the next loop", 30.0, lambda: _last_loop(bot) > done, bot)


def _last_loop(bot: Bot) -> int:
    return bot.get("health")["last_process_ts"] or 0


def _watch_until_the_pairs_could_reopen(bot: Bot, record: Record) -> None:
    """freqtrade itself locks a pair until the candle ends: look on into the next one."""
    end = (time.time() // 60 + 1) * 60
    until("the next candle", 90.0, lambda: _sampled(bot, record) and time.time() > end, bot)
    _let_it_loop(bot, lambda: _sampled(bot, record))
