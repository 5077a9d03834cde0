"""When a cycle ended in a loss its pair rests, and where no cycle may begin none does."""

from datetime import timedelta
from itertools import pairwise

import pytest

from gridkit.grid import tags
from host.conftest import QUICK_TREND

pytestmark = pytest.mark.slow

TIGHT = {
    "trend": {"enabled": False},
    "spacing": {"method": "fixed", "grid_step": 0.004},
    "stops": {"lot_stop": 0.008, "pause_hours": 6},
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


def first_prices(run):
    """Price of the order that opened each cycle of ETH."""
    return [
        min(trade["orders"], key=lambda order: order["order_filled_timestamp"])["safe_price"]
        for trade in run.trades
        if trade["pair"] == "ETH/USDT"
    ]


@pytest.mark.parametrize("name", ["stop_price", "pause_price"])
def test_no_cycle_opens_beyond_a_stop_or_pause_price(backtest, spot, name):
    free = backtest(spot, {"trend": QUICK_TREND})
    rates = first_prices(free)
    limit = sorted(rates)[len(rates) // 2]
    bound = backtest(spot, {"trend": QUICK_TREND, "stops": {name: {"ETH/USDT": limit}}})
    assert min(rates) < limit * 0.96, "or the market never went beyond, and nothing is shown"
    assert first_prices(bound)
    assert [price for price in first_prices(bound) if price < limit * 0.96] == []
