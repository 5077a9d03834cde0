"""Thousands of cycles on random walks: what a grid may never do, whatever the market does."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid import replay
from grid.replay import Cycle, World
from gridkit.grid import tags
from gridkit.grid.costs import lowest_target
from gridkit.grid.situation import RecoveryRules
from gridkit.grid.spacing import Spacing
from gridkit.settings import GridSettings
from strategies import LONG, SHORT, SIDES

LOSS_VERBS = {tags.STOP, tags.FLATTEN, tags.END, tags.RECOVER}
GONE_VERBS = {tags.STOP, tags.RECOVER}
CANDLES = 400


def recoveries() -> st.SearchStrategy[RecoveryRules | None]:
    """Rules by which lots get stuck within minutes."""
    return st.none() | st.builds(
        RecoveryRules,
        mode=st.sampled_from(("ladder", "ladder", "aggressive", "none")),
        ladder=st.sampled_from(((0.015, 0.03, 0.045), (0.002, 0.005, 0.01))),
        away=st.sampled_from((0.002, 0.03)),
        timeout_seconds=st.sampled_from((300.0, 3_600.0)),
        threshold=st.sampled_from((0.005, 0.05)),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Settings that matter to the orders, on a pair with and without a price step."""
    world = replay.usual(draw(SIDES))
    grid = GridSettings(
        target=draw(st.sampled_from(("next_line", "fixed"))), trailing_down=draw(st.booleans())
    )
    tick = draw(st.sampled_from((0.0, 0.01, 0.1)))
    how = replace(
        world.rules,
        hysteresis=draw(st.sampled_from((0.0, 0.15, 0.45))),
        lot_stop=draw(st.sampled_from((0.005, 0.05, math.inf))),
        cycle_stop=draw(st.sampled_from((0.15, math.inf))),
        max_lots=draw(st.sampled_from((3, 25))),
        max_orders=draw(st.sampled_from((10, 150))),
        max_distance=draw(st.sampled_from((0.0196, 0.5))),
        tick=tick,
        recovery=draw(recoveries()),
    )
    return replace(
        world,
        rules=how,
        layout=replace(world.layout, grid=grid, tick=tick),
        spacing=Spacing(draw(st.sampled_from((0.004, 0.01, 0.04))), 0.02),
        levels=draw(st.integers(1, 12)),
        base_fee=draw(st.sampled_from((0.0, 0.001))) if world.side > 0 else 0.0,
        least_value=draw(st.sampled_from((0.0, 20.0, 45.0))),
        least_order=draw(st.sampled_from((0.0, 5.0, 20.0, 45.0))),
        budget=draw(st.sampled_from((0.0, 0.3, 3.0, math.inf))),
    )


def run(world: World, seed: int, candles: int = CANDLES, sigma: float = 0.003) -> Cycle:
    """One cycle, with the invariants of each candle checked as it goes."""
    bars = list(replay.walk(seed, candles, sigma))
    cycle = replay.start(world, bars[0].open, 0.0)
    for candle, bar in enumerate(bars):
        seen = len(cycle.fills), len(cycle.placed)
        held = dict(cycle.ledger.lots)
        replay.advance(cycle, bar, candle)
        assert len(cycle.fills) - seen[0] <= 1
        assert len(cycle.placed) - seen[1] <= 1
        check_fill(cycle, held, seen[0])
        if cycle.flat:
            break
    return cycle


def check_fill(cycle: Cycle, held: dict, before: int) -> None:
    ledger, world = cycle.ledger, cycle.world
    assert ledger.amount == pytest.approx(cycle.position, abs=world.step * 1e-3)
    assert 0 <= ledger.dust < world.step * (1.001 if world.filled == 1 else 50)
    assert len(ledger.lots) <= max(world.rules.max_lots, 1)
    for fill in cycle.fills[before:]:
        if fill.is_entry:
            assert not set(fill.levels) & set(held)
            continue
        if tags.verb_of(fill.tag) in LOSS_VERBS:
            continue
        for level in fill.levels:
            least = lowest_target(held[level].price, world.side, world.rules.costs)
            assert world.side * fill.price >= world.side * least


@settings(max_examples=250)
@given(worlds(), st.integers(0, 2**32 - 1))
def test_on_no_path_does_a_grid_break_its_rules(world, seed):
    cycle = run(world, seed)
    spent = sum(lot.cost for lot in cycle.ledger.lots.values())
    assert spent <= world.levels * world.stake * (1 + 1e-9)
    parts = sum(tags.verb_of(fill.tag) == tags.RECOVER for fill in cycle.fills)
    ends = 2 * (len(cycle.ledger.lots) + parts + 1)
    assert cycle.orders <= world.rules.max_orders + ends + replans()


def replans() -> int:
    """Re-laid lines move the working order, at most once each time."""
    return CANDLES // 72 + 1


@settings(max_examples=150)
@given(worlds(), st.integers(0, 2**32 - 1))
def test_every_lot_that_was_sold_at_a_target_earned_its_minimum_profit(world, seed):
    for piece in run(world, seed).closed:
        if tags.verb_of(piece.tag) not in LOSS_VERBS:
            # Half a step of the amount may have become dust.
            assert piece.profit >= -1e-9


FILLED = st.sampled_from((1.0, 0.6))


@settings(max_examples=250)
@given(worlds(), FILLED, st.integers(0, 2**32 - 1))
def test_recovery_never_loses_more_than_its_budget(world, filled, seed):
    """With several lots, partial fills, stops beside it, and whatever the path."""
    cycle = run(replace(world, filled=filled), seed, sigma=0.005)
    assert sum(loss for _, loss in cycle.ledger.recovery_losses) <= world.budget * (1 + 1e-9)


@settings(max_examples=100)
@given(worlds(), FILLED, st.integers(0, 2**32 - 1))
def test_a_lots_parts_never_add_up_to_more_than_was_bought(world, filled, seed):
    cycle = run(replace(world, filled=filled), seed, sigma=0.005)
    bought = sum(fill.amount for fill in cycle.fills if fill.is_entry)
    sold = sum(piece.amount for piece in cycle.closed)
    assert sold <= bought + 1e-9
    finished = sum(lot.cost for lot in cycle.ledger.done)
    open_parts = sum(cost for _, cost in cycle.ledger.parts.values())
    assert finished + open_parts == pytest.approx(
        sum(piece.amount * piece.entry_price for piece in cycle.closed)
    )


@settings(max_examples=60)
@given(SIDES, st.integers(0, 2**32 - 1))
def test_a_level_that_was_stopped_is_not_entered_again(side, seed):
    world = replay.usual(side)
    world = replace(world, rules=replace(world.rules, lot_stop=0.01))
    gone: set[int] = set()
    for fill in run(world, seed).fills:
        assert not (fill.is_entry and gone & set(fill.levels))
        if tags.verb_of(fill.tag) in GONE_VERBS:
            gone.update(fill.levels)


@settings(max_examples=100)
@given(worlds(), st.integers(0, 2**32 - 1))
def test_reading_the_fills_of_a_cycle_again_gives_its_ledger(world, seed):
    cycle = run(world, seed)
    again = replay.Ledger(world.side < 0, world.step)
    again.apply_all(cycle.fills)
    assert again == cycle.ledger


@settings(max_examples=100)
@given(worlds(), st.integers(0, 2**32 - 1))
def test_the_money_of_a_flat_cycle_is_its_harvest(world, seed):
    """Cash in and out of the fills, against the profits the ledger reported, but for dust."""
    cycle = run(world, seed)
    if not cycle.flat:
        return
    # What the dust cost or brought, at most one step of it per exit.
    exits = sum(not fill.is_entry for fill in cycle.fills)
    assert cycle.cash == pytest.approx(cycle.ledger.harvest, abs=2 * exits * world.step * 150)


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_orders_are_replaced_seldom_in_a_market_that_goes_nowhere(side):
    """With lines 0.6 daily volatilities apart, as by default, and the default hysteresis."""
    candles = fills = placed = 0
    for seed in range(15):
        cycle = run(replay.usual(side), seed, 1_500, sigma=0.001)
        candles += cycle.verdicts
        fills += len(cycle.fills)
        placed += len(cycle.placed)
    assert placed - fills < 0.05 * candles


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_replays_see_every_kind_of_exit(side):
    """So that none of the above is true because nothing happens."""
    verbs: Counter[str] = Counter()
    world = replay.usual(side)
    stuck = RecoveryRules("ladder", (0.015, 0.03, 0.045), 0.03, 3_600.0, 0.05)
    changed = ({}, {"cycle_stop": 0.02}, {"recovery": stuck, "lot_stop": math.inf})
    for seed in range(60):
        for how in (replace(world, rules=replace(world.rules, **one)) for one in changed):
            verbs.update(tags.verb_of(fill.tag) or "enter" for fill in run(how, seed).fills)
    usual = tags.SELL if side > 0 else tags.COVER
    assert min(verbs[verb] for verb in ("enter", usual, tags.STOP, tags.FLATTEN, tags.RECOVER)) >= 5


def test_a_grid_in_a_still_market_keeps_its_first_line_and_does_nothing():
    world = replay.usual(LONG)
    cycle = replay.start(world, 100.0, 0.0)
    for candle in range(50):
        replay.advance(cycle, replay.Bar(100.0, 100.1, 99.9, 100.0), candle)
    assert (len(cycle.placed), cycle.fills) == (1, [])


def test_a_price_that_swings_over_one_line_is_harvested_once_per_swing():
    world = replay.usual(LONG, base_fee=0.0, replan_candles=10_000)
    cycle = replay.start(world, 100.0, 0.0)
    down, below, up, above = (
        replay.Bar(98.5, 98.5, 97.9, 97.9),
        replay.Bar(97.9, 98.4, 97.9, 98.4),
        replay.Bar(98.4, 99.2, 98.4, 99.2),
        replay.Bar(99.2, 99.2, 98.5, 98.5),
    )
    bars = [above, down, below, up] * 5
    for candle, bar in enumerate([replay.Bar(99.5, 99.5, 98.9, 99.2), *bars]):
        replay.advance(cycle, bar, candle)
    sold = [fill.tag for fill in cycle.fills if not fill.is_entry]
    assert sold == ["sell L2"] * 5
