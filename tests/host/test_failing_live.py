"""A bot that trades on while features fail: off after three candles, on again by a reload."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freqtrade.data.dataprovider import DataProvider
from freqtrade.persistence import Trade
from freqtrade.rpc.rpc import RPC

from backtests.runs import BARE
from gridkit.host import failing, plan_store
from gridkit.why.rows import row
from host.killing import PAIR, Market, World, running_market

CANDLE = timedelta(minutes=5)
SETTINGS = {
    **BARE,
    "sizing": {"mode": "dynamic"},
    "volume_lines": {"enabled": True},
    "regime": {"enabled": False},
    "volatility": {"method": "realised"},
    "profile": {"enabled": True, "days": 0.25},
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "grid": {"wait_time_seconds": 0},
}
BROKEN = {
    "profile": "gridkit.host.columns.profile.compute",
    "sizing": "gridkit.risk.sizing.dynamic_risk",
    "density_and_volume": "gridkit.analytics.supports.survey",
}


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with running_market() as market:
        yield market


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What people are told of features."""
    heard: list[str] = []

    def hear(_self: DataProvider, text: str, **_: Any) -> None:
        if "switched off" in text:
            heard.append(text)

    monkeypatch.setattr(DataProvider, "send_msg", hear)
    return heard


@pytest.fixture
def world(market: Market, tmp_path: Path) -> Iterator[World]:
    logging.disable(logging.ERROR)
    world = World(tmp_path, market, **SETTINGS)
    with world.open():
        yield world
    logging.disable(logging.NOTSET)


def later(world: World, candles: int) -> None:
    """Two loops in another candle than the last: the pair is analysed as if it were new."""
    bot, features = world.bot, world.desk.context.features
    assert bot is not None
    moment = datetime.now(UTC) + candles * CANDLE
    features._clock = lambda: moment
    bot.strategy._IStrategy__last_candle_seen_per_pair.clear()
    world.loops(2)


def fails(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Break each of them, and return who was asked."""
    asked: list[str] = []

    def breaking(name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            asked.append(name)
            raise ZeroDivisionError(f"a defect of {name}")

        return fail

    for name, target in BROKEN.items():
        monkeypatch.setattr(target, breaking(name))
    return asked


def states(world: World) -> dict[str, str]:
    return {one.name: one.state for one in world.desk.context.features.of(PAIR)}


def chart(world: World) -> dict[str, Any]:
    """The last candle as REST and FreqUI have it, with the annotations' labels."""
    answer = RPC(world.bot)._rpc_analysed_dataframe(PAIR, "5m", 1, [failing.COLUMN, "why"])
    last = dict(zip(answer["columns"], answer["data"][-1], strict=True))
    return {**last, "labels": [one["label"] for one in answer["annotations"]]}


def test_a_bot_trades_on_and_shows_what_is_off_until_it_is_reloaded(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    with monkeypatch.context() as broken:
        asked = fails(broken)
        world.starts()
        later(world, 0)
        assert states(world) == dict.fromkeys(BROKEN, "failing")
        assert [order["side"] for order in world.account.open_orders()] == ["buy"]
        for candle in range(1, 5):
            later(world, candle)
            if candle == 2:
                calls = len(asked)
                assert states(world)["profile"] == "off"
        assert asked.count("profile") == failing.MOST_FAILURES
        assert "profile" not in asked[calls:]
        assert sum("profile" in text for text in sent) == 1

        world.account.moves(world.start * 0.976)  # both lines are bought, the first is sold
        world.loops(3)
        (trade,) = Trade.get_open_trades()
        assert len(world.desk.cycles[trade.id].book.ledger.lots) == 2
        world.account.moves(world.start * 0.9905)
        world.loops(3)
        assert len(world.desk.cycles[trade.id].book.ledger.lots) == 1

        state = trade.get_custom_data(plan_store.STATE_KEY)
        assert "profile" in {one["name"] for one in state["features"] if one["state"] == "off"}
        shown = chart(world)
        (off,) = [one for one in failing.read(shown["features"]) if one["name"] == "profile"]
        assert (off["state"], off["why"]) == ("off", "ZeroDivisionError('a defect of profile')")
        assert any(label.startswith("profile off since") for label in shown["labels"])
        told = row(PAIR, shown, None, {}, ())
        assert off in told.features

    later(world, 5)
    assert states(world)["profile"] == "off"
    world.reloads()
    later(world, 6)
    assert states(world) == {}
    assert "profile_poc" in world.desk.context.strategy.dp.get_analyzed_dataframe(PAIR, "5m")[0]
    assert not chart(world).get("features")


def test_a_guard_that_fails_takes_back_the_line_that_rests_and_lets_lots_be_sold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.starts()
    later(world, 0)
    world.account.moves(world.start * 0.976)
    world.loops(3)
    with monkeypatch.context() as broken:
        broken.setattr("gridkit.host.columns.volatility.realised", lambda *_: 1 / 0)
        later(world, 1)
        later(world, 2)
        assert states(world) == {"volatility": "refuses"}
        assert [order["side"] for order in world.account.open_orders()] == ["sell"]
        world.account.moves(world.start * 0.955)
        world.loops(3)
        (trade,) = Trade.get_open_trades()
        assert len(world.desk.cycles[trade.id].book.ledger.lots) == 2
        blocked = trade.get_custom_data(plan_store.STATE_KEY)["blocked"]
        assert blocked["condition"] == "volatility failed"
    later(world, 3)
    assert states(world) == {}
