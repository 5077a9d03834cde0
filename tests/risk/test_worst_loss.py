import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid.costs import Costs
from gridkit.risk.worst_loss import WorstLoss, stop_fraction, stopped_cycle, worst_loss
from gridkit.settings import BreakerSettings, StopSettings

FREE, DEAR = Costs(0.0, 0.0, 0.0, 0.0), Costs(0.001, 0.002, 0.0001, 0.001)
OFF = BreakerSettings(enabled=False)


@pytest.mark.parametrize(
    ("lot", "cycle", "trailing_down", "fraction"),
    [
        (0.05, 0.15, False, 0.05),
        (0.05, 0.15, True, 0.15),  # stopped lines are laid anew, lower
        (0.10, 0.04, False, 0.04),
        (None, 0.15, False, 0.15),
        (0.05, None, False, 0.05),
        (0.05, None, True, 1.0),
        (None, None, False, 1.0),
    ],
)
def test_the_nearer_stop_bounds_a_cycle(lot, cycle, trailing_down, fraction):
    stops = StopSettings(
        lot_stop_enabled=lot is not None,
        lot_stop=lot or 0.05,
        cycle_stop_enabled=cycle is not None,
        cycle_stop=cycle or 0.15,
    )
    assert stop_fraction(stops, trailing_down=trailing_down) == fraction


@pytest.mark.parametrize(
    ("leverage", "fraction", "costs", "loss"),
    [
        (1.0, 0.05, FREE, 5.0),
        (3.0, 0.05, FREE, 15.0),
        (3.0, 1.0, FREE, 100.0),  # the margin is all that is at stake
        (1.0, 0.05, DEAR, 5.0 + 0.1 + 0.21),
        (2.0, 0.05, DEAR, 2 * (5.0 + 0.1 + 0.21)),
    ],
)
def test_a_stopped_cycle_loses_its_stop_on_the_whole_position_and_fees(
    leverage, fraction, costs, loss
):
    assert stopped_cycle(100.0, leverage, fraction, costs) == pytest.approx(loss)


@given(
    st.lists(st.floats(1.0, 1_000.0), min_size=1, max_size=25),
    st.floats(0.005, 0.3),
    st.floats(1.0, 3.0),
    st.sampled_from((1, -1)),
)
def test_no_lot_sold_at_its_stop_loses_more_than_reckoned(prices, fraction, leverage, side):
    """Lot by lot, at whatever prices the lines stood; a long grid loses a little less in fees."""
    stake = 10.0
    total = 0.0
    for price in prices:
        amount = stake * leverage / price
        sold_at = price * (1 - side * fraction)
        fees = amount * (price * DEAR.entry_fee + sold_at * DEAR.exit_fee)
        total += side * amount * (price - sold_at) + fees
    reckoned = stopped_cycle(stake * len(prices), leverage, fraction, DEAR)
    assert total <= reckoned * (1 + 1e-9)
    if side < 0:
        assert total == pytest.approx(reckoned)


def test_the_costliest_cycles_that_can_be_open_at_a_time_count():
    assert worst_loss([5.0, 9.0, 7.0], 2, 0.0, 1_000.0, (1_000.0, 1_000.0), OFF).stops == 16.0


@pytest.mark.parametrize(
    ("equity", "peaks", "red", "black"),
    [
        (1_000.0, (1_000.0, 1_000.0), 120.0, 200.0),
        (950.0, (1_000.0, 1_000.0), 70.0, 150.0),
        (900.0, (900.0, 1_000.0), 108.0, 100.0),  # after a restart of the breakers
        (700.0, (1_000.0, 1_000.0), 0.0, 0.0),
    ],
)
def test_breakers_bound_what_may_still_be_lost(equity, peaks, red, black):
    worst = worst_loss([500.0], 1, 0.0, equity, peaks, BreakerSettings())
    assert (worst.red, worst.black) == (pytest.approx(red), pytest.approx(black))
    assert worst.round == pytest.approx(min(red, black))


def test_without_breakers_only_stops_and_recovery_bound_a_round():
    worst = worst_loss([50.0], 1, 20.0, 1_000.0, (1_000.0, 1_000.0), OFF)
    assert worst == WorstLoss(50.0, 20.0, math.inf, math.inf)
    assert worst.round == 70.0


def test_a_recovery_beyond_its_budget_takes_nothing_off():
    assert worst_loss([50.0], 1, -5.0, 1_000.0, (1_000.0, 1_000.0), OFF).round == 50.0


def test_an_unknown_equity_has_no_known_distance_to_a_breaker():
    worst = worst_loss([50.0], 1, 0.0, math.nan, (1_000.0, 1_000.0), BreakerSettings())
    assert math.isnan(worst.red)
