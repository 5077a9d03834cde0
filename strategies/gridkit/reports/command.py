"""`gridkit report`: the marked-to-market report of a freqtrade backtest."""

import argparse
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from gridkit.reports.document import document
from gridkit.reports.market_data import ReportError
from gridkit.reports.report import Report, build
from gridkit.reports.result import DEFAULT_RESULT, load_run
from gridkit.reports.text import show

FAILED = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "report",
        help="what a backtest was really worth: marked equity, fills, lots",
        description="Rebuild the equity of a freqtrade backtest candle by candle from its orders, "
        "the candles and the funding rates, and report it beside buy and hold.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "result",
        metavar="RESULT",
        nargs="?",
        type=Path,
        default=DEFAULT_RESULT,
        help=f"a .zip freqtrade wrote, or its folder (then the newest); default {DEFAULT_RESULT}",
    )
    parser.add_argument(
        "--datadir",
        metavar="DIR",
        type=Path,
        help="the candles the backtest ran on; default: the export's, else user_data/data/EXCHANGE",
    )
    parser.add_argument(
        "--strategy", metavar="NAME", help="which, where a result holds several strategies"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures as JSON")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write one page with charts")
    parser.add_argument(
        "--png", metavar="DIR", type=Path, help="write equity.png and grid-PAIR.png for each pair"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the report of the parsed options; return 0, or 1 after one clear message."""
    try:
        with _steps(_how_many(options)) as step:
            step("reading the result and its candles")
            with _quiet_freqtrade():
                backtest = load_run(options.result, options.strategy, options.datadir)
            step("rebuilding the equity")
            report = build(backtest)
            _write(report, options, step)
    except ReportError as error:
        told = f"gridkit report: {error}"
        # A path that is broken over two lines cannot be copied.
        Console(stderr=True).print(told, style="bold red", markup=False, soft_wrap=True)
        return FAILED
    show(report, Console())
    return 0


def _write(report: Report, options: argparse.Namespace, step: "Step") -> None:
    """Write the files asked for; the drawing libraries load only when they are."""
    if options.json:
        step("writing the figures")
        text = json.dumps(document(report), indent=2, allow_nan=False) + "\n"
        with _writable(options.json):
            options.json.write_text(text, encoding="utf-8")
    if options.html:
        step("drawing the page")
        from gridkit.reports.html import page  # noqa: PLC0415

        with _writable(options.html):
            options.html.write_text(page(report), encoding="utf-8")
    if options.png:
        step("drawing the pictures")
        from gridkit.reports.pictures import write_pictures  # noqa: PLC0415

        with _writable(options.png):
            write_pictures(report, options.png)


def _how_many(options: argparse.Namespace) -> int:
    return 2 + sum(bool(target) for target in (options.json, options.html, options.png))


class Step:
    """Moves a progress bar on; the call names what comes next."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)
        self._started = False

    def __call__(self, name: str) -> None:
        """Start the next step."""
        self._progress.update(self._task, description=name, advance=1 if self._started else 0)
        self._started = True


@contextmanager
def _steps(total: int) -> Iterator[Step]:
    """Show progress on standard error while the block runs; nothing remains of it."""
    columns = BarColumn(), TextColumn("{task.completed}/{task.total} {task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Step(progress, total)


@contextmanager
def _quiet_freqtrade() -> Iterator[None]:
    """Keep the loaders' log lines out of the report; what matters in them is said by ours."""
    logger = logging.getLogger("freqtrade")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _writable(target: Path) -> Iterator[None]:
    """Turn a failed write into one sentence; folders that are missing are not made up."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReportError(
            f"cannot write {target} ({reason}); give a place in a folder that exists and may be "
            "written to."
        ) from error
