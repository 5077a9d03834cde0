"""What a decision that is kept, or made ahead, must not change: the orders."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from freqtrade.persistence import LocalTrade

from backtests.runs import QUICK, REALISED, disagreements
from gridkit.grid import tags
from gridkit.host import desk, outlook
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
    "spacing": {"method": "volatility", "volatility_factor": 0.15, "min_step": 0.0025},
    "grid": {"levels": 25, "replan_hours": 168, "replan_volatility_change": 2},
    "caps": DENSE["caps"],
    "stops": DENSE["stops"],
}
# Every feature is on; each of these makes some of them act, on lots that soon are stuck.
UNGATED = {"regime": {"enabled": False}}
NO_STOPS = {"lot_stop_enabled": False, "cycle_stop_enabled": False}
FLOW = {"enabled": True, "one_sided": 0.1, "significant": 0.05}
SOON_STUCK = {
    "rungs": "always",
    "position_timeout_minutes": 15,
    "away": 0.004,
    "ladder": [0.001, 0.002, 0.003],
}
# Market, settings, and what a `Witness` has to see, or the runs would prove nothing.
FEATURES = {
    "lots leave by the ladder, sizes follow fortune, hours are thin, lines move": (
        "spot",
        {**UNGATED, "stops": NO_STOPS, "recovery": {**SOON_STUCK, "budget": 0.2}},
        {"stuck", "recover", "sizes", "thin", "uneven lines"},
    ),
    "recovery at market, with next to nothing left to lose": (
        "spot",
        {
            **UNGATED,
            "stops": {**NO_STOPS, "lot_stop": 0.01},
            "recovery": {**SOON_STUCK, "mode": "aggressive", "budget": 0.002},
        },
        {"stuck", "recover", "recovery budget"},
    ),
    "trends of both directions": (
        "futures",
        {"direction": "auto", "stops": {"lot_stop": 0.02, "trend_flatten": 0.0}},
        {"flattened by trend", "long", "short"},
    ),
    "pauses and shocks": (
        "spot",
        {
            **UNGATED,
            "brakes": {"illiquid": "pause", "illiquid_from": 11, "illiquid_to": 13},
            "breakers": {"move": 0.006, "volume": 2.0, "pause_minutes": 30},
        },
        {"pause", "shock"},
    ),
    "one-sided flow": (
        "rich_spot",
        {**UNGATED, "orderflow": {**FLOW, "lookback_candles": 5}},
        {"flow"},
    ),
    "predictions": ("spot", UNGATED, {"unlikely", "likely"}),
    "drawdowns": (
        "spot",
        {
            **UNGATED,
            "stops": NO_STOPS,
            "sizing": {"mode": "fixed"},
            "breakers": {
                "market": False, "yellow": 0.003, "orange": 0.005, "red": 0.008,
                "cooldown_hours": 6,
            },
        },
        {"yellow", "orange", "red", "flatten"},
    ),
}  # fmt: skip
STRATEGIES = {"predictions": "Predicted"}
FEATURED = "20251209-20251214"


class Witness:
    """Sees, after every candle of every pair, what had a say in open cycles."""

    BITS = (
        (outlook.FLOW, "flow"), (outlook.PAUSE, "pause"), (outlook.SHOCK, "shock"),
        (outlook.UNLIKELY, "unlikely"), (outlook.LIKELY, "likely"),
    )  # fmt: skip

    def __init__(self):
        self.seen = Counter()
        self.stakes = set()

    def __call__(self, run, pair, now):
        used = run.strategy.desk
        if used.breakers.up is not None:
            self.seen[used.breakers.up.stage.name.lower()] += 1
        for trade in LocalTrade.bt_trades_open_pp[pair]:
            side = "short" if trade.is_short else "long"
            code = code_at(used, pair, now, -1 if trade.is_short else 1)
            self.seen.update([side, *(name for bit, name in self.BITS if code & bit)])
            cycle = used.cycles.get(trade.id)
            if cycle is not None and cycle.verdict is not None:
                self._look(cycle.verdict, cycle.plan, cycle.stuck)

    def _look(self, verdict, plan, stuck):
        self.seen["stuck"] += bool(stuck)
        self.seen[verdict.withheld.condition if verdict.withheld else "nothing"] += 1
        prices = [line.price for line in plan.lines]
        gaps = {round(above / below, 4) for above, below in pairwise(prices)}
        self.seen["uneven lines"] += len(gaps) > 1
        self.stakes.add(round(plan.level_stake, 2))

    def saw(self, run):
        """Everything that was seen, and that the orders tell of."""
        self.seen.update(tags.verb_of(fill.tag) for fill in run.filled)
        self.seen["sizes"] = len(self.stakes) > 3
        self.seen["flattened by trend"] = sum(by_trend(run, one) for one in run.placed)
        night = [one.tag for one in run.placed if one.time.hour in range(3, 7) if is_entry(one)]
        odd = [tag for tag in night if all(level % 2 for level in tags.levels_of(tag))]
        self.seen["thin"] = len(odd) if odd == night else 0
        return {name for name, times in self.seen.items() if times > 0}


def code_at(used, pair, now, side):
    series = used.context.market.series[pair]
    return series.outlook[side].item(series.index_at(now.timestamp()))


def is_entry(order):
    return bool(tags.levels_of(order.tag)) and not tags.verb_of(order.tag)


def by_trend(run, order):
    if tags.verb_of(order.tag) != tags.FLATTEN:
        return False
    side = 1 if order.side == "sell" else -1
    return bool(code_at(run.strategy.desk, order.pair, order.time, side) & outlook.TREND)


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


@pytest.mark.parametrize("kind", list(FEATURES))
def test_orders_are_the_same_whatever_feature_acts(request, backtest, kind):
    name, changes, expected = FEATURES[kind]
    market, settings, witness = request.getfixturevalue(name), {**DENSE, **changes}, Witness()
    config = {"timerange": FEATURED, "strategy": STRATEGIES.get(kind, "AdaptiveGrid")}
    fast = backtest(market, settings, watch=witness, **config)
    request.getfixturevalue("never_kept")
    request.getfixturevalue("never_ahead")
    anew = backtest(market, settings, **config)
    assert disagreements(fast, anew, THE_END) == []
    assert expected - witness.saw(fast) == set()
    assert len(fast.placed) >= ENOUGH_ORDERS


@pytest.mark.parametrize(
    ("name", "mode", "check_minutes"), [("spot", "aggressive", 5), ("futures", "ladder", 60)]
)
def test_what_little_budget_withholds_is_decided_anew_as_often_as_what_caps_withhold(
    request, backtest, monkeypatch, name, mode, check_minutes
):
    """Every mark moves the budget a little, so kept decisions are exact where none is kept long."""
    monkeypatch.setattr(desk, "CASH_SECONDS", 0)
    recovery = {**SOON_STUCK, "mode": mode, "budget": 0.0003, "check_minutes": check_minutes}
    settings = {**DENSE, **UNGATED, "stops": {**NO_STOPS, "lot_stop": 0.01}, "recovery": recovery}
    market, witness = request.getfixturevalue(name), Witness()
    fast = backtest(market, settings, watch=witness)
    request.getfixturevalue("never_kept")
    request.getfixturevalue("never_ahead")
    assert disagreements(fast, backtest(market, settings), THE_END) == []
    assert {"recovery budget", "recover"} <= witness.saw(fast)


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
