"""When a cycle ended in a loss its pair rests, and where no cycle may begin none does."""

from datetime import timedelta
from itertools import pairwise

import pytest

from backtests.runs import QUICK, UNGATED
from gridkit.grid import tags

pytestmark = pytest.mark.slow

TIGHT = {
    **UNGATED,
    "spacing": {"method": "fixed", "grid_step": 0.004},
    "stops": {"lot_stop": 0.008, "pause_hours": 6},
}
# No stops of lots: all lines may be held when price comes to the limit.
LIMITED = {
    **QUICK,
    "spacing": {"method": "fixed", "grid_step": 0.004},
    "stops": {"lot_stop_enabled": False, "pause_hours": 0},
}


def cycles_of(run):
    """First and last fill of every cycle, with the last one's tag, by pair."""
    cycles = {}
    for trade in run.trades:
        orders = sorted(trade["orders"], key=lambda order: order["order_filled_timestamp"])
        when = trade["open_date"], trade["close_date"], orders[-1]["ft_order_tag"]
        cycles.setdefault(trade["pair"], []).append(when)
    return {pair: sorted(ended) for pair, ended in cycles.items()}


def test_a_cycle_whose_last_lot_was_stopped_keeps_its_pair_from_opening_for_a_while(backtest, spot):
    seen = 0
    for ended in cycles_of(backtest(spot, TIGHT)).values():
        for (_, closed, last), (opened, _, _) in pairwise(ended):
            if tags.verb_of(last) == tags.STOP:
                seen += 1
                assert opened - closed >= timedelta(hours=6), (opened, closed)
    assert seen > 0


def entry_fills(run):
    """Price of every entry of ETH that was filled, whatever its level, oldest first."""
    return [
        fill.price
        for fill in run.filled
        if fill.pair.startswith("ETH/") and fill.tag.startswith("L")
    ]


@pytest.mark.parametrize("direction", ["long", "short"])
@pytest.mark.parametrize("name", ["stop_price", "pause_price"])
def test_no_entry_of_any_level_is_filled_beyond_a_stop_or_pause_price(
    backtest, futures, direction, name
):
    side = 1 if direction == "long" else -1
    settings = {**LIMITED, "direction": direction}
    prices = sorted(entry_fills(backtest(futures, settings)), key=lambda price: side * price)
    limit = prices[len(prices) // 3]
    stops = {**LIMITED["stops"], name: {futures.pairs[0]: limit}}
    bound = entry_fills(backtest(futures, {**settings, "stops": stops}))
    assert side * (limit - prices[0]) > 0.01 * limit, "or nothing is shown"
    assert len(bound) >= 20
    assert [price for price in bound if side * price < side * limit] == []
