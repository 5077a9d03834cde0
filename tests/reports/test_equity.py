import numpy as np
import pytest
from hypothesis import given

from gridkit.reports.equity import carried_forward, grid_of, margin_changes, marks_of
from gridkit.reports.records import Candles
from gridkit.reports.report import account
from reports.runs import START, STEP, any_run, candles, fill, run_of, slow_equity, trade


@given(any_run())
def test_equity_equals_the_slow_walk_over_the_orders_at_every_candle(run):
    _, _, equity = account(run)
    # Scale: what was ever traded, as cash flows of either sign cancel out.
    size = sum(order.amount * 1e5 for one in run.trades for order in one.fills)
    np.testing.assert_allclose(equity.equity, slow_equity(run), atol=1e-9 * max(size, 1e3))


@given(any_run())
def test_cash_and_inventory_are_what_the_order_list_says_at_every_candle(run):
    _, _, equity = account(run)
    for index, now in enumerate(equity.seconds.tolist()):
        done = [
            (one.pair, order) for one in run.trades for order in one.fills if order.seconds <= now
        ]
        cash = run.starting_balance + sum(order.cash_flow for _, order in done)
        worth = sum(order.signed_amount * run.candles[pair].close[index] for pair, order in done)
        size = sum(order.amount for _, order in done) * 1e5
        assert equity.cash[index] == pytest.approx(cash, abs=1e-9 * max(size, 1e3))
        assert equity.inventory[index] == pytest.approx(worth, abs=1e-9 * max(size, 1e3))


@given(any_run())
def test_leverage_changes_the_margin_and_not_the_equity(run):
    unlevered = [trade(one.fills, one.pair, short=one.is_short) for one in run.trades]
    _, _, levered = account(run)
    _, _, plain = account(run_of({p: c.close for p, c in run.candles.items()}, unlevered))
    np.testing.assert_array_equal(levered.equity, plain.equity)
    assert (levered.margin <= plain.margin * (1 + 1e-9) + 1e-9).all()


def test_a_short_gains_when_the_price_falls():
    one = trade([fill(0, 2.0, 100.0, short=True, fee=0.0)], short=True)
    _, _, equity = account(run_of({"AAA/USDT": [100, 90, 110]}, [one]))
    assert equity.equity.tolist() == [1000.0, 1020.0, 980.0]
    assert equity.positions["AAA/USDT"].tolist() == [-2.0, -2.0, -2.0]


def test_a_candle_that_is_missing_carries_the_last_close_and_is_counted_while_something_is_held():
    one = trade([fill(1, 1.0, 100.0, fee=0.0), fill(3, 1.0, 100.0, entry=False, fee=0.0)])
    run = run_of({"AAA/USDT": [float("nan"), 100, float("nan"), 100, float("nan")]}, [one])
    marks, _, equity = account(run)
    assert marks.unknown("AAA/USDT") == 3
    assert equity.carried == {"AAA/USDT": 1}
    assert equity.equity.tolist() == [1000.0] * 5


def test_a_position_whose_amounts_only_nearly_cancel_is_none():
    fills = [fill(0, 0.1, 100.0), fill(0, 0.2, 100.0), fill(1, 0.3, 100.0, entry=False)]
    _, _, equity = account(run_of({"AAA/USDT": [100, 100, float("nan")]}, [trade(fills)]))
    assert equity.positions["AAA/USDT"].tolist() == [pytest.approx(0.3), 0.0, 0.0]
    assert equity.exposure[1:].tolist() == equity.margin[1:].tolist() == [0.0, 0.0]
    assert equity.carried == {"AAA/USDT": 0}


def test_a_position_without_any_known_close_is_marked_at_its_last_fill():
    one = trade([fill(0, 1.0, 100.0, fee=0.0)])
    _, _, equity = account(run_of({"AAA/USDT": [float("nan")] * 3}, [one]))
    assert equity.equity.tolist() == [1000.0] * 3


def test_closes_land_on_the_candle_of_their_time_and_those_outside_are_left_out():
    market = candles([1.0, 2.0, 3.0])
    late = Candles(market.seconds + STEP, market.open, market.high, market.low, market.close)
    marks = marks_of({"AAA/USDT": late}, grid_of(START, START + 2 * STEP, STEP))
    np.testing.assert_array_equal(marks.closes["AAA/USDT"], [np.nan, 1.0, 2.0])


def test_carrying_forward_leaves_leading_unknowns_unknown():
    values = np.array([np.nan, 1.0, np.nan, np.nan, 2.0])
    np.testing.assert_array_equal(carried_forward(values), [np.nan, 1.0, 1.0, 1.0, 2.0])


def test_an_exit_releases_its_share_of_the_average_margin():
    fills = [
        fill(0, 1.0, 100.0),
        fill(1, 1.0, 80.0),
        fill(2, 0.5, 120.0, entry=False),
        fill(3, 1.5, 120.0, entry=False),
    ]
    assert margin_changes(trade(fills, leverage=2.0)) == pytest.approx([50, 40, -22.5, -67.5])


def test_a_fill_within_a_candle_counts_from_that_candle_on():
    order = fill(1, 1.0, 100.0, fee=0.0)
    inside = type(order)(
        order.is_entry, order.is_buy, order.price, order.amount, order.seconds + 60, 0.0, ""
    )
    _, _, equity = account(run_of({"AAA/USDT": [100, 110, 120]}, [trade([inside])]))
    assert equity.positions["AAA/USDT"].tolist() == [0.0, 1.0, 1.0]
