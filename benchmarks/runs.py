"""freqtrade's own backtest, run in this process and timed in CPU seconds.

The backtest loop is timed apart from the analysis (indicators, signals and their conversion to
lists); loading candles and importing is in neither.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from freqtrade.commands import Arguments
from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.enums import RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.persistence import LocalTrade
from freqtrade.strategy import strategy_wrapper

from benchmarks.market import Dataset
from benchmarks.sampling import ROOT, Sampler

CONFIG = ROOT / "benchmarks" / "config.json"
HOLD = ("HoldOnly", ROOT / "benchmarks" / "strategies")
GRID = ("AdaptiveGrid", ROOT / "strategies")
DIRECTIONAL = ("Confluence", ROOT / "strategies")
FORCED = "force_exit"

OrderRow = tuple[str, str, str, str, float, float, float, str]


@dataclass(frozen=True)
class Setting:
    """What all runs share: candles, the exchange's overlay and what else overrides the config."""

    data: Dataset
    overlays: tuple[Path, ...]
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Run:
    """One backtest. Seconds are CPU seconds of this process; a candle is one pair's candle."""

    strategy: str
    candles: int
    loop_seconds: float
    analysis_seconds: float
    fills: int
    orders: tuple[OrderRow, ...] = field(repr=False)
    profile: dict[str, Any] = field(repr=False)

    @property
    def candles_per_second(self) -> float:
        """Speed of the loop."""
        return self.candles / self.loop_seconds

    def summary(self) -> dict[str, Any]:
        """Return what the report says about it."""
        return {
            "strategy": self.strategy,
            "pair_candles": self.candles,
            "candles_per_second": self.candles_per_second,
            "loop_cpu_seconds": self.loop_seconds,
            "analysis_cpu_seconds": self.analysis_seconds,
            "fills": self.fills,
            "most_orders_in_a_trade": most_orders(self.orders),
            "profile": self.profile,
        }


class TimedBacktesting(Backtesting):
    """freqtrade's backtest with a stopwatch around its parts, and a sampler in its loop."""

    analysis_seconds = 0.0
    loop_seconds = 0.0
    candles = 0

    def use(self, sampler: Sampler) -> None:
        """Sample the next run's loop."""
        self.sampler = sampler
        self._loop_started: float | None = None

    def _get_ohlcv_as_lists(self, processed: dict) -> dict[str, tuple]:
        data = super()._get_ohlcv_as_lists(processed)
        self.candles = sum(len(rows) for rows in data.values())
        self._loop_started = time.process_time()
        self.sampler.start()
        return data

    def backtest(self, processed: dict, start_date: Any, end_date: Any) -> Any:
        """Run freqtrade's; everything before the loop is analysis."""
        started = time.process_time()
        try:
            result = super().backtest(processed, start_date, end_date)
        finally:
            self.sampler.stop()
        if self._loop_started is None:
            raise RuntimeError("freqtrade's backtest no longer converts candles where it is timed")
        self.analysis_seconds += self._loop_started - started
        self.loop_seconds = time.process_time() - self._loop_started
        return result


def command(setting: Setting, strategy: tuple[str, Path], days: int) -> list[str]:
    """Write the `freqtrade backtesting` command over the last so many days."""
    name, folder = strategy
    configs = [word for path in (CONFIG, *setting.overlays) for word in ("--config", str(path))]
    return [
        "backtesting",
        *configs,
        *("--strategy", name, "--strategy-path", str(folder)),
        *("--userdir", str(ROOT / "user_data"), "--datadir", str(setting.data.folder)),
        *("--pairs", *setting.data.pairs, "--max-open-trades", str(len(setting.data.pairs))),
        *("--timerange", setting.data.timerange(days), "--cache", "none", "--export", "none"),
    ]


def configuration(setting: Setting, strategy: tuple[str, Path], days: int) -> dict[str, Any]:
    """Build the configuration that command leads to."""
    arguments = Arguments(command(setting, strategy, days)).get_parsed_arg()
    return setup_optimize_configuration(arguments, RunMode.BACKTEST)


class StrategyFailed(RuntimeError):
    """A callback raised. freqtrade only logs that and trades on, so a run proves nothing."""


class _Errors(logging.Handler):
    """Keeps what freqtrade logs about a strategy's exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def failing_loudly() -> Iterator[None]:
    """Raise StrategyFailed at the end of the block if any callback raised in it."""
    logged, errors = logging.getLogger(strategy_wrapper.__name__), _Errors()
    logged.addHandler(errors)
    try:
        yield
    finally:
        logged.removeHandler(errors)
    if errors.messages:
        raise StrategyFailed(f"{len(errors.messages)} times, first: {errors.messages[0]}")


@contextlib.contextmanager
def copied_callbacks() -> Iterator[None]:
    """Load strategies as freqtrade treats them by itself: each callback is given a copy."""
    with mock.patch("gridkit.host.read_only.install"):
        yield


def prepared(config: dict[str, Any], setting: Setting) -> TimedBacktesting:
    """Set freqtrade's backtest up."""
    backtesting = TimedBacktesting(config, setting.exchange)
    backtesting.use(Sampler())
    return backtesting


def backtest(
    setting: Setting, strategy: tuple[str, Path], days: int, *, copied: bool = False
) -> Run:
    """Run one strategy over the last so many days."""
    config = configuration(setting, strategy, days)
    with copied_callbacks() if copied else contextlib.nullcontext():
        backtesting = prepared(config, setting)
    chosen = backtesting.strategylist[0]
    if strategy != HOLD and reads_copies(chosen) is not copied:
        raise RuntimeError(f"callbacks were to be {'copied' if copied else 'read-only'}")
    try:
        with failing_loudly():
            return _timed(backtesting, strategy[0] + (" (copied)" if copied else ""))
    finally:
        backtesting.cleanup()


def _timed(backtesting: TimedBacktesting, name: str) -> Run:
    data, timerange = backtesting.load_bt_data()
    started = time.process_time()
    backtesting.backtest_one_strategy(backtesting.strategylist[0], data, timerange)
    whole = time.process_time() - started
    orders = tuple(orders_of(LocalTrade.bt_trades))
    return Run(
        strategy=name,
        candles=backtesting.candles,
        loop_seconds=backtesting.loop_seconds,
        analysis_seconds=whole - backtesting.loop_seconds,
        fills=sum(1 for order in orders if order[6] > 0 and order[7] != FORCED),
        orders=orders,
        profile=backtesting.sampler.profile.summary(),
    )


def reads_copies(strategy: Any) -> bool:
    """Whether freqtrade copies the trade for this strategy's callbacks."""
    return not strategy.adjust_trade_position.__qualname__.startswith("IStrategy.")


def orders_of(trades: list[LocalTrade]) -> Iterator[OrderRow]:
    """Pair with trade number, placed, filled, side, price, amount, filled amount and tag."""
    for trade in trades:
        for order in trade.orders:
            yield (
                f"{trade.pair} {trade.id}",
                str(order.order_date),
                str(order.order_filled_date),
                order.ft_order_side,
                order.safe_price,
                order.safe_amount,
                order.safe_filled,
                order.ft_order_tag or "",
            )


def most_orders(orders: tuple[OrderRow, ...]) -> int:
    """Return the number of orders of the trade that has most."""
    counts: dict[str, int] = {}
    for order in orders:
        counts[order[0]] = counts.get(order[0], 0) + 1
    return max(counts.values(), default=0)


def first_difference(
    ours: tuple[OrderRow, ...], theirs: tuple[OrderRow, ...]
) -> tuple[OrderRow | None, OrderRow | None] | None:
    """Return the first pair of orders that differ; None when all are equal."""
    for index in range(max(len(ours), len(theirs))):
        one = ours[index] if index < len(ours) else None
        other = theirs[index] if index < len(theirs) else None
        if one != other:
            return one, other
    return None
