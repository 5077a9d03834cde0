"""Confluence's order list does not know the future, and no callback changes a trade."""

from datetime import timedelta

import pandas as pd
import pytest

from backtests import runs
from backtests.runs import disagreements
from Confluence import TRADE_CALLBACKS, Confluence
from host.analysed import candles_file, known_until
from host.analysed import cut as cut_off
from host.directional.quick import QUICK, entries

pytestmark = pytest.mark.slow

CANDLE = timedelta(minutes=5)
CUTS = (0.3, 0.7)  # shares of the run's entries
IMPLEMENTED = {name for name in vars(Confluence) if not name.startswith("_")}


def cuts_of(run):
    entered = [order.time for order in entries(run)]
    return [entered[int(share * len(entered))] for share in CUTS]


def cut_short(backtest, market, folder, cut, *, changed="", strategy="Confluence"):
    """The same backtest on candles that end with the one after `cut`.

    `changed` names the price that becomes the close of the candle in which orders are placed then.
    """
    target = folder / f"{strategy}-{cut:%d-%H%M}"
    target.mkdir()
    known = known_until(market, target, pd.Timestamp(cut) + 2 * CANDLE, cut_off)
    for pair in market.pairs if changed else ():
        path = candles_file(known, pair, "5m")
        frame = pd.read_feather(path)
        frame.loc[frame.index[-2], "close"] = frame.loc[frame.index[-2], changed]
        frame.to_feather(path)
    start = market.timerange.split("-")[0]
    return backtest(known, QUICK, strategy=strategy, timerange=f"{start}-")


def test_the_same_backtest_places_the_same_orders_twice(confluence, backtest, rich_futures):
    again = backtest(rich_futures, QUICK, strategy="Confluence")
    assert (again.placed, again.filled) == (confluence.placed, confluence.filled)


def test_orders_up_to_a_cut_are_those_of_a_run_whose_candles_end_there(
    confluence, backtest, rich_futures, tmp_path
):
    for cut in cuts_of(confluence):
        part = cut_short(backtest, rich_futures, tmp_path, cut)
        assert runs.until(part, cut)
        assert disagreements(confluence, part, cut) == []


@pytest.mark.parametrize("strategy", ["Confluence", "LeakingConfluence"])
def test_orders_do_not_depend_on_the_close_of_the_candle_they_are_placed_in(
    confluence, backtest, rich_futures, strategy, tmp_path
):
    """One candle of look-ahead is not seen by cutting: the candle itself must be changed."""
    leaks = strategy == "LeakingConfluence"
    run = backtest(rich_futures, QUICK, strategy=strategy) if leaks else confluence
    found = [
        difference
        for cut in cuts_of(run)
        for part in [
            cut_short(backtest, rich_futures, tmp_path, cut, changed="low", strategy=strategy)
        ]
        for difference in disagreements(run, part, cut)
    ]
    assert bool(found) is leaks, found


def test_every_callback_that_takes_a_trade_is_installed():
    taking = {
        name
        for name in IMPLEMENTED
        if "trade" in getattr(getattr(vars(Confluence)[name], "__code__", None), "co_varnames", ())
    }
    assert taking == set(TRADE_CALLBACKS)


def test_no_callback_changes_a_trade_or_an_order(backtest, rich_futures):
    days = "20251208-20251210"
    run = backtest(rich_futures, QUICK, strategy="WatchedConfluence", timerange=days)
    assert run.strategy.changes == []
    assert run.strategy.foreign == []
    idle = {"check_entry_timeout", "check_exit_timeout"}  # orders at the market's price fill
    assert {name for name, calls in run.strategy.calls.items() if not calls} == idle


def test_orders_are_the_same_whether_callbacks_get_the_trade_or_a_copy(backtest, rich_futures):
    days = "20251208-20251210"
    own = backtest(rich_futures, QUICK, strategy="Confluence", timerange=days)
    copied = backtest(rich_futures, QUICK, strategy="CopiedConfluence", timerange=days)
    assert own.placed == copied.placed
    assert all(copied.strategy.received_copies)
    assert copied.strategy.received_copies


def test_orders_are_the_same_when_stop_and_exits_are_reckoned_at_every_candle(
    confluence, backtest, rich_futures
):
    """The fast path: nothing is reckoned anew while all it is made from is as it was."""

    def slow(strategy):
        strategy.desk.positions.settle = strategy.desk.positions.stay = lambda *_: None

    run = backtest(rich_futures, QUICK, strategy="Confluence", change=slow)
    assert run.placed == confluence.placed
