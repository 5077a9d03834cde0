"""Breakers in freqtrade's own backtest: everything is sold, the pairs rest, the bot goes on."""

from datetime import timedelta

import pytest

from backtests.runs import UNGATED
from gridkit.grid import tags
from host.analysed import merged

pytestmark = pytest.mark.slow

NEAR = {"enabled": True, "market": False, "yellow": 0.001, "orange": 0.002, "red": 0.003}


def breaking(**changes):
    """Lines near each other, no stops, and breakers that a fall of the simulated market reaches."""
    return merged(
        UNGATED,
        {
            "spacing": {"method": "fixed", "grid_step": 0.004},
            "stops": {"lot_stop_enabled": False, "pause_hours": 0},
            "breakers": {**NEAR, **changes},
        },
    )


def sales(run):
    """When everything was sold, oldest first."""
    return sorted(fill.time for fill in run.filled if tags.verb_of(fill.tag) == tags.FLATTEN)


def entries(run):
    return sorted(fill.time for fill in run.filled if fill.tag.startswith("L"))


def test_red_sells_everything_and_nothing_is_bought_for_the_cool_down(backtest, spot):
    run = backtest(spot, breaking())
    sold, bought = sales(run), entries(run)
    assert sold
    first = sold[0]
    until = first + timedelta(hours=12) - timedelta(minutes=10)
    assert not [one for one in bought if first < one < until]
    assert [one for one in bought if one >= until], "it restarts"


def test_without_restarts_nothing_is_bought_after_red(backtest, spot):
    run = backtest(spot, breaking(most_restarts=0))
    last = max(sales(run))
    assert not [one for one in entries(run) if one > last]


def test_switched_off_nothing_is_sold_for_a_drawdown(backtest, spot):
    assert not sales(backtest(spot, breaking(enabled=False)))
