"""Free lines are laid anew when the market's regime changed, and otherwise in their time."""

from dataclasses import replace

import pytest

from gridkit.analytics.regime import Regime
from gridkit.grid.lots import Lot
from gridkit.host.cycle import Cycle
from host.desks import NOW, STRONG, order_of, sees, strategy_of, trade_of

UNCERTAIN = 22.0  # between adx_calm and adx_strong


@pytest.fixture
def desk():
    return strategy_of(spacing={"method": "volatility", "volatility_factor": 0.5}).desk


@pytest.fixture
def trade(open_trades):
    trade = trade_of(order_of("L1", 99.0), order_of("L2", 98.0))
    open_trades.append(trade)
    return trade


@pytest.fixture
def cycle(desk, trade):
    """Two lots of ten lines, 1 % apart by a volatility of 2 %, laid while the market was calm."""
    cycle = desk.planner.load(trade, reading(desk))
    assert isinstance(cycle, Cycle)
    cycle.plan = replace(cycle.plan, made=NOW.timestamp())
    cycle.book.ledger.lots.update({1: Lot(1, 0.2, 99.0, 0.0), 2: Lot(2, 0.2, 98.0, 0.0)})
    return cycle


def reading(desk, **changes):
    sees(desk.context.strategy, 98.5, **changes)
    return desk.context.market.at("ETH/USDT", NOW)


def test_the_plan_of_a_cycle_knows_the_regime_it_was_laid_in(cycle):
    assert (cycle.plan.regime, len(cycle.plan.lines)) == (Regime.RANGING, 10)


@pytest.mark.parametrize(
    ("strength", "side", "regime"),
    [(STRONG, 1.0, Regime.TRENDING_BULLISH), (STRONG, -1.0, Regime.TRENDING_BEARISH),
     (UNCERTAIN, 1.0, Regime.UNCERTAIN), (float("nan"), 1.0, Regime.UNCERTAIN)],
)  # fmt: skip
def test_another_regime_lays_free_lines_anew_and_leaves_lots_their_targets(
    desk, trade, cycle, strength, side, regime
):
    before = cycle.plan
    now = reading(desk, volatility=0.024, strength=strength, side=side)  # no move for a re-plan
    desk.planner.revise(cycle, trade, now, NOW, 98.5)
    after = cycle.plan
    assert after.regime == regime
    assert after.step == pytest.approx(0.012)
    assert after.lines[:2] == before.lines[:2]
    assert all(new != old for new, old in zip(after.lines[2:], before.lines[2:], strict=True))


def test_the_same_regime_leaves_the_plan_until_it_is_due(desk, trade, cycle):
    before = cycle.plan
    desk.planner.revise(cycle, trade, reading(desk, volatility=0.024, side=-1.0), NOW, 98.5)
    assert cycle.plan is before
    cycle.plan = replace(before, made=NOW.timestamp() - 6 * 3_600)
    desk.planner.revise(cycle, trade, reading(desk, volatility=0.024), NOW, 98.5)
    assert cycle.plan.step == pytest.approx(0.012)


def test_a_kept_decision_ends_with_its_regime(desk, trade, cycle):
    cycle.plan = replace(cycle.plan, made=NOW.timestamp())
    cycle.book.ledger.lots.clear()
    desk.cycles[trade.id] = cycle
    sees(desk.context.strategy, 98.5)
    asked = desk.next_order(trade, NOW, 98.5, 98.5)
    assert asked is not None
    trade.orders.append(order_of(asked[1], cycle.verdict.order.price, rests=True))
    series = desk.context.market.series[trade.pair]
    known = (NOW.timestamp(), 98.5, 0.02, desk.surroundings.code(series, -1, 1))
    assert cycle.decided_for(trade, *known, Regime.RANGING, desk._account)
    others = set(Regime) - {Regime.RANGING}
    assert not any(cycle.decided_for(trade, *known, other, desk._account) for other in others)
