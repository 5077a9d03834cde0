"""`python -m studies.analytics --data DATA`: what each module says of real markets.

Prints a Markdown table or more per module. `--pictures FOLDER` draws one picture each,
`--docs FILE` renews the tables in a document. Ends with 2, and one line, where data is missing.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from matplotlib.figure import Figure

from studies import (
    basket,
    books,
    composite,
    confluence,
    correlation,
    estimators,
    garch,
    implied,
    orderflow,
    profile,
    regime,
    stress,
    thresholds,
)
from studies.data import MissingData
from studies.document import figures, renewed
from studies.pictures import save
from studies.tables import Table

MISSING = 2


class Study(Protocol):
    """What a module of this folder offers."""

    def tables(self, data: Path) -> list[Table]:
        """Measure."""

    def picture(self, data: Path) -> Figure:
        """Draw."""


STUDIES: Mapping[str, Study] = {
    "estimators": estimators,
    "garch": garch,
    "basket": basket,
    "implied": implied,
    "composite": composite,
    "stress": stress,
    "profile": profile,
    "regime": regime,
    "confluence": confluence,
    "thresholds": thresholds,
    "orderflow": orderflow,
    "books": books,
    "correlation": correlation,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies that are asked for; return the exit status."""
    options = _options(arguments)
    try:
        if not options.data.is_dir():
            raise MissingData(f"no folder {options.data}")
        for name in options.module or STUDIES:
            _run(name, options)
    except MissingData as error:
        sys.stderr.write(f"studies.analytics: {error}\n")
        return MISSING
    return 0


def picture_name(name: str) -> str:
    """Return the file name of a study's picture."""
    return f"analytics-{name}.png"


def _run(name: str, options: argparse.Namespace) -> None:
    study = STUDIES[name]
    if options.pictures:
        save(study.picture(options.data), options.pictures / picture_name(name))
        if not options.docs:
            return
    found = figures(study.tables(options.data))
    sys.stdout.write(f"## {name}\n\n{found}\n\n")
    sys.stdout.flush()
    if options.docs:
        text = options.docs.read_text(encoding="utf-8")
        options.docs.write_text(renewed(text, name, found), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="studies.analytics", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument(
        "--module", choices=STUDIES, action="append", help="only this one; may be repeated"
    )
    parser.add_argument(
        "--pictures", type=Path, help="draw the pictures into this folder, and measure nothing"
    )
    parser.add_argument("--docs", type=Path, help="renew the tables in this document")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
