"""`python -m studies.prediction --data DATA --models FOLDER`: what predictions are worth.

Runs freqtrade's own backtests of both strategies offline, with the predictor and without, on BTC,
ETH and SUI perpetuals: trained on 90 days, anew each week, asked about the week after. The first
run trains for a quarter of an hour and more; FreqAI keeps the predictions in the folder, and reads
them in the next. `--docs FILE` renews the tables in a document. Ends with 2, and one line, where
data is missing.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gridkit.reports.report import Report
from studies import directional_tables, prediction_tables
from studies.data import MissingData
from studies.document import figures, renewed
from studies.grid_cases import BASE, CONFIGS, ROOT, Case, Period
from studies.grid_runs import Runner
from studies.prediction_tables import History, histories
from studies.tables import Table

MISSING = 2
STRATEGIES = ("AdaptiveGrid", "Confluence")
PAIRS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SUI/USDT:USDT")
PERIOD = Period(
    "BTC, ETH and SUI perpetuals, November 2023 to April 2024",
    "futures_5m_2023-05_2024-05/binance",
    "20231101-20240501",
    (BASE, CONFIGS / "futures.json"),
    True,
)
PROFILE = json.loads((CONFIGS / "predictor.json").read_text(encoding="utf-8"))
_MARKETS = {"exchange": {"pair_whitelist": list(PAIRS)}, "max_open_trades": len(PAIRS)}
WITHOUT = Case("without the predictor", others=_MARKETS)
WITH = Case(
    "with it", others={**_MARKETS, **PROFILE, "freqaimodel_path": str(ROOT / "freqaimodels")}
)
MARK = "prediction walk"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit status."""
    options = _options(arguments)
    logging.disable(logging.WARNING)
    try:
        if not options.data.is_dir():
            raise MissingData(f"no folder {options.data}")
        found = list(walked(options.data, options.models, options.strategy or STRATEGIES))
    except MissingData as error:
        sys.stderr.write(f"studies.prediction: {error}\n")
        return MISSING
    text = figures(found)
    sys.stdout.write(f"{text}\n")
    if options.docs:
        whole = options.docs.read_text(encoding="utf-8")
        options.docs.write_text(renewed(whole, MARK, text), encoding="utf-8")
    return 0


def walked(data: Path, models: Path, strategies: Sequence[str]) -> Iterator[Table]:
    """Yield of each strategy how good predictions were, when they were heeded, what that did."""
    for strategy in strategies:
        folder = models / strategy
        folder.mkdir(parents=True, exist_ok=True)
        runner = Runner(data, PERIOD, strategy=strategy, user_data=folder)
        try:
            reports = [_report(runner, case, strategy) for case in (WITHOUT, WITH)]
            seen = histories(runner.datadir, folder, PAIRS)
        finally:
            runner.close()
        yield from _tables(strategy, reports, seen)


def _report(runner: Runner, case: Case, strategy: str) -> Report:
    begun = time.monotonic()
    report = runner.report(case)
    sys.stderr.write(f"{strategy}, {case.name}: {time.monotonic() - begun:.0f} s\n")
    return report


def _tables(strategy: str, reports: Sequence[Report], seen: Sequence[History]) -> Iterator[Table]:
    yield prediction_tables.quality(f"{strategy}: predictions of {PERIOD.name}", seen)
    yield prediction_tables.gates(f"{strategy}: hours by what the gate says", seen)
    rows = [
        directional_tables.row(case.name, report)
        for case, report in zip((WITHOUT, WITH), reports, strict=True)
    ]
    yield directional_tables.compared(f"{strategy}: the same months", rows)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="studies.prediction", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument(
        "--models", type=Path, required=True, help="folder in which FreqAI keeps what it made"
    )
    parser.add_argument(
        "--strategy", choices=STRATEGIES, action="append", help="only this one; may be repeated"
    )
    parser.add_argument("--docs", type=Path, help="renew the tables in this document")
    options = parser.parse_args(arguments)
    if options.docs and options.strategy:
        parser.error("--docs wants the tables of both strategies")
    return options


if __name__ == "__main__":
    sys.exit(main())
