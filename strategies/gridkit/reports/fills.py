"""`gridkit fills LOGFILE`: what a bot's fills came to, by its log alone."""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gridkit.grid import tags
from gridkit.host.messages import duration
from gridkit.reports.fill_log import Log, LoggedFill, read
from gridkit.reports.market_data import ReportError

FAILED = 1
WIDE = 160  # columns where the output is no terminal
HARVEST = frozenset({tags.SELL, tags.COVER, tags.TRIM, tags.END})
STOPS = frozenset({tags.STOP, tags.FLATTEN})
RECOVERY = frozenset({tags.RECOVER})


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over some fills, in one stake currency and before funding; seconds. None: of nothing.

    `harvest` is the profit of sales at targets, `stops` and `recovery` are what stops and recovery
    made (losses are negative), `other` is of exits by hand or by freqtrade. `result`, their sum, is
    after all fees but those of lots still held; `fees` are those of every fill. A lot that was sold
    in pieces counts once for each; `mean_seconds` weighs each exit by its lots.
    """

    fills: int
    entries: int
    lots: int
    result: float
    harvest: float
    stops: float
    stopped_lots: int
    recovery: float
    other: float
    fees: float
    mean_seconds: float | None
    max_seconds: float | None
    win_rate: float | None


def figures(fills: "Sequence[LoggedFill]") -> Figures:
    """Add up some fills of one currency."""
    exits = [fill for fill in fills if fill.pnl is not None]
    aged = [fill for fill in exits if fill.duration is not None]
    lots, aged_lots = sum(fill.lots for fill in exits), sum(fill.lots for fill in aged)
    named = HARVEST | STOPS | RECOVERY
    seconds = math.fsum((fill.duration or 0.0) * fill.lots for fill in aged)
    return Figures(
        fills=len(fills),
        entries=sum(fill.exit is None for fill in fills),
        lots=lots,
        result=_profit(exits, lambda _action: True),
        harvest=_profit(exits, HARVEST.__contains__),
        stops=_profit(exits, STOPS.__contains__),
        stopped_lots=sum(fill.lots for fill in exits if fill.action in STOPS),
        recovery=_profit(exits, RECOVERY.__contains__),
        other=_profit(exits, lambda action: action not in named),
        fees=math.fsum(fill.fee for fill in fills),
        mean_seconds=seconds / aged_lots if aged_lots else None,
        max_seconds=max((fill.duration or 0.0 for fill in aged), default=None),
        win_rate=sum(fill.wins for fill in exits) / lots if lots else None,
    )


def _profit(fills: "Iterable[LoggedFill]", counts: Callable[[str], bool]) -> float:
    return math.fsum(fill.pnl or 0.0 for fill in fills if counts(fill.action))


def document(log: Log) -> dict[str, Any]:
    """Return all figures by currency: in all, by pair and by action."""
    return {
        "currencies": {
            currency: {
                "total": asdict(figures(fills)),
                "pairs": _figures_by("pair", fills),
                "actions": _figures_by("action", fills),
                "from": fills[0].time.isoformat(),
                "to": fills[-1].time.isoformat(),
            }
            for currency, fills in grouped("currency", log.fills).items()
        },
        "repeated_lines": log.repeated,
        "broken_lines": list(log.broken),
    }


def grouped(name: str, fills: "Iterable[LoggedFill]") -> dict[str, list[LoggedFill]]:
    """Return the fills by one of their fields, its values in alphabetical order."""
    groups: dict[str, list[LoggedFill]] = {}
    for fill in fills:
        groups.setdefault(getattr(fill, name), []).append(fill)
    return dict(sorted(groups.items()))


def _figures_by(name: str, fills: "Iterable[LoggedFill]") -> dict[str, dict[str, Any]]:
    return {key: asdict(figures(group)) for key, group in grouped(name, fills).items()}


def table(title: str, rows: dict[str, Figures]) -> Table:
    """Set figures of several groups below each other."""
    made = Table(title=title, title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="right" if len(made.columns) else "left", no_wrap=True)
    for name, of_group in rows.items():
        made.add_row(Text(name), *cells(of_group))
    return made


COLUMNS = (
    "",
    "fills",
    "lots",
    "harvest",
    "stops",
    "recovery",
    "other",
    "result",
    "fees",
    "mean age",
    "max age",
    "win rate",
)


def cells(of_group: Figures) -> tuple[str, ...]:
    """Return one row of the table, without its name."""
    money = (
        of_group.harvest,
        of_group.stops,
        of_group.recovery,
        of_group.other,
        of_group.result,
        of_group.fees,
    )
    ages = (of_group.mean_seconds, of_group.max_seconds)
    return (
        str(of_group.fills),
        str(of_group.lots),
        *(f"{amount:.4f}" for amount in money),
        *("" if age is None else duration(age) for age in ages),
        "" if of_group.win_rate is None else f"{of_group.win_rate:.1%}",
    )


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "fills",
        help="what a bot's fills came to, out of its log",
        description="Add up the GRID_FILL lines of freqtrade's log files (rotated and compressed "
        "ones too). Amounts in stake currency, after fees and before funding.",
        epilog="example: gridkit fills user_data/logs/freqtrade.log*",
        allow_abbrev=False,
    )
    parser.add_argument("logs", metavar="LOGFILE", nargs="+", type=Path, help="freqtrade's log")
    parser.add_argument("--pair", metavar="P", help="of this pair alone")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the figures of the parsed options; return 0, or 1 after one clear message."""
    try:
        log = _of_pair(read(options.logs), options)
    except ReportError as error:
        sys.stderr.write(f"gridkit fills: {error}\n")
        return FAILED
    if options.json:
        sys.stdout.write(json.dumps(document(log), indent=2, allow_nan=False) + "\n")
        return 0
    _warn(log)
    show(log, Console(width=None if sys.stdout.isatty() else WIDE))
    return 0


def _of_pair(log: Log, options: argparse.Namespace) -> Log:
    """Return the log of the pair asked for. Raises ReportError where there is nothing in it."""
    names = ", ".join(str(path) for path in options.logs)
    if not log.fills:
        because = f"; {len(log.broken)} are broken, as {log.broken[0]}" if log.broken else ""
        raise ReportError(f"no whole GRID_FILL line in {names}{because}.")
    if options.pair is None:
        return log
    fills = tuple(fill for fill in log.fills if fill.pair == options.pair)
    if not fills:
        known = ", ".join(grouped("pair", log.fills))
        raise ReportError(f"no fill of {options.pair} in {names}; there are {known}.")
    return Log(fills, log.repeated, log.broken)


def _warn(log: Log) -> None:
    if log.repeated:
        sys.stderr.write(f"gridkit fills: {log.repeated} repeated lines count once\n")
    if log.broken:
        sys.stderr.write(
            f"gridkit fills: {len(log.broken)} broken lines left out, first {log.broken[0]}\n"
        )


def show(log: Log, console: Console) -> None:
    """Print a table of pairs and one of actions for each stake currency."""
    for currency, fills in grouped("currency", log.fills).items():
        span = f"{fills[0].time:%Y-%m-%d %H:%M} to {fills[-1].time:%Y-%m-%d %H:%M} UTC"
        pairs = {name: figures(group) for name, group in grouped("pair", fills).items()}
        actions = {name: figures(group) for name, group in grouped("action", fills).items()}
        rows = {**pairs, "all": figures(fills)}
        console.print(table(f"{currency}, {span}, after fees, before funding", rows))
        console.print(table("by action", actions))
