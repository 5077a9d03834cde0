"""`gridkit models`: learners compared on the same days, their features, and what these say."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from gridkit.models.asked import asked
from gridkit.models.comparison import Comparison, compare
from gridkit.models.document import document
from gridkit.models.errors import ModelsError
from gridkit.models.text import show

WRONG = 2
WIDE = 200  # columns where the output is no terminal


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its own."""
    parser = subparsers.add_parser(
        "models",
        help="compare the predictor's learners, list its features, read their importance",
        description="The predictor's learners, without an exchange.",
        allow_abbrev=False,
    )
    below = parser.add_subparsers(required=True, metavar="WHAT")
    _add_compare(below)


def _add_compare(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "compare",
        help="train learners on the same windows, and judge them on the days after",
        description="Train learners window by window on candles of a data folder, let them predict "
        "the days after each, and print how good they were, all on the same candles with the same "
        "seeds.",
        epilog="example: gridkit models compare --datadir user_data/data/binance --pairs BTC/USDT "
        "--timerange 20240101-20240301 --png learners.png",
        allow_abbrev=False,
    )
    _add_data(parser)
    parser.add_argument("--from", dest="since", metavar="DATE", help="first day to predict, UTC")
    parser.add_argument("--to", dest="until", metavar="DATE", help="day before which to stop, UTC")
    parser.add_argument(
        "--timerange", metavar="RANGE", help="both as freqtrade writes it: 20240101-20240301"
    )
    parser.add_argument(
        "--train-days", metavar="N", type=float, help="to learn from before each window; 30"
    )
    parser.add_argument("--test-days", metavar="N", type=float, help="of a window; 7")
    parser.add_argument(
        "--learners", metavar="NAME", nargs="+", help="default: those that are installed"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="of learners and resampling; 1")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures as JSON")
    parser.add_argument("--png", metavar="FILE", type=Path, help="write a picture")
    parser.set_defaults(run=run)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--datadir",
        metavar="DIR",
        type=Path,
        required=True,
        help="candles as freqtrade stores them",
    )
    parser.add_argument("--pairs", metavar="PAIR", nargs="+", help="default: those of --config")
    parser.add_argument("--timeframe", metavar="T", help="candles that are predicted; 5m")
    parser.add_argument(
        "--timeframes", metavar="T", nargs="+", help="that features are of; 5m 15m 1h"
    )
    parser.add_argument(
        "--correlated", metavar="PAIR", nargs="+", help="pairs whose features are shown as well"
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="whose sections gridkit and freqai are the defaults; several as freqtrade takes them",
    )


def run(options: argparse.Namespace) -> int:
    """Compare, print and write; return 0, or 2 after one clear line."""
    errors = Console(stderr=True)
    try:
        _writable(options.json, options.png)
        with errors.status("") as status:
            found = compare(asked(options), status.update)
            _write(found, options)
    except ModelsError as error:
        sys.stderr.write(f"gridkit models compare: {error}\n")
        return WRONG
    show(found, Console(width=None if sys.stdout.isatty() else WIDE))
    return 0


def _writable(*targets: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    for target in filter(None, targets):
        if target.is_dir() or not target.parent.is_dir():
            raise ModelsError(f"cannot write {target}: allowed is a file in a folder that exists")


def _write(found: Comparison, options: argparse.Namespace) -> None:
    """Write the files asked for; the drawing library loads only when one is."""
    if options.json:
        text = json.dumps(document(found), indent=2, allow_nan=False) + "\n"
        with _told(options.json):
            options.json.write_text(text, encoding="utf-8")
    if options.png:
        from gridkit.models.picture import write_picture  # noqa: PLC0415

        with _told(options.png):
            write_picture(found, options.png)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelsError(f"cannot write {target}: {error.strerror or error}") from None
