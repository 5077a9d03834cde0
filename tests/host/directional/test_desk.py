"""The directional desk by itself: guards, sizes, parts after a restart, stops, timeouts."""

import math
from datetime import timedelta
from types import SimpleNamespace

import pytest
from freqtrade.enums import MarketDirection, RunMode

from gridkit.analytics.candidates import Why
from gridkit.analytics.regime import Regime
from gridkit.grid.situation import Block
from gridkit.host.directional import entry_record, guards
from gridkit.risk.breakers import Breaker, Stage
from gridkit.risk.guards import RunFailed
from host.directional.desks import (
    ATR,
    NOW,
    PAIR,
    TAG,
    desk_of,
    opened,
    order_of,
    sees,
    strategy_of,
)

MINUTE = timedelta(minutes=1)
SECONDS = NOW.timestamp()


@pytest.fixture(autouse=True)
def _nothing_entered(monkeypatch):
    """What a running bot would ask its database."""
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades", lambda *_, **__: iter(()))


def stake_at(desk, rate=100.0, tag=TAG, proposed=999.0, pair=PAIR):
    return desk.entering.stake(pair, NOW, rate, 1, 1.0, tag, proposed)


def breaker(stage):
    return Breaker("drawdown", 0.1, 0.05, SECONDS, math.inf, stage)


# -- entries ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("open_trades")
def test_an_entry_loses_its_share_of_capital_at_the_stop():
    desk = desk_of()
    stop = 100 - 2.5 * ATR
    even = 100 / (1 - 0.002)
    assert stake_at(desk) == pytest.approx(0.01 * 1_000 * 100 / (even - stop))


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(("column", "value"), [("entry_confidence", 0.7), ("entry_size", 0.35)])
def test_confidence_and_size_scale_the_stake(column, value):
    strategy = strategy_of()
    whole = stake_at(strategy.desk)
    sees(strategy, 100.0, **{column: value})
    assert stake_at(strategy.desk) == pytest.approx(value * whole, rel=1e-6)


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("columns", "condition"),
    [
        ({"turns_atr": math.nan}, "ATR unknown"),
        ({"turns_atr": 12.0}, "distance to the stop"),
        ({"entry_confidence": 0.02}, "the exchange's smallest order"),
    ],
)
def test_what_cannot_be_sized_is_refused_with_the_reason(columns, condition):
    strategy = strategy_of()
    sees(strategy, 100.0, **columns)
    assert stake_at(strategy.desk) == 0.0
    assert strategy.desk.context.reasons.get(PAIR).condition == condition


@pytest.mark.usefixtures("open_trades")
def test_a_pair_without_candles_is_refused():
    desk = desk_of()
    assert stake_at(desk, pair="SOL/USDT") == 0.0
    assert desk.context.reasons.get("SOL/USDT").condition == "no usable candle"


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize("stage", [Stage.YELLOW, Stage.ORANGE, Stage.RED])
def test_every_breaker_of_the_account_refuses_entries(stage):
    desk = desk_of()
    desk.breakers.up = breaker(stage)
    assert stake_at(desk) == 0.0
    assert desk.context.reasons.get(PAIR).against == "drawdown: 0.1 against 0.05"


@pytest.mark.usefixtures("open_trades")
def test_the_breaker_of_a_market_refuses_entries(monkeypatch):
    desk = desk_of()
    monkeypatch.setattr(desk.breakers.markets, "up", lambda _pair: breaker(Stage.ORANGE))
    assert stake_at(desk) == 0.0


@pytest.mark.usefixtures("open_trades")
def test_illiquid_hours_refuse_where_they_pause():
    pausing = {"illiquid": "pause", "illiquid_from": NOW.hour, "illiquid_to": NOW.hour + 1}
    desk = desk_of(brakes=pausing)
    assert stake_at(desk) == 0.0
    assert desk.context.reasons.get(PAIR).condition == guards.ILLIQUID


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(("entered", "expected"), [(2, True), (3, False)])
def test_three_entries_an_hour_are_enough(monkeypatch, entered, expected):
    desk = desk_of()
    monkeypatch.setattr(guards, "entered_since", lambda _since, live: entered)
    assert desk.entering.allowed(PAIR, NOW, 100.0, 1.0, 1, TAG) is expected


@pytest.mark.usefixtures("open_trades")
def test_entries_of_an_hour_are_those_of_open_and_closed_trades(monkeypatch):
    def at(minutes, *, closed):
        return SimpleNamespace(
            open_date_utc=NOW - minutes * MINUTE,
            close_date_utc=NOW - (minutes - 1) * MINUTE if closed else None,
        )

    monkeypatch.setattr(
        "freqtrade.persistence.LocalTrade.bt_trades_open",
        [at(70, closed=False), at(5, closed=False)],
    )
    monkeypatch.setattr(
        "freqtrade.persistence.LocalTrade.bt_trades", [at(90, closed=True), at(20, closed=True)]
    )
    assert guards.entered_since(NOW - 60 * MINUTE, live=False) == 2


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(("rate", "amount"), [(math.nan, 1.0), (100.0, 0.0), (100.0, math.inf)])
def test_an_unknown_rate_or_amount_is_refused(rate, amount):
    assert not desk_of().entering.allowed(PAIR, NOW, rate, amount, 1, TAG)


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(("ask", "expected"), [(100.01, True), (101.0, False)])
def test_live_a_wide_spread_refuses(monkeypatch, ask, expected):
    strategy = strategy_of(RunMode.DRY_RUN)
    strategy.dp.ticker = lambda _pair: {"bid": 100.0, "ask": ask}
    desk = strategy.desk
    assert desk.entering.allowed(PAIR, NOW, 100.0, 1.0, 1, TAG) is expected
    if not expected:
        assert desk.context.reasons.get(PAIR).condition == "spread"


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("told", "side", "expected"),
    [
        (MarketDirection.SHORT, 1, False),
        (MarketDirection.SHORT, -1, True),
        (MarketDirection.LONG, -1, False),
        (MarketDirection.EVEN, 1, True),
    ],
)
def test_live_marketdir_is_heeded(monkeypatch, told, side, expected):
    strategy = strategy_of(RunMode.DRY_RUN)
    strategy.market_direction = told
    assert strategy.desk.entering.allowed(PAIR, NOW, 100.0, 1.0, side, TAG) is expected


@pytest.mark.parametrize("tag", ["force_entry", None, "mine", ""])
def test_what_the_user_forces_is_bound_by_the_caps_alone(tag, open_trades):
    desk = desk_of(caps={"exposure": 0.5})
    desk.breakers.up = breaker(Stage.YELLOW)
    assert stake_at(desk, tag=tag, proposed=50.0) == 50.0
    assert stake_at(desk, tag=tag, proposed=900.0) == pytest.approx(500.0)
    assert desk.entering.allowed(PAIR, NOW, 100.0, 1.0, 1, tag)


@pytest.mark.usefixtures("open_trades")
def test_a_guard_that_breaks_refuses_live_and_ends_a_backtest(monkeypatch):
    asked = {"pair": PAIR, "current_time": NOW, "current_rate": 100.0, "proposed_stake": 1.0,
             "leverage": 1.0, "entry_tag": TAG, "side": "long"}  # fmt: skip
    confirm = {"pair": PAIR, "amount": 1.0, "rate": 1.0, "current_time": NOW, "entry_tag": TAG,
               "side": "long"}  # fmt: skip
    for mode in (RunMode.DRY_RUN, RunMode.BACKTEST):
        strategy = strategy_of(mode)
        monkeypatch.setattr(strategy.desk.guards, "against", lambda *_: 1 / 0)
        if mode == RunMode.DRY_RUN:
            assert strategy.custom_stake_amount(**asked) == 0.0
            assert strategy.confirm_trade_entry(**confirm) is False
            continue
        with pytest.raises(RunFailed):
            strategy.custom_stake_amount(**asked)
        with pytest.raises(RunFailed):
            strategy.confirm_trade_entry(**confirm)


# -- positions --------------------------------------------------------------------------------


def part(tag, price, amount=0.33):
    return order_of(tag, price, amount=amount, side="sell")


def next_part(strategy, trade, rate):
    return strategy.desk.leaving.part(trade, NOW, rate)


def test_the_first_part_leaves_at_its_target_and_not_before(open_trades):
    strategy, trade = strategy_of(), opened()
    open_trades.append(trade)
    assert next_part(strategy, trade, 102.99) is None
    stake, tag = next_part(strategy, trade, 103.0)
    assert tag == "part 1"
    assert -stake == pytest.approx(0.3305 * 100)  # half a step more, which freqtrade truncates


def test_parts_passed_at_once_leave_together(open_trades):
    trade = opened()
    open_trades.append(trade)
    stake, tag = next_part(strategy_of(), trade, 106.5)
    assert (tag, round(-stake)) == ("part 1-2", 66)


def test_after_a_restart_a_part_that_left_does_not_leave_again(open_trades):
    """A new object has nothing but the trade's orders."""
    trade = opened(part("part 1", 103.0))
    open_trades.append(trade)
    strategy = strategy_of()
    assert next_part(strategy, trade, 104.0) is None
    assert strategy.desk.positions.held(trade).parts == {1}
    assert next_part(strategy, trade, 106.0)[1] == "part 2"


@pytest.mark.parametrize(("filled", "expected"), [(0.1, 0.23), (0.2, None)])
def test_a_part_that_was_taken_back_half_filled_is_sold_else_its_rest_is_due(
    open_trades, filled, expected
):
    order = part("part 1", 103.0)
    order.filled, order.status = filled, "canceled"
    trade = opened(order)
    open_trades.append(trade)
    found = next_part(strategy_of(), trade, 103.0)
    assert (found and found[1]) == (expected and "part 1")
    if found:
        assert -found[0] / trade.stake_amount * trade.amount == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(("left", "rate", "expected"), [(0.5, 103.0, 0.33), (0.2, 103.0, 0.2)])
def test_after_a_manual_exit_a_part_is_still_its_share_of_what_was_entered(
    open_trades, left, rate, expected
):
    trade = opened(part("force_exit", 101.0, 1.0 - left))
    open_trades.append(trade)
    stake, tag = next_part(strategy_of(), trade, rate)
    assert tag == "part 1"
    sold = -stake / trade.stake_amount * trade.amount
    assert sold == pytest.approx(min(expected + 0.0005, left))


def test_a_part_that_would_leave_less_than_the_minimum_takes_all(open_trades):
    trade = opened(part("part 1", 103.0), part("force_exit", 101.0, 0.3))
    open_trades.append(trade)
    stake, tag = next_part(strategy_of(minimum=5.0), trade, 106.0)
    assert (stake, tag) == (-trade.stake_amount, "part 2")


def test_while_an_exit_rests_no_other_is_asked_for(open_trades):
    trade = opened(order_of("part 1", 103.0, side="sell", amount=0.33, rests=True))
    open_trades.append(trade)
    assert next_part(strategy_of(), trade, 107.0) is None


def test_a_stop_that_rests_on_the_exchange_holds_up_no_part(open_trades):
    resting = order_of("", 95.0, side="sell", amount=1.0, rests=True)
    trade = opened(resting)
    resting.ft_order_side = "stoploss"
    open_trades.append(trade)
    assert next_part(strategy_of(), trade, 103.0)[1] == "part 1"


def test_in_a_backtest_nothing_answers_an_entry_filled_in_this_candle(open_trades):
    strategy, trade = strategy_of(), opened()
    trade.orders[0].order_filled_date = NOW
    open_trades.append(trade)
    assert next_part(strategy, trade, 110.0) is None
    assert strategy.desk.leaving.exit(trade, NOW, 110.0) is None


def test_the_stop_is_the_regimes_multiple_and_relative_to_the_rate(open_trades):
    strategy, trade = strategy_of(), opened()
    trade.stop_loss = 75.0
    open_trades.append(trade)
    assert strategy.desk.leaving.stop(trade, NOW, 101.0) == pytest.approx(1 - 95 / 101)


def test_a_stop_that_stands_is_left_where_it_is(open_trades):
    strategy, trade = strategy_of(), opened()
    open_trades.append(trade)
    assert strategy.desk.leaving.stop(trade, NOW, 101.0) is None


def test_a_stop_beyond_the_rate_acts_at_the_rate(open_trades):
    """0 would tell freqtrade that there is none."""
    strategy, trade = strategy_of(RunMode.DRY_RUN), opened()
    trade.stop_loss, trade.max_rate = 75.0, 105.0
    trade.get_custom_data = lambda _key: None
    trade.set_custom_data = lambda _key, _value: None
    open_trades.append(trade)
    assert 0 < strategy.desk.leaving.stop(trade, NOW, 90.0) < 1e-6


def test_in_a_backtest_the_stop_does_not_know_the_candle_that_is_not_over(open_trades):
    """freqtrade asks with the candle's best price, then looks whether its worst hit the stop."""
    strategy, trade = strategy_of(), opened()
    sees(strategy, 100.0, turns_momentum=-1)
    open_trades.append(trade)
    relative = strategy.desk.leaving.stop(trade, NOW, 110.0)
    assert 110.0 * (1 - relative) == pytest.approx(100.0 - 0.5 * ATR)


def test_red_sells_all_and_says_so(open_trades):
    strategy, trade = strategy_of(), opened()
    open_trades.append(trade)
    strategy.desk.breakers.up = breaker(Stage.RED)
    assert strategy.desk.leaving.exit(trade, NOW, 100.0) == "flatten"
    strategy.desk.breakers.up = breaker(Stage.ORANGE)
    assert strategy.desk.leaving.exit(trade, NOW, 100.0) is None


@pytest.mark.parametrize(("heeded", "expected"), [(True, "regime"), (False, None)])
def test_the_regime_against_it_ends_a_position(open_trades, heeded, expected):
    strategy, trade = strategy_of(exits={"regime_exit": heeded}), opened()
    open_trades.append(trade)
    sees(strategy, 100.0, regime_code=Regime.TRENDING_BEARISH)
    assert strategy.desk.leaving.exit(trade, NOW, 100.0) == expected


@pytest.mark.parametrize(("candles", "expected"), [(2, None), (3, "flow")])
def test_order_flow_against_it_for_three_candles_ends_a_position(open_trades, candles, expected):
    strategy, trade = strategy_of(orderflow={"enabled": True}), opened()
    open_trades.append(trade)
    flow = [0.0] * (288 - candles) + [-0.9] * candles
    sees(strategy, 100.0, orderflow_imbalance=flow)
    assert strategy.desk.leaving.exit(trade, NOW, 100.0) == expected


def test_without_a_candle_time_still_ends_a_position_and_parts_still_leave(open_trades):
    strategy, trade = strategy_of(RunMode.DRY_RUN), opened()
    trade.get_custom_data = lambda _key: {
        "atr": ATR, "confidence": 1.0, "score": 0.5, "regime": 1, "kind": 1,
    }  # fmt: skip
    open_trades.append(trade)
    strategy.desk.context.market.series.clear()
    day = timedelta(hours=25)
    assert strategy.desk.leaving.exit(trade, NOW + day, 100.0) == "time"
    assert next_part(strategy, trade, 103.0)[1] == "part 1"
    assert strategy.desk.leaving.stop(trade, NOW, 100.0) is None


def test_atr_and_confidence_at_the_entry_are_those_of_the_candle_before_it(open_trades):
    strategy, trade = strategy_of(), opened()
    before = 288 - 20  # the candle closed when the trade was opened is 20 before the last
    atr = [1.0] * before + [9.0] * (288 - before)
    sees(strategy, 100.0, turns_atr=atr)
    assert strategy.desk.positions.held(trade).entry.atr == 1.0


def test_live_the_entry_is_kept_and_read_again_though_candles_are_gone(open_trades):
    kept = {}
    trade = opened()
    trade.get_custom_data = kept.get
    trade.set_custom_data = kept.__setitem__
    first = strategy_of(RunMode.DRY_RUN).desk.positions.held(trade)
    assert kept[entry_record.KEY]["atr"] == ATR
    again = strategy_of(RunMode.DRY_RUN)
    again.desk.context.market.series.clear()
    assert again.desk.positions.held(trade).entry == first.entry


def test_an_unreadable_entry_is_read_anew(open_trades, caplog):
    trade = opened()
    trade.get_custom_data = lambda _key: {"atr": "?"}
    trade.set_custom_data = lambda _key, _value: None
    assert strategy_of(RunMode.DRY_RUN).desk.positions.held(trade).entry.atr == ATR
    assert "unreadable" in caplog.text


@pytest.mark.parametrize(
    ("entry", "minutes", "expected"),
    [(True, 9, False), (True, 10, True), (False, 4, False), (False, 5, True)],
)
def test_orders_that_rest_too_long_are_late(entry, minutes, expected):
    """entries.timeout_minutes and exits.timeout_minutes; config.json's are a day, for grids."""
    order = SimpleNamespace(order_date_utc=NOW - minutes * MINUTE)
    assert desk_of().is_late(order, NOW, entry=entry) is expected


# -- the board --------------------------------------------------------------------------------


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"entry_block": Why.SCORE, "entry_score": 0.125}, (Why.SCORE.text, 0.125, 0.25)),
        ({"entry_block": Why.REGIME}, (Why.REGIME.text, None, None)),
    ],
)
def test_the_board_says_why_a_pair_waits_with_value_and_threshold(columns, expected, monkeypatch):
    strategy = strategy_of(RunMode.DRY_RUN)
    monkeypatch.setattr("gridkit.host.directional.board.shut.by_freqtrade", lambda *_: "")
    sees(strategy, 100.0, **columns)
    reason = strategy.desk.context.reasons.get(PAIR)
    figures = [None if math.isnan(one) else one for one in (reason.value, reason.threshold)]
    assert (reason.condition, *figures) == expected


@pytest.mark.usefixtures("open_trades")
def test_the_board_names_a_guard_where_the_signal_is_there(monkeypatch):
    strategy = strategy_of(RunMode.DRY_RUN)
    block = Block("entries an hour", 3, 3)
    monkeypatch.setattr(strategy.desk.guards, "against", lambda *_: block)
    sees(strategy, 100.0)
    assert strategy.desk.context.reasons.get(PAIR).against == "entries an hour: 3 against 3"
