"""What a cycle publishes for REST and Telegram, and how often that is written to the database."""

import json
import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gridkit.grid.lots import Lot
from gridkit.grid.situation import Block, Order, Stuck, Verdict
from gridkit.host.plan_store import STATE_KEY, Published, Standing, publish
from gridkit.risk.breakers import Breaker, Stage

NOW = datetime(2025, 1, 2, tzinfo=UTC)
SELL = Order(False, (3,), 101.0, "sell L3", "nearest target")


class Trade:
    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []

    def set_custom_data(self, key: str, value: dict[str, Any]) -> None:
        assert key == STATE_KEY
        self.written.append(json.loads(json.dumps(value, allow_nan=False)))


def cycle_of(*, block: Block | None = None, stuck: dict[int, Stuck] | None = None) -> Any:
    lots = {3: Lot(3, 2.0, 100.0, NOW.timestamp(), 0.2)}
    ledger = SimpleNamespace(lots=lots, dust=0.0, harvest=1.5)
    return SimpleNamespace(
        book=SimpleNamespace(ledger=ledger), verdict=Verdict(SELL, False, block),
        stuck=stuck or {}, published=None,
    )  # fmt: skip


def exposure(value: float) -> Block:
    return Block("exposure", value, 800.0)


def test_everything_that_people_ask_for_is_in_it():
    trade, cycle = Trade(), cycle_of(block=exposure(850.0), stuck={3: Stuck(99.0, 5.0, 2.0)})
    up = Breaker("drawdown", 0.09, 0.08, 1.0, math.inf, Stage.ORANGE)
    publish(trade, cycle, NOW, since=NOW, standing=Standing(20.0, 12.5, (up,)))
    (state,) = trade.written
    assert state["next"] == {"tag": "sell L3", "price": 101.0, "why": "nearest target"}
    assert state["blocked"] == {
        "condition": "exposure", "value": 850.0, "threshold": 800.0, "since": NOW.isoformat()
    }  # fmt: skip
    assert state["lots"] == [{"level": 3, "amount": 2.0, "price": 100.0, "opened": NOW.timestamp()}]
    assert state["stuck"] == [{"level": 3, "price": 99.0, "since": 5.0, "amount": 2.0}]
    assert state["budget"] == {"limit": 20.0, "left": 12.5}
    assert state["breakers"] == [
        {"name": "drawdown", "action": up.action, "value": 0.09, "threshold": 0.08,
         "since": 1.0, "until": None}
    ]  # fmt: skip
    assert (state["harvest"], state["updated"]) == (1.5, NOW.isoformat())


def test_what_is_predicted_is_in_it_and_its_gate_is_written_at_once():
    trade, cycle = Trade(), cycle_of()
    cycle.published = publish(trade, cycle, NOW)
    assert trade.written[0]["prediction"] is None
    for seconds, gate, up in ((1, "few", 0.5), (2, "few", 0.6), (3, "on", 0.6), (70, "on", 0.7)):
        standing, now = Standing(prediction={"gate": gate, "up": up}), NOW + timedelta(0, seconds)
        cycle.published = publish(trade, cycle, now, standing=standing)
    told = [state["prediction"] for state in trade.written[1:]]
    assert [(one["gate"], one["up"]) for one in told] == [("few", 0.5), ("on", 0.6), ("on", 0.7)]


def written_at(values: list[tuple[int, float]]) -> list[float]:
    """Values that reach the database, of these at these seconds."""
    trade, cycle = Trade(), cycle_of()
    for seconds, value in values:
        cycle.verdict = Verdict(SELL, False, exposure(value))
        cycle.published = publish(trade, cycle, NOW + timedelta(seconds=seconds))
    return [state["blocked"]["value"] for state in trade.written]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([(0, 1.0), (5, 1.0), (300, 1.0)], [1.0]),
        ([(0, 1.0), (5, 2.0), (59, 3.0)], [1.0]),
        ([(0, 1.0), (5, 2.0), (60, 3.0), (61, 4.0), (120, 5.0)], [1.0, 3.0, 5.0]),
    ],
)
def test_figures_alone_are_written_once_a_minute(values, written):
    assert written_at(values) == written


def test_figures_of_recovery_that_is_held_back_are_written_once_a_minute():
    trade, cycle = Trade(), cycle_of()
    for seconds, loss in ((0, 3.0), (30, 4.0), (60, 5.0)):
        cycle.verdict = Verdict(SELL, False, None, withheld=Block("recovery budget", loss, 2.0))
        cycle.published = publish(trade, cycle, NOW + timedelta(seconds=seconds))
    assert [state["withheld"]["value"] for state in trade.written] == [3.0, 5.0]


def fewer_lots(cycle: Any) -> Standing:
    cycle.book.ledger.lots.clear()
    return Standing()


def other_condition(cycle: Any) -> Standing:
    cycle.verdict = Verdict(SELL, False, Block("room", 1.0, 2.0))
    return Standing()


def other_order(cycle: Any) -> Standing:
    cycle.verdict = Verdict(None, False, exposure(1.0))
    return Standing()


def now_stuck(cycle: Any) -> Standing:
    cycle.stuck[3] = Stuck(99.0, 5.0, 2.0)
    return Standing()


def withheld(cycle: Any) -> Standing:
    cycle.verdict = Verdict(SELL, False, exposure(1.0), withheld=Block("recovery budget", 3, 2))
    return Standing()


def breaker_up(_cycle: Any) -> Standing:
    return Standing(breakers=(Breaker("drawdown", 0.09, 0.08, 1.0, math.inf, Stage.ORANGE),))


@pytest.mark.parametrize(
    "change", [fewer_lots, other_condition, other_order, now_stuck, withheld, breaker_up]
)
def test_what_happened_is_written_at_once(change):
    trade, cycle = Trade(), cycle_of(block=exposure(1.0))
    cycle.published = publish(trade, cycle, NOW)
    standing = change(cycle)
    cycle.published = publish(trade, cycle, NOW + timedelta(seconds=1), standing=standing)
    assert len(trade.written) == 2
    publish(trade, cycle, NOW + timedelta(seconds=2), standing=standing)
    assert len(trade.written) == 2


@pytest.mark.parametrize("left", [11.0, None])
def test_a_budget_that_moves_with_the_market_is_written_once_a_minute(left):
    trade, cycle = Trade(), cycle_of()
    for seconds, standing in ((0, Standing(20.0, 12.5)), (30, Standing(20.0, left))):
        cycle.published = publish(trade, cycle, NOW + timedelta(seconds=seconds), standing=standing)
    assert len(trade.written) == 1
    assert isinstance(cycle.published, Published)
    publish(trade, cycle, NOW + timedelta(seconds=60), standing=Standing(20.0, left))
    assert trade.written[-1]["budget"]["left"] == left
