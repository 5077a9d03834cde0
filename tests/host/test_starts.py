"""What a bot says when it starts: once, of what it knows, and of what it missed."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freqtrade.data.dataprovider import DataProvider
from freqtrade.enums import RunMode
from freqtrade.persistence import Trade, init_db

from backtests.runs import BARE
from gridkit.host import startup, summary
from gridkit.reports.fill_log import parsed
from host.accounts import NOW, PAIR, Account
from host.desks import strategy_of
from host.killing import Market, World, running_market

SETTINGS = {
    **BARE,
    "regime": {"enabled": False},
    "volatility": {"method": "realised"},
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "grid": {"wait_time_seconds": 0},
    "messages": {"least_seconds": 0},  # a cycle here takes no time
}

NEW = "XRP/USDT"  # which has no candles yet


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with running_market() as market:
        yield market


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator["Said"]:
    caplog.set_level(logging.INFO, logger="gridkit")
    heard = Said()
    monkeypatch.setattr(DataProvider, "send_msg", lambda _self, text, **_: heard.sent.append(text))
    logging.getLogger("gridkit").addHandler(heard)
    yield heard
    logging.getLogger("gridkit").removeHandler(heard)


@pytest.fixture
def world(market: Market, tmp_path: Path, said: "Said") -> Iterator[World]:
    """A bot that has started and holds the first line's lot, whose sale rests."""
    world = World(tmp_path, market, **SETTINGS)
    with world.open():
        world.starts()
        world.loops(2)
        for price in (0.989, 0.997):
            world.account.moves(world.start * price)
            world.loops(3)
        (resting,) = world.account.open_orders()
        assert resting["side"] == "sell"
        yield world


class Said(logging.Handler):
    """What the bot has said: to Telegram, and to its log."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def fills(self) -> list[Any]:
        lines = (one for one in self.texts if one.startswith("GRID_FILL"))
        return [parsed(one.removeprefix("GRID_FILL")) for one in lines]

    def summaries(self) -> int:
        return sum(one.startswith("capital ") for one in self.texts)

    def ends(self) -> list[str]:
        return [one for one in self.sent if "cycle closed" in one]


def filled_orders() -> set[int]:
    trades = Trade.get_trades().all()
    return {order.id for trade in trades for order in trade.orders if order.safe_filled > 0}


# -- what was missed --------------------------------------------------------------------------


def rises(world: World) -> None:
    world.account.moves(world.start * 1.001)


def while_it_is_dead(world: World) -> None:
    world.forget()
    rises(world)
    world.starts()
    world.loops(3)


def between_two_loops(world: World) -> None:
    rises(world)
    world.loops(3)


def while_it_reloads(world: World) -> None:
    world.bot.cleanup()
    rises(world)
    world.starts()
    world.loops(3)


@pytest.mark.parametrize("happens", [while_it_is_dead, between_two_loops, while_it_reloads])
def test_the_last_sale_of_a_cycle_is_told_once_whenever_it_came(
    world: World, said: Said, happens: Callable[[World], None]
) -> None:
    happens(world)
    assert [one.action for one in said.fills()] == ["buy", "sell"]
    assert {one.order for one in said.fills()} == filled_orders()
    assert said.fills()[-1].pnl > 0
    assert len(said.ends()) == 1
    assert f"harvest {said.fills()[-1].pnl:.2f} " in said.ends()[0]
    for _ in range(2):
        world.starts()
        world.loops(2)
    assert len(said.fills()) == 2
    assert len(said.ends()) == 1


def test_of_a_trade_that_another_strategy_ended_nothing_is_told(world: World, said: Said) -> None:
    Trade.get_open_trades()[0].strategy = "Another"
    Trade.commit()
    while_it_is_dead(world)
    assert [one.action for one in said.fills()] == ["buy"]
    assert said.ends() == []


# -- the summary ------------------------------------------------------------------------------


def test_live_the_summary_comes_once_and_with_the_first_loop(
    market: Market, tmp_path: Path, said: Said
) -> None:
    world = World(tmp_path, market, **SETTINGS)
    with world.open():
        world.starts()
        assert said.summaries() == 0
        world.loops(1)
        assert said.summaries() == 1
        world.loops(2)
        assert said.summaries() == 1


def test_with_an_open_trade_it_waits_until_the_trade_has_a_price(world: World, said: Said) -> None:
    said.texts.clear()
    world.starts()
    world.loops(1)
    assert said.summaries() == 0
    world.loops(3)
    assert said.summaries() == 1


def test_a_backtest_has_it_at_its_start_and_never_again(
    monkeypatch: pytest.MonkeyPatch, open_trades: list[Any]
) -> None:
    told: list[object] = []
    monkeypatch.setattr(startup, "check", lambda *_: None)
    monkeypatch.setattr(summary, "tell", lambda *given: told.append(given))
    strategy = strategy_of(RunMode.BACKTEST)
    strategy.bot_start()
    assert told == [(strategy, strategy.desk)]
    monkeypatch.setattr(strategy.desk.fortune, "look", lambda _now: None)
    strategy.bot_loop_start(NOW)
    assert len(told) == 1
    live = strategy_of(RunMode.DRY_RUN)
    live.bot_start()
    assert len(told) == 1


# -- a drawdown nobody can know yet ------------------------------------------------------------


def test_a_restart_with_an_open_trade_tells_of_no_breaker(world: World, said: Said) -> None:
    for _ in range(2):
        world.starts()
        world.loops(3)
    assert [one for one in said.sent if "breaker" in one] == []


def test_an_entry_that_rests_outlives_a_restart(market: Market, tmp_path: Path) -> None:
    """Until there are candles nobody knows the account, which is no reason to take it back."""
    world = World(tmp_path, market, **{**SETTINGS, "breakers": {"market": False}})
    with world.open():
        world.starts()
        world.loops(3)
        world.account.moves(world.start * 0.989)
        world.loops(3)
        world.account.moves(world.start * 0.983)
        world.loops(4)
        (resting,) = world.account.open_orders()
        assert resting["side"] == "buy"
        world.starts()
        world.loops(3)
        (later,) = world.account.open_orders()
        assert later["id"] == resting["id"]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """A live account that holds a coin."""
    init_db(f"sqlite:///{tmp_path / 'trades.sqlite'}")
    account = Account(live=True).look()
    account.opens(100.0, 5.0)
    yield account.wait()
    Trade.session.remove()


def restarts(account: Account) -> None:
    account.starts(account.now + timedelta(minutes=5))
    account.context.market.series.clear()
    account.look()


def test_at_a_start_an_unknown_drawdown_stops_additions_and_neither_up_nor_down_is_told(
    account: Account,
) -> None:
    restarts(account)
    assert account.breakers.block_add(PAIR) is not None
    account.price(100.0)
    account.look()
    assert account.breakers.block_add(PAIR) is None
    assert account.said == []


def test_a_real_drawdown_at_a_start_is_told_once_it_is_known(account: Account) -> None:
    restarts(account)
    account.price(80.0)
    account.wait()
    (told,) = account.said
    assert told.startswith("breaker: breaker up: orange")


def test_a_drawdown_that_becomes_unknown_later_is_told_and_so_is_its_end(account: Account) -> None:
    account.opens(10.0, 1.0, pair=NEW)
    account.wait()
    account.price(10.0, NEW)
    account.wait()
    assert [one.split(":")[1].strip() for one in account.said] == [
        "breaker up", "breaker down (recovered)",
    ]  # fmt: skip
    assert "nan" not in " ".join(account.said)
