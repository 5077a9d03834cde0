"""`gridkit why`: for every pair of a running bot the next order, or why there is none."""

import argparse
import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gridkit.host.messages import duration
from gridkit.why.bot import Bot, BotError, access_of
from gridkit.why.rows import Row, Told, told

FAILED = 1
WIDE = 200  # columns where the output is no terminal
STATES = {
    "off": "is off, until /reload_config,",
    "failing": "failed in the last candle it was asked for",
    "refuses": "fails, and refuses all new risk,",
}
COLUMNS = ("pair", "state", "lots", "next order", "price", "distance", "why no more", "since")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "why",
        help="ask a running bot: each pair's next order, or what it waits for",
        description="Ask a running bot over its REST API for each pair's next order, or the "
        "condition against one with its value and threshold.",
        epilog="example: gridkit why -c config.json --watch 10",
        allow_abbrev=False,
    )
    add_bot_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--watch", metavar="N", type=_seconds, help="ask again every N seconds")
    parser.set_defaults(run=run)


def add_bot_options(parser: argparse.ArgumentParser) -> None:
    """Register the options that name a running bot."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="the bot's configuration, for api_server; several as freqtrade takes them",
    )
    parser.add_argument("--url", metavar="URL", help="the bot's address, over the configuration's")
    parser.add_argument("--username", metavar="NAME", help="likewise")
    parser.add_argument(
        "--password", help="likewise; FREQTRADE__API_SERVER__PASSWORD keeps it off the screen"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 86_400:  # noqa: PLR2004 (a second to a day)
        raise ValueError
    return seconds


def run(options: argparse.Namespace) -> int:
    """Print what the bot says; return 0, or 1 after one clear line."""
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    try:
        bot = Bot(access_of(options.config, options.url, options.username, options.password))
        while True:
            _print(told(bot), console, as_json=options.json, clear=options.watch is not None)
            if options.watch is None:
                return 0
            time.sleep(options.watch)
    except BotError as error:
        sys.stderr.write(f"gridkit why: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        return 0


def _print(answer: Told, console: Console, *, as_json: bool, clear: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(asdict(answer), default=_plain, allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    now = datetime.now(UTC)
    if clear and console.is_terminal:
        console.clear()
    console.print(table(answer, now))
    for sentence in sentences(answer, now):
        console.print(sentence, markup=False, highlight=False)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    raise TypeError(f"{type(value).__name__} in the answer")


def table(answer: Told, now: datetime) -> Table:
    """Set the pairs below each other."""
    paused = "" if answer.state == "running" else f", {answer.state}: no cycle is opened"
    made = Table(title=Text(f"{answer.name}: {answer.strategy}{paused}"), title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="right" if name in ("lots", "price", "distance") else "left")
    for one in answer.rows:
        made.add_row(*(Text(cell) for cell in cells(one, now)))
    return made


def cells(one: Row, now: datetime) -> tuple[str, ...]:
    """Return one pair's row."""
    order = f"{one.order}{' (rests)' if one.resting else ''}" if one.order else "none"
    price = "" if one.price is None else f"{one.price:.8g}"
    if one.order and one.price is None:
        price = "market"
    return (
        one.pair,
        one.state,
        f"{one.lots} ({one.stuck} stuck)" if one.stuck else str(one.lots or ""),
        order,
        price,
        "" if one.distance is None else f"{one.distance:+.2%}",
        against(one),
        "" if one.since is None else f"{one.since:%m-%d %H:%M} ({_ago(one.since, now)})",
    )


def against(one: Row) -> str:
    """Say what stands against an order, with its figures, and the pair's lock."""
    text = one.reason
    if text and one.threshold is not None:
        value = "unknown" if one.value is None else f"{one.value:.6g}"
        text += f": {value} against {one.threshold:.6g}"
    if one.locked_until is not None:
        lock = f"locked until {one.locked_until:%m-%d %H:%M} {one.lock}".rstrip()
        text = f"{text}; {lock}" if text else lock
    return text or one.detail


def sentences(answer: Told, now: datetime) -> list[str]:
    """Return what a row has no room for: breakers, budget, features that failed, the age."""
    said = [
        f"breaker {one['name']} is up: {one['value']} against {one['threshold']}; {one['action']}"
        for one in answer.breakers
    ]
    if answer.budget is not None and answer.left is not None:
        said.append(f"recovery may still lose {answer.left:.2f} of {answer.budget:.2f}")
    said += [f"{one.pair}: {one.prediction['told']}" for one in answer.rows if one.prediction]
    said += _failing(answer)
    updated = [one.updated for one in answer.rows if one.updated is not None]
    if updated:
        said.append(f"times are UTC; the oldest answer is {_ago(min(updated), now)} old")
    return said


def _failing(answer: Told) -> list[str]:
    """Return one sentence per feature that failed, with the pairs it failed on."""
    pairs: dict[tuple[str, str, str], list[str]] = {}
    for row in answer.rows:
        for one in row.features:
            key = (str(one.get("name")), str(one.get("state")), str(one.get("why")))
            pairs.setdefault(key, []).append(row.pair)
    return [
        f"{name} {STATES.get(state, state)} on {', '.join(of)}: {why}"
        for (name, state, why), of in pairs.items()
    ]


def _ago(then: datetime, now: datetime) -> str:
    return duration((now - then).total_seconds())
