"""Settings that only a running bot shows something of: each changes what it says or does."""

from datetime import timedelta
from typing import Any

import pytest
from freqtrade.enums import RunMode

from gridkit.analytics.book_levels import Level, Levels
from gridkit.grid import volume_lines
from gridkit.grid.costs import Costs
from gridkit.grid.layout import Layout, Terrain
from gridkit.grid.rows import Row
from gridkit.grid.situation import Stuck
from gridkit.host import orders
from gridkit.host.cycle import Cycle
from gridkit.settings import GridSettings, SpacingSettings, VolumeLineSettings
from host.desks import NOW, PAIR, order_of, strategy_of, trade_of

# Lines one per cent apart, and a book with two bids, one of them weak and far down the ranks.
LINES = Row((100.0, 99.0, 98.0, 97.0), (True, True), 1)
BIDS = (Level(98.7, strength=0.5, rank=1, side=1), Level(97.8, strength=0.2, rank=8, side=1))
FREE = Costs(0.0, 0.0, 0.0, 0.0)


def moved(rule: VolumeLineSettings, *, quality: float = 0.5, imbalance: float = 0.0):
    layout = Layout(SpacingSettings(), GridSettings(), FREE, volume_lines=rule)
    terrain = Terrain(book=Levels(BIDS, quality), imbalance=imbalance)
    return volume_lines.moved(LINES, terrain, layout).prices


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (98.7, 98.0)),
        ({"least_strength": 0.6}, (99.0, 98.0)),
        ({"least_strength": 0.1, "least_rank": 10}, (98.7, 97.8)),
        ({"least_strength": 0.1, "least_rank": 5}, (98.7, 98.0)),
        ({"least_quality": 0.6}, (99.0, 98.0)),
    ],
)
def test_lines_move_to_levels_of_the_book_that_are_strong_and_in_front_of_a_book_to_trust(
    changes, expected
):
    assert moved(VolumeLineSettings(**changes)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 0.008),
        ({"imbalance": 0.5}, 0.0),
        ({"bias": 0.01}, 0.004),
        ({"most_bias": 0.002}, 0.002),
        ({"bias": 0.1, "most_bias": 0.005}, 0.005),
    ],
)
def test_the_imbalance_of_the_book_raises_lines_by_so_much_and_no_more(changes, share):
    rule = VolumeLineSettings(**changes)
    assert volume_lines.bias_of(0.4, 1, rule) == pytest.approx(share)
    # Half of the gap to the neighbour stays.
    raised = tuple(min(price * (1 + share), price + 0.5) for price in LINES.prices[1:-1])
    found = moved(rule, quality=0.0, imbalance=0.4)
    assert found[0] == pytest.approx(raised[0])


def bot(**settings: Any):
    return strategy_of(RunMode.DRY_RUN, **settings)


def stuck_since(strategy, minutes):
    """A cycle whose first lot has been stuck for so long."""
    trade = trade_of(order_of("L1", 99.0))
    reading = strategy.desk.context.market.at(PAIR, NOW)
    strategy.desk.context.live = False  # where nothing is kept with the trade
    cycle = strategy.desk.planner.load(trade, reading)
    strategy.desk.context.live = True
    assert isinstance(cycle, Cycle)
    cycle.book = orders.new_book(trade)
    cycle.book.read_on(trade, {})
    since = (NOW - timedelta(minutes=minutes)).timestamp()
    cycle.stuck = {1: Stuck(95.0, since, 0.2)}
    return {trade.id: cycle}


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("settings", "minutes", "told"),
    [
        ({}, 119, 0),
        ({}, 120, 1),
        ({"recovery": {"alert_minutes": 30}}, 29, 0),
        ({"recovery": {"alert_minutes": 30}}, 30, 1),
        ({"messages": {"enabled": False}}, 120, 0),
    ],
)
def test_a_lot_that_is_stuck_for_alert_minutes_is_told_of_once(settings, minutes, told):
    strategy = bot(**settings)
    cycles = stuck_since(strategy, minutes)
    for _ in range(3):
        strategy.desk.announcer.look(cycles, NOW)
    assert len([text for text in strategy.dp.sent if "stuck" in text]) == told


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("reconcile", "looks"),
    [({}, 3), ({"minutes": 2}, 6), ({"minutes": 60}, 1), ({"enabled": False}, 0)],
)
def test_lots_and_exchange_are_compared_every_so_many_minutes(monkeypatch, reconcile, looks):
    reconciler = bot(reconcile=reconcile).desk.reconciler
    seen: list[Any] = []
    compare = reconciler._compare
    monkeypatch.setattr(
        reconciler, "_compare", lambda *asked: seen.append(asked) or compare(*asked)
    )
    for seconds in range(0, 11 * 60, 5):
        reconciler.look(NOW + timedelta(seconds=seconds))
    assert len(seen) == looks
