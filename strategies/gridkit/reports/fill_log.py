"""Fills out of freqtrade's log files: what `host/fill_log.py` wrote, read without a database.

A file may be compressed (gzip), rotated, have other lines between, and have its lines broken, as
freqtrade breaks them where it writes to a console of limited width.
"""

import gzip
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from gridkit.host import logfmt
from gridkit.host.fill_log import MARK
from gridkit.reports.market_data import ReportError

FIRST = "action="
LAST = "time="  # of all that is said of a fill
MOST_PIECES = 12  # a broken line may have
GZIP = b"\x1f\x8b"

_HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_MARK = re.compile(rf"(?:^|\s){MARK}\s+(?={FIRST}|$)")


@dataclass(frozen=True, slots=True)
class LoggedFill:
    """One filled order. Amounts in base currency; `pnl` and `fee` in `currency`; seconds.

    `pnl` is after the fees of entry and exit and before funding, None for an entry; `fee` is of
    this order alone; `duration` is the mean age of the lots it closed.
    """

    action: str
    pair: str
    level: str
    size: float
    entry: float | None
    exit: float | None
    pnl: float | None
    fee: float
    duration: float | None
    lots: int
    wins: int
    currency: str
    trade: int
    order: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """What was read: fills in the order of time, and what was left out."""

    fills: tuple[LoggedFill, ...]
    repeated: int
    broken: tuple[str, ...]


def read(paths: Iterable[Path]) -> Log:
    """Read all files as one log. Raises ReportError for one that cannot be read."""
    found: dict[LoggedFill, None] = {}
    lines, broken = 0, []
    for path in paths:
        for number, text in _marked(path):
            if not text.lstrip().startswith(FIRST):
                continue
            try:
                fill = parsed(text)
            except ValueError as error:
                broken.append(f"{path}:{number}: {error}")
                continue
            lines += 1
            found[fill] = None
    fills = sorted(found, key=lambda fill: (fill.time, fill.trade, fill.order))
    return Log(tuple(fills), lines - len(found), tuple(broken))


def parsed(text: str) -> LoggedFill:
    """Read the fields of one line. Raises ValueError that says what is wrong with it."""
    fields = logfmt.read(text)
    missing = [name for name in LoggedFill.__slots__ if name not in fields]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    if not fields["action"] or not fields["pair"]:
        raise ValueError("action or pair is empty")
    time = datetime.fromisoformat(fields["time"])
    if time.tzinfo is None:
        raise ValueError(f"time {fields['time']} has no time zone")
    return LoggedFill(
        action=fields["action"],
        pair=fields["pair"],
        level=fields["level"],
        size=_number(fields, "size"),
        entry=_known(fields, "entry"),
        exit=_known(fields, "exit"),
        pnl=_known(fields, "pnl"),
        fee=_number(fields, "fee"),
        duration=_known(fields, "duration"),
        lots=int(fields["lots"]),
        wins=int(fields["wins"]),
        currency=fields["currency"],
        trade=int(fields["trade"]),
        order=int(fields["order"]),
        time=time,
    )


def _known(fields: dict[str, str], name: str) -> float | None:
    return _number(fields, name) if fields[name] else None


def _number(fields: dict[str, str], name: str) -> float:
    number = float(fields[name] or "nan")
    if not math.isfinite(number):
        raise ValueError(f"{name}={fields[name]} is no finite number")
    return number


def _marked(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and the fields of each line about a fill, its broken pieces joined."""
    first, pieces = 0, list[str]()
    for number, line in enumerate(_lines(path), start=1):
        start = _MARK.search(line)
        if start:
            if pieces:
                yield first, " ".join(pieces)
            first, pieces = number, [line[start.end() :].strip()]
        elif pieces and (_HEAD.search(line) or len(pieces) >= MOST_PIECES):
            yield first, " ".join(pieces)
            pieces = []
        elif pieces:
            pieces.append(line.strip())
        if pieces and f" {LAST}" in f" {pieces[-1]}":
            yield first, " ".join(pieces)
            pieces = []
    if pieces:
        yield first, " ".join(pieces)


def _lines(path: Path) -> Iterator[str]:
    with _readable(path) as file:
        for line in file:
            yield _message(_COLOR.sub("", line))


def _message(line: str) -> str:
    """Return the message of a line that freqtrade's JSON formatter wrote; others as they are."""
    if not line.startswith("{"):
        return line
    try:
        return str(json.loads(line).get("message", ""))
    except ValueError:
        return line


@contextmanager
def _readable(path: Path) -> Iterator[IO[str]]:
    """Open a text file, compressed or not; a failure, also while reading, is one sentence."""
    try:
        with path.open("rb") as raw:
            compressed = raw.read(len(GZIP)) == GZIP
        if compressed:
            with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
                yield file
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield file
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReportError(f"cannot read {path} ({reason}).") from error
