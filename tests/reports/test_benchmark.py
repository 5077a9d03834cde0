import numpy as np
import pytest

from gridkit.reports.benchmark import buy_and_hold
from gridkit.reports.equity import grid_of, marks_of
from reports.runs import START, STEP, candles


def marks(**closes):
    length = max(len(values) for values in closes.values())
    grid = grid_of(START, START + STEP * (length - 1), STEP)
    return marks_of({pair: candles(values) for pair, values in closes.items()}, grid)


def test_buy_and_hold_pays_the_fee_on_the_way_in_and_out():
    held = buy_and_hold(marks(A=[100.0, 110.0, 120.0]), ["A"], 1000.0, 0.001)
    amount = 1000.0 / (100.0 * 1.001)
    assert held == pytest.approx([amount * 100, amount * 110, amount * 120 * 0.999])


def test_every_pair_gets_the_same_part():
    held = buy_and_hold(marks(A=[1.0, 2.0], B=[10.0, 10.0]), ["A", "B"], 1000.0, 0.0)
    assert held == pytest.approx([1000.0, 1500.0])


def test_the_part_of_a_pair_that_is_listed_later_waits_in_cash():
    held = buy_and_hold(marks(A=[np.nan, 10.0, 20.0], B=[1.0, 1.0, 1.0]), ["A", "B"], 100.0, 0.0)
    assert held == pytest.approx([100.0, 100.0, 150.0])


def test_without_any_known_close_there_is_nothing_to_compare_with():
    assert buy_and_hold(marks(A=[np.nan, np.nan]), ["A"], 100.0, 0.0) is None
    assert buy_and_hold(marks(A=[1.0]), ["B"], 100.0, 0.0) is None
