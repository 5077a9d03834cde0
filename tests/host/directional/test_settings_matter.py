"""Every setting of Confluence changes what a backtest does, or is named here with its test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backtests import runs
from backtests.runs import ROOT, Market
from gridkit.settings import (
    EntrySettings,
    ExitSettings,
    PortfolioSettings,
    PredictionSettings,
)
from host.analysed import merged
from host.directional.quick import Reruns, quick

pytestmark = pytest.mark.slow

DAYS = "20251208-20251212"
FLOW = {"enabled": True, "lookback_candles": 5, "significant": 0.05, "one_sided": 0.1}
BASE = quick(orderflow=FLOW, exits={"flow_candles": 0})
TRAILED = {"exits": {"rest": "trail"}}
SMALL = {"portfolio": {"single": 0.1}}
# No two pairs are apart enough.
TOGETHER = {"portfolio": {"correlation": 0.0, "correlated": 0.1}}
# Positions that grow beyond their share before they leave.
SHRUNK = {
    "exits": {"targets": [4.0, 5.0, 6.0], "max_hours": 100.0, "reversal_enabled": False},
    "portfolio": {
        "single": 0.3, "tolerance": 0.0, "rebalance_hours": 0.25, "risk_per_trade": 0.05,
    },
}  # fmt: skip
RISEN = {"portfolio": {"correlation_rise": 0.0, "rise_factor": 0.1, "risk_per_trade": 0.03}}
# Setting: another value, and what else is changed from BASE for both.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "entries.trend": (False, {}),
    "entries.reversion": (False, {}),
    "entries.threshold": (0.3, {}),
    "entries.key_level_bonus": (0.0, {}),
    "entries.low_volume_factor": (0.1, {}),
    "entries.flow_bonus": (0.0, {}),
    "entries.flow_veto": (False, {}),
    "entries.funding_factor": (0.1, {}),
    "entries.thin_factor": (0.1, {}),
    "entries.least_reward": (20.0, {}),
    "entries.most_per_hour": (1, {}),
    "exits.parts": ([0.5, 0.3], {}),
    "exits.targets": ([0.6, 1.1, 1.6], {}),
    "exits.rest": ("trail", {}),
    "exits.trail": (0.5, TRAILED),
    "exits.stop_enabled": (False, {}),
    "exits.break_even_enabled": (False, {}),
    "exits.break_even": (0.4, {}),
    "exits.reversal_enabled": (False, {}),
    "exits.reversal": (0.2, {}),
    "exits.max_hours": (1.0, {}),
    "exits.time_exit": ("always", {}),
    "exits.flow_candles": (1, {}),
    "portfolio.enabled": (False, SMALL),
    "portfolio.symbols": (1, {}),
    "portfolio.risk_per_trade": (0.005, {}),
    "portfolio.total_risk": (0.011, {}),
    "portfolio.single": (0.1, {}),
    "portfolio.correlated": (0.3, TOGETHER),
    "portfolio.correlation": (1.0, TOGETHER),
    "portfolio.rebalance_hours": (168.0, SHRUNK),
    "portfolio.tolerance": (1.0, SHRUNK),
    "portfolio.correlation_rise": (1.0, RISEN),
    "portfolio.rise_factor": (1.0, RISEN),
    "prediction.enabled": (False, {}),
    "prediction.raises": (0.5, {}),
    "prediction.bonus": (0.0, {}),
    "prediction.blocks": (0.1, {}),
}
ANALYSED = ("exits.timeframe", "exits.atr_period", "portfolio.rise_hours")  # made with the columns
OF_PREDICTOR = "tests/host/prediction/test_settings_matter.py"
ELSEWHERE = {
    # Here predictions are planted, and no predictor runs.
    **{
        f"prediction.{name}": OF_PREDICTOR
        for name in (
            *("horizons", "main_horizon", "learner", "members", "calibration", "seed"),
            *("embargo_minutes", "families", "gate", "drift", "retrain_budget"),
        )
    },
    # Parts and stops are faster here.
    "exits.regime_exit": "tests/host/directional/test_desk.py",
    # Orders at the market's price are filled at once in a backtest.
    "entries.timeout_minutes": "tests/host/directional/test_desk.py",
    "exits.timeout_minutes": "tests/host/directional/test_desk.py",
    "portfolio.rise_hours": "tests/risk/test_groups.py",
}
SECTIONS = {
    "entries": EntrySettings,
    "exits": ExitSettings,
    "portfolio": PortfolioSettings,
    "prediction": PredictionSettings,
}


@pytest.fixture(scope="module")
def reruns(rich_futures: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reruns]:
    folder: Path = tmp_path_factory.mktemp("reruns")
    config = {"strategy": "Confluence", "timerange": DAYS}
    with runs.backtesting(folder, rich_futures, BASE, **config) as recording:
        yield Reruns(recording, BASE)


@pytest.fixture(scope="module")
def known() -> dict[str, list[Any]]:
    return {}


@pytest.mark.parametrize("key", CASES)
def test_a_setting_changes_the_orders(
    key: str, reruns: Reruns, known: dict[str, list[Any]]
) -> None:
    value, changes = CASES[key]
    section, _, name = key.partition(".")
    if repr(changes) not in known:
        known[repr(changes)] = reruns.placed(changes)
        assert len(known[repr(changes)]) >= 4
    assert reruns.placed(merged(changes, {section: {name: value}})) != known[repr(changes)]


def test_the_same_settings_place_the_same_orders_again(
    reruns: Reruns, known: dict[str, list[Any]]
) -> None:
    """Also after runs by other settings: as in hyperopt, one object makes them all."""
    first = known.get("{}") or reruns.placed({})
    assert reruns.placed({}) == first


@pytest.mark.parametrize(("name", "value"), [("timeframe", "4h"), ("atr_period", 28)])
def test_what_the_columns_are_made_of_changes_the_orders(name, value, backtest, rich_futures):
    days = {"strategy": "Confluence", "timerange": "20251209-20251210"}
    usual = backtest(rich_futures, quick(), **days)
    other = backtest(rich_futures, quick(exits={name: value}), **days)
    assert usual.placed
    assert usual.placed != other.placed


def test_every_setting_is_tried_or_named_with_its_test() -> None:
    known = {
        f"{section}.{name}" for section, model in SECTIONS.items() for name in model.model_fields
    }
    assert known == {*CASES, *ANALYSED, *ELSEWHERE}
    for key, path in ELSEWHERE.items():
        assert key.partition(".")[2] in (ROOT / path).read_text()
