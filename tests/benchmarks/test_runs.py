import logging

import pytest
from freqtrade.strategy.strategy_wrapper import strategy_safe_wrapper

from benchmarks import runs

ROW = ("BTC/USDT 1", "placed", "filled", "buy", 100.0, 1.0, 1.0, "L1")
OTHER = (*ROW[:4], 100.1, *ROW[5:])


@pytest.mark.parametrize(
    ("ours", "theirs", "difference"),
    [
        ((), (), None),
        ((ROW, ROW), (ROW, ROW), None),
        ((ROW, ROW), (ROW, OTHER), (ROW, OTHER)),
        ((ROW,), (ROW, OTHER), (None, OTHER)),
        ((ROW, OTHER), (ROW,), (OTHER, None)),
    ],
)
def test_the_first_order_that_differs_is_found(ours, theirs, difference) -> None:
    assert runs.first_difference(ours, theirs) == difference


def test_the_largest_trade_is_counted() -> None:
    other_trade = ("BTC/USDT 2", *ROW[1:])
    assert runs.most_orders((ROW, other_trade, ROW)) == 2
    assert runs.most_orders(()) == 0


def broken() -> None:
    raise KeyError("a callback's mistake")


def test_an_exception_that_freqtrade_swallows_fails_the_run() -> None:
    with pytest.raises(runs.StrategyFailed, match=r"^1 times.*mistake"), runs.failing_loudly():
        strategy_safe_wrapper(broken, default_retval=(None, ""), supress_error=True)()


def test_a_run_without_exceptions_passes_and_leaves_no_handler() -> None:
    before = list(logging.getLogger(strategy_safe_wrapper.__module__).handlers)
    with runs.failing_loudly():
        strategy_safe_wrapper(lambda: 1, default_retval=0)()
    assert logging.getLogger(strategy_safe_wrapper.__module__).handlers == before
