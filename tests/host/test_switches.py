"""Every switch off alone and on alone, all on and all off: freqtrade's backtester runs each.

Predictions are planted, as by a predictor whose gate is on.

The switches are those of the settings themselves, so that a new one cannot be forgotten. One
market, loaded once for all runs of a strategy; test_settings_matter shows what each setting does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from freqtrade.exceptions import StrategyError
from freqtrade.resolvers import StrategyResolver

from backtests import runs
from backtests.runs import Placed, Recording
from gridkit.analytics import garch
from gridkit.settings import CONFLUENCE_DEFAULTS, Section, Settings
from host.analysed import everything, merged, ours

pytestmark = pytest.mark.slow

Compute = Callable[[pd.DataFrame, Settings], pd.DataFrame]

STRATEGIES = ("AdaptiveGrid", "Confluence")
TRADED = {"AdaptiveGrid": "1765497600-1765540800", "Confluence": "20251210-20251212"}
# Sections that one strategy alone reads.
OF_GRID = ("spacing.", "grid.", "density.", "volume_lines.", "sizing.", "stops.", "recovery.",
           "stress.", "reconcile.", "brakes.orderflow", "regime.")  # fmt: skip
OF_CONFLUENCE = ("entries.", "exits.", "portfolio.")
OF_BOTH = ("regime.enabled",)
# Features that a value switches: on, off.
BY_VALUE: dict[str, tuple[Any, Any]] = {
    "sizing.mode": ("dynamic", "fixed"),
    "recovery.mode": ("ladder", "none"),
    "brakes.illiquid": ("thin", "ignore"),
    "volatility.method": ("composite", "realised"),
    "exits.time_exit": ("always", "off"),
    "exits.flow_candles": (1, 0),
}
QUICK = {
    "volatility": {"garch": {"window_hours": 500, "refit_hours": 168}},
    "spacing": {"volatility_factor": 0.2, "regime_min_step": 0.002, "regime_max_step": 0.004},
    "breakers": {"move": 0.3, "volume": 900.0, "volatility": 90.0, "correlation_to": -1.0},
    "recovery": {"position_timeout_minutes": 15, "away": 0.004, "ladder": [0.001, 0.002, 0.003]},
    "entries": {"threshold": 0.02},
    "exits": {"max_hours": 2.0},
}
# Columns that are there where a switch is on, and nowhere else.
COLUMNS: dict[str, Callable[[Settings], bool]] = {
    "volatility_garch": lambda one: _composite(one) and one.volatility.garch.enabled,
    "volatility_basket": lambda one: _composite(one) and one.volatility.basket.enabled,
    "volatility_implied": lambda one: _composite(one) and one.volatility.implied.enabled,
    "regime_code": lambda one: one.regime.enabled,
    "shocks_kind": lambda one: one.breakers.enabled and one.breakers.market,
    "profile_poc": lambda one: one.profile.enabled,
    "confluence_score": lambda one: one.confluence.enabled,
    "thresholds_multiplier": lambda one: one.thresholds.enabled,
    "orderflow_imbalance": lambda one: one.orderflow.enabled,
}
OF_STRATEGY: dict[str, dict[str, Callable[[Settings], bool]]] = {
    "AdaptiveGrid": {"stress_factor": lambda one: one.stress.enabled},
    "Confluence": {"turns_atr": lambda _: True, "entry_score": lambda _: True},
}
# Without it a strategy refuses to start.
NEEDED = {"AdaptiveGrid": "", "Confluence": "confluence.enabled"}
NEEDS = {"grid.infinity": "grid.trailing_up"}  # what may be on with another alone
UNSEEN = {
    # Live only.
    "messages.enabled", "reconcile.enabled", "read_only_trades_live",
    # Of another market, or of longer ones: tests of each setting show them.
    "grid.trailing_down", "stops.trend_flatten_enabled", "stops.cycle_stop_enabled",
    "stops.lot_stop_enabled", "brakes.orderflow", "regime.bearish.new_cycles",
    "correlation.enabled", "entries.flow_veto", "portfolio.enabled",
    # Predictions are planted here, and no model has features that could have shifted.
    "prediction.drift.enabled",
    "exits.break_even_enabled", "exits.regime_exit", "exits.flow_candles",
}  # fmt: skip
# First words of tags that a switch alone leads to.
TAGS = {
    "stops.lot_stop_enabled": "stop",
    "recovery.mode": "recover",
    "entries.trend": "trend",
    "entries.reversion": "edge",
    "exits.time_exit": "time",
}


def _composite(settings: Settings) -> bool:
    return settings.volatility.method == "composite"


def booleans(model: type[Section], prefix: str = "") -> Iterator[str]:
    for name, one in model.model_fields.items():
        if one.annotation is bool:
            yield prefix + name
        elif isinstance(one.annotation, type) and issubclass(one.annotation, Section):
            yield from booleans(one.annotation, f"{prefix}{name}.")


def switches(strategy: str) -> list[str]:
    """Dotted names of what can be switched on and off for a strategy."""
    foreign = OF_CONFLUENCE if strategy == "AdaptiveGrid" else OF_GRID
    found = [*booleans(Settings), *BY_VALUE]
    return sorted(
        name
        for name in found
        if name in OF_BOTH or not name.startswith((*foreign, NEEDED[strategy] or "-"))
    )


def set_to(name: str, *, on: bool) -> dict[str, Any]:
    """Settings in which one switch is on, or off."""
    value: Any = BY_VALUE[name][0 if on else 1] if name in BY_VALUE else on
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def all_of(strategy: str, *, on: bool, but: str = "") -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in switches(strategy):
        settings = merged(settings, set_to(name, on=on != (name == but)))
    if NEEDED[strategy]:
        settings = merged(settings, set_to(NEEDED[strategy], on=True))
    if but in NEEDS.values() and on:
        for name in NEEDS:
            settings = merged(settings, set_to(name, on=False))
    return merged(settings, set_to(NEEDS[but], on=True)) if but in NEEDS else settings


@dataclass
class Seen:
    """What a run did: its settings, the columns of a frame, the orders."""

    settings: Settings
    columns: list[str] = field(default_factory=list)
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    placed: list[Placed] = field(default_factory=list)

    def tags(self) -> set[str]:
        return {order.tag.split(" ")[0] for order in self.placed}


class Bench:
    """A backtester that is loaded once, and runs a strategy of other settings each time."""

    def __init__(self, recording: Recording, base: dict[str, Any], strategy: str) -> None:
        self._recording, self._base, self.strategy = recording, base, strategy
        self._data, self._timerange = recording.load_bt_data()
        self._known: dict[str, Seen] = {}

    def run(self, name: str, settings: dict[str, Any]) -> Seen:
        if name not in self._known:
            self._known[name] = self._run(merged(self._base, settings))
        return self._known[name]

    def _run(self, settings: dict[str, Any]) -> Seen:
        recording = self._recording
        config = {**recording.config, "gridkit": settings}
        strategy = StrategyResolver.load_strategy(config)
        defaults = CONFLUENCE_DEFAULTS if self.strategy == "Confluence" else None
        seen = Seen(Settings.from_config(config, defaults))
        signal, indicators = strategy.populate_entry_trend, strategy.populate_indicators

        def predicted(frame: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
            waves = 0.5 + 0.45 * np.sin(np.arange(len(frame)) / 30)
            return indicators(frame, metadata).assign(prediction_up=waves)

        def noted(frame: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
            found = signal(frame, metadata)
            seen.columns, seen.frame = ours(found), found.copy()
            return found

        strategy.populate_indicators = predicted
        strategy.populate_entry_trend = noted
        recording.strategylist = [strategy]
        recording.backtest_one_strategy(strategy, self._data, self._timerange)
        seen.placed = recording.placed
        return seen


@contextmanager
def bench_of(market: Any, strategy: str, folder: Any) -> Iterator[Bench]:
    base = merged(everything(market), QUICK)
    settings = merged(base, all_of(strategy, on=True))
    with pytest.MonkeyPatch.context() as patch, runs.backtesting(
        folder, market, settings, strategy=strategy, strategy_path=str(runs.STRATEGIES),
        timerange=TRADED[strategy],
    ) as recording:  # fmt: skip
        patch.setattr("gridkit.analytics.garch.compute", remembered(garch.compute))
        yield Bench(recording, base, strategy)


def remembered(compute: Compute) -> Compute:
    """GARCH of the same hours, fitted once: it takes longer than all the rest."""
    known: dict[tuple[Any, ...], pd.DataFrame] = {}

    def made(hours: pd.DataFrame, settings: Settings) -> pd.DataFrame:
        key = (settings.volatility.garch, len(hours), hours["close"].sum())
        if key not in known:
            known[key] = compute(hours, settings)
        return known[key]

    return made


@pytest.fixture(scope="module", params=STRATEGIES)
def bench(request, rich_spot, tmp_path_factory) -> Iterator[Bench]:
    with bench_of(rich_spot, request.param, tmp_path_factory.mktemp("switches")) as made:
        yield made


def checked(seen: Seen, strategy: str) -> Seen:
    """Hold a run to the columns its settings ask for, and no others."""
    wanted = {**COLUMNS, **OF_STRATEGY[strategy]}
    expected = {name for name, is_on in wanted.items() if is_on(seen.settings)}
    assert {name for name in wanted if name in seen.columns} == expected
    return seen


def all_on(bench: Bench) -> Seen:
    return bench.run("all", all_of(bench.strategy, on=True))


def all_off(bench: Bench) -> Seen:
    return bench.run("none", all_of(bench.strategy, on=False))


def test_with_all_on_it_runs_and_trades(bench):
    assert checked(all_on(bench), bench.strategy).placed


def test_with_all_off_it_runs(bench):
    checked(all_off(bench), bench.strategy)


def test_each_off_alone_runs_and_leaves_nothing_of_it(bench):
    for name in switches(bench.strategy):
        seen = checked(
            bench.run(f"all but {name}", all_of(bench.strategy, on=True, but=name)), bench.strategy
        )
        assert TAGS.get(name) not in seen.tags(), name


def test_each_on_alone_runs_and_is_there(bench):
    for name in switches(bench.strategy):
        checked(bench.run(f"only {name}", all_of(bench.strategy, on=False, but=name)),
                bench.strategy)  # fmt: skip


def test_what_is_switched_shows_in_columns_or_orders(bench):
    unseen = {name for name in switches(bench.strategy) if not shows(name, bench)}
    assert unseen <= UNSEEN


@pytest.mark.parametrize("strategy", [name for name, needed in NEEDED.items() if needed])
def test_what_a_strategy_needs_it_says_when_it_is_off(rich_spot, tmp_path, strategy):
    needed = NEEDED[strategy]
    with pytest.raises(StrategyError, match=needed), bench_of(
        rich_spot, strategy, tmp_path
    ) as bench:  # fmt: skip
        bench.run("needed", merged(all_of(strategy, on=True), set_to(needed, on=False)))


def shows(name: str, bench: Bench) -> bool:
    """Whether columns, their numbers or orders differ where one switch does."""
    pairs = [
        (all_on(bench), bench.run(f"all but {name}", all_of(bench.strategy, on=True, but=name))),
        (all_off(bench), bench.run(f"only {name}", all_of(bench.strategy, on=False, but=name))),
    ]
    return any(
        one.placed != other.placed or not one.frame.equals(other.frame) for one, other in pairs
    )
