import copy
import math

import pytest

from benchmarks.verdicts import FLAT, LEAST_FILLS_A_YEAR, Verdict, verdicts

REPORT = {
    "data": {"days": 365, "pairs": ["a", "b", "c", "d", "e"]},
    "hold": {"candles_per_second": 1_000.0},
    "grid": {"candles_per_second": 200.0, "fills": 3_000, "profile": {"inclusive": 0.25}},
    "slice": {
        "grid": {"candles_per_second": 100.0},
        "copied": {"candles_per_second": 20.0},
        "equal_orders": True,
    },
    "callbacks": {name: {"10": 2.0, "100": 9.0, "1000": 3.0} for name in FLAT},
    "memory": {"grid_mb": 1_000.0},
}


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
        ("grid/fills", 2_999, "fills"),
        ("grid/profile/inclusive", 0.251, "share"),
        ("grid/candles_per_second", 199.0, "(b) / (a)"),
        ("slice/copied/candles_per_second", 20.1, "(c) / (b)"),
        ("slice/equal_orders", False, "orders of (c)"),
        (f"callbacks/{FLAT[0]}/1000", 3.1, FLAT[0]),
        (f"callbacks/{FLAT[1]}/1000", 3.1, FLAT[1]),
        (f"callbacks/{FLAT[2]}/1000", 3.1, FLAT[2]),
        ("memory/grid_mb", 1_000.1, "memory"),
    ],
)
def test_each_bound_is_missed_by_its_own_number_alone(path: str, value: object, name: str) -> None:
    (only,) = missed(changed(path, value))
    assert name in only


@pytest.mark.parametrize("at_most", [True, False])
def test_an_unknown_value_is_never_good_enough(at_most: bool) -> None:
    assert not Verdict("speed", math.nan, 1.0, at_most).met


def test_fewer_candles_need_fewer_fills() -> None:
    fifth = changed("data/pairs", ["a"])
    first = next(iter(verdicts(fifth)))
    assert first.bound == LEAST_FILLS_A_YEAR / 5
