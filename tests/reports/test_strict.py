import math

import pytest

from gridkit.reports.strict import is_strict, strict_fills
from reports.runs import fill, run_of, trade


@pytest.mark.parametrize(
    ("entry", "short", "price", "expected"),
    [
        (True, False, 99.0, True),  # bought below the open, and the low went through
        (True, False, 95.0, False),  # bought exactly at the low
        (True, False, 100.0, True),  # bought at the open: it could trade at once
        (True, False, 101.0, True),
        (False, False, 104.0, True),
        (False, False, 105.0, False),  # sold exactly at the high
        (False, False, 100.0, True),
        (True, True, 105.0, False),  # a short is entered by a sale
        (True, True, 104.99, True),
        (False, True, 95.0, False),
    ],
)
def test_a_fill_is_strict_when_the_price_went_through_it(entry, short, price, expected):
    order = fill(0, 1.0, price, entry=entry, short=short)
    assert is_strict(order, opening=100.0, high=105.0, low=95.0) is expected


@pytest.mark.parametrize("entry", [True, False])
def test_an_order_that_could_trade_at_once_is_strict_though_price_never_went_through(entry):
    order = fill(0, 1.0, 100.0, entry=entry)
    assert is_strict(order, opening=100.0, high=100.0, low=100.0) is True


def test_a_fill_whose_candle_is_not_a_number_is_neither_strict_nor_not():
    assert is_strict(fill(0, 1.0, 99.0), math.nan, 1.0, 1.0) is None


def test_a_fill_whose_candle_is_missing_is_neither_strict_nor_not():
    run = run_of({"AAA/USDT": [100, 100]}, [trade([fill(1, 1.0, 99.95), fill(9, 1.0, 99.95)])])
    assert strict_fills(run) == [[True, None]]


def test_a_pair_without_candles_has_only_unknown_fills():
    run = run_of({"AAA/USDT": [100]}, [trade([fill(0, 1.0, 99.0)], pair="BBB/USDT")])
    assert strict_fills(run) == [[None]]
