"""What a decision that is kept, or made ahead, must not change: the orders."""

from datetime import UTC, datetime

import pytest

from backtests.runs import QUICK, REALISED, disagreements
from gridkit.host.cycle import Cycle
from gridkit.host.desk import GridDesk
from gridkit.host.planning import Planner

pytestmark = pytest.mark.slow

ENOUGH_ORDERS = 100
THE_END = datetime(2030, 1, 1, tzinfo=UTC)
# More lines than price passes: where caps bind, a kept verdict may be an hour old.
DENSE = {
    **QUICK,
    "spacing": {"method": "fixed", "grid_step": 0.003},
    "grid": {"levels": 25},
    "caps": {"inventory": 1.0, "exposure": 1.0},
    "stops": {"lot_stop": 0.02},
}
# Free lines are laid anew when the market's regime changed, and by nothing else.
BY_REGIME = {
    **QUICK,
    "volatility": {**REALISED, "window_hours": 8},
    "spacing": {"volatility_factor": 0.15, "min_step": 0.0025},
    "grid": {"levels": 25, "replan_hours": 168, "replan_volatility_change": 2},
    "caps": DENSE["caps"],
    "stops": DENSE["stops"],
}


@pytest.fixture
def never_kept(monkeypatch):
    """Every candle is decided anew, as if nothing had been decided before."""
    monkeypatch.setattr(Cycle, "decided_for", lambda *_arguments: False)


@pytest.fixture
def never_ahead(monkeypatch):
    monkeypatch.setattr(GridDesk, "_foresee", lambda *_arguments: None)


@pytest.mark.parametrize("settings", [DENSE, BY_REGIME], ids=["dense", "by regime"])
@pytest.mark.parametrize("slow", ["never_kept", "never_ahead"])
def test_orders_are_the_same_when_every_decision_is_made_anew(
    request, backtest, spot, slow, settings
):
    fast = backtest(spot, settings)
    request.getfixturevalue(slow)
    assert disagreements(fast, backtest(spot, settings), THE_END) == []
    assert len(fast.placed) >= ENOUGH_ORDERS


def test_lines_follow_the_regime_where_nothing_else_has_them_laid_anew(backtest, spot, monkeypatch):
    """Or the runs above would show nothing of it."""
    followed = backtest(spot, BY_REGIME)
    revise = Planner.revise

    def unmoved(planner, cycle, trade, reading, *more):
        return revise(planner, cycle, trade, reading._replace(regime=cycle.plan.regime), *more)

    monkeypatch.setattr(Planner, "revise", unmoved)
    assert disagreements(followed, backtest(spot, BY_REGIME), THE_END)


def test_most_candles_are_answered_by_what_was_decided_before(backtest, spot, monkeypatch):
    asked, anew = [], []
    next_order, decide = GridDesk.next_order, GridDesk._decide
    monkeypatch.setattr(
        GridDesk, "next_order", lambda *given: asked.append(1) or next_order(*given)
    )
    monkeypatch.setattr(GridDesk, "_decide", lambda *given: anew.append(1) or decide(*given))
    backtest(spot, QUICK)
    assert 0 < len(anew) < 0.3 * len(asked)
