"""`make bench`: how fast backtests of ours are, where their time goes, what they must not exceed.

(a) a strategy that only holds, (b) AdaptiveGrid, (c) AdaptiveGrid with callbacks that freqtrade
copies the trade for, (d) Confluence, all on the same simulated candles. Exits with 1 when (b) and
(c) placed different orders; a bound that is missed is printed, not punished.
"""

import argparse
import contextlib
import gc
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "strategies"))

import pandas as pd  # noqa: E402
from freqtrade import __version__ as freqtrade_version  # noqa: E402 (our strategies come first)
from freqtrade.resolvers import ExchangeResolver  # noqa: E402
from freqtrade.system import gc_set_threshold  # noqa: E402

from benchmarks import (  # noqa: E402
    analytics,
    callbacks,
    live_loop,
    market,
    memory,
    orderflow,
    prediction,
    runs,
    tables,
)
from benchmarks.runs import Run, Setting  # noqa: E402
from benchmarks.verdicts import verdicts  # noqa: E402
from sandbox.running import running_exchange  # noqa: E402

PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT")
REPORT = ROOT / "user_data" / "reports" / "bench.json"
SLICE_STEP = 0.008
ROUNDS = 2
EVERYTHING = ROOT / "benchmarks" / "everything.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything, print the tables, write the report."""
    options = _options(arguments)
    logging.disable(logging.INFO)
    gc_set_threshold()
    started = time.monotonic()
    report = measured(options)
    report["memory"]["whole_mb"] = memory.peak_mb()
    report["wall_seconds"] = time.monotonic() - started
    judged = list(verdicts(report))
    report["verdicts"] = [verdict.as_document() for verdict in judged]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    tables.show(report, judged)
    _say(f"Written to {options.json}")
    return 0 if report["slice"]["equal_orders"] else 1


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all parts, one after the other."""
    pairs = PAIRS[: options.pairs]
    with _setting(pairs, options.days, options.grid_step) as setting:
        return {
            **_described(setting, options),
            **_year(setting, options.days),
            "slice": _slice(setting, min(options.slice_days, options.days)),
            "callbacks": _step("Single callbacks", lambda: callbacks.measure(setting)),
            "live_loop": _step("Loops of a running bot", live_loop.measure),
            "analytics": _step("Analytics", lambda: analytics.measure(setting.data)),
            "prediction": _predictor(setting),
            "orderflow": _step("Order flow", lambda: orderflow.measure(trades(options.trades))),
            "memory": _memory(setting, options.days),
        }


@contextlib.contextmanager
def _setting(pairs: Sequence[str], days: int, grid_step: float | None) -> Iterator[Setting]:
    """Write the candles, start the exchange, load its markets once for all runs."""
    with tempfile.TemporaryDirectory(prefix="gridkit-bench-") as name, running_exchange() as served:
        folder = Path(name)
        data = _step("Candles", lambda: market.write(folder, pairs, days))
        override = folder / "override.json"
        spacing = {} if grid_step is None else {"grid_step": grid_step}
        override.write_text(json.dumps({"gridkit": {"spacing": spacing}}))
        setting = Setting(data, (served.config_path, override))
        config = runs.configuration(setting, runs.GRID, days)
        exchange = ExchangeResolver.load_exchange(config, load_leverage_tiers=True)
        try:
            yield Setting(data, setting.overlays, exchange)
        finally:
            exchange.close()


def _year(setting: Setting, days: int) -> dict[str, Any]:
    """Time (a) around (b) and (d), as the machine may become busier or idler meanwhile."""
    hold = [_backtest("(a) HoldOnly", setting, runs.HOLD, days)]
    grid = _backtest("(b) AdaptiveGrid", setting, runs.GRID, days)
    directional = _backtest("(d) Confluence", setting, runs.DIRECTIONAL, days)
    hold.append(_backtest("(a) HoldOnly again", setting, runs.HOLD, days))
    seconds = statistics.mean(run.loop_seconds for run in hold)
    return {
        "hold": replace(hold[0], loop_seconds=seconds).summary(),
        "grid": grid.summary(),
        "directional": directional.summary(),
    }


def _slice(setting: Setting, days: int) -> dict[str, Any]:
    """Time (b) and (c) in turns on the last days, and compare their orders.

    Closer lines than the year's: what a copy costs grows with the orders in a trade.
    """
    override = setting.data.folder / "slice.json"
    override.write_text(json.dumps({"gridkit": {"spacing": {"grid_step": SLICE_STEP}}}))
    setting = replace(setting, overlays=(*setting.overlays, override))
    grid, copied = [], []
    for _ in range(ROUNDS):
        grid.append(_backtest(f"(b) last {days} days", setting, runs.GRID, days))
        copied.append(_backtest(f"(c) last {days} days", setting, runs.GRID, days, copied=True))
    difference = runs.first_difference(grid[0].orders, copied[0].orders)
    return {
        "days": days,
        "grid_step": SLICE_STEP,
        "grid": _fastest(grid).summary(),
        "copied": _fastest(copied).summary(),
        "equal_orders": difference is None,
        "compared_orders": len(grid[0].orders),
        "first_difference": difference,
    }


def _predictor(setting: Setting) -> dict[str, dict[str, float]]:
    """Measure it where the candles reach back far enough to train on."""
    if setting.data.days < prediction.LEAST_DAYS:
        return {}
    return _step("Training and answers of the predictor", lambda: prediction.measure(setting))


def _memory(setting: Setting, days: int) -> dict[str, float]:
    command = runs.command(setting, runs.GRID, days)
    report = setting.data.folder / "memory.json"
    peak = _step("(b) in a process of its own", lambda: memory.of_freqtrade(command, report))
    everything = replace(setting, overlays=(*setting.overlays, EVERYTHING))
    command = runs.command(everything, runs.GRID, days)
    whole = _step("(b) with all modules", lambda: memory.of_freqtrade(command, report))
    return {"grid_mb": peak, "all_modules_mb": whole}


def trades(path: Path | None) -> pd.DataFrame | None:
    """Read a trades file in freqtrade's columns; None where none is given."""
    return None if path is None else pd.read_feather(path)


def _fastest(several: Sequence[Run]) -> Run:
    return max(several, key=lambda run: run.candles_per_second)


def _backtest(
    name: str, setting: Setting, strategy: tuple[str, Path], days: int, *, copied: bool = False
) -> Run:
    gc.collect()
    run = _step(name, lambda: runs.backtest(setting, strategy, days, copied=copied))
    _say(f"  {run.candles_per_second:,.0f} candles/s, {run.fills:,} fills")
    return run


def _described(setting: Setting, options: argparse.Namespace) -> dict[str, Any]:
    data = setting.data
    config = runs.configuration(setting, runs.GRID, options.days)
    return {
        "command": " ".join(sys.orig_argv[1:]),
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "freqtrade": freqtrade_version,
        },
        "data": {
            "pairs": list(data.pairs),
            "start": f"{market.START:%Y-%m-%d}",
            "days": data.days,
            "profile": market.PROFILE,
            "seed": market.SEED,
            "fingerprint": data.fingerprint,
        },
        "settings": {"dry_run_wallet": config["dry_run_wallet"], "gridkit": config["gridkit"]},
    }


def _step(name: str, work: Callable[[], Any]) -> Any:
    _say(f"{name} ...")
    return work()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    for name, default, text in (
        ("--days", 365, "days of (a) and (b)"),
        ("--slice-days", 21, "days of (c)"),
        ("--pairs", len(PAIRS), "how many of the five pairs"),
    ):
        parser.add_argument(name, type=_positive, metavar="N", default=default, help=text)
    parser.add_argument("--trades", type=Path, help="trades file for the order flow")
    parser.add_argument("--grid-step", type=float, help="gap between lines, a fraction")
    parser.add_argument("--json", type=Path, default=REPORT, help="where the report goes")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
