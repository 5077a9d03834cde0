"""What users tell a running bot over Telegram or REST, through freqtrade's own RPC class."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freqtrade.enums import MarketDirection, State
from freqtrade.persistence import Trade
from freqtrade.rpc.rpc import RPC, RPCException

from backtests.runs import BARE
from gridkit.host import commands, plan_store
from host.killing import BASE, PAIR, Market, World, running_market

LOOPS = 3
SETTINGS = {
    **BARE,
    "regime": {"enabled": False},
    "volatility": {"method": "realised"},
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "grid": {"wait_time_seconds": 0},
}


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with running_market() as market:
        yield market


@pytest.fixture
def world(market: Market, tmp_path: Path) -> Iterator[World]:
    """A first line that rests."""
    logging.disable(logging.INFO)
    world = World(tmp_path, market, **SETTINGS)
    with world.open():
        world.starts()
        world.loops(LOOPS)
        yield world
    logging.disable(logging.NOTSET)


@pytest.fixture
def holding(world: World) -> World:
    """Two lots; the third line rests."""
    world.account.moves(world.start * 0.976)
    world.loops(LOOPS)
    assert tags_of(world) == ["L3"]
    return world


def trade_of() -> Trade:
    (trade,) = Trade.get_open_trades()
    return trade


def tags_of(world: World) -> list[str | None]:
    """Tags of the orders that rest on the exchange; None for one the database does not know."""
    trades = Trade.get_trades_proxy()
    known = {order.order_id: order.ft_order_tag for trade in trades for order in trade.orders}
    return [known.get(order["id"]) for order in world.account.open_orders()]


def lots_of(world: World) -> dict[int, float]:
    ledger = world.desk.cycles[trade_of().id].book.ledger
    return {level: lot.amount for level, lot in ledger.lots.items()}


def blocked(world: World) -> str | None:
    return plan_store_state()["blocked"]["condition"] if plan_store_state()["blocked"] else None


def plan_store_state() -> dict[str, Any]:
    return trade_of().get_custom_data(plan_store.STATE_KEY)


def rpc_of(world: World) -> RPC:
    assert world.bot is not None
    return RPC(world.bot)


def stops_entries(world: World) -> None:
    rpc_of(world)._rpc_pause()


def says_short(world: World) -> None:
    rpc_of(world)._update_market_direction(MarketDirection.SHORT)


def starts_again(world: World) -> None:
    rpc_of(world)._rpc_start()
    rpc_of(world)._update_market_direction(MarketDirection.NONE)


each_objection = pytest.mark.parametrize(
    ("objects", "reason"),
    [(stops_entries, "stopentry: the bot is paused"), (says_short, "marketdir is short")],
)


@each_objection
def test_an_objection_takes_back_the_line_that_rests_and_lets_lots_be_sold(
    holding: World, objects: Any, reason: str
) -> None:
    objects(holding)
    holding.loops(LOOPS)
    assert tags_of(holding) == ["sell L2"]
    assert blocked(holding) == reason
    holding.account.moves(holding.start * 0.955)
    holding.loops(LOOPS)
    assert sorted(lots_of(holding)) == [1, 2]
    holding.account.moves(holding.start * 0.9905)
    holding.loops(LOOPS)
    assert sorted(lots_of(holding)) == [1]


@each_objection
def test_once_the_objection_is_withdrawn_lines_rest_again(
    holding: World, objects: Any, reason: str
) -> None:
    objects(holding)
    holding.loops(LOOPS)
    starts_again(holding)
    holding.account.moves(holding.start * 0.972)
    holding.loops(LOOPS)
    assert tags_of(holding) == ["L3"]
    assert blocked(holding) != reason


@each_objection
def test_an_objection_takes_back_an_unfilled_start_and_opens_none(
    world: World, objects: Any, reason: str
) -> None:
    assert tags_of(world) == ["L1"]
    objects(world)
    world.loops(LOOPS)
    assert Trade.get_open_trades() == []
    assert tags_of(world) == []
    starts_again(world)
    world.loops(LOOPS)
    assert tags_of(world) == ["L1"]


@pytest.mark.parametrize(
    "direction", [MarketDirection.LONG, MarketDirection.EVEN, MarketDirection.NONE]
)
def test_other_market_directions_leave_a_long_grid_alone(
    holding: World, direction: MarketDirection
) -> None:
    rpc_of(holding)._update_market_direction(direction)
    holding.loops(LOOPS)
    assert tags_of(holding) == ["L3"]


@pytest.mark.parametrize(
    ("direction", "refused"),
    [
        (MarketDirection.LONG, [-1]),
        (MarketDirection.SHORT, [1]),
        (MarketDirection.EVEN, []),
        (MarketDirection.NONE, []),
    ],
)
def test_a_direction_refuses_the_other_side(
    world: World, direction: MarketDirection, refused: list[int]
) -> None:
    rpc_of(world)._update_market_direction(direction)
    strategy = world.bot.strategy
    assert [side for side in (1, -1) if commands.block(strategy, side)] == refused


def test_the_bots_state_is_seen_where_freqtrade_keeps_it(world: World) -> None:
    """By private names: a changed freqtrade shall be noticed here."""
    for state in State:
        world.bot.state = state
        assert commands.state_of(world.bot.strategy) is state


def test_a_forced_exit_of_all_sells_all_and_nothing_is_bought_again(holding: World) -> None:
    holding.account.moves(holding.start * 0.985)  # an exit rests, so one try is enough
    holding.loops(LOOPS)
    assert tags_of(holding) == ["sell L2"]
    rpc_of(holding)._rpc_force_exit("all")
    holding.loops(LOOPS)
    assert Trade.get_open_trades() == []
    assert holding.account.balances[BASE] == pytest.approx(0.0, abs=1e-9)
    holding.loops(LOOPS)
    assert tags_of(holding) == []


def test_a_forced_exit_while_an_entry_rests_needs_a_second_try(holding: World) -> None:
    """freqtrade cancels the entry and gives up; meanwhile nothing takes the entry's place."""
    number = str(trade_of().id)
    with pytest.raises(RPCException):
        rpc_of(holding)._rpc_force_exit(number)
    holding.loops(LOOPS)
    assert tags_of(holding) == []
    rpc_of(holding)._rpc_force_exit(number)
    holding.loops(LOOPS)
    assert Trade.get_open_trades() == []


def test_a_forced_exit_of_a_part_takes_its_lots_off_the_ledger(holding: World) -> None:
    holding.account.moves(holding.start * 0.985)
    holding.loops(LOOPS)
    trade = trade_of()
    part = round(lots_of(holding)[2], 4)
    rpc_of(holding)._rpc_force_exit(str(trade.id), amount=part)
    holding.loops(LOOPS)
    assert sum(lots_of(holding).values()) == pytest.approx(trade_of().amount)
    assert trade_of().amount == pytest.approx(holding.account.balances[BASE])
    assert len(lots_of(holding)) == 1
    assert tags_of(holding) == []  # the pause after a forced exit
    assert holding.desk.reconciler.block(PAIR) is None


def test_a_reloaded_config_goes_on_with_the_same_lots_and_lines(holding: World) -> None:
    """freqtrade builds a new bot in the same process."""
    lots, orders = lots_of(holding), holding.account.open_orders()
    lines = holding.desk.cycles[trade_of().id].plan.lines
    rpc_of(holding)._rpc_reload_config()
    holding.reloads(caps={"max_lots": 2})
    holding.loops(LOOPS)
    assert holding.desk.settings.caps.max_lots == 2
    assert lots_of(holding) == lots
    assert holding.desk.cycles[trade_of().id].plan.lines == lines
    assert tags_of(holding) == ["sell L2"]  # the third line is one lot too many now
    assert len(orders) == 1


def looks(world: World, minutes: float) -> None:
    for _ in range(2):
        world.desk.reconciler.look(datetime.now(UTC) + timedelta(minutes=minutes))


def agrees(world: World) -> bool:
    """Whether lots, freqtrade's trade and the wallet are the same."""
    held = world.account.balances[BASE]
    sums = (sum(lots_of(world).values()), trade_of().amount)
    return sums == pytest.approx((held, held))


def test_a_sale_by_hand_beside_an_entry_is_adopted_by_freqtrade_once_nothing_rests(
    holding: World,
) -> None:
    """The pause withdraws the entry; freqtrade then misses coins and asks the exchange."""
    holding.account.fills_by_hand("sell", round(lots_of(holding)[2], 4))
    looks(holding, 6)
    assert holding.desk.reconciler.block(PAIR).condition == "lots and wallet differ"
    holding.loops(LOOPS)
    assert agrees(holding)
    looks(holding, 12)
    assert holding.desk.reconciler.block(PAIR) is None


def test_a_sale_by_hand_beside_an_exit_pauses_until_reload_trade(holding: World) -> None:
    holding.account.moves(holding.start * 0.985)
    holding.loops(LOOPS)
    assert tags_of(holding) == ["sell L2"]
    holding.account.fills_by_hand("sell", round(lots_of(holding)[1], 4))
    looks(holding, 6)
    holding.account.moves(holding.start * 0.972)
    holding.loops(LOOPS)
    assert holding.desk.reconciler.block(PAIR).condition == "lots and wallet differ"
    assert tags_of(holding) == ["sell L2"]

    rpc_of(holding)._rpc_reload_trade_from_exchange(trade_of().id)
    holding.loops(LOOPS)
    assert agrees(holding)
    looks(holding, 12)
    assert holding.desk.reconciler.block(PAIR) is None
    holding.loops(LOOPS)
    assert len(tags_of(holding)) == 1
    assert agrees(holding)
