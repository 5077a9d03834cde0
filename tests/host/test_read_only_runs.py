"""Callbacks that are given the trade itself: what freqtrade hands over, and what we do with it."""

import cloudpickle
import pytest
from freqtrade.persistence import LocalTrade
from freqtrade.strategy.strategy_wrapper import strategy_safe_wrapper

from AdaptiveGrid import TRADE_CALLBACKS, AdaptiveGrid
from backtests.runs import QUICK
from gridkit.host import read_only

SETTINGS = {**QUICK, "spacing": {"method": "volatility", "volatility_factor": 0.3}}
IMPLEMENTED = {name for name in vars(AdaptiveGrid) if not name.startswith("_")}


class Receiver:
    """A strategy that keeps what it receives."""

    def adjust_trade_position(self, trade, **kwargs):
        self.received = trade


def received(strategy, trade):
    """What a callback is given when freqtrade calls it in its own way."""
    strategy_safe_wrapper(strategy.adjust_trade_position)(trade=trade)
    return strategy.received


def some_trade():
    return LocalTrade(id=1, pair="ETH/USDT", stake_amount=10.0, amount=1.0, open_rate=10.0,
                      fee_open=0.0, fee_close=0.0, exchange="binance")  # fmt: skip


def test_a_read_only_callback_receives_the_trade_that_was_sent():
    strategy, trade = Receiver(), some_trade()
    read_only.install(strategy, ["adjust_trade_position"])
    assert received(strategy, trade) is trade


def test_a_callback_as_usually_written_receives_a_copy_or_freqtrade_has_changed():
    trade = some_trade()
    assert received(Receiver(), trade) is not trade


def test_a_read_only_callback_stays_so_in_the_pickle_that_goes_to_hyperopts_workers():
    strategy, trade = Receiver(), some_trade()
    read_only.install(strategy, ["adjust_trade_position"])
    unpickled = cloudpickle.loads(cloudpickle.dumps(strategy))
    assert received(unpickled, trade) is trade
    assert not hasattr(strategy, "received"), "the copy's callback is the copy's own"


def test_every_callback_that_takes_a_trade_is_installed():
    taking = {
        name
        for name in IMPLEMENTED
        if callable(code := vars(AdaptiveGrid)[name])
        and not isinstance(code, type)
        and "trade" in getattr(code, "__code__", received.__code__).co_varnames
    }
    assert taking == set(TRADE_CALLBACKS)


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["long", "auto"])
def test_no_callback_changes_a_trade_or_an_order(backtest, futures, direction):
    settings = {**SETTINGS, "direction": direction}
    strategy = backtest(
        futures, settings, strategy="Watched", timerange="20251209-20251214"
    ).strategy
    assert strategy.changes == []
    assert strategy.foreign == [], "the trade received is freqtrade's own"
    assert all(strategy.calls.values()), strategy.calls


@pytest.mark.slow
def test_a_callback_that_changes_an_order_is_noticed(backtest, futures):
    run = backtest(futures, SETTINGS, strategy="Meddling", timerange="20251212-20251214")
    assert run.strategy.changes


@pytest.mark.slow
def test_orders_are_the_same_whether_callbacks_get_the_trade_or_a_copy(backtest, market):
    own, copied = backtest(market, SETTINGS), backtest(market, SETTINGS, strategy="Copied")
    assert own.placed == copied.placed
    assert own.filled == copied.filled
    assert copied.strategy.received_copies
    assert all(copied.strategy.received_copies)
