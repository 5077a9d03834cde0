"""`gridkit check`: is this configuration right, and what does it come to."""

import argparse
import json
import logging
import sys
from pathlib import Path

from gridkit.check import markets
from gridkit.check.checked import Checked, UnknownStrategyError, checked, strategy_of
from gridkit.check.markets import Markets, MarketsError
from gridkit.check.said import overheard
from gridkit.host import config_files
from gridkit.host.config_files import ConfigFilesError
from gridkit.settings import SECTION
from gridkit.settings.catalogue import written

WRONG = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "check",
        help="check a configuration: wrong keys, values that differ, what may surprise",
        description="Read a configuration as freqtrade does, FREQTRADE__ variables included, and "
        "name every wrong setting at once. Needs no network. The exit status is 1 where something "
        "is wrong.",
        epilog="example: gridkit check -c config.json -c user_data/configs/futures.json",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        action="append",
        required=True,
        type=Path,
        help="configuration; several as freqtrade takes them, the last one wins",
    )
    parser.add_argument("--strategy", metavar="NAME", help="AdaptiveGrid or Confluence")
    parser.add_argument("--all", action="store_true", help="print every setting, defaults too")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--markets",
        action="store_true",
        help="ask the exchange for its markets, fees and smallest orders",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what was found; return 0, or 1 where something is wrong."""
    try:
        with overheard("freqtrade", logging.CRITICAL + 1):
            found = _found(options)
    except (ConfigFilesError, UnknownStrategyError, MarketsError) as error:
        sys.stderr.write(f"gridkit check: {error}\n")
        return WRONG
    shown = found.values if options.all else found.changed
    if options.json:
        sys.stdout.write(document(found, all_values=options.all))
    else:
        sys.stderr.writelines(f"{problem}\n" for problem in found.problems)
        sys.stdout.writelines(f"{line}\n" for line in lines(found, shown))
    return WRONG if found.problems else 0


def _found(options: argparse.Namespace) -> Checked:
    config = config_files.read(options.config)
    strategy = strategy_of(config, options.strategy)
    asked = markets.asked(config) if options.markets else Markets()
    return checked(config, strategy, asked)


def document(found: Checked, *, all_values: bool) -> str:
    """Return what was found as JSON."""
    shown = {
        "strategy": found.strategy,
        "valid": not found.problems,
        "problems": found.problems,
        "warnings": found.warnings,
        "values": found.values if all_values else found.changed,
    }
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def lines(found: Checked, shown: dict[str, object]) -> list[str]:
    """Return what is printed: nothing but the verdict where something is wrong."""
    if found.problems:
        return [f"{found.strategy}: {len(found.problems)} wrong"]
    told = [f"{SECTION}.{key} = {_told(key, value, found)}" for key, value in shown.items()]
    others = len(found.values) - len(shown)
    rest = [f"{others} other settings have their defaults (--all shows them)"] if others else []
    warned = [f"warning: {one}" for one in found.warnings]
    return [f"{found.strategy}: the configuration is valid", *told, *rest, *warned]


def _told(key: str, value: object, found: Checked) -> str:
    default = found.defaults[key]
    return written(value) + ("" if value == default else f" (default {written(default)})")
