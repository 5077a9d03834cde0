import copy
import math

import pytest

from benchmarks.verdicts import FLAT, LEAST_FILLS_A_YEAR, Verdict, verdicts

REPORT = {
    "data": {"days": 365, "pairs": ["a", "b", "c", "d", "e"]},
    "hold": {"candles_per_second": 1_000.0},
    "grid": {"candles_per_second": 200.0, "fills": 3_000, "profile": {"inclusive": 0.25}},
    "directional": {"candles_per_second": 300.0, "fills": 500, "profile": {"inclusive": 0.25}},
    "slice": {
        "grid": {"candles_per_second": 100.0},
        "copied": {"candles_per_second": 20.0},
        "equal_orders": True,
    },
    "callbacks": {name: {"10": 2.0, "100": 9.0, "1000": 3.0} for name in FLAT},
    "live_loop": {
        "own": {"a quiet loop": {"1000": 0.1}, "a busy loop": {"1000": 0.2}},
        "copied": {"a quiet loop": {"1000": 0.6}, "a busy loop": {"1000": 0.8}},
    },
    "memory": {"grid_mb": 1_000.0, "all_modules_mb": 1_200.0},
    "analytics": {
        "rows": 105_120,
        "modules": {"profile": 0.5, "garch": 1.5, "garch, fits": 0.5, "regime": 1.5},
        "shared": {"basket": 0.5, "correlation": 0.5},
    },
    "prediction": {
        "ours": {"train_seconds": 10.0, "columns": 100, "features_ms": 90.0, "predict_ms": 10.0}
    },
    "orderflow": {"timeframes": {"1m": {"ratio": 50.0, "equal": True}}},
}
SHORTER = {"profile": 0.25, "garch": 1.0, "regime": 0.75}


def missed(report: dict) -> list[str]:
    return [verdict.name for verdict in verdicts(report) if not verdict.met]


def changed(path: str, value: object) -> dict:
    report = copy.deepcopy(REPORT)
    *parents, last = path.split("/")
    part = report
    for name in parents:
        part = part[name]
    part[last] = value
    return report


def test_every_bound_is_met_at_the_bound_itself() -> None:
    assert missed(REPORT) == []


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("grid/fills", 2_999, "fills of (b)"),
        ("grid/profile/inclusive", 0.251, "share"),
        ("grid/candles_per_second", 199.0, "(b) / (a)"),
        ("directional/fills", 499, "fills of (d)"),
        ("directional/profile/inclusive", 0.251, "share of (d)"),
        ("directional/candles_per_second", 299.0, "(d) / (a)"),
        ("slice/copied/candles_per_second", 20.1, "(c) / (b)"),
        ("slice/equal_orders", False, "orders of (c)"),
        (f"callbacks/{FLAT[0]}/1000", 3.1, FLAT[0]),
        (f"callbacks/{FLAT[1]}/1000", 3.1, FLAT[1]),
        (f"callbacks/{FLAT[2]}/1000", 3.1, FLAT[2]),
        ("live_loop/own/a quiet loop/1000", 0.21, "live loop"),
        ("live_loop/own/a busy loop/1000", 0.21, "live loop"),
        ("memory/grid_mb", 1_000.1, "memory of (b)"),
        ("memory/all_modules_mb", 1_200.1, "memory with all modules"),
        ("analytics/modules/regime", 1.51, "analytics, all modules"),
        ("analytics/shared/basket", 0.51, "analytics, all modules"),
        ("analytics/modules", {"profile": 0.51, "garch": 2.0}, "analytics, profile"),
        ("analytics/modules", {"garch": 1.5, "garch, fits": 0.51}, "analytics, garch"),
        ("prediction/ours/train_seconds", 10.1, "training of a pair"),
        ("prediction/ours/columns", 101, "columns"),
        ("prediction/ours/features_ms", 90.1, "answer of a pair"),
        ("prediction/ours/predict_ms", 10.1, "answer of a pair"),
        ("orderflow/timeframes/1m/ratio", 49.9, "order flow 1m, times"),
        ("orderflow/timeframes/1m/equal", False, "order flow 1m unlike"),
    ],
)
def test_each_bound_is_missed_by_its_own_number_alone(path: str, value: object, name: str) -> None:
    (only,) = missed(changed(path, value))
    assert name in only


@pytest.mark.parametrize("at_most", [True, False])
def test_an_unknown_value_is_never_good_enough(at_most: bool) -> None:
    assert not Verdict("speed", math.nan, 1.0, at_most).met


@pytest.mark.parametrize(("rows", "met"), [(52_560, True), (52_000, False)])
def test_fewer_candles_may_take_less_time(rows: int, met: bool) -> None:
    report = changed("analytics/modules", SHORTER)
    report["analytics"] |= {"rows": rows, "shared": {"basket": 0.5}}
    found = [one for one in verdicts(report) if one.name.startswith("analytics")]
    assert [one.met for one in found] == [met] * len(found)


def test_fewer_candles_need_fewer_fills() -> None:
    fifth = changed("data/pairs", ["a"])
    first = next(iter(verdicts(fifth)))
    assert first.bound == LEAST_FILLS_A_YEAR / 5


def test_without_enough_candles_to_train_on_nothing_is_said_of_the_predictor() -> None:
    assert missed(changed("prediction", {})) == []
