"""The `gridkit` command."""

import argparse
import sys
from collections.abc import Sequence

from gridkit import __version__, offline
from gridkit.check import command as check
from gridkit.check import listing
from gridkit.models import command as models
from gridkit.reports import command as report
from gridkit.reports import fills
from gridkit.why import command as why
from gridkit.why import portfolio


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="gridkit",
        description="Grids for freqtrade: offline runs, honest reports, and what a bot waits for.",
    )
    parser.add_argument("--version", action="version", version=f"gridkit {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    offline.add_parser(subparsers)
    check.add_parser(subparsers)
    listing.add_parser(subparsers)
    report.add_parser(subparsers)
    why.add_parser(subparsers)
    portfolio.add_parser(subparsers)
    fills.add_parser(subparsers)
    models.add_parser(subparsers)
    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
