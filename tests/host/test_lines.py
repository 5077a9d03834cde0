"""Gap and lines by capital, as a desk asks for them; a cycle keeps the method it started with."""

import math
from dataclasses import replace

import pytest

from gridkit.grid.lots import Lot
from gridkit.host import lines
from host.desks import NOW, PAIR, order_of, sees, strategy_of, trade_of

SMALL, LARGE = 400.0, 5_000.0


def reading_of(desk, **candle):
    sees(desk.context.strategy, 100.0, **candle)
    return desk.context.market.at(PAIR, NOW)


@pytest.fixture
def desk():
    return strategy_of(cash=SMALL).desk


@pytest.mark.parametrize(
    ("capital", "method", "step", "count"),
    [(SMALL, "micro", 0.006, 15), (LARGE, "volatility", 0.012, 10)],
)
def test_capital_decides_how_far_apart_and_how_many_lines_are(desk, capital, method, step, count):
    reading = reading_of(desk, volatility=0.02, volatility_smooth=0.02)
    gap = lines.spacing_of(reading, desk.settings, capital)
    assert (gap.method, gap.volatility) == (method, 0.02)
    assert gap.step == pytest.approx(step)
    assert lines.levels_of(reading, desk.settings, capital) == count


def test_the_micro_gap_goes_by_the_smoothed_volatility_of_the_past(desk):
    calm = reading_of(desk, volatility=0.05, volatility_smooth=0.02)
    wild = reading_of(desk, volatility=0.02, volatility_smooth=0.03)
    steps = [lines.spacing_of(one, desk.settings, SMALL).step for one in (calm, wild)]
    assert steps == pytest.approx([0.006, 0.012])


def test_a_method_that_is_given_counts_whatever_the_capital(desk):
    reading = reading_of(desk, volatility=0.02)
    assert lines.spacing_of(reading, desk.settings, LARGE, "micro").method == "micro"
    assert lines.spacing_of(reading, desk.settings, SMALL, "volatility").method == "volatility"
    assert lines.levels_of(reading, desk.settings, SMALL, "volatility") == 10


def test_without_a_candle_there_is_no_gap_and_lines_are_those_of_the_capital(desk):
    assert lines.spacing_of(None, desk.settings, SMALL) is None
    assert lines.levels_of(None, desk.settings, SMALL) == 15
    assert lines.levels_of(None, desk.settings, LARGE) == 10


def test_a_cycle_keeps_its_method_though_capital_grows(desk, open_trades):
    trade = trade_of(order_of("L1", 99.4))
    open_trades.append(trade)
    reading = reading_of(desk, volatility=0.02, volatility_smooth=0.02)
    cycle = desk.planner.load(trade, reading)
    assert cycle.plan.method == "micro"
    cycle.book.ledger.lots[1] = Lot(1, 0.2, 99.4, 0.0)
    cycle.plan = replace(cycle.plan, made=0.0)
    desk.context.strategy.wallets.cash = LARGE
    desk.planner.revise(cycle, trade, reading, NOW, 99.4)
    assert cycle.plan.made == NOW.timestamp()
    assert (cycle.plan.method, len(cycle.plan.lines)) == ("micro", 15)
    assert cycle.plan.step == pytest.approx(0.02)  # that of the micro grid of a larger account


@pytest.mark.parametrize("on", [True, False])
def test_lines_are_laid_with_density_and_volume_where_these_are_on(on):
    switched = {"density": {"enabled": on}, "volume_lines": {"enabled": on}}
    desk = strategy_of(**switched).desk
    layout = desk.rules.layout(trade_of(order_of("L1", 99.4)))
    assert (layout.density is not None, layout.volume_lines is not None) == (on, on)
    assert layout.tick == 0.01
    before = desk.rules.layout_of(PAIR)
    assert before == replace(layout, tick=0.0)


def test_the_first_order_of_a_plan_is_its_first_line(desk, open_trades):
    trade = trade_of(order_of("L1", 99.37))
    open_trades.append(trade)
    plan = desk.planner.load(trade, reading_of(desk, volatility=0.02)).plan
    assert plan.lines[0].price == 99.37
    assert plan.steps.bounded == plan.step
    assert not math.isnan(plan.steps.dense)
