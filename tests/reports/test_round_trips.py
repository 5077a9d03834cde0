from dataclasses import replace

import pytest
from hypothesis import given

from gridkit.reports import report
from gridkit.reports.records import Lock
from gridkit.reports.round_trips import amount_step, is_forced, round_trips
from reports.runs import START, any_run, fill, run_of, trade

HOURS = 12  # candles


def trips_of(fills, closes, strict=None, **kwargs):
    run = run_of({"AAA/USDT": closes}, [trade(fills, **kwargs)])
    return run, round_trips(run, [strict or [True] * len(fills)])


def test_a_lot_earns_the_difference_less_both_fees():
    _, (trip,) = trips_of(
        [fill(0, 2.0, 100.0, "L1"), fill(12, 2.0, 101.0, "sell L1", entry=False)], [100.0] * 20
    )
    assert trip.profit == pytest.approx(2.0 - 0.2 - 0.202)
    assert trip.harvest == trip.strict_harvest == trip.profit
    assert trip.hours == 1.0


def test_a_short_lot_earns_when_it_is_covered_lower():
    _, (trip,) = trips_of(
        [
            fill(0, 1.0, 100.0, "L1", short=True, fee=0.0),
            fill(1, 1.0, 98.0, "cover L1", short=True, entry=False, fee=0.0),
        ],
        [100.0] * 3,
        short=True,
    )
    assert trip.profit == pytest.approx(2.0)
    assert trip.harvest == pytest.approx(2.0)


def test_pieces_of_one_lot_are_one_round_trip():
    _, (trip,) = trips_of(
        [
            fill(0, 2.0, 100.0, "L1", fee=0.0),
            fill(1, 1.0, 101.0, "sell L1", entry=False, fee=0.0),
            fill(2, 1.0, 103.0, "sell L1", entry=False, fee=0.0),
        ],
        [100.0] * 4,
    )
    assert (trip.amount, trip.profit, trip.exit_price) == (2.0, 4.0, 102.0)


def test_harvest_under_strict_fills_needs_both_legs_strict():
    fills = [
        fill(0, 1.0, 100.0, "L1", fee=0.0),
        fill(1, 1.0, 99.0, "L2", fee=0.0),
        fill(2, 1.0, 100.0, "sell L2", entry=False, fee=0.0),
        fill(3, 1.0, 101.0, "sell L1", entry=False, fee=0.0),
    ]
    for strict, expected in (
        ([True, True, True, True], 2.0),
        ([True, False, True, True], 1.0),
        ([False, True, True, False], 1.0),
        ([False, True, False, True], 0.0),
        ([True, None, True, True], 1.0),
    ):
        _, trips = trips_of(fills, [100.0] * 5, strict)
        assert sum(trip.strict_harvest for trip in trips) == expected


def test_a_lot_bought_twice_is_strict_only_if_both_purchases_were():
    fills = [
        fill(0, 1.0, 100.0, "L1", fee=0.0),
        fill(1, 1.0, 100.0, "L1", fee=0.0),
        fill(2, 2.0, 101.0, "sell L1", entry=False, fee=0.0),
    ]
    for strict in ([False, True, True], [True, False, True]):
        _, (trip,) = trips_of(fills, [100.0] * 4, strict)
        assert trip.strict_harvest == 0.0


def test_the_rounding_of_sums_leaves_no_specks_of_lots():
    fills = [
        fill(0, 0.1, 100.0, "L1"),
        fill(1, 0.2, 100.0, "L1"),
        fill(2, 0.3, 101.0, "sell L1", entry=False),
        fill(3, 0.1, 100.0, "L1"),
        fill(4, 0.1, 101.0, "sell L1", entry=False),
    ]
    _, trips = trips_of(fills, [100.0] * 6)
    assert [trip.amount for trip in trips] == pytest.approx([0.3, 0.1])


@pytest.mark.parametrize(
    ("amounts", "step"), [([1.0, 25.0], 1.0), ([0.5, 3.0], 0.1), ([0.1234, 0.1 + 0.2], 1e-4)]
)
def test_the_lot_step_is_read_from_the_amounts(amounts, step):
    one = trade([fill(0, amount, 100.0) for amount in amounts])
    assert amount_step(one) == pytest.approx(step)


@pytest.mark.parametrize(
    ("tag", "forced"),
    [
        ("sell L1", False),
        ("cover L2-3", False),
        ("roi", False),
        ("exit_signal", False),
        ("stop L1", True),
        ("recover L1", True),
        ("flatten regime", True),
        ("force_exit", True),
        ("stop_loss", True),
        ("liquidation", True),
    ],
)
def test_what_counts_as_a_forced_exit(tag, forced):
    assert is_forced(tag) is forced


def figures_of(fills, closes):
    run, _ = trips_of(fills, closes)
    return report.build(run).figures


def test_a_lot_is_stuck_when_it_is_an_hour_old_and_its_target_is_three_percent_away():
    """The target is 100.5, and 97.5 is 3.08 % from it, though not 3 % under the entry."""
    closes = [100.0] * 5 + [97.5] * 3 + [100.0] * 12
    exit_ = fill(18, 1.0, 100.5, "sell L1", entry=False)
    too_young = figures_of([fill(0, 1.0, 100.0, "L1"), exit_], closes)
    assert too_young["stuck_lots_count"] == 0
    assert too_young["stuck_lots_resolved_fraction"] is None
    closes[13] = 97.6
    assert figures_of([fill(0, 1.0, 100.0, "L1"), exit_], closes)["stuck_lots_count"] == 0
    closes[13] = 97.5
    stuck = figures_of([fill(0, 1.0, 100.0, "L1"), exit_], closes)
    assert stuck["stuck_lots_count"] == 1
    assert stuck["recovery_rate_fraction"] == 1.0
    assert stuck["stuck_lots_at_end_count"] == 0
    assert stuck["stuck_lots_resolved_fraction"] == 1.0


@pytest.mark.parametrize(("close", "stuck"), [(98.1, 1), (98.3, 0)])
def test_a_lot_that_was_stopped_had_its_target_as_far_away_as_the_pairs_other_lots(close, stuck):
    """The other lots left 1 and 1.4 % above their entries, and one by a stop: the median is 1.2."""
    fills = [
        fill(0, 1.0, 100.0, "L1", fee=0.0),
        fill(1, 1.0, 101.0, "sell L1", entry=False, fee=0.0),
        fill(2, 1.0, 100.0, "L2", fee=0.0),
        fill(3, 1.0, 101.4, "sell L2", entry=False, fee=0.0),
        fill(4, 1.0, 100.0, "L3", fee=0.0),
        fill(19, 1.0, 95.0, "stop L3", entry=False, fee=0.0),
    ]
    found = figures_of(fills, [100.0] * 18 + [close, 100.0, 100.0])
    assert found["stuck_lots_count"] == stuck


@pytest.mark.parametrize(("close", "stuck"), [(97.0, 1), (97.2, 0)])
def test_where_no_lot_left_at_its_target_the_entry_stands_for_it(close, stuck):
    fills = [fill(0, 1.0, 100.0, "L1"), fill(19, 1.0, 95.0, "stop L1", entry=False)]
    assert figures_of(fills, [100.0] * 18 + [close, 100.0])["stuck_lots_count"] == stuck


def test_the_other_pairs_say_how_far_a_target_is_only_where_a_pair_says_nothing():
    """At an unchanged price, what is 4 % away is stuck; 1 %, and the median of both, is not."""
    sold = [fill(0, 1.0, 100.0, "L1"), fill(1, 1.0, 104.0, "sell L1", entry=False)]
    near = [fill(0, 1.0, 100.0, "L1"), fill(1, 1.0, 101.0, "sell L1", entry=False)]
    held = [fill(2, 1.0, 100.0, "L2"), fill(20, 1.0, 99.0, "force_exit", entry=False)]
    far, close, unknown = (
        trade(sold + held, "AAA/USDT"), trade(near + held, "CCC/USDT"), trade(held, "BBB/USDT"),
    )  # fmt: skip
    for trades, stuck in (([far, close, unknown], 1), ([far, unknown], 2), ([close, unknown], 0)):
        run = run_of({one.pair: [100.0] * 21 for one in trades}, trades)
        assert report.build(run).figures["stuck_lots_count"] == stuck


def test_a_stuck_lot_that_the_end_of_the_run_sells_is_not_resolved():
    fills = [
        fill(0, 1.0, 100.0, "L1"),
        fill(0, 1.0, 99.5, "L3"),
        fill(1, 1.0, 99.6, "sell L3", entry=False),
        fill(1, 1.0, 97.0, "L2"),
        fill(14, 1.0, 95.0, "flatten L1", entry=False),
        fill(19, 1.0, 90.0, "force_exit", entry=False),
    ]
    found = figures_of(fills, [100.0, 97.0] + [90.0] * 18)
    assert found["stuck_lots_count"] == 2
    assert found["stuck_lots_resolved_fraction"] == 0.5


def test_what_the_price_does_after_the_exit_does_not_make_a_lot_stuck():
    fills = [fill(0, 1.0, 100.0, "L1"), fill(13, 1.0, 101.0, "sell L1", entry=False)]
    assert figures_of(fills, [100.0] * 14 + [50.0] * 6)["stuck_lots_count"] == 0


@pytest.mark.parametrize(("later", "stuck"), [(102.1, 1), (102.0, 0), (96.9, 0)])
def test_a_short_lot_is_stuck_when_the_price_has_risen(later, stuck):
    fills = [
        fill(0, 1.0, 100.0, "L1", short=True),
        fill(18, 1.0, 99.0, "cover L1", short=True, entry=False),
    ]
    run, _ = trips_of(fills, [100.0] * 13 + [later] * 7, short=True)
    assert report.build(run).figures["stuck_lots_count"] == stuck


def test_a_recovery_exit_with_a_profit_does_not_pay_for_another_ones_loss():
    fills = [
        fill(0, 1.0, 100.0, "L1", fee=0.0),
        fill(1, 1.0, 90.0, "L2", fee=0.0),
        fill(15, 1.0, 95.0, "recover L1", entry=False, fee=0.0),
        fill(16, 1.0, 95.0, "recover L2", entry=False, fee=0.0),
    ]
    found = figures_of(fills, [96.0] * 18)
    assert found["realised_recovery_loss_stake"] == 5.0
    assert found["recovery_exits_lots_count"] == 2


def test_recovery_exits_cost_what_their_lots_lost():
    fills = [
        fill(0, 1.0, 100.0, "L1", fee=0.0),
        fill(15, 1.0, 95.0, "recover L1", entry=False, fee=0.0),
    ]
    found = figures_of(fills, [100.0] * 2 + [96.0] * 15)
    assert found["realised_recovery_loss_stake"] == 5.0
    assert found["recovery_rate_fraction"] == 0.0
    assert found["harvest_total_stake"] == 0
    assert found["stop_exits_lots_count"] == 0
    assert found["realised_stop_loss_stake"] is None


def test_what_a_stop_costs_is_no_loss_of_recovery():
    """One lot left in thirds: two by its ladder, one of them with a profit, the last by a stop."""
    fills = [
        fill(0, 3.0, 100.0, "L1", fee=0.0),
        fill(15, 1.0, 99.0, "recover L1", entry=False, fee=0.0),
        fill(16, 1.0, 102.0, "recover L1", entry=False, fee=0.0),
        fill(17, 1.0, 93.0, "stop L1", entry=False, fee=0.0),
    ]
    found = figures_of(fills, [96.0] * 18)
    assert found["realised_recovery_loss_stake"] == 1.0
    assert found["realised_stop_loss_stake"] == 7.0
    assert found["recovery_exits_lots_count"] == found["stop_exits_lots_count"] == 1


def lock(hours: float, reason: str = "gridkit breaker red: drawdown", pair="AAA/USDT") -> Lock:
    return Lock(pair, START + round(hours * 3_600), reason)


@pytest.mark.parametrize(
    ("locks", "trips"),
    [
        ((), 0),
        ((lock(12),), 1),
        ((lock(12), lock(12, pair="BBB/USDT")), 1),
        ((lock(14), lock(12), lock(13), lock(15), lock(17)), 1),
        ((lock(12), lock(14.1)), 2),
        ((lock(12), lock(24, "gridkit stop L1"), lock(36, "others")), 1),
        (None, None),
    ],
)
def test_a_breaker_tripped_once_however_many_pairs_and_hours_it_locked(locks, trips):
    one = trade([fill(0, 1.0, 100.0, "L1")])
    run = replace(run_of({"AAA/USDT": [100.0] * 3}, [one]), locks=locks)
    assert report.build(run).figures["breaker_trips_count"] == trips


def test_what_is_left_at_the_end_is_open_and_may_be_stuck_there():
    fills = [
        fill(0, 1.0, 100.0, "L1"),
        fill(19, 1.0, 90.0, "force_exit", entry=False),
    ]
    found = figures_of(fills, [100.0] + [90.0] * 19)
    assert found["lots_open_at_end_count"] == 1
    assert found["stuck_lots_at_end_count"] == 1
    assert found["oldest_open_lot_hours"] == pytest.approx(19 / 12)
    assert found["recovery_rate_fraction"] is None


def test_unknown_figures_are_none_and_never_a_made_up_nought():
    found = figures_of([fill(0, 1.0, 100.0, "L1")], [100.0] * 3)
    for name in (
        "profit_factor",
        "breaker_trips_count",
        "realised_recovery_loss_stake",
        "recovery_rate_fraction",
        "funding_stake",
        "margin_utilisation_max_fraction",
        "expected_shortfall_1pct_daily_fraction",
        "win_rate_fraction",
    ):
        assert found[name] is None, name


@given(any_run())
def test_harvest_inventory_profit_and_funding_add_up_to_the_whole_gain(run):
    found = report.build(run).figures
    parts = found["harvest_total_stake"] + found["inventory_profit_stake"]
    gain = found["final_stake"] - run.starting_balance
    assert parts == pytest.approx(gain, rel=1e-9, abs=1e-6)


@given(any_run())
def test_a_report_leaves_its_run_as_it_was(run):
    before = repr(run)
    report.build(run)
    assert repr(run) == before
