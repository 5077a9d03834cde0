"""A resting entry is taken back when the last decision wanted nothing to rest, for good."""

import pytest

from gridkit.grid.situation import Block, Order, Verdict
from gridkit.host.desk import COOLDOWN
from host.desks import NOW, PAIR, STRONG, order_of, sees, strategy_of, trade_of

L2 = Order(True, (2,), 98.0, "L2", "next free line")
PAUSED = Block("price beyond pause_price", 98.5, 99.0)


@pytest.fixture
def trade(open_trades):
    trade = trade_of(order_of("L1", 99.0), order_of("L2", 98.0, rests=True))
    open_trades.append(trade)
    return trade


def taken_back(strategy, trade):
    """What freqtrade is told about the entry in work."""
    return strategy.check_entry_timeout(
        pair=trade.pair, trade=trade, order=trade.orders[-1], current_time=NOW
    )


def decided(strategy, trade, verdict):
    """Let the last decision be this one."""
    sees(strategy, 99.5)
    strategy.desk.next_order(trade, NOW, 99.5, 99.5)
    strategy.desk.cycles[trade.id].verdict = verdict


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict(None, False, PAUSED), True),
        (Verdict(None, False, Block("exposure", 900.0, 800.0)), True),
        (Verdict(None, False, Block(COOLDOWN, 100.0, 300.0)), False),
        (Verdict(None, False, None), False),
        (Verdict(L2, False, None), False),
        (Verdict(L2, True, PAUSED), False),
    ],
)
def test_an_entry_goes_when_nothing_is_wanted_for_a_reason_that_lasts(trade, verdict, expected):
    strategy = strategy_of()
    decided(strategy, trade, verdict)
    assert taken_back(strategy, trade) is expected


def test_an_entry_stays_that_no_decision_was_made_about_yet(trade):
    assert not taken_back(strategy_of(), trade)


def test_an_entry_goes_when_the_market_turns_against_the_grid(trade):
    strategy = strategy_of()
    decided(strategy, trade, Verdict(L2, False, None))
    sees(strategy, 99.5, strength=STRONG, side=-1.0)
    assert taken_back(strategy, trade)


@pytest.mark.parametrize(("tag", "expected"), [("L1", True), ("force_entry", False)])
@pytest.mark.parametrize(
    "market",
    [{"strength": 22.0}, {"strength": STRONG, "side": -1.0}, {"price": 112.0}],
    ids=["uncertain", "against", "gone away"],
)
def test_an_unfilled_start_goes_unless_the_user_forced_it(open_trades, market, tag, expected):
    start = trade_of(order_of(tag, 99.0, rests=True))
    open_trades.append(start)
    strategy = strategy_of()
    sees(strategy, **{"price": 99.5, **market})
    assert taken_back(strategy, start) is expected


def test_an_entry_stays_in_a_market_that_only_starts_no_cycle(trade):
    strategy = strategy_of()
    decided(strategy, trade, Verdict(L2, False, None))
    sees(strategy, 99.5, strength=22.0)
    assert not taken_back(strategy, trade)


@pytest.mark.parametrize(("pause_price", "expected"), [(None, False), (99.0, True)])
def test_an_entry_goes_once_the_desk_finds_the_price_beyond_pause_price(
    trade, pause_price, expected
):
    """The lot's target, 6 % above the market, is out of freqtrade's reach, and nothing recovers."""
    stops = {"pause_price": {PAIR: pause_price}} if pause_price else {}
    grid = {"target": "fixed", "take_profit": 0.06}
    strategy = strategy_of(grid=grid, stops=stops, recovery={"mode": "none"})
    sees(strategy, 98.5)
    strategy.adjust_trade_position(
        trade=trade, current_time=NOW, current_entry_rate=98.5, current_exit_rate=98.5
    )
    assert taken_back(strategy, trade) is expected
