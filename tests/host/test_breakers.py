"""The breakers at work: what they refuse, lock, tell and remember, in a backtest and live."""

import json
import math
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from freqtrade.persistence import (
    KeyValueStore,
    LocalTrade,
    PairLocks,
    Trade,
    disable_database_use,
    enable_database_use,
    init_db,
)
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.books import Book
from gridkit.host.depths import Depths
from gridkit.host.kept import LONGEST
from gridkit.risk import breakers
from gridkit.risk.breakers import Stage, Standing, State
from gridkit.risk.guards import RunFailed
from gridkit.settings import BreakerSettings
from host.accounts import CANDLE, NOW, OTHER, PAIR, Account

HOUR = timedelta(hours=1)
COOLDOWN = 12 * HOUR

HOUR_LONG = {"pause_minutes": 60.0}


@pytest.fixture
def offline():
    disable_database_use("5m")
    LocalTrade.reset_trades()
    yield
    LocalTrade.reset_trades()
    enable_database_use()


@pytest.fixture
def database(tmp_path):
    url = f"sqlite:///{tmp_path / 'trades.sqlite'}"
    init_db(url)
    yield url
    Trade.session.remove()


def kill(account, url):
    Trade.session.rollback()
    Trade.session.remove()
    init_db(url)
    prices = {pair: series.close[-1] for pair, series in account.context.market.series.items()}
    account.starts(account.now + CANDLE)
    for pair, price in prices.items():
        account.price(price, pair)


def fallen(drawdown, *, live, **more):
    """An account that holds all its money in one coin, which has fallen."""
    account = Account(live=live, **more).look()
    account.trade = account.opens(100.0, 10.0)
    account.price(100.0 * (1 - drawdown))
    return account.wait()


# -- what is refused --------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("drawdown", "start", "add", "flatten"),
    [
        (0.04, False, False, False), (0.06, True, False, False), (0.09, True, True, False),
        (0.13, True, True, True),
    ],
)  # fmt: skip
def test_each_line_refuses_what_it_should_and_no_more(drawdown, start, add, flatten):
    found = fallen(drawdown, live=False).breakers
    assert (found.block_start(PAIR) is not None) == start
    assert (found.block_add(PAIR) is not None) == add
    assert (found.flatten_reason(PAIR) is not None) == flatten


@pytest.mark.usefixtures("offline")
def test_the_reason_has_value_and_threshold():
    found = fallen(0.13, live=False).breakers
    assert found.flatten_reason(PAIR) == "breaker red: drawdown: 0.13 against 0.12"
    assert found.block_add(PAIR).value == pytest.approx(0.13)


@pytest.mark.usefixtures("offline")
def test_switched_off_nothing_is_refused():
    found = fallen(0.5, live=False, settings={"breakers": {"enabled": False}}).breakers
    assert found.block_start(PAIR) is None
    assert found.flatten_reason(PAIR) is None


@pytest.mark.usefixtures("offline")
def test_the_state_has_another_number_whenever_an_answer_is_another():
    account = Account(live=False).look()
    account.opens(100.0, 10.0)
    numbers = [account.breakers.state_id]
    for price in (96.0, 94.9, 94.0, 91.5, 91.0, 87.0, 86.0):
        account.price(price)
        numbers.append(account.wait().breakers.state_id)
    steps = [after - before for before, after in pairwise(numbers)]
    assert steps == [0, 1, 0, 1, 0, 1, 0]


@pytest.mark.usefixtures("offline")
def test_another_run_begins_calm():
    account = fallen(0.13, live=False)
    LocalTrade.reset_trades()
    before = account.breakers.state_id
    account.fortune.forget()
    account.breakers.forget()
    account.look()
    assert account.breakers.block_start(PAIR) is None
    assert account.breakers.state_id > before


@given(
    stage=st.sampled_from(Stage),
    best=st.sampled_from((None, -50.0)),
    base=st.sampled_from((1_000.0, 0.0, -1.0, math.nan, math.inf)),
    profit=st.sampled_from((0.0, -49.0, -51.0, 10.0, -60.0, math.nan, -math.inf)),
    peak=st.sampled_from((0.0, 10.0, math.nan)),
    enabled=st.booleans(),
)
def test_what_is_called_calm_is_what_the_state_machine_would_leave_alone(
    stage, best, base, profit, peak, enabled
):
    rule, state = BreakerSettings(enabled=enabled), State(stage, 5.0, None, best)
    if breakers.is_calm(state, base, profit, peak, rule):
        seen = Standing(base, profit, peak, True)
        after = breakers.next_state(state, 1e9, seen, rule)
        assert after.stage is state.stage
        assert after.best is None
        assert breakers.breaker(after, 1e9, seen, rule) is None


# -- a life -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_red_locks_all_pairs_for_the_cool_down_and_the_bot_goes_on_after_it():
    account = fallen(0.13, live=False)
    assert account.wait().breakers.flatten_reason(OTHER) is not None
    until = account.now - CANDLE + COOLDOWN
    reason = "gridkit breaker red: drawdown: 0.13 against 0.12"
    assert account.locks == [(PAIR, until, reason), (OTHER, until, reason)]
    account.sells(account.trade, 87.0, "flatten L1")
    assert account.wait(6 * HOUR).breakers.flatten_reason(PAIR) is not None
    assert len(account.locks) == 2
    account.now = until - CANDLE
    assert account.wait().breakers.block_start(PAIR) is None
    trade = account.opens(87.0, 2.0)
    account.price(80.0)
    account.wait()
    assert account.breakers.block_start(PAIR) is None, "1.6 % since the restart"
    account.sells(trade, 80.0)


@pytest.mark.usefixtures("offline")
def test_a_black_account_is_locked_in_a_backtest_a_month_at_a_time():
    account = fallen(0.25, live=False)
    account.sells(account.trade, 75.0, "flatten L1")
    account.wait(COOLDOWN)
    count = len(account.locks)
    for _ in range(40):
        account.wait(24 * HOUR)
    assert len(account.locks) == count + 2
    condition = account.breakers.block_start(PAIR).condition
    assert condition == "drawdown beyond which nothing restarts"


def test_live_a_black_account_is_locked_an_hour_at_a_time(database):
    account = fallen(0.25, live=True)
    account.sells(account.trade, 75.0, "flatten L1")
    account.wait(COOLDOWN)
    pair, until, _ = account.locks[-1]
    assert (pair, until - account.now) == (OTHER, HOUR)


def test_the_ups_and_downs_are_told_once_each(database):
    account = fallen(0.06, live=True)
    account.wait()
    account.price(99.0)
    account.wait()
    assert len(account.said) == 2
    assert account.said[0].startswith(
        "breaker: breaker up: yellow: drawdown: 0.06 against 0.05: no new cycles, since 01-02 00:05"
    )
    assert account.said[1] == "breaker: breaker down (recovered): yellow: drawdown"
    account.price(87.0)
    account.wait()
    account.sells(account.trade, 87.0, "flatten L1")
    account.wait()
    account.wait(COOLDOWN)
    assert account.said[-1] == "breaker: breaker down (restart): red: drawdown"


@pytest.mark.usefixtures("offline")
def test_a_backtest_tells_nothing():
    assert fallen(0.13, live=False).said == []


# -- restarts of the process ------------------------------------------------------------------


def test_the_cool_down_outlives_a_kill(database):
    account = fallen(0.13, live=True)
    account.sells(account.trade, 87.0, "flatten L1")
    began = account.now
    account.wait()
    kill(account, database)
    account.look()
    assert account.breakers.flatten_reason(PAIR) is not None
    account.now = began + COOLDOWN - 2 * CANDLE
    assert account.wait().breakers.block_start(PAIR) is not None
    account.now = began + COOLDOWN
    assert account.wait().breakers.block_start(PAIR) is None
    kill(account, database)
    account.look()
    assert account.breakers.block_start(PAIR) is None, "the restart is remembered"
    assert len(account.breakers.state.restarts) == 1


def test_a_new_peak_after_a_restart_is_remembered_at_once(database):
    """Or after a kill the lines would count from less than the peak."""
    account = fallen(0.13, live=True)
    account.sells(account.trade, 87.0, "flatten L1")
    account.wait()
    account.wait(COOLDOWN)
    account.opens(87.0, 9.0)
    for price, expected in ((90.0, False), (130.0, True), (129.0, True)):
        account.price(price)
        account.wait(timedelta(seconds=5))
        assert (account.breakers.state.best is None) == expected
    kill(account, database)
    assert account.look().breakers.state.best is None


def test_the_state_before_a_kill_is_the_state_after_it(database):
    account = fallen(0.06, live=True)
    account.sells(account.trade, 94.0)
    account.wait()
    account.wait(COOLDOWN)
    account.opens(94.0, 1.0)
    account.price(97.0)
    account.wait(timedelta(minutes=2))
    before = account.breakers.state
    assert before.best == pytest.approx(-60 + 3 - 10 * (100 + 94) * 0.001)
    kill(account, database)
    assert account.look().breakers.state == before


def test_the_longest_state_there_can_be_fits_into_the_database(database):
    account = fallen(0.06, live=True, settings={"breakers": {"most_restarts": 10}})
    restarts = tuple(1_772_619_083.123456 + index for index in range(10))
    account.breakers.state = State(
        Stage.YELLOW, 1_772_619_083.123456, None, -123_456.78901234567, restarts
    )
    account.price(50.0)
    account.wait()
    text = KeyValueStore.get_string_value("gridkit_breakers")
    assert json.loads(text)["stage"] == Stage.RED
    assert len(text) <= LONGEST


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"stage": 9}', '{"stage": 3, "since": null}'])
def test_with_its_state_unreadable_the_account_is_judged_anew(database, text):
    account = fallen(0.13, live=True)
    KeyValueStore.store_value("gridkit_breakers", text)
    kill(account, database)
    assert account.look().breakers.state == State(Stage.RED, account.now.timestamp())


# -- failing ----------------------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch):
    def breaks(*_):
        raise OSError("no")

    def start():
        monkeypatch.setattr(breakers, "next_state", breaks)

    return start


def test_breakers_that_fail_refuse_and_say_so_once(database, broken, caplog):
    account = fallen(0.06, live=True)
    broken()
    for _ in range(2):
        account.wait()
        assert account.breakers.block_add(PAIR).condition == "breakers failed"
        assert account.breakers.block_start(PAIR) is not None
        assert account.breakers.flatten_reason(PAIR) is None
    assert caplog.text.count("the breakers failed") == 1


def test_breakers_that_fail_go_on_selling(database, broken):
    account = fallen(0.13, live=True)
    broken()
    assert account.wait().breakers.flatten_reason(PAIR) is not None


def test_a_whitelist_that_fails_refuses_too(database):
    account = Account(live=True).look()
    account.context.strategy.dp = None
    assert account.wait().breakers.block_add(PAIR).condition == "breakers failed"


@pytest.mark.usefixtures("offline")
def test_breakers_that_fail_end_a_backtest(broken):
    account = fallen(0.06, live=False)
    broken()
    with pytest.raises(RunFailed):
        account.wait()


# -- markets ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_a_shock_stops_its_own_pair_alone_and_for_the_pause():
    account = Account(live=False, settings={"breakers": HOUR_LONG})
    account.closes([100.0] * 30, shocks_move=[0.0] * 20 + [0.07] + [0.0] * 9)
    account.look()
    block = account.breakers.block_market(PAIR)
    assert (block.condition, block.threshold) == ("sudden move", 0.05)
    assert block.value == pytest.approx(0.07)
    assert account.breakers.block_market(OTHER) is None
    assert account.breakers.block_add(PAIR) is None
    account.closes([100.0] * 30, shocks_move=[0.0] * 16 + [0.07] + [0.0] * 13)
    assert account.look().breakers.block_market(PAIR) is None, "an hour and five minutes ago"


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("changes", [{"market": False}, {"enabled": False}])
def test_shocks_may_be_switched_off(changes):
    account = Account(live=False, settings={"breakers": changes})
    account.price(100.0, shocks_move=0.5)
    assert account.look().breakers.block_market(PAIR) is None


def test_live_a_shock_is_told_when_it_comes_and_when_it_is_over(database, caplog):
    account = Account(live=True, settings={"breakers": HOUR_LONG}).look()
    number = account.breakers.state_id
    account.price(100.0, shocks_volume=12.0)
    account.look()
    assert account.breakers.state_id == number + 1
    account.look()
    account.price(100.0)
    account.look()
    assert account.breakers.state_id == number + 2
    told = [one.getMessage() for one in caplog.records if "breaker" in one.getMessage()]
    assert told == [
        f"{PAIR}: breaker up: volume in medians of 24 h: 12 against 10, nothing is added until "
        "01-02 00:55 UTC",
        f"{PAIR}: breaker down: volume in medians of 24 h",
    ]


def book(now, depth, price=100.0):
    half = depth / 2
    bids = np.array([[price * 0.999, half / (price * 0.999)]])
    asks = np.array([[price * 1.001, half / (price * 1.001)]])
    return Book(bids, asks, now.timestamp())


def test_a_book_half_as_deep_as_in_the_last_hour_stops_its_pair(database):
    account = Account(live=True, settings={"breakers": HOUR_LONG}).look()
    depth = {"now": 1_000.0}
    account.breakers.markets.books = lambda pair: (
        book(account.now, depth["now"]) if pair == PAIR else None
    )

    def later(loops):
        for _ in range(loops):
            account.now += timedelta(seconds=20)
            account.look()

    later(3 * 31)
    assert account.breakers.block_market(PAIR) is None
    depth["now"] = 400.0
    later(1)
    assert account.breakers.block_market(PAIR) is None, "one book says little"
    later(2)
    block = account.breakers.block_market(PAIR)
    assert block.condition == "depth of the book over its hourly mean"
    assert block.value == pytest.approx(400 / ((93 * 1_000 + 3 * 400) / 96))
    assert account.breakers.block_market(OTHER) is None
    depth["now"] = 1_000.0
    for _ in range(3 * 59):
        later(1)
    assert account.breakers.block_market(PAIR) is not None, "the pause goes on"
    for _ in range(3 * 3):
        later(1)
    assert account.breakers.block_market(PAIR) is None


def test_depth_is_unknown_before_half_an_hour_and_without_a_recent_book():
    depths = Depths()
    assert math.isnan(depths.ratio(PAIR, 0.0))
    for minute in range(31):
        depths.note(PAIR, book(NOW + timedelta(minutes=minute), 1_000.0))
    assert math.isnan(depths.ratio(PAIR, (NOW + timedelta(minutes=29)).timestamp()))
    assert depths.ratio(PAIR, (NOW + timedelta(minutes=30)).timestamp()) == pytest.approx(1.0)
    assert math.isnan(depths.ratio(PAIR, (NOW + timedelta(minutes=32)).timestamp()))
    depths.keep_only({OTHER})
    assert math.isnan(depths.ratio(PAIR, (NOW + timedelta(minutes=30)).timestamp()))


def test_the_same_book_seen_twice_is_one_and_an_hour_is_all_that_is_remembered():
    depths = Depths()
    for minute, depth in ((0, 9e9), (61, 1_000.0), (61, 5.0), (95, 1_000.0)):
        depths.note(PAIR, book(NOW + timedelta(minutes=minute), depth))
    assert depths.ratio(PAIR, (NOW + timedelta(minutes=95)).timestamp()) == pytest.approx(1.0)


# -- freqtrade's own locks --------------------------------------------------------------------


def test_the_locks_are_freqtrades_and_carry_the_reason(database):
    PairLocks.timeframe = "5m"
    account = Account(live=True).look()
    account.context.strategy.lock_pair = PairLocks.lock_pair
    account.trade = account.opens(100.0, 10.0)
    account.price(87.0)
    account.wait()
    locks = PairLocks.get_pair_locks(PAIR, account.now)
    assert [lock.reason for lock in locks] == ["gridkit breaker red: drawdown: 0.13 against 0.12"]
    assert PairLocks.is_pair_locked(OTHER, account.now + COOLDOWN - CANDLE)
    assert not PairLocks.is_pair_locked(OTHER, account.now + COOLDOWN + 2 * CANDLE)
    PairLocks.timeframe = ""
