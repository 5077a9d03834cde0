"""`gridkit models compare`: the comparison made, printed, written."""

import argparse
import json
import sys

from rich.console import Console

from gridkit.models.asked import asked
from gridkit.models.comparison import Comparison, compare
from gridkit.models.document import document
from gridkit.models.errors import WIDE, WRONG, ModelsError, writable, writing
from gridkit.models.text import show


def run(options: argparse.Namespace) -> int:
    """Compare, print and write; return 0, or 2 after one clear line."""
    errors = Console(stderr=True)
    try:
        writable(options.json, options.png)
        with errors.status("") as status:
            found = compare(asked(options), status.update)
            _write(found, options)
    except ModelsError as error:
        sys.stderr.write(f"gridkit models compare: {error}\n")
        return WRONG
    show(found, Console(width=None if sys.stdout.isatty() else WIDE))
    return 0


def _write(found: Comparison, options: argparse.Namespace) -> None:
    """Write the files asked for; the drawing library loads only when one is."""
    if options.json:
        text = json.dumps(document(found), indent=2, allow_nan=False) + "\n"
        with writing(options.json):
            options.json.write_text(text, encoding="utf-8")
    if options.png:
        from gridkit.models.picture import write_picture  # noqa: PLC0415

        with writing(options.png):
            write_picture(found, options.png)
