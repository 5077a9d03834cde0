"""Each reason from outside stops what it should, and no more: starts, additions, or all there is.

Asked as freqtrade asks, through the strategy's callbacks, in trade mode.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from freqtrade.enums import MarketDirection, RunMode, State
from freqtrade.persistence import CustomDataWrapper, Trade

from gridkit.analytics.books import Book
from gridkit.analytics.shocks import KIND, VALUE, Shock
from gridkit.grid.situation import Block
from gridkit.host import commands
from gridkit.host.announcer import Announcer
from gridkit.host.desk import GridDesk
from gridkit.risk.breakers import Breaker, Stage
from host.desks import NOW, PAIR, STRONG, order_of, sees, strategy_of, trade_of

PLAIN = {
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "density": {"enabled": False},
    "volume_lines": {"enabled": False},
    "sizing": {"mode": "fixed"},
    "recovery": {"mode": "none"},
    "brakes": {"illiquid": "ignore"},
}
FALLING = {"strength": STRONG, "side": -1.0}
START, ADD, CLOSE = "starts", "adds", "closes"
NOTHING = frozenset()
STARTS, RISK, ALL = frozenset({START}), frozenset({START, ADD}), frozenset({START, ADD, CLOSE})


@dataclass(frozen=True)
class Case:
    """`candle` and `settings` make the reason, or `makes` does; `stops` is what it stands against.

    For ALL, what is held is sold at market at once.
    """

    stops: frozenset[str]
    candle: dict[str, float] | None = None
    settings: dict[str, Any] | None = None
    makes: Any = None


def breaker(stage):
    def up(strategy):
        name = f"{stage.name.lower()}: drawdown"
        strategy.desk.breakers.up = Breaker(name, 0.2, 0.1, NOW.timestamp(), math.inf, stage)

    return up


def live_flow(tape, book=0.0):
    """The analysis of books and tape says so; without a tape, of books alone."""

    def analysed(strategy):
        seen = None if tape is None else SimpleNamespace(imbalance=tape)
        strategy.desk.flow.analyses[PAIR] = SimpleNamespace(tape=seen)
        sizes = np.array([[99.99, 1.0 + book]]), np.array([[100.01, 1.0 - book]])
        strategy.desk.flow._books[PAIR] = deque([Book(*sizes, NOW.timestamp())])

    return analysed


def paused(strategy):
    bot = SimpleNamespace(state=State.PAUSED)
    rpc = SimpleNamespace(_rpc=SimpleNamespace(_freqtrade=bot))
    strategy.dp._DataProvider__rpc = rpc


def told(direction):
    return lambda strategy: setattr(strategy, "market_direction", direction)


def mismatched(strategy):
    block = Block("wallet holds less than the lots", 0.1, 0.2)
    strategy.desk.reconciler.block = lambda pair: block if pair == PAIR else None


def shallow(strategy):
    """The book of this pair lost its depth."""
    one = Breaker("depth", 0.3, 0.5, NOW.timestamp(), math.inf, Stage.ORANGE)
    strategy.desk.breakers.markets._shallow[PAIR] = one


FLOW = {"orderflow": {"enabled": True}}
SOLD = {"orderflow_imbalance": -0.8}
SHOCKED = {KIND: int(Shock.MOVE), VALUE: 0.08}
UNLIKELY = {"prediction_up": 0.2}
HOURS = {"illiquid_from": 0, "illiquid_to": 1}  # which NOW is in, and the candle before is not
CASES = {
    "nothing": Case(NOTHING),
    "yellow": Case(STARTS, makes=breaker(Stage.YELLOW)),
    "orange": Case(RISK, makes=breaker(Stage.ORANGE)),
    "red": Case(ALL, makes=breaker(Stage.RED)),
    "a market that starts no cycle": Case(STARTS, {"strength": 22.0}),
    "a trend": Case(RISK, FALLING),
    "an unknown regime": Case(RISK, {"strength": math.nan}),
    "a trend, little beyond the average": Case(RISK, {**FALLING, "regime_distance": -0.03}),
    "a trend, far beyond the average": Case(ALL, {**FALLING, "regime_distance": -0.031}),
    "a trend, far beyond the average, that flattens nothing": Case(
        RISK,
        {**FALLING, "regime_distance": -0.5},
        {"stops": {"trend_flatten_enabled": False}},
    ),
    "far below the average without a trend": Case(NOTHING, {"regime_distance": -0.5}),
    "a shock": Case(RISK, SHOCKED),
    "a shock nobody heeds": Case(NOTHING, SHOCKED, {"breakers": {"market": False}}),
    "a shallow book": Case(RISK, makes=shallow),
    "flow of the candles": Case(RISK, SOLD, FLOW),
    "flow of the candles that buys": Case(NOTHING, {"orderflow_imbalance": 0.9}, FLOW),
    "flow nobody heeds": Case(
        NOTHING, SOLD, {**FLOW, "brakes": {"orderflow": False, "illiquid": "ignore"}}
    ),
    "flow of the tape": Case(RISK, settings=FLOW, makes=live_flow(-0.8)),
    "flow of the book, without a tape": Case(RISK, settings=FLOW, makes=live_flow(None, -0.8)),
    "flow of the book, where the tape says otherwise": Case(
        NOTHING, settings=FLOW, makes=live_flow(0.1, -0.8)
    ),
    "flow of the candles, where the tape says otherwise": Case(
        NOTHING, SOLD, FLOW, live_flow(0.1, -0.8)
    ),
    "illiquid hours": Case(RISK, settings={"brakes": {"illiquid": "pause", **HOURS}}),
    "other hours": Case(NOTHING, settings={"brakes": {"illiquid": "pause", "illiquid_to": 23}}),
    "a prediction against it": Case(RISK, UNLIKELY),
    "a prediction for it": Case(NOTHING, {"prediction_up": 0.95}),
    "a prediction that is not heeded": Case(NOTHING, {"prediction_up": math.nan}),
    "predictions nobody heeds": Case(NOTHING, UNLIKELY, {"prediction": {"enabled": False}}),
    "/stopentry": Case(RISK, makes=paused),
    "/marketdir short": Case(RISK, makes=told(MarketDirection.SHORT)),
    "/marketdir long": Case(NOTHING, makes=told(MarketDirection.LONG)),
    "a mismatch": Case(RISK, makes=mismatched),
}
EACH = pytest.mark.parametrize("name", list(CASES))
CLOSING = {name for name, case in CASES.items() if CLOSE in case.stops}


@pytest.fixture
def trades(open_trades, monkeypatch):
    """The open trades, in memory with all that is kept with them; nobody is told of anything."""
    for kept in (Trade, CustomDataWrapper):
        monkeypatch.setattr(kept, "use_db", False)
    monkeypatch.setattr(CustomDataWrapper, "custom_data", [])
    for cls, name in ((GridDesk, "_tell"), (Announcer, "teller"), (Announcer, "opened")):
        monkeypatch.setattr(cls, name, lambda *_given: None)
    return open_trades


def strategy_in(case, price=98.5, cash=1_000.0, mode=RunMode.DRY_RUN):
    strategy = strategy_of(mode, cash=cash, **{**PLAIN, **(case.settings or {})})
    strategy.locks = []
    strategy.lock_pair = lambda pair, until, reason: strategy.locks.append(reason)
    sees(strategy, price, **(case.candle or {}))
    if case.makes:
        case.makes(strategy)
    return strategy


def asks_for(strategy, trade, rate, spread=0.0):
    """Tag of what the strategy wants placed now, None for nothing."""
    asked = strategy.adjust_trade_position(
        trade=trade, current_time=NOW, current_entry_rate=rate * (1 + spread),
        current_exit_rate=rate,
    )  # fmt: skip
    return asked and asked[1]


def opens(strategy, tag="L1"):
    """Whether a first order of a cycle gets through all of freqtrade's questions."""
    asked = {"pair": PAIR, "current_time": NOW, "entry_tag": tag, "side": "long"}
    strategy.custom_entry_price(trade=None, proposed_rate=98.5, **asked)
    stake = strategy.custom_stake_amount(
        current_rate=98.5, proposed_stake=50.0, min_stake=5.0, max_stake=900.0, leverage=1.0,
        **asked,
    )  # fmt: skip
    return stake > 0 and strategy.confirm_trade_entry(
        order_type="limit", amount=stake / 98.5, rate=98.5, time_in_force="GTC", **asked
    )


def withdraws(strategy, trade):
    return strategy.check_entry_timeout(
        pair=PAIR, trade=trade, order=trade.orders[-1], current_time=NOW
    )


def holding(trades, *more):
    trades.append(trade_of(order_of("L1", 99.0), *more))
    return trades[0]


@EACH
def test_a_cycle_starts_unless_something_stands_against_it(trades, name):
    case = CASES[name]
    assert opens(strategy_in(case)) is (START not in case.stops)


@EACH
def test_what_the_user_forces_starts_whatever_stands_against_it_but_the_caps(trades, name):
    assert opens(strategy_in(CASES[name]), "force_entry")
    assert not opens(strategy_in(CASES[name], cash=4.0), "force_entry"), "capital for no line"
    trades.append(trade_of(order_of("L1", 99.0, amount=8.0), pair="SOL/USDT"))
    assert not opens(strategy_in(CASES[name], cash=100.0), "force_entry"), "no exposure left"


@EACH
def test_a_line_is_added_unless_something_stands_against_it(trades, name):
    case, trade = CASES[name], holding(trades)
    tag = asks_for(strategy_in(case), trade, 98.5)
    if CLOSE in case.stops:
        assert tag == "flatten L1"
    else:
        assert (tag == "L2") is (ADD not in case.stops)
        assert tag in ("L2", "sell L1")


@EACH
def test_a_lot_is_sold_at_its_target_whatever_stands_against_adding(trades, name):
    case, trade = CASES[name], holding(trades)
    tag = asks_for(strategy_in(case, price=100.5), trade, 100.5)
    assert tag == ("flatten L1" if CLOSE in case.stops else "sell L1")


@EACH
def test_a_resting_addition_is_withdrawn_or_replaced_when_additions_are_stopped(trades, name):
    """Within one loop: freqtrade first asks whether to withdraw it, then what should rest.

    What only live books show is not asked about at first.
    """
    case, trade = CASES[name], holding(trades, order_of("L2", 98.01, rests=True))
    strategy = strategy_in(case)
    withdrawn = withdraws(strategy, trade)
    asked = asks_for(strategy, trade, 98.5)
    if ADD in case.stops:
        assert withdrawn or name == "a shallow book"
        assert asked in ("sell L1", "flatten L1")
    else:
        assert (withdrawn, asked) == (False, None), "it is left where it rests"


@EACH
@pytest.mark.parametrize("tag", ["L1", "force_entry"])
def test_an_unfilled_start_is_withdrawn_when_starts_are_stopped_unless_it_was_forced(
    trades, name, tag
):
    case = CASES[name]
    start = trade_of(order_of(tag, 98.0, rests=True))
    trades.append(start)
    assert withdraws(strategy_in(case), start) is (START in case.stops and tag == "L1")


@EACH
def test_a_position_the_user_forced_gets_no_further_lines_when_additions_are_stopped(trades, name):
    case = CASES[name]
    trades.append(trade_of(order_of("force_entry", 99.0)))
    asked = asks_for(strategy_in(case), trades[0], 98.5)
    assert (asked == "L2") is (ADD not in case.stops)


@pytest.mark.parametrize(("spread", "adds"), [(0.0, True), (0.0019, True), (0.0021, False)])
def test_a_spread_beyond_max_spread_stops_additions_and_not_exits(trades, spread, adds):
    assert strategy_in(CASES["nothing"]).desk.settings.brakes.max_spread == 0.002
    trade, case = holding(trades), CASES["nothing"]
    assert (asks_for(strategy_in(case), trade, 98.5, spread) == "L2") is adds
    assert asks_for(strategy_in(case, price=100.5), trade, 100.5, spread) == "sell L1"


@pytest.mark.parametrize(
    ("lots", "asked"), [((), "L1"), ((1,), "L3"), ((1, 2), "L3"), ((1, 2, 3), "L5")]
)
def test_thin_hours_leave_out_every_second_line(trades, lots, asked):
    case = Case(NOTHING, settings={"brakes": {"illiquid": "thin", **HOURS}})
    trade = holding(trades, *(order_of(f"L{level}", 100 * 0.99**level) for level in lots[1:]))
    rate = 100 * 0.99 ** max(lots, default=0) - 0.5
    if not lots:
        assert opens(strategy_in(case))
    else:
        assert asks_for(strategy_in(case, price=rate), trade, rate) == asked


def test_a_resting_even_line_is_replaced_as_thin_hours_begin(trades):
    case = Case(NOTHING, settings={"brakes": {"illiquid": "thin", **HOURS}})
    trade = holding(trades, order_of("L2", 98.01, rests=True))
    strategy = strategy_in(case, price=98.2)
    assert not withdraws(strategy, trade)
    assert asks_for(strategy, trade, 98.2) in ("L3", "sell L1")


@pytest.mark.parametrize("name", sorted(CLOSING))
def test_what_closes_a_cycle_from_outside_adds_no_pause_of_its_own(trades, name):
    """Red locks all pairs as it is reached; a trend refuses starts as long as it lasts."""
    strategy = strategy_in(CASES[name])
    assert asks_for(strategy, holding(trades), 98.5) == "flatten L1"
    assert strategy.locks == []


@pytest.mark.parametrize(
    ("stops", "rate", "tag"),
    [
        ({"lot_stop": 0.05}, 94.0, "flatten L1"),
        ({"cycle_stop": 0.02, "lot_stop_enabled": False}, 96.5, "flatten L1"),
        ({"stop_price": {PAIR: 98.0}}, 97.9, "flatten L1"),
    ],
)
def test_a_stop_of_the_cycle_itself_pauses_the_pair(trades, stops, rate, tag):
    case = replace(CASES["nothing"], settings={"stops": stops})
    strategy = strategy_in(case, price=rate)
    assert asks_for(strategy, holding(trades), rate) in (tag, "stop L1")
    assert len(strategy.locks) == 1


def test_another_pairs_mismatch_and_shallow_book_stop_nothing(trades):
    strategy = strategy_in(CASES["nothing"])
    other = Breaker("depth", 0.3, 0.5, NOW.timestamp(), math.inf, Stage.ORANGE)
    strategy.desk.breakers.markets._shallow["SOL/USDT"] = other
    assert opens(strategy)


def test_a_backtest_asks_neither_the_user_nor_the_exchange(trades):
    for makes in (paused, told(MarketDirection.SHORT), mismatched):
        assert opens(strategy_in(Case(NOTHING, makes=makes), mode=RunMode.BACKTEST))
    assert commands.block(strategy_in(CASES["/stopentry"]), 1) is commands.PAUSED


@pytest.mark.parametrize(
    ("name", "rungs", "asked"),
    [
        ("a trend", "against", "recover L1"),
        ("a trend", "losing", "recover L1"),
        ("/stopentry", "against", "sell L1"),
        ("an unknown regime", "against", "sell L1"),
        ("/stopentry", "losing", "recover L1"),
    ],
)
def test_a_rung_sells_while_the_market_trends_against_the_grid_or_always(
    trades, name, rungs, asked
):
    recovery = {"mode": "ladder", "rungs": rungs}
    case = replace(CASES[name], settings={"recovery": recovery})
    assert asks_for(strategy_in(case, price=96.5), holding(trades), 96.5) == asked
