"""A stake is raised where the market will likely go the grid's way, and its plan stays plain."""

import math

import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import CustomDataWrapper, Trade

from gridkit.host import raising
from gridkit.host.announcer import Announcer
from gridkit.host.desk import GridDesk
from host.desks import CANDLE, NOW, PAIR, order_of, sees, strategy_of, trade_of

PLAIN = {
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "density": {"enabled": False},
    "volume_lines": {"enabled": False},
    "sizing": {"mode": "fixed", "stake": 20.0},
    "recovery": {"mode": "none"},
    "brakes": {"illiquid": "ignore"},
}
LIKELY, UNLIKELY = {"prediction_up": 0.8}, {"prediction_up": 0.2}


@pytest.fixture
def trades(open_trades, monkeypatch):
    for kept in (Trade, CustomDataWrapper):
        monkeypatch.setattr(kept, "use_db", False)
    monkeypatch.setattr(CustomDataWrapper, "custom_data", [])
    for cls, name in ((GridDesk, "_tell"), (Announcer, "teller"), (Announcer, "opened")):
        monkeypatch.setattr(cls, name, lambda *_given: None)
    return open_trades


def bot(candle=LIKELY, *, mode=RunMode.DRY_RUN, **more):
    strategy = strategy_of(mode, **{**PLAIN, **more})
    sees(strategy, 98.5, **candle)
    return strategy


def stake(strategy, tag="L1", side="long"):
    asked = {"pair": PAIR, "current_time": NOW, "entry_tag": tag, "side": side}
    strategy.custom_entry_price(trade=None, proposed_rate=98.5, **asked)
    return strategy.custom_stake_amount(
        current_rate=98.5, proposed_stake=50.0, min_stake=5.0, max_stake=900.0, leverage=1.0,
        **asked,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("candle", "tag", "settings", "expected"),
    [
        (LIKELY, "L1", {}, 22.0),
        (LIKELY, "L1", {"prediction": {"bonus": 0.5}}, 30.0),
        (LIKELY, "L1-2", {}, 44.0),
        (LIKELY, "L1", {"prediction": {"enabled": False}}, 20.0),
        (LIKELY, "force_entry", {}, 20.0),
        (LIKELY, "L1", {"caps": {"max_margin": 210.0}}, 22.0),
        ({"prediction_up": 0.7}, "L1", {}, 20.0),
        ({"prediction_up": math.nan}, "L1", {}, 20.0),
        ({}, "L1", {}, 20.0),
        (UNLIKELY, "L1", {}, 0.0),
        (UNLIKELY, "force_entry", {}, 20.0),
    ],
)
def test_the_first_orders_stake(trades, candle, tag, settings, expected):
    assert stake(bot(candle, **settings), tag) == pytest.approx(expected)


def test_the_first_order_is_plain_where_there_is_too_little_room(trades):
    trades.append(trade_of(order_of("L1", 99.0, amount=1.82), pair="SOL/USDT"))
    assert stake(bot(caps={"max_margin": 201.0})) == pytest.approx(20.0)


def test_the_reason_of_a_start_says_that_it_is_raised(trades):
    strategy = bot()
    stake(strategy)
    said = str(strategy.desk.context.reasons.get(PAIR))
    assert "10 lines at 20.00 each, the first raised by 10% by the prediction" in said
    stake(bot({}))
    assert "raised" not in str(bot({}).desk.context.reasons.get(PAIR))


def filled(trades, amount, tag="L1"):
    trades.append(trade_of(order_of(tag, 98.5, amount=amount)))
    trades[0].open_date = trades[0].orders[0].order_date = NOW - CANDLE
    return trades[0]


def level_stake(strategy, trade):
    reading = strategy.desk.context.market.at(PAIR, NOW)
    return strategy.desk.planner.load(trade, reading).plan.level_stake


@pytest.mark.parametrize("mode", [RunMode.BACKTEST, RunMode.DRY_RUN])
def test_the_lines_of_a_cycle_that_began_with_a_raised_order_are_plain(trades, mode):
    strategy = bot(mode=mode)
    amount = math.floor(stake(strategy) / 98.5 * 1_000) / 1_000
    assert level_stake(strategy, filled(trades, amount)) == pytest.approx(20.0, abs=0.06)


def test_after_a_restart_its_candle_says_whether_it_was_raised(trades):
    assert level_stake(bot(), filled(trades, 0.223)) == pytest.approx(20.0, abs=0.06)


def test_after_a_restart_a_candle_that_is_gone_says_nothing(trades):
    trade = filled(trades, 0.223)
    trade.open_date = NOW - 1_000 * CANDLE
    assert level_stake(bot(), trade) == pytest.approx(0.223 * 98.5)


@pytest.mark.parametrize(("candle", "tag"), [({}, "L1"), (LIKELY, "force_entry")])
def test_what_was_not_raised_is_what_lines_cost(trades, candle, tag):
    strategy, trade = bot(candle), filled(trades, 0.203, tag)
    assert level_stake(strategy, trade) == pytest.approx(0.203 * 98.5)


def test_a_line_that_is_hardly_a_step_is_no_smaller_for_having_been_raised(trades):
    """3.2 steps are truncated to 3, and 3.52 too: what is 3 / 1.1 would be truncated to 2."""
    strategy, trade = bot(), filled(trades, 0.003)
    assert level_stake(strategy, trade) / 98.5 / 0.001 >= 3


def asked(strategy, trade, rate=96.9):
    return strategy.adjust_trade_position(
        trade=trade, current_time=NOW, current_entry_rate=rate, current_exit_rate=rate
    )


@pytest.mark.parametrize(
    ("candle", "most", "expected"), [(LIKELY, 43.0, 1.1), (LIKELY, 41.5, 1.0), ({}, 43.0, 1.0)]
)
def test_an_addition_is_raised_where_there_is_room(trades, candle, most, expected):
    trade = filled(trades, 0.203)
    strategy = bot({}, caps={"max_margin": most})
    asked(strategy, trade, 98.5)
    sees(strategy, 96.9, **candle)
    request = asked(strategy, trade)
    assert request[1] == "L2"
    plain = 0.203 * 98.5
    assert request[0] == pytest.approx(expected * plain, abs=0.001 * 98.5)


def test_an_addition_at_rest_is_left_alone_as_it_becomes_likely_and_goes_as_it_is_unlikely(trades):
    trades.append(trade_of(order_of("L1", 99.0), order_of("L2", 98.01, rests=True)))
    (trade,), strategy = trades, bot({})
    for candle, gone in (({}, False), (LIKELY, False), (UNLIKELY, True)):
        sees(strategy, 98.5, **candle)
        order = trade.orders[-1]
        went = strategy.check_entry_timeout(pair=PAIR, trade=trade, order=order, current_time=NOW)
        assert went is gone
        if not gone:
            assert asked(strategy, trade, 98.5) is None


@pytest.mark.parametrize(
    ("freqai", "enabled", "most"),
    [({"enabled": True}, True, 1.1), ({"enabled": True}, False, 1.0), ({}, True, 1.0),
     ({"enabled": False}, True, 1.0)],
)  # fmt: skip
def test_the_worst_loss_counts_raised_stakes_where_something_predicts(freqai, enabled, most):
    strategy = strategy_of(**PLAIN, prediction={"enabled": enabled})
    strategy.config["freqai"] = freqai
    assert raising.most(strategy.desk.context) == pytest.approx(most)
