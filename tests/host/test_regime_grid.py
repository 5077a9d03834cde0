"""Gaps by class of volatility: how far apart, how many lines, laid anew when, wider when."""

import math
from dataclasses import replace

import pytest

from gridkit.grid.lots import Lot
from gridkit.host import lines
from gridkit.host.cycle import Cycle
from host.desks import NOW, PAIR, order_of, sees, strategy_of, trade_of

ULTRA_LOW, LOW, NORMAL, HIGH, EXTREME = (one / math.sqrt(365) for one in (0.1, 0.2, 0.3, 0.6, 0.9))


@pytest.fixture
def desk():
    """A share that pays for all lines of any class, and is spread over them."""
    sizing = {"mode": "fixed"}
    spacing = {"method": "regime"}
    return strategy_of(cash=10_000.0, spacing=spacing, grid={"levels": 10}, sizing=sizing).desk


@pytest.fixture
def trade(open_trades):
    trade = trade_of(order_of("L1", 99.8))
    open_trades.append(trade)
    return trade


def reading(desk, **candle):
    sees(desk.context.strategy, 99.8, **candle)
    return desk.context.market.at(PAIR, NOW)


def started(desk, trade, volatility):
    """A cycle that holds its first line, laid just now."""
    cycle = desk.planner.load(trade, reading(desk, volatility=volatility))
    cycle.book.ledger.lots[1] = Lot(1, 0.2, 99.8, 0.0)
    cycle.plan = replace(cycle.plan, made=NOW.timestamp())
    return cycle


@pytest.mark.parametrize(
    ("volatility", "step", "count"),
    [
        (ULTRA_LOW, 0.0005, 15), (LOW, 0.001, 12), (NORMAL, 0.002, 10), (HIGH, 0.005, 8),
        (EXTREME, 0.010, 5),
    ],
)  # fmt: skip
def test_a_cycle_has_gap_and_lines_of_its_class(desk, trade, volatility, step, count):
    cycle = desk.planner.load(trade, reading(desk, volatility=volatility))
    assert isinstance(cycle, Cycle)
    assert cycle.plan.step == step
    assert len(cycle.plan.lines) == count
    assert desk.treasury.budget(PAIR, 99.8, 1.0).levels == count


@pytest.mark.usefixtures("open_trades")
def test_more_lines_share_the_same_capital(desk):
    stakes = {}
    for volatility in (ULTRA_LOW, NORMAL, EXTREME):
        reading(desk, volatility=volatility)
        budget = desk.treasury.budget(PAIR, 99.8, 1.0)
        stakes[volatility] = budget.levels * budget.level_stake
    assert stakes[ULTRA_LOW] == pytest.approx(stakes[NORMAL]) == pytest.approx(stakes[EXTREME])


def test_another_class_lays_free_lines_anew_and_the_same_one_does_not(desk, trade):
    cycle = started(desk, trade, NORMAL)
    before = cycle.plan
    # By half as much, but within the class: 25 to 50 % a year.
    desk.planner.revise(cycle, trade, reading(desk, volatility=NORMAL * 1.5), NOW, 99.8)
    assert cycle.plan is before
    desk.planner.revise(cycle, trade, reading(desk, volatility=HIGH), NOW, 99.8)
    assert (cycle.plan.step, cycle.plan.volatility) == (0.005, HIGH)


def test_an_unknown_forecast_leaves_the_lines(desk, trade):
    cycle = desk.planner.load(trade, reading(desk, volatility=NORMAL))
    before = cycle.plan
    desk.planner.revise(cycle, trade, reading(desk, volatility=math.nan), NOW, 99.8)
    assert cycle.plan is before


@pytest.mark.parametrize(("factor", "step"), [(1.0, 0.005), (1.6, 0.008), (3.0, 0.015)])
def test_stress_widens_the_gap_of_a_new_cycle(desk, trade, factor, step):
    cycle = desk.planner.load(trade, reading(desk, volatility=HIGH, gap_factor=factor))
    assert cycle.plan.step == pytest.approx(step)
    assert len(cycle.plan.lines) == 8, "and leaves their number"


def test_stress_never_widens_it_beyond_its_bound(desk):
    gap = lines.spacing_of(reading(desk, volatility=EXTREME, gap_factor=3.0), desk.settings)
    assert gap.step == desk.settings.spacing.regime_max_step == 0.02


def test_stress_that_came_later_widens_the_free_lines_when_they_are_due(desk, trade):
    cycle = started(desk, trade, HIGH)
    before = cycle.plan
    stressed = reading(desk, volatility=HIGH, gap_factor=2.0)
    desk.planner.revise(cycle, trade, stressed, NOW, 99.8)
    assert cycle.plan is before
    cycle.plan = replace(before, made=NOW.timestamp() - 6 * 3_600)
    desk.planner.revise(cycle, trade, stressed, NOW, 99.8)
    assert cycle.plan.step == pytest.approx(0.010)


@pytest.mark.parametrize("method", ["fixed", "volatility"])
def test_other_methods_heed_neither_class_nor_stress(method):
    desk = strategy_of(spacing={"method": method}).desk
    calm = lines.spacing_of(reading(desk, volatility=HIGH), desk.settings)
    stressed = lines.spacing_of(reading(desk, volatility=HIGH, gap_factor=3.0), desk.settings)
    assert calm == stressed
    assert lines.levels_of(reading(desk, volatility=ULTRA_LOW), desk.settings) == 10


def test_a_pair_without_a_candle_has_no_gap_and_the_lines_asked_for(desk):
    assert lines.spacing_of(None, desk.settings) is None
    assert lines.levels_of(None, desk.settings) == 10
