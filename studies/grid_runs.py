"""Real freqtrade backtests of a strategy, one after the other, and what is kept of each."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.resolvers import ExchangeResolver

from gridkit.grid import laying
from gridkit.grid.plan import Plan
from gridkit.reports.records import Run
from gridkit.reports.report import Report, build
from gridkit.reports.result import run_from_stats, source_of_config
from gridkit.settings import Settings
from sandbox.running import running_exchange
from studies.data import MissingData
from studies.grid_cases import ROOT, Case, Period
from studies.grid_recovery import Budget, most_used

STRATEGY = "AdaptiveGrid"
DAYS_A_MONTH = 365 / 12
SECONDS_A_DAY = 86_400


@dataclass(slots=True)
class Placement:
    """Free lines of all plans of a run: laid, moved to volume, kept from it by their neighbours."""

    free: int = 0
    moved: int = 0
    fell_back: int = 0
    distance: float = 0.0  # sum of the moves, fractions of price

    def add(self, plan: Plan, before: Plan | None = None) -> Plan:
        """Count the lines of a plan that was laid, and return it."""
        steps = plan.steps
        if steps is not None and (before is None or steps is not before.steps):
            self.free += steps.free
            self.moved += steps.moved
            self.fell_back += steps.fell_back
            self.distance += steps.moved * steps.mean_move
        return plan


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is kept of a run. `figures` are the report's, `held` those of buy and hold.

    `least_free` is the least cash (spot) or equity beyond margin (futures), a share of equity.
    """

    figures: Mapping[str, Any]
    held: Mapping[str, Any]
    fills_per_pair_month: float
    least_free: float
    budget: Budget
    placement: Placement = field(default_factory=Placement)
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """Return a figure of the report; NaN where it is not known."""
        value = self.figures[name]
        return float("nan") if value is None else float(value)


class Runner:
    """Runs cases in one period. Outcomes are kept in a folder, and read where they are there.

    `user_data` is freqtrade's, where FreqAI keeps its predictions; without it nothing is left.
    """

    def __init__(
        self,
        data: Path,
        period: Period,
        kept: Path | None = None,
        strategy: str = STRATEGY,
        user_data: Path | None = None,
    ) -> None:
        self.period = period
        self._user_data = user_data
        self._strategy = strategy
        self.datadir = data / period.folder
        self._kept = kept
        self._stack = contextlib.ExitStack()
        self._served: Path | None = None
        self._exchange: Exchange | None = None
        if not self.datadir.is_dir():
            raise MissingData(f"no folder {self.datadir}")

    def close(self) -> None:
        """Stop the exchange, if it runs."""
        self._stack.close()

    def outcome(self, case: Case) -> Outcome:
        """Return what a case came to."""
        asked = {"period": self.period.timerange, **asdict(case)}
        path = None if self._kept is None else self._kept / f"{_file_name(self.period, case)}.json"
        if path is not None and path.is_file():
            known = json.loads(path.read_text(encoding="utf-8"))
            if known["asked"] == json.loads(json.dumps(asked)):
                return _read(known["outcome"])
        found = self._measured(case)
        if path is not None:
            text = json.dumps({"asked": asked, "outcome": asdict(found)}, indent=1)
            path.write_text(text + "\n", encoding="utf-8")
        return found

    def report(self, case: Case) -> Report:
        """Return the report of a case that is run now."""
        return self._reported(case)[0]

    def _measured(self, case: Case) -> Outcome:
        placement = Placement()
        with counting(placement):
            report, config = self._reported(case)
        budget = most_used(report, Settings.from_config(config).recovery)
        return outcome_of(report, budget, placement)

    def _reported(self, case: Case) -> tuple[Report, dict[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="gridkit-study-") as folder:
            config = self._config(case, Path(folder))
            return build(backtest(config, self._loaded(config))), config

    def _config(self, case: Case, folder: Path) -> dict[str, Any]:
        own = folder / "own.json"
        own.write_text(json.dumps({**case.others, "gridkit": case.settings}))
        served = self._running()
        # The case comes last, so that its pairs are those that count.
        files = [*self.period.configs, served, own]
        arguments = {
            "config": [str(file) for file in files],
            "datadir": str(self.datadir),
            "user_data_dir": str(self._user_data or folder),
            "strategy": self._strategy,
            "strategy_path": str(ROOT / "strategies"),
            "timerange": self.period.timerange,
            "backtest_cache": "none",
            "export": "none",
        }
        return Configuration(arguments, RunMode.BACKTEST).get_config()

    def _running(self) -> Path:
        if self._served is None:
            served = self._stack.enter_context(running_exchange(data=self.datadir))
            self._served = served.config_path
        return self._served

    def _loaded(self, config: dict[str, Any]) -> Exchange:
        if self._exchange is None:
            self._exchange = ExchangeResolver.load_exchange(
                config, load_leverage_tiers=self.period.futures
            )
            self._stack.callback(self._exchange.close)
        return self._exchange


def backtest(config: dict[str, Any], exchange: Exchange) -> Run:
    """Run freqtrade's backtesting, and return what its export would hold.

    The export itself is left out: its statistics take a fifth of the time.
    """
    testing = Backtesting(config, exchange)
    try:
        data, timerange = testing.load_bt_data()
        first, last = testing.backtest_one_strategy(testing.strategylist[0], data, timerange)
        (content,) = testing.all_bt_content.values()
        exported = {
            "strategy_name": config["strategy"],
            "stake_currency": config["stake_currency"],
            "starting_balance": config["dry_run_wallet"],
            "final_balance": content["final_balance"],
            "backtest_start_ts": first.timestamp() * 1000,
            "backtest_end_ts": last.timestamp() * 1000,
            "timeframe": testing.strategy.timeframe,
            "timeframe_detail": config.get("timeframe_detail"),
            "pairlist": list(data),
            "trades": content["results"].to_dict(orient="records"),
            "locks": [lock.to_json() for lock in content["locks"]],
        }
    finally:
        testing.cleanup()
    return run_from_stats(exported, source_of_config(config))


@contextlib.contextmanager
def counting(placement: Placement) -> Iterator[None]:
    """Count the lines of every plan that is laid while the block runs."""
    make, revised = laying.make, laying.revised

    def made(*args: Any, **kwargs: Any) -> Plan:
        return placement.add(make(*args, **kwargs))

    def anew(plan: Plan, *args: Any, **kwargs: Any) -> Plan:
        return placement.add(revised(plan, *args, **kwargs), plan)

    with mock.patch.multiple(laying, make=made, revised=anew):
        yield


def outcome_of(report: Report, budget: Budget, placement: Placement) -> Outcome:
    """Return what is kept of a report."""
    run, equity = report.run, report.equity
    months = len(equity.seconds) * run.step / SECONDS_A_DAY / DAYS_A_MONTH
    free = equity.equity - equity.margin if run.is_futures else equity.cash
    return Outcome(
        figures=dict(report.figures),
        held=dict(report.benchmark_figures),
        fills_per_pair_month=float(report.figures["fills_count"] or 0) / len(run.pairs) / months,
        least_free=float(np.min(free / equity.equity)),
        budget=budget,
        placement=placement,
        warnings=report.warnings,
    )


def _file_name(period: Period, case: Case) -> str:
    text = f"{period.folder.split('/')[0]} {period.timerange} {case.name}"
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def _read(document: dict[str, Any]) -> Outcome:
    nested = {
        "budget": Budget(**document["budget"]),
        "placement": Placement(**document["placement"]),
        "warnings": tuple(document["warnings"]),
    }
    return Outcome(**{**document, **nested})
