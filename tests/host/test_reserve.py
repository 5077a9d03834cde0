"""The cash a pair leaves for the others: what each of them would really need next."""

from dataclasses import replace

import pytest

from host.desks import NOW, order_of, strategy_of, trade_of

PAIRS = ("ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOT/USDT")
# So that nothing but the cash binds.
LOOSE = {"inventory": 1.0, "exposure": 1.0}
# Ten lines, that share what there is.
PLAIN = {"sizing": {"mode": "fixed"}, "spacing": {"method": "volatility"}, "caps": LOOSE}
LEAST = 1.1 * 1.5 * 5.0  # freqtrade keeps half as much again as a reserve, and some is added


def desk_of(cash, *, minimum=5.0, slots=5, **grid):
    strategy = strategy_of(pairs=PAIRS, cash=cash, minimum=minimum, grid=grid, **PLAIN)
    strategy.max_open_trades = slots
    return strategy.desk


def reserved(desk, pair="ETH/USDT"):
    means = desk.treasury.means(pair, None, NOW)
    assert means.binding.condition == "free cash less reserve"
    return means.binding.threshold


@pytest.mark.usefixtures("open_trades")
def test_a_small_account_reserves_a_line_the_exchange_takes_for_each_waiting_pair():
    desk = desk_of(250.0)
    budget = desk.treasury.budget("SOL/USDT", 100.0, 1.0)
    assert budget.levels == 6, "ten lines would be below the minimum"
    assert reserved(desk) == pytest.approx(4 * budget.level_stake)
    assert reserved(desk) >= 4 * LEAST
    assert desk.treasury.means("ETH/USDT", None, NOW).room == pytest.approx(250 - reserved(desk))


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize(("share", "lines"), [(0.0, 1), (0.3, 3), (0.5, 5)])
def test_the_initial_inventory_of_waiting_pairs_is_reserved(share, lines):
    desk = desk_of(5_000.0, initial_inventory=share)
    assert reserved(desk) == pytest.approx(4 * lines * 100.0)


@pytest.mark.usefixtures("open_trades")
def test_a_waiting_pair_that_cannot_afford_a_line_needs_no_reserve():
    minimum = {**dict.fromkeys(PAIRS, 5.0), "DOT/USDT": 500.0}  # one line of all of its share
    assert reserved(desk_of(5_000.0, minimum=minimum)) == pytest.approx(3 * 100.0 + 1_000.0)
    minimum["DOT/USDT"] = 1_000.0
    assert reserved(desk_of(5_000.0, minimum=minimum)) == pytest.approx(3 * 100.0)


@pytest.mark.usefixtures("open_trades")
def test_with_fewer_slots_than_pairs_the_dearest_starts_are_reserved():
    minimum = {**dict.fromkeys(PAIRS, 5.0), "DOT/USDT": 500.0}
    desk = desk_of(2_000.0, minimum=minimum, slots=2)
    dearest = desk.treasury.budget("DOT/USDT", 100.0, 1.0).level_stake
    assert dearest > 500.0
    assert reserved(desk) == pytest.approx(dearest)


@pytest.mark.parametrize(
    ("held", "stopped", "free"),
    [((1,), (), True), ((1,), (2,), True), ((1,), (2, 3), False), ((1, 2, 3), (), False)],
)
def test_stopped_lines_of_another_cycle_are_not_reserved_for(open_trades, held, stopped, free):
    desk = desk_of(5_000.0)
    trade = trade_of(order_of("L1", 99.0, amount=0.5), pair="SOL/USDT")
    open_trades.append(trade)
    reading = desk.context.market.at("SOL/USDT", NOW)
    cycle = desk.planner.load(trade, reading)
    cycle.plan = replace(cycle.plan, lines=cycle.plan.lines[:3])
    cycle.book.ledger.lots.update(dict.fromkeys(held))
    cycle.book.ledger.stopped.update(stopped)
    desk.cycles[trade.id] = cycle
    waiting = 3 * desk.treasury.budget("XRP/USDT", 100.0, 1.0).level_stake
    assert reserved(desk) == pytest.approx(waiting + free * cycle.plan.level_stake)


def test_a_trade_without_a_known_cycle_is_reserved_what_its_first_order_cost(open_trades):
    desk = desk_of(5_000.0)
    open_trades.append(trade_of(order_of("L1", 80.0, amount=0.5), pair="SOL/USDT"))
    waiting = 3 * desk.treasury.budget("XRP/USDT", 100.0, 1.0).level_stake
    assert reserved(desk) == pytest.approx(waiting + 40.0)


@pytest.mark.usefixtures("open_trades")
@pytest.mark.parametrize("inventory", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("cash", [0.0, 40.0, 250.0, 5_000.0])
def test_a_quick_bound_of_what_is_reserved_leaves_the_same_room(
    monkeypatch, cash, share, inventory
):
    caps = {"inventory": inventory, "exposure": 0.9}
    grid = {"initial_inventory": share}
    desk = strategy_of(pairs=PAIRS, cash=cash, grid=grid, **{**PLAIN, "caps": caps}).desk
    quick = desk.treasury.means("ETH/USDT", None, NOW)
    monkeypatch.setattr(desk.treasury, "_most_reserved", desk.treasury._reserved)
    assert quick == desk.treasury.means("ETH/USDT", None, NOW)
