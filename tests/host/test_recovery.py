"""Stuck lots at the host: when they are marked, what is kept of them, and the budget they share."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import Trade

from backtests.runs import QUICK, disagreements
from gridkit.grid import tags
from gridkit.grid.plan import Line, Plan
from gridkit.grid.situation import Order, Stuck
from gridkit.host.cycle import Cycle
from gridkit.host.orders import new_book
from gridkit.host.recovery import RecoveryDesk
from gridkit.host.requests import ends_in_loss, exit_stake
from host.desks import NOW, order_of, strategy_of, trade_of

LINES = tuple(Line(level, 100.0, 102.0) for level in (1, 2, 3))
PLAN = Plan(1, 101.0, 0.01, LINES, 20.0, 0.0, 0.02)
MINUTE, HOUR = 60.0, 3_600.0
CAPITAL = 1_000.0  # what config.json begins with, and may use of it
THE_END = datetime(2030, 1, 1, tzinfo=UTC)
START = NOW.timestamp()
OTHER = "SOL/USDT"


class Fortune:
    """The account's results, as a test says they are."""

    def __init__(self, capital=1_000.0, peak_profit=0.0, lost=0.0):
        self.capital, self.peak_profit, self.lost = capital, peak_profit, lost

    def recovery_loss(self) -> float:
        return self.lost


class Kept:
    """The custom data of a trade, through JSON as freqtrade does it."""

    def __init__(self, trade: Any) -> None:
        self._trade = trade
        self.data: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trade, name)

    def set_custom_data(self, key: str, value: Any) -> None:
        self.data[key] = json.dumps(value, allow_nan=False)

    def get_custom_data(self, key: str) -> Any:
        return json.loads(self.data[key]) if key in self.data else None


def bought(*levels: int, **more: Any) -> Any:
    """A trade that bought 0.2 coins at 100 for each level, twenty candles ago and later."""
    return trade_of(*(order_of(f"L{level}", 100.0) for level in levels), **more)


class Table:
    """A recovery desk with cycles of some trades."""

    def __init__(self, *trades: Any, live: bool = False, fortune: Any = None, **settings: Any):
        mode = RunMode.DRY_RUN if live else RunMode.BACKTEST
        strategy = strategy_of(mode, pairs=("ETH/USDT", OTHER), **settings)
        self.context = strategy.desk.context
        self.cycles: dict[int, Cycle] = {}
        for trade in trades:
            self.join(trade)
        self.fortune = fortune or Fortune()
        self.desk = RecoveryDesk(self.context, self.cycles, self.fortune)

    def join(self, trade: Any) -> Cycle:
        book = new_book(trade)
        book.read_on(trade, {})
        self.cycles[trade.id] = Cycle(book, PLAN)
        return self.cycles[trade.id]


@pytest.fixture
def trades(open_trades, monkeypatch):
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades", lambda _filter: [])
    return open_trades


# -- when lots are marked ---------------------------------------------------------------------


def test_a_lot_is_marked_at_the_first_look_after_its_timeout(trades):
    """Bought at 22:20, stuck an hour later; looks are at whole five minutes."""
    trade = bought(1)
    table = Table(trade)
    cycle, opened = table.cycles[1], START - 100 * MINUTE
    for minutes in (0, 59, 60):
        table.desk.mark(cycle, trade, opened + minutes * MINUTE, 80.0)
        assert cycle.stuck == {}
    assert table.desk.next_look(cycle, opened + 60 * MINUTE) == opened + 65 * MINUTE
    table.desk.mark(cycle, trade, opened + 64 * MINUTE, 80.0)
    assert cycle.stuck == {}
    table.desk.mark(cycle, trade, opened + 65 * MINUTE, 80.0)
    assert cycle.stuck == {1: Stuck(80.0, opened + 65 * MINUTE, 0.2)}
    table.desk.mark(cycle, trade, opened + 90 * MINUTE, 70.0)
    assert cycle.stuck == {1: Stuck(80.0, opened + 65 * MINUTE, 0.2)}


@pytest.mark.parametrize("minutes", [5.0, 15.0])
def test_looks_are_made_once_in_each_stretch_of_time(trades, minutes):
    trade = bought(1)
    table = Table(trade, recovery={"check_minutes": minutes})
    cycle, looks = table.cycles[1], set()
    for second in range(0, 3_600, 20):
        table.desk.mark(cycle, trade, START + second, 99.9)
        looks.add(cycle.looked)
    assert looks == {START + one * minutes * MINUTE for one in range(int(60 / minutes))}


def test_between_two_looks_the_next_one_is_due_and_after_a_look_the_rate_decides(trades):
    trade = bought(1)
    table = Table(trade)
    cycle = table.cycles[1]
    table.desk.mark(cycle, trade, START, 99.9)
    assert cycle.stuck == {}
    assert table.desk.of_age(cycle, START) == {1}
    assert table.desk.next_look(cycle, START) == math.inf
    assert table.desk.next_look(cycle, START + 1) == START + 5 * MINUTE


def test_the_next_lot_to_come_of_age_is_looked_at_then(trades):
    """The second was bought five minutes after the first."""
    trade = bought(1, 2)
    table = Table(trade)
    cycle, opened = table.cycles[1], START - 100 * MINUTE
    now = opened + 65 * MINUTE
    table.desk.mark(cycle, trade, now, 99.9)
    assert table.desk.of_age(cycle, now) == {1}
    assert table.desk.next_look(cycle, now) == opened + 70 * MINUTE


def test_what_is_gone_is_not_stuck_any_more_nor_what_was_bought_again_since(trades):
    trade = bought(1, 2)
    table = Table(trade)
    cycle = table.cycles[1]
    lots = cycle.book.ledger.lots
    since = lots[2].opened
    cycle.stuck = {1: Stuck(90.0, lots[1].opened - 1, 0.2), 2: Stuck(90.0, since, 0.2),
                   3: Stuck(90.0, since, 0.2)}  # fmt: skip
    table.desk.mark(cycle, trade, since + 60.0, 99.9)
    assert list(cycle.stuck) == [2]


# -- kept over a restart ----------------------------------------------------------------------


def test_live_what_is_stuck_outlives_a_restart(trades):
    trade = Kept(bought(1, 2))
    table = Table(trade, live=True)
    cycle = table.cycles[1]
    table.desk.mark(cycle, trade, START, 80.0)
    assert set(cycle.stuck) == {1, 2}
    again = Table(trade, live=True)
    again.desk.mark(again.cycles[1], trade, START + 60.0, 95.0)
    assert again.cycles[1].stuck == cycle.stuck


def test_custom_data_is_written_on_a_change_only_and_never_in_a_backtest(trades):
    for live in (True, False):
        trade = Kept(bought(1))
        table = Table(trade, live=live)
        table.desk.mark(table.cycles[1], trade, START, 80.0)
        assert list(trade.data) == (["gridstuck"] if live else [])
        trade.data.clear()
        table.desk.mark(table.cycles[1], trade, START + HOUR, 80.0)
        assert trade.data == {}


@pytest.mark.parametrize("found", ['{"1": {"price": 3}}', '{"x": {}}', "[1]", '"text"', "{}"])
def test_what_cannot_be_read_is_looked_for_anew(trades, found):
    trade = Kept(bought(1))
    trade.data["gridstuck"] = found
    table = Table(trade, live=True)
    table.desk.mark(table.cycles[1], trade, START, 80.0)
    assert table.cycles[1].stuck == {1: Stuck(80.0, START, 0.2)}


@pytest.mark.parametrize("mode", ["ladder", "hedge"])
def test_in_hedge_mode_a_request_is_published(trades, mode):
    trade = Kept(bought(1, 2))
    table = Table(trade, live=True, recovery={"mode": mode})
    table.desk.mark(table.cycles[1], trade, START, 80.0)
    request = trade.get_custom_data("gridhedge")
    if mode == "ladder":
        assert request is None
        return
    assert (request["side"], request["levels"]) == ("short", [1, 2])
    assert (request["amount"], request["stuck_price"]) == pytest.approx((0.4, 80.0))


def test_a_hedge_request_follows_what_is_left_of_a_stuck_lot_and_goes_with_the_last(trades):
    trade = Kept(bought(1))
    table = Table(trade, live=True, recovery={"mode": "hedge"})
    cycle = table.cycles[1]
    asked = []
    for left in (0.2, 0.1, 0.1, None):
        lots = cycle.book.ledger.lots
        lots[1] = replace(lots[1], amount=left or 0.0)
        if left is None:
            del lots[1]
        table.desk.mark(cycle, trade, START, 80.0)
        asked.append(trade.data.pop("gridhedge", None))
    assert [one and json.loads(one).get("amount") for one in asked] == [0.2, 0.1, None, None]
    assert asked[-1] == "{}", "nothing is left to hedge"
    table.desk.mark(cycle, trade, START, 80.0)
    assert trade.data.get("gridhedge") is None, "and that is said once"


def test_after_a_restart_a_hedge_request_is_written_only_where_it_changed(trades):
    trade = Kept(bought(1))
    for _ in range(2):
        table = Table(trade, live=True, recovery={"mode": "hedge"})
        table.desk.mark(table.cycles[1], trade, START, 80.0)
        said = trade.data["gridhedge"]
        trade.set_custom_data = None  # a second write would fail
    assert json.loads(said)["amount"] == 0.2


# -- the budget -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fortune", "budget"),
    [
        (Fortune(1_000.0, 0.0), 20.0),
        (Fortune(1_000.0, 80.0), 20.0),
        (Fortune(1_000.0, 100.0), 25.0),
        (Fortune(1_000.0, -100.0), 20.0),
        (Fortune(1_000.0, math.nan), 20.0),
    ],
)
def test_the_budget_is_a_share_of_capital_or_of_the_most_profit(trades, fortune, budget):
    trade = bought(1)
    table = Table(trade, fortune=fortune)
    assert table.desk.budget() == pytest.approx(budget)
    fortune.lost = 7.0
    assert table.desk.budget_left(trade) == pytest.approx(budget - 7.0)


def test_an_unknown_capital_leaves_no_budget_that_a_loss_would_fit(trades):
    left = Table(bought(1), fortune=Fortune(math.nan)).desk.budget_left(bought(1))
    assert not left > 0


def exit_of(price: float, amount: float, *, rests: bool, filled: float = 0.0) -> Any:
    order = order_of("recover L1", price, amount=amount, side="sell", rests=rests)
    if rests:
        order.filled = filled
    return order


def test_what_other_pairs_orders_may_lose_is_taken_off_and_the_own_order_is_not(trades):
    """0.2 coins at 90: a loss of 2, a fee of 0.018, and of the entry's 0.02."""
    other = trade_of(order_of("L1", 100.0), exit_of(90.0, 0.2, rests=True), pair=OTHER, number=2)
    own = trade_of(order_of("L1", 100.0), exit_of(80.0, 0.2, rests=True))
    trades += [own, other]
    table = Table(own, other)
    assert table.desk.budget_left(own) == pytest.approx(20.0 - 2.038)
    assert table.desk.budget_left(other) == pytest.approx(20.0 - 4.036)


def test_of_the_own_order_what_is_filled_already_counts(trades):
    own = trade_of(order_of("L1", 100.0), exit_of(90.0, 0.2, rests=True, filled=0.1))
    trades.append(own)
    assert Table(own).desk.budget_left(own) == pytest.approx(20.0 - 1.019)


def test_an_order_at_a_profit_adds_nothing_to_the_budget(trades):
    other = trade_of(order_of("L1", 100.0), exit_of(110.0, 0.2, rests=True), pair=OTHER, number=2)
    own = bought(1)
    trades += [own, other]
    assert Table(own, other).desk.budget_left(own) == pytest.approx(20.0)


@pytest.mark.parametrize("is_open", [True, False])
def test_an_order_that_filled_since_its_trade_was_read_counts(trades, monkeypatch, is_open):
    """In the same candle: the account has not been looked at, nor the trade asked about."""
    other = trade_of(order_of("L1", 100.0), pair=OTHER, number=2)
    own = bought(1)
    table = Table(own, other)
    filled = trade_of(order_of("L1", 100.0), exit_of(90.0, 0.2, rests=False), pair=OTHER, number=2)
    trades += [own, filled] if is_open else [own]
    if not is_open:
        found = Trade.get_trades_proxy
        monkeypatch.setattr(
            "freqtrade.persistence.Trade.get_trades_proxy",
            lambda is_open: found(is_open=True) if is_open else [filled],
        )
    assert table.desk.budget_left(own) == pytest.approx(20.0 - 2.038)
    table.cycles[2].book.read_on(filled, {})
    assert table.desk.budget_left(own) == pytest.approx(20.0)


def test_of_an_order_that_was_cancelled_only_what_was_filled_counts_until_it_is_read(trades):
    other = trade_of(order_of("L1", 100.0), pair=OTHER, number=2)
    own = bought(1)
    table = Table(own, other)
    cancelled = exit_of(90.0, 0.2, rests=False)
    cancelled.filled = 0.1
    filled = trade_of(order_of("L1", 100.0), cancelled, pair=OTHER, number=2)
    trades += [own, filled]
    assert table.desk.budget_left(own) == pytest.approx(20.0 - 1.019)
    table.cycles[2].book.read_on(filled, {})
    assert table.cycles[2].book.ledger.lots[1].amount == pytest.approx(0.1)
    assert table.desk.budget_left(own) == pytest.approx(20.0)


def test_live_a_trade_that_closed_since_the_account_was_read_counts(trades, monkeypatch):
    other = trade_of(order_of("L1", 100.0), pair=OTHER, number=2)
    own = bought(1)
    table = Table(own, Kept(other), live=True)
    closed = trade_of(order_of("L1", 100.0), exit_of(90.0, 0.2, rests=False), pair=OTHER, number=2)
    trades.append(own)
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades", lambda _filter: [closed])
    assert table.desk.budget_left(own) == pytest.approx(20.0 - 2.038)


# -- how freqtrade is asked -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "share", "amount"),
    [((1,), None, 0.2), ((1,), 1 / 3, 0.066), ((2,), 0.5, 0.1), ((1, 2), 0.5, 0.2)],
)
def test_a_part_is_asked_for_by_half_a_step_more_than_whole_steps(levels, share, amount):
    """freqtrade truncates stake over trade's stake, times its amount, to steps of 0.001."""
    trade = bought(1, 2)
    cycle = SimpleNamespace(book=new_book(trade))
    cycle.book.read_on(trade, {})
    order = Order(False, levels, 90.0, tags.exit_tag(levels, tags.RECOVER), "", share)
    stake = exit_stake(order, cycle, trade, 0.001)
    asked = -stake / trade.stake_amount * trade.amount
    assert math.floor(asked / 0.001) == round(amount / 0.001)
    assert asked / 0.001 % 1 == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("levels", "price", "share", "verb", "ends"),
    [
        ((1, 2), None, None, tags.RECOVER, True),
        ((1, 2), 90.0, None, tags.RECOVER, False),
        ((1, 2), None, 0.5, tags.RECOVER, False),
        ((1,), None, None, tags.RECOVER, False),
        ((1, 2), None, None, tags.STOP, True),
    ],
)
def test_the_last_lots_recovered_at_market_pause_their_pair(levels, price, share, verb, ends):
    trade = bought(1, 2)
    cycle = SimpleNamespace(book=new_book(trade))
    cycle.book.read_on(trade, {})
    order = Order(False, levels, price, tags.exit_tag(levels, verb), "", share)
    assert ends_in_loss(order, cycle) is ends


# -- in freqtrade's own backtest --------------------------------------------------------------

STUCK = {
    **QUICK,
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "sizing": {"mode": "fixed"},
    "breakers": {"enabled": False},
    "stops": {"lot_stop_enabled": False, "trend_flatten_enabled": False},
    "recovery": {
        "rungs": "always",
        "position_timeout_minutes": 30,
        "away": 0.004,
        "ladder": (0.001, 0.002, 0.003),
    },
}


TRADED = "20251205-20251209"
SHARE = 0.002


@pytest.mark.slow
def test_in_a_backtest_stuck_lots_leave_in_parts_within_the_budget_and_the_same_without_cache(
    backtest, spot, monkeypatch
):
    settings = {**STUCK, "recovery": {**STUCK["recovery"], "budget": SHARE, "budget_of_profit": 0}}
    lost: list[float] = []

    def watch(recording: Any, _pair: str, _now: Any) -> None:
        lost.append(recording.strategy.desk.fortune.recovery_loss())

    run = backtest(spot, settings, timerange=TRADED, watch=watch)
    parts = [one for one in run.filled if tags.verb_of(one.tag) == tags.RECOVER]
    assert len(parts) >= 30
    assert 0.5 * SHARE * CAPITAL < max(lost) <= SHARE * CAPITAL
    sold = [one for one in run.filled if tags.verb_of(one.tag)]
    cycles = run.strategy.desk.cycles.values()
    assert 10 <= sum(len(cycle.book.ledger.done) for cycle in cycles) < 0.8 * len(sold)
    monkeypatch.setattr(Cycle, "decided_for", lambda *_arguments: False)
    anew = backtest(spot, settings, timerange=TRADED)
    assert disagreements(run, anew, THE_END) == []
