"""What is sold where positions outgrew their limits."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk.holding import Holding, limits
from gridkit.risk.shrink import next_rebalance, rebalances, shrink_due
from gridkit.settings import Settings

S = Settings()
BOUNDS = limits(1_000.0, S)  # 400 in one, 500 together, 800 in all, 60 at risk


def settings(**changes):
    return Settings.from_config({"gridkit": {"portfolio": changes}}).portfolio


def holding(pair, stake, risk=0.0):
    return Holding(pair, 1, stake, risk, 0.02, 1.0)


def apart(_one, _other):
    return 0.0


def together(_one, _other):
    return 0.9


def shrunk(holdings, correlations=apart, *, bounds=BOUNDS, rule=S.portfolio, cost=0.002, least=0.0):
    every = {one.pair: least for one in holdings}
    return shrink_due(holdings, bounds, correlations, rule, cost=cost, least=every)


@pytest.mark.parametrize(
    ("holdings", "correlations", "sold"),
    [
        ([("A", 440.0)], apart, {}),
        ([("A", 441.0)], apart, {"A": 41.0}),
        ([("A", 300.0), ("B", 250.0)], together, {}),
        ([("A", 360.0), ("B", 240.0)], together, {"A": 60.0, "B": 40.0}),
        ([("A", 360.0), ("B", 240.0)], apart, {}),
        (
            [("A", 300.0), ("B", 300.0), ("C", 300.0)],
            apart,
            {"A": 100 / 3, "B": 100 / 3, "C": 100 / 3},
        ),
        ([("A", 100.0, 66.0)], apart, {}),
        ([("A", 800.0, 100.0)], apart, {"A": 400.0}),
        ([("A", 100.0, 90.0), ("B", 100.0, 30.0)], apart, {"A": 50.0, "B": 50.0}),
        ([("A", 100.0, 120.0), ("B", 100.0, 0.0)], apart, {"A": 50.0}),
        ([("A", 800.0), ("B", 200.0)], together, {"A": 800.0 - 400.0 * 5 / 6, "B": 200.0 / 6}),
    ],
)
def test_what_is_above_its_limit_by_the_tolerance_is_cut_to_it(holdings, correlations, sold):
    found = shrunk([holding(*row) for row in holdings], correlations)
    assert {one.pair: one.stake for one in found} == pytest.approx(sold)
    assert all(one.tag == "shrink" for one in found)


def test_a_sale_says_its_numbers():
    (found,) = shrunk([holding("A/USDT", 500.0)])
    assert found.reason == "stake in A/USDT of 500.00 against 400.00"
    first, _ = shrunk([holding("A", 380.0), holding("B", 380.0)], together)
    assert first.reason == "stake in A, B together of 760.00 against 500.00"
    (risky,) = shrunk([holding("A", 100.0, 80.0)])
    assert risky.reason == "risk of all pairs of 80.00 against 60.00"


@pytest.mark.parametrize(
    ("stake", "rule", "cost", "least", "sells"),
    [
        (500.0, S.portfolio, 0.002, 99.0, True),
        (500.0, S.portfolio, 0.002, 101.0, False),  # below the exchange's minimum
        (500.0, S.portfolio, 0.19, 0.0, True),
        (500.0, S.portfolio, 0.21, 0.0, False),  # below its costs
        (400.5, settings(tolerance=0.0), 0.002, 0.0, False),
        (401.0, settings(tolerance=0.0), 0.002, 0.0, True),
    ],
)
def test_what_is_not_worth_its_costs_or_an_order_is_not_sold(stake, rule, cost, least, sells):
    assert bool(shrunk([holding("A", stake)], rule=rule, cost=cost, least=least)) is sells


def test_nothing_is_sold_that_would_leave_less_than_an_order():
    tiny = limits(10.0, S)
    assert shrunk([holding("A", 12.0)], bounds=tiny, least=5.0) == []
    assert len(shrunk([holding("A", 12.0)], bounds=tiny, least=4.0)) == 1


def test_a_pair_without_a_known_minimum_is_shrunk():
    assert shrink_due([holding("A", 500.0)], BOUNDS, apart, S.portfolio, cost=0.0, least={})


@pytest.mark.parametrize("unknown", [{"stake": math.nan}, {"risk": math.nan}])
def test_what_is_unknown_is_left_alone(unknown):
    assert shrunk([replace(holding("A", 100.0, 1.0), **unknown)]) == []


def test_what_is_unknown_of_one_keeps_no_other_from_its_limit():
    found = shrunk([holding("A", 100.0, math.nan), holding("B", 500.0, 5.0)])
    assert [(one.pair, one.stake) for one in found] == [("B", pytest.approx(100.0))]


def test_where_the_capital_is_unknown_nothing_is_sold():
    assert shrunk([holding("A", 900.0, 500.0)], bounds=limits(math.nan, S)) == []


def test_without_positions_nothing_is_sold():
    assert shrunk([]) == []


def test_limits_are_cut_where_correlation_rose():
    cut = limits(1_000.0, S, risen=True)
    assert (cut.single, cut.correlated, cut.exposure, cut.total_risk) == (200.0, 250.0, 400.0, 30.0)
    (found,) = shrunk([holding("A", 300.0)], bounds=cut)
    assert found.stake == pytest.approx(100.0)


STAKES = st.lists(
    st.tuples(st.floats(1.0, 900.0), st.floats(0.0, 100.0)), min_size=1, max_size=6
).map(lambda rows: [holding(f"P{place}", *row) for place, row in enumerate(rows)])


def after(holdings, sales):
    sold = {one.pair: one.stake for one in sales}
    left = {one.pair: (one.stake - sold.get(one.pair, 0.0)) / one.stake for one in holdings}
    return [
        replace(one, stake=one.stake * left[one.pair], risk=one.risk * left[one.pair])
        for one in holdings
    ]


@given(STAKES, st.sampled_from([apart, together]))
def test_after_it_everything_is_within_its_limit_and_tolerance(holdings, correlations):
    left = after(holdings, shrunk(holdings, correlations, cost=0.0))
    slack = (1 + S.portfolio.tolerance) * (1 + 1e-9)
    assert all(one.stake <= BOUNDS.single * slack for one in left)
    assert sum(one.stake for one in left) <= BOUNDS.exposure * slack
    assert sum(one.risk for one in left) <= BOUNDS.total_risk * slack
    if correlations is together:
        assert sum(one.stake for one in left) <= BOUNDS.correlated * slack


@given(STAKES, st.sampled_from([apart, together]))
def test_a_second_look_sells_nothing_more(holdings, correlations):
    left = after(holdings, shrunk(holdings, correlations, cost=0.0))
    assert shrunk(left, correlations, cost=0.0) == []


@given(STAKES, st.sampled_from([apart, together]), st.floats(0.0, 0.5), st.floats(0.0, 200.0))
def test_every_sale_is_an_order_leaves_one_and_is_worth_more_than_its_costs(
    holdings, correlations, cost, least
):
    stakes = {one.pair: one.stake for one in holdings}
    for sale in shrunk(holdings, correlations, cost=cost, least=least):
        assert least <= sale.stake <= stakes[sale.pair] - least
        assert sale.stake > cost * stakes[sale.pair]


@pytest.mark.parametrize(
    ("hours", "minutes", "looks"),
    [
        (6.0, 0, True),
        (6.0, 5, False),
        (6.0, 355, False),
        (6.0, 360, True),
        (6.0, 720, True),
        (0.25, 15, True),
        (0.25, 20, False),
    ],
)
def test_the_first_candle_of_each_bucket_looks(hours, minutes, looks):
    day = 20_000 * 86_400
    assert rebalances(day + minutes * 60, 300, settings(rebalance_hours=hours)) is looks


def test_where_the_portfolio_is_off_nobody_looks():
    assert not rebalances(0, 300, settings(enabled=False))


@given(st.floats(0.25, 168.0), st.integers(0, 10_000))
def test_every_bucket_is_looked_at_once(hours, start):
    rule = settings(rebalance_hours=hours)
    looks = [rebalances(300.0 * (start + step), 300.0, rule) for step in range(6_100)]
    assert abs(sum(looks) - 6_100 * 300 / (hours * 3_600)) <= 1.0


@given(st.integers(1, 672), st.integers(0, 10_000_000))
def test_no_candle_looks_before_the_next_period(quarters, start):
    rule, opened = settings(rebalance_hours=quarters / 4), 300.0 * start
    following = next_rebalance(opened, rule)
    assert rebalances(following, 300.0, rule)
    between = range(int(opened) + 300, int(following), 300)
    assert not any(rebalances(time, 300.0, rule) for time in between)
