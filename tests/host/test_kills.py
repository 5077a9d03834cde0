"""The power goes out at every step of a cycle; another bot goes on from exchange and database."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from freqtrade.persistence import CustomDataWrapper, Trade

from backtests.runs import BARE
from gridkit.host import plan_store
from host.killing import BASE, PAIR, Market, Snapshot, World, running_market

LOOPS = 3  # after so many nothing changes any more
STEP, WIDER = 0.01, 0.012
SETTINGS = {
    **BARE,
    "regime": {"enabled": False},
    "volatility": {"method": "realised"},
    "spacing": {"method": "fixed", "grid_step": STEP},
    "grid": {"wait_time_seconds": 0},
}


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with running_market() as market:
        yield market


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


# --- the story ------------------------------------------------------------------------------------


class Step(NamedTuple):
    """What happens on the exchange, or to the settings, before the bot's next loops."""

    name: str
    happens: Callable[[World, float], None]


def price(factor: float) -> Callable[[World, float], None]:
    return lambda world, start: world.account.moves(start * factor)


def part(share: float) -> Callable[[World, float], None]:
    """The resting order is filled in part."""

    def happens(world: World, _start: float) -> None:
        (order,) = world.account.open_orders()
        world.account.fills(order, round(order["amount"] * share, 4))

    return happens


def rest(world: World, _start: float) -> None:
    (order,) = world.account.open_orders()
    world.account.fills(order, order["remaining"])


def wider(world: World, _start: float) -> None:
    """The user widens the grid and reloads, and the plan is old enough to be laid anew."""
    trade = Trade.get_open_trades()[0]
    plan = plan_store.load(trade)
    plan_store.save(trade, replace(plan, made=plan.made - 100 * 86_400))
    Trade.commit()
    world.starts(spacing={"method": "fixed", "grid_step": WIDER})


STORY = (
    Step("the first line rests", price(1.0)),
    Step("the first line fills", price(0.9895)),
    Step("the second is filled in part", part(0.4)),
    Step("the second fills", rest),
    Step("the third fills", price(0.966)),
    Step("the market rises and a sell rests", price(0.978)),
    Step("the sell is filled in part", part(0.5)),
    Step("the market falls, the rest of the sell is withdrawn", price(0.9625)),
    Step("the fourth fills", price(0.957)),
    Step("the grid is widened and laid anew", wider),
    Step("the market rises and the fourth rests to be sold", price(0.9685)),
    Step("the fourth is sold", price(0.9706)),
    Step("the market falls again", price(0.955)),
)


STEP_OF_AMOUNT = 0.0001  # the exchange's


@dataclass(frozen=True)
class State:
    """What has to be the same whether the power went out or not. Lots and lines by level."""

    lots: dict[int, tuple[float, float]]
    lines: dict[int, tuple[float, float]]
    resting: list[tuple[str, str, float, float, float]]
    filled: list[tuple[str, float, float]]
    amount: float
    coins: float

    def differs_from(self, other: "State") -> list[str]:
        """Name what is not the same, noise of binary fractions apart."""
        alike = {
            name: getattr(self, name) == getattr(other, name)
            for name in ("lines", "resting", "filled")
        }
        alike["levels"] = self.lots.keys() == other.lots.keys()
        alike["lots"] = alike["levels"] and all(
            self.lots[level] == pytest.approx(other.lots[level], rel=1e-9) for level in self.lots
        )
        for name in ("amount", "coins"):
            alike[name] = getattr(self, name) == pytest.approx(getattr(other, name), abs=1e-6)
        return [name for name, same in alike.items() if not same]

    def lots_are_the_position(self) -> bool:
        held = sum(amount for amount, _ in self.lots.values())
        return abs(held - self.amount) < STEP_OF_AMOUNT


def state_of(world: World) -> State:
    trades = Trade.get_open_trades()
    cycles = [world.desk.cycles[trade.id] for trade in trades if trade.amount]
    tags = {order.order_id: order.ft_order_tag for trade in trades for order in trade.orders}
    orders = world.account.orders.values()
    return State(
        lots={
            level: (lot.amount, lot.price)
            for cycle in cycles
            for level, lot in cycle.book.ledger.lots.items()
        },
        lines={
            line.level: (line.price, line.target) for cycle in cycles for line in cycle.plan.lines
        },
        resting=[
            (
                one["side"],
                tags.get(one["id"], "unknown"),
                one["price"],
                one["amount"],
                one["filled"],
            )
            for one in world.account.open_orders()
        ],
        filled=sorted(
            (one["side"], one["price"], round(one["filled"], 8)) for one in orders if one["filled"]
        ),
        amount=sum(trade.amount for trade in trades),
        coins=world.account.balances[BASE],
    )


@dataclass
class Twin:
    """The story told without a kill: the states it went through, and every moment on the way."""

    world: World
    start: float
    states: list[State]
    moments: list[Snapshot]

    def left_by(self, moment: Snapshot) -> World:
        """Return the world as a kill at this moment leaves it, with a new bot."""
        self.world.restore(moment)
        self.world.starts()
        return self.world

    def moments_of_the_first_order(self) -> list[Snapshot]:
        """Between the exchange's yes to a first order and the database's."""
        return [one for one in self.moments if one.account.open_orders() and not one.trades()]


@pytest.fixture(scope="module")
def twin(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    world = World(tmp_path_factory.mktemp("twin"), market, **SETTINGS)
    with world.open():
        told = Twin(world, world.account.price, [], [])
        world.starts()
        for number, step in enumerate(STORY):
            step.happens(world, told.start)
            world.watch = partial(_keep, told, number)
            world.loops(LOOPS)
            world.watch("after the last loop")
            world.watch = lambda _: None
            told.states.append(state_of(world))
        yield told


def _keep(told: Twin, number: int, when: str) -> None:
    """Keep a moment that differs from the last in what outlives a bot."""
    moment = told.world.keep(when, number)
    if not told.moments or not moment.is_like(told.moments[-1]):
        told.moments.append(moment)


def test_the_story_has_every_step_of_a_cycle(twin: Twin) -> None:
    assert [state.resting[0][1] for state in twin.states] == [
        "L1", "L2", "L2", "sell L2", "L4", "sell L3", "sell L3", "L4", "L5", "L5", "sell L4",
        "sell L3", "L5",
    ]  # fmt: skip
    assert {moment.when for moment in twin.moments} >= {
        "after create_order", "after cancel_order", "after commit", "after set_custom_data",
        "before fetch_order",
    }  # fmt: skip
    assert len(twin.moments) > 80
    fifth = {state.lines[5] for state in twin.states if state.lines}
    assert len(fifth) == 2  # before it was laid anew, and after


def test_whenever_the_power_goes_out_the_cycle_goes_on_as_if_it_had_not(twin: Twin) -> None:
    """Same lots, lines, orders and fills; so none is placed twice and none is lost."""
    broken = []
    for moment in twin.moments:
        if moment in twin.moments_of_the_first_order():
            continue
        world = twin.left_by(moment)
        world.loops(LOOPS)
        found = state_of(world)
        differences = found.differs_from(twin.states[moment.step])
        if differences or not found.lots_are_the_position() or world.desk.reconciler.block(PAIR):
            broken.append((STORY[moment.step].name, moment.when, differences))
    assert broken == []


def test_a_first_order_that_could_not_be_written_down_is_not_placed_twice(twin: Twin) -> None:
    """It has no trade to be adopted by: the pair waits for the user."""
    (moment,) = twin.moments_of_the_first_order()
    world = twin.left_by(moment)
    world.loops(LOOPS)
    assert len(world.account.open_orders()) == 1
    block = world.desk.reconciler.block(PAIR)
    assert block is not None
    assert block.condition == "unknown open orders"

    world.account.cancel_order(world.account.open_orders()[0]["id"])
    for _ in range(2):
        world.desk.reconciler.look(datetime.now(UTC) + timedelta(minutes=6))
    world.loops(LOOPS)
    assert state_of(world).differs_from(twin.states[moment.step]) == []


@pytest.mark.parametrize(
    ("number", "name", "nth"),
    [
        (0, "before create_order", 1),
        (1, "after fetch_order", 1),
        (1, "before set_custom_data", 1),
        (5, "after cancel_order", 1),
        (4, "after create_order", 1),
        (5, "before commit", 2),
        (7, "after create_order", 1),
        (11, "after commit", 1),
    ],
)
def test_killed_in_one_step_the_bot_goes_through_all_later_ones(
    twin: Twin,
    market: Market,
    tmp_path: Path,
    number: int,
    name: str,
    nth: int,
) -> None:
    """The real thing: thrown out of the middle of a call, and the story told to its end."""
    world = World(tmp_path, market, **SETTINGS)
    with world.open(at=twin.start):
        world.starts()
        for index, step in enumerate(STORY):
            step.happens(world, twin.start)
            if index == number:
                world.dies(name, nth, partial(world.loops, LOOPS))
                world.starts()
            world.loops(LOOPS)
            assert state_of(world).differs_from(twin.states[index]) == [], step.name


@pytest.mark.parametrize("left", [None, {}, {"lines": 3}, [1, 2]])
def test_a_plan_that_is_lost_or_unreadable_is_laid_anew_around_the_lots(
    twin: Twin, left: object
) -> None:
    number = [step.name for step in STORY].index("the fourth fills")
    moment = [one for one in twin.moments if one.step == number][-1]
    world = twin.left_by(moment)
    trade = Trade.get_open_trades()[0]
    if left is None:
        CustomDataWrapper.delete_custom_data(trade.id)
    else:
        trade.set_custom_data(plan_store.PLAN_KEY, left)
    world.starts()
    world.loops(LOOPS)
    assert state_of(world).differs_from(twin.states[number]) == []


def test_with_the_database_lost_nothing_is_opened_over_what_rests(twin: Twin) -> None:
    world = twin.left_by(twin.moments[-1])
    resting = world.account.open_orders()
    world.loses_the_database()
    world.starts()
    world.loops(LOOPS)
    assert world.account.open_orders() == resting
    block = world.desk.reconciler.block(PAIR)
    assert block is not None
    assert block.condition == "unknown open orders"


def test_fees_taken_in_the_coin_are_explained_and_every_restart_goes_on(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """freqtrade learns of some of these fees late, and of some never."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "gridkit.host.reconcile.log", lambda kind, _pair, text: told.append((kind, text))
    )
    world = World(tmp_path, market, **SETTINGS)
    world.account.fee_in_coin = True
    with world.open():
        start = world.account.price
        world.starts()
        for step in STORY:
            step.happens(world, start)
            world.loops(LOOPS)
            world.starts()
            world.loops(LOOPS)
            state = state_of(world)
            assert state.lots_are_the_position(), step.name
            assert len(state.resting) == 1, step.name
    assert {kind for kind, _ in told} <= {"mismatch explained"}
