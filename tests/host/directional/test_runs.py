"""What Confluence does in a backtest: entries, parts, stops, exits, limits."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from backtests import runs
from backtests.runs import END_OF_RUN
from gridkit.reports.entry_stops import entry_stops
from gridkit.reports.result import source_of_config
from gridkit.risk.exits import FLOW, REGIME, TIME, break_even, parts_in
from gridkit.risk.stops import first_stop
from gridkit.settings import ExitSettings, Settings
from host.directional.quick import ENTER, QUICK, entries, opens_of, quick

pytestmark = pytest.mark.slow

RULE = ExitSettings(**QUICK["exits"])
HOUR = timedelta(hours=1)
STOP = "trailing_stop_loss"  # freqtrade's name for every stop that was moved
AT_THE_OPEN = (TIME, FLOW, REGIME, "flatten", "shrink")
STEP = {"ETH/USDT:USDT": 0.001, "SOL/USDT:USDT": 0.01}


def test_it_enters_both_sides_and_all_kinds(confluence, lives):
    assert {life.side for life in lives} == {1, -1}
    words = {order.tag.split(" ")[0] for order in entries(confluence)}
    assert words == set(ENTER)
    assert len(lives) >= 40


def test_positions_leave_by_parts_stop_and_time(confluence):
    reasons = Counter(order.tag for order in confluence.filled)
    assert {"part 1", "part 2", "part 3", STOP, TIME} <= set(reasons)


def test_each_part_leaves_once_and_in_order(lives):
    for life in lives:
        sold = [number for order in life.exits for number in sorted(parts_in([order.ft_order_tag]))]
        assert sold == list(range(1, len(sold) + 1))


def test_parts_are_shares_of_what_was_entered(lives):
    """P19, as freqtrade fills it: parts are truncated to the step, the last takes all."""
    seen = 0
    for life in lives:
        for order in life.exits:
            numbers = parts_in([order.ft_order_tag])
            if numbers and 3 not in numbers:
                share = sum(RULE.parts[number - 1] for number in numbers)
                wanted, step = share * life.entry.safe_filled, STEP[life.trade.pair]
                assert wanted - step < order.safe_filled <= wanted + 1e-9
                seen += 1
    assert seen >= 20


def test_all_that_was_entered_leaves_and_no_more(lives):
    for life in lives:
        left = sum(order.safe_filled for order in life.exits)
        assert left == pytest.approx(life.entry.safe_filled, rel=1e-12)


def test_a_part_leaves_at_the_market_once_its_target_is_passed(lives, rich_futures):
    """freqtrade allows one working order, and it is the stop's: no target rests on the book."""
    opens, seen = opens_of(rich_futures), 0
    for life in lives:
        for order in life.exits:
            for number in parts_in([order.ft_order_tag]):
                target = RULE.targets[number - 1] * life.held.entry.atr
                assert life.side * (order.ft_price - life.trade.open_rate) >= target * (1 - 1e-9)
                assert order.ft_price == opens[life.trade.pair, order.order_date_utc]
                seen += 1
    assert seen >= 40


def test_what_ends_a_position_otherwise_is_sold_at_the_open(lives, rich_futures):
    opens = opens_of(rich_futures)
    for life in lives:
        for order in life.exits:
            if order.ft_order_tag in AT_THE_OPEN:
                assert order.ft_price == opens[life.trade.pair, order.order_date_utc]


def test_stops_are_only_ever_tightened(lives):
    for life in lives:
        stops = np.array([stop for _, stop in life.stops])
        assert (np.diff(life.side * stops) >= 0).all()
    assert max(len({stop for _, stop in life.stops}) for life in lives) >= 3


def test_a_stop_begins_at_the_regimes_multiple_of_the_atr(confluence, lives):
    settings = Settings.model_validate(confluence.strategy.desk.settings.model_dump())
    multiples = {
        getattr(settings.regime, name).stop_atr_multiple
        for name in ("bullish", "bearish", "ranging", "volatile", "uncertain")
    }
    tick = 0.01
    for life in lives:
        away = life.side * (life.trade.open_rate - life.stops[0][1])
        nearest = min(multiples, key=lambda one: abs(one * life.held.entry.atr - away))
        moved = away < min(multiples) * life.held.entry.atr - tick  # momentum turned at once
        assert moved or away == pytest.approx(nearest * life.held.entry.atr, abs=2 * tick)


def test_the_report_makes_the_same_stops_again_from_tags_and_candles(confluence, lives):
    settings, config = confluence.strategy.desk.settings, confluence.backtesting.config
    exported = [life.trade.to_json() for life in lives]
    found = entry_stops(exported, config, source_of_config(config))
    expected = [
        first_stop(
            life.side, life.trade.open_rate, life.held.entry.atr, life.held.entry.regime, settings
        )
        for life in lives
    ]
    # Wilder's average never forgets where it began, and the report begins later.
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_position_that_was_far_enough_in_profit_is_not_stopped_at_a_loss(lives):
    """P20: break-even with the fees of both sides."""
    seen = 0
    for life in lives:
        far = [order for order in life.exits if parts_in([order.ft_order_tag]) & {2, 3}]
        stopped = [order for order in life.exits if order.ft_order_tag == STOP]
        if far and stopped:
            even = break_even(life.side, life.trade.open_rate, life.held.cost)
            assert life.side * (stopped[0].ft_price - even) >= 0
            seen += 1
    assert seen


def test_nothing_but_a_stop_answers_an_entry_within_its_candle(lives):
    for life in lives:
        first = life.entry.order_filled_utc
        at_once = [one.ft_order_tag for one in life.exits if one.order_date_utc <= first]
        assert set(at_once) <= {STOP, END_OF_RUN}


def test_a_time_exit_comes_after_the_hours_and_only_without_a_part(lives):
    for life in lives:
        tags = [order.ft_order_tag for order in life.exits]
        if TIME in tags:
            assert tags == [TIME]
            assert life.trade.close_date_utc - life.trade.open_date_utc >= RULE.max_hours * HOUR


def test_no_hour_has_more_entries_than_the_setting_allows(confluence):
    times = sorted(order.time for order in entries(confluence))
    inside = [sum(one - HOUR < other <= one for other in times) for one in times]
    assert max(inside) == confluence.strategy.desk.settings.entries.most_per_hour


def test_an_entry_risks_no_more_than_its_share_of_capital(confluence, lives):
    """The stop's loss, fees included, by what the account had at most."""
    settings = confluence.strategy.desk.settings
    capital = 5_000 * 1.1
    for life in lives:
        even = break_even(life.side, life.trade.open_rate, life.held.cost)
        loss = life.side * (even - life.stops[0][1]) * life.entry.safe_filled
        assert loss <= settings.portfolio.risk_per_trade * capital * 1.01


def test_fills_lie_within_the_candle_that_filled_them(confluence):
    assert all(one.low <= one.price <= one.high for one in confluence.filled)


def test_the_board_says_why_each_pair_waits_or_what_it_opened(confluence):
    board = {one.pair: one for one in confluence.strategy.desk.context.reasons.all()}
    assert set(board) == set(confluence.strategy.dp.current_whitelist())


def test_a_stop_on_the_exchange_changes_nothing_in_a_backtest(confluence, backtest, rich_futures):
    kinds = {"entry": "limit", "exit": "limit", "stoploss": "limit", "stoploss_on_exchange": True}
    resting = backtest(rich_futures, QUICK, strategy="Confluence", order_types=kinds)
    assert resting.placed == confluence.placed


def test_spot_is_entered_on_the_long_side_only(backtest, rich_spot):
    run = backtest(rich_spot, QUICK, strategy="Confluence", timerange="20251208-20251211")
    assert {trade["is_short"] for trade in run.trades} == {False}
    assert len(run.trades) >= 10


def test_leverage_makes_the_margin_smaller_and_not_the_risk(backtest, rich_futures):
    days = {"timerange": "20251209-20251211", "strategy": "Confluence"}
    one = backtest(rich_futures, QUICK, **days)
    three = backtest(rich_futures, quick(leverage=3.0), **days)
    first, other = one.trades[0], three.trades[0]
    assert other["leverage"] == 3.0
    assert other["amount"] == pytest.approx(first["amount"], rel=0.02)
    assert other["stake_amount"] == pytest.approx(first["stake_amount"] / 3, rel=0.02)
    assert runs.until(three, one.placed[0].time)
