"""`gridkit settings`: every setting in tables, or as a JSON schema for editors."""

import argparse
import sys
from pathlib import Path

from gridkit.settings import document

TABLES, SCHEMA = "settings.md", "settings.schema.json"
FAILED = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "settings",
        help="every setting with type, bounds and default; or a JSON schema for editors",
        description="Print every setting in tables (Markdown).",
        epilog="example: gridkit settings --schema",
        allow_abbrev=False,
    )
    parser.add_argument("--schema", action="store_true", help="print a JSON schema instead")
    parser.add_argument(
        "--write",
        metavar="DIR",
        type=Path,
        help=f"write both into the documents there: {TABLES} and {SCHEMA}",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print or write; return 0, or 1 after one clear line."""
    if options.write is None:
        sys.stdout.write(document.schema_text() if options.schema else document.tables())
        return 0
    try:
        _write(options.write)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"gridkit settings: {error}\n")
        return FAILED
    return 0


def _write(folder: Path) -> None:
    path = folder / TABLES
    text = document.refreshed(path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    (folder / SCHEMA).write_text(document.schema_text(), encoding="utf-8")
