"""`python -m studies.grid --data DATA`: what AdaptiveGrid does on real candles, and what of it why.

Runs freqtrade's own backtests offline, one after the other, about a minute for each half year of
five pairs, and prints Markdown tables. `--out FOLDER` keeps the outcomes, so that a study that was
interrupted goes on: empty it when the code has changed. `--docs FILE` renews the tables in a
document. Ends with 2, and one line, where data is missing.
"""

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from studies import grid_tables
from studies.data import MissingData
from studies.document import figures, renewed
from studies.grid_cases import WINDOWS, Case, Period
from studies.grid_runs import Outcome, Runner
from studies.grid_tables import Study
from studies.tables import Table

MISSING = 2

STUDIES: Mapping[str, Study] = {
    "wanted": grid_tables.wanted,
    "contribution": grid_tables.contribution,
    "beside": grid_tables.beside,
    "small": grid_tables.small,
    "lines": grid_tables.lines,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies that are asked for; return the exit status."""
    options = _options(arguments)
    logging.disable(logging.WARNING)
    try:
        if not options.data.is_dir():
            raise MissingData(f"no folder {options.data}")
        names = [options.window] if options.window else list(WINDOWS)
        periods = [period for name in names for period in WINDOWS[name]]
        with Measuring(options.data, options.out) as measured:
            for name in options.only or STUDIES:
                _show(name, list(STUDIES[name](measured, periods)), options.docs)
    except MissingData as error:
        sys.stderr.write(f"studies.grid: {error}\n")
        return MISSING
    return 0


def mark(name: str) -> str:
    """Return what the figures of a study are called in a document."""
    return f"grid {name}"


class Measuring:
    """Runs what is asked for and not known yet; one exchange at a time, stopped at the end."""

    def __init__(self, data: Path, kept: Path | None = None) -> None:
        self._data = data
        self._kept = kept
        self._runner: Runner | None = None
        self._known: dict[tuple[Period, str], Outcome] = {}

    def __enter__(self) -> Self:
        """Nothing is started before it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the exchange."""
        if self._runner is not None:
            self._runner.close()

    def __call__(self, period: Period, case: Case) -> Outcome:
        """Return what a case came to in a period."""
        key = period, case.name
        if key not in self._known:
            begun = time.monotonic()
            self._known[key] = self._of(period).outcome(case)
            seconds = time.monotonic() - begun
            sys.stderr.write(f"{period.name}, {case.name}: {seconds:.0f} s\n")
        return self._known[key]

    def _of(self, period: Period) -> Runner:
        if self._runner is None or self._runner.period != period:
            if self._runner is not None:
                self._runner.close()
            self._runner = Runner(self._data, period, self._kept)
        return self._runner


def _show(name: str, tables: list[Table], docs: Path | None) -> None:
    found = figures(tables)
    sys.stdout.write(f"## {name}\n\n{found}\n\n")
    sys.stdout.flush()
    if docs:
        text = docs.read_text(encoding="utf-8")
        docs.write_text(renewed(text, mark(name), found), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="studies.grid", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--window", choices=WINDOWS, help="only these markets")
    parser.add_argument(
        "--only", choices=STUDIES, action="append", help="only this study; may be repeated"
    )
    parser.add_argument("--out", type=Path, help="keep what each run came to in this folder")
    parser.add_argument("--docs", type=Path, help="renew the tables in this document")
    options = parser.parse_args(arguments)
    if options.docs and options.window:
        parser.error("--docs wants the tables of all windows")
    if options.out and not options.out.is_dir():
        parser.error(f"--out: no folder {options.out}")
    return options


if __name__ == "__main__":
    sys.exit(main())
