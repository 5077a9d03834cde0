"""`python -m studies.directional --data DATA`: what Confluence does on real candles, and why.

Runs freqtrade's own backtests offline, a few minutes for each half year of five pairs, and prints
Markdown tables. `--docs FILE` renews them in a document. Ends with 2, and one line, where data is
missing.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from gridkit.reports.report import Report
from studies import directional_tables as tables
from studies.data import MissingData
from studies.directional_cases import AS_IT_COMES, ONE_OTHER, Case
from studies.document import figures, renewed
from studies.grid_cases import RANGE, SPOT, WINDOWS, Period
from studies.grid_runs import Runner
from studies.tables import Table

MISSING = 2
STRATEGY = "Confluence"

Study = Callable[[Path, Sequence[Period]], Iterator[Table]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies that are asked for; return the exit status."""
    options = _options(arguments)
    logging.disable(logging.WARNING)
    try:
        if not options.data.is_dir():
            raise MissingData(f"no folder {options.data}")
        names = [options.window] if options.window else list(WINDOWS)
        periods = [period for name in names for period in WINDOWS[name]]
        for name in options.only or STUDIES:
            _show(name, list(STUDIES[name](options.data, periods)), options.docs)
    except MissingData as error:
        sys.stderr.write(f"studies.directional: {error}\n")
        return MISSING
    return 0


def mark(name: str) -> str:
    """Return what the figures of a study are called in a document."""
    return f"directional {name}"


def overall(data: Path, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield what it comes to beside buy and hold, and by kind, regime, level and exit."""
    for period in periods:
        (report,) = _reports(data, period, [AS_IT_COMES])
        yield tables.beside(period.name, report)
        yield from tables.by_tag(period.name, report)


def contribution(data: Path, periods: Sequence[Period]) -> Iterator[Table]:
    """Yield what is lost or won where one part is switched off."""
    cases = [AS_IT_COMES, *ONE_OTHER]
    for period in periods:
        if period in (RANGE, SPOT):
            rows = [
                tables.row(case.name, report)
                for case, report in zip(cases, _reports(data, period, cases), strict=True)
            ]
            yield tables.compared(f"{period.name}: one part changed at a time", rows)


STUDIES: Mapping[str, Study] = {"overall": overall, "contribution": contribution}


def _reports(data: Path, period: Period, cases: Sequence[Case]) -> Iterator[Report]:
    runner = Runner(data, period, strategy=STRATEGY)
    try:
        for case in cases:
            begun = time.monotonic()
            yield runner.report(case)
            sys.stderr.write(f"{period.name}, {case.name}: {time.monotonic() - begun:.0f} s\n")
    finally:
        runner.close()


def _show(name: str, found: Sequence[Table], docs: Path | None) -> None:
    text = figures(found)
    sys.stdout.write(f"## {name}\n\n{text}\n\n")
    sys.stdout.flush()
    if docs:
        whole = docs.read_text(encoding="utf-8")
        docs.write_text(renewed(whole, mark(name), text), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="studies.directional", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--window", choices=WINDOWS, help="only these markets")
    parser.add_argument(
        "--only", choices=STUDIES, action="append", help="only this study; may be repeated"
    )
    parser.add_argument("--docs", type=Path, help="renew the tables in this document")
    options = parser.parse_args(arguments)
    if options.docs and options.window:
        parser.error("--docs wants the tables of all windows")
    return options


if __name__ == "__main__":
    sys.exit(main())
