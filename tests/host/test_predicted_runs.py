"""Whole backtests of a grid whose frame has predictions: what they change, and what they leave."""

from collections import Counter
from functools import partial

import pytest

from backtests.runs import UNGATED
from gridkit.grid import tags
from gridkit.host import desk as desks

pytestmark = pytest.mark.slow

STAKE = 120.0
DENSE = {
    **UNGATED,
    "spacing": {"method": "fixed", "grid_step": 0.004},
    "sizing": {"mode": "fixed", "stake": STAKE},
}
BOTH_SIDES = pytest.mark.parametrize("direction", ["long", "short"])


def entries(run):
    return [one for one in run.placed if tags.levels_of(one.tag) and not tags.verb_of(one.tag)]


def likely(run, order):
    """What was predicted for the side of the grid, by the last candle closed before an order."""
    series = run.strategy.desk.context.market.series[order.pair]
    rising = series.rising.item(series.index_at(order.time.timestamp()))
    return 1 - rising if order.side == "sell" else rising


def step(run, pair):
    return run.backtesting.exchange.get_precision_amount(pair)


@BOTH_SIDES
def test_nothing_is_added_where_it_is_unlikely_to_earn_and_more_where_it_is_likely(
    backtest, futures, direction
):
    settings = {**DENSE, "direction": direction, "caps": {"inventory": 1.0, "exposure": 1.0}}
    run = backtest(futures, settings, strategy="Predicted")
    seen = Counter()
    for order in entries(run):
        chance, levels = likely(run, order), tags.levels_of(order.tag)
        assert not chance < 0.3
        raised = chance > 0.7
        wanted = (1.1 if raised else 1.0) * len(levels) * STAKE / order.price
        assert order.amount == pytest.approx(wanted, abs=2 * len(levels) * step(run, order.pair))
        seen[raised, levels == (1,)] += 1
    assert len(seen) == 4, "starts and additions, raised and plain"
    assert min(seen.values()) >= 3


@BOTH_SIDES
def test_while_predictions_are_not_heeded_every_order_is_that_of_a_grid_without(
    backtest, futures, direction
):
    settings = {**DENSE, "direction": direction}
    plain = backtest(futures, settings)
    assert len(plain.placed) >= 100
    assert backtest(futures, settings, strategy="PredictedNothing").placed == plain.placed
    off = {**settings, "prediction": {"enabled": False}}
    assert backtest(futures, off, strategy="Predicted").placed == plain.placed


def test_a_line_is_a_plain_one_where_there_is_no_room_for_more(backtest, spot, monkeypatch):
    seen = Counter()
    monkeypatch.setattr(desks, "decide", partial(noted, desks.decide, seen))
    tight = {**DENSE, "caps": {"inventory": 0.2, "correlation": 0.0}}
    run = backtest(spot, tight, strategy="Predicted")
    assert {"raised", "too little room"} <= seen.keys()
    assert seen["beyond the room"] == 0
    assert entries(run)


def noted(decide, seen, situation, rules):
    verdict = decide(situation, rules)
    order = verdict.order
    if order is not None and order.is_entry and situation.scale > 1:
        stake = len(order.levels) * situation.plan.level_stake * order.scale
        seen["raised" if order.scale > 1 else "too little room"] += 1
        seen["beyond the room"] += stake > situation.room * (1 + 1e-9)
    return verdict
