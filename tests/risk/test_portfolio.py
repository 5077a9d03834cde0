"""What a new position may take, and what binds it."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import caps, portfolio
from gridkit.risk.caps import Account
from gridkit.risk.portfolio import Candidate, Holding, room, stake, stop_distance
from gridkit.settings import Settings

S = Settings()
CAPITAL = 10_000.0
# Cash and exposure are far away; the rows below bring a limit of the portfolio near.
WIDE = Account(
    capital=CAPITAL,
    free=9_000.0,
    reserved=0.0,
    tied=0.0,
    notional=0.0,
    asset=0.0,
    pairs=3,
    leverage=1.0,
)
NEW = Candidate("NEW", 1, distance=0.01, volatility=0.02, confidence=1.0)


def settings(**changes):
    return Settings.from_config({"gridkit": {"portfolio": changes}})


def holding(pair, stake=100.0, risk=1.0, volatility=0.02, confidence=1.0):
    return Holding(pair, 1, stake, risk, volatility, confidence)


def apart(_one, _other):
    return 0.0


def together(_one, _other):
    return 0.9


@pytest.mark.parametrize(
    ("condition", "amount", "holdings", "correlations", "account", "candidate"),
    [
        (portfolio.SINGLE, 4_000.0, [], apart, {}, {}),
        (portfolio.SINGLE, 3_900.0, [holding("NEW")], apart, {}, {}),
        (
            portfolio.CORRELATED,
            2_000.0,
            [holding("A", 3_000.0, confidence=0.1)],
            together,
            {},
            {},
        ),
        (portfolio.TOTAL_RISK, 3_000.0, [], apart, {}, {"distance": 0.2}),
        (portfolio.TOTAL_RISK, 1_500.0, [holding("A", risk=300.0)], apart, {}, {"distance": 0.2}),
        (portfolio.TOTAL_RISK, 1_500.0, [], apart, {"leverage": 2.0}, {"distance": 0.2}),
        (portfolio.SYMBOLS, 0.0, [holding(pair) for pair in "ABCDE"], apart, {}, {}),
        (portfolio.ALLOCATION, 2_000.0, [holding("A")], apart, {}, {"volatility": 0.06}),
        (
            portfolio.ALLOCATION,
            1_500.0,
            [holding("A"), holding("NEW", 500.0)],
            apart,
            {},
            {"volatility": 0.06},
        ),
        (caps.FREE_CASH, 50.0, [], apart, {"free": 50.0}, {}),
        (caps.EXPOSURE, 100.0, [], apart, {"tied": 7_900.0}, {}),
    ],
)
def test_every_limit_binds_alone(condition, amount, holdings, correlations, account, candidate):
    found = room(replace(NEW, **candidate), holdings, replace(WIDE, **account), correlations, S)
    assert found.binding.condition == condition
    assert found.stake == pytest.approx(amount)


def test_a_pair_that_is_held_takes_no_symbol_more():
    held = [holding(pair) for pair in ("NEW", "B", "C", "D", "E")]
    assert room(NEW, held, WIDE, apart, S).stake > 0


@pytest.mark.parametrize(("capital", "share"), [(499.0, 0.9), (999.0, 0.85), (1_000.0, 0.8)])
def test_exposure_is_that_of_the_caps_by_capital(capital, share):
    loose = settings(single=1.0, correlated=1.0, total_risk=0.5)
    account = replace(WIDE, capital=capital)
    assert room(NEW, [], account, apart, loose).stake == pytest.approx(share * capital)


def test_where_the_portfolio_is_off_the_accounts_caps_are_all_there_is():
    held = [holding(pair, 3_000.0, 900.0) for pair in "ABCDEF"]
    found = room(NEW, held, replace(WIDE, tied=2_000.0), together, settings(enabled=False))
    assert found.stake == pytest.approx(6_000.0)
    assert found.binding.condition == caps.EXPOSURE


def test_the_cap_on_a_grids_inventory_is_none_of_a_portfolio():
    assert room(NEW, [], replace(WIDE, asset=9_000.0, pairs=9), apart, S).stake == 4_000.0


@pytest.mark.parametrize(
    ("holdings", "correlations", "distance", "tied", "amount"),
    [
        ([], apart, 0.01, 0.0, 2_000.0),
        ([holding("A", 1_000.0, confidence=0.0)], together, 0.01, 0.0, 1_500.0),
        ([], apart, 0.3, 0.0, 1_000.0),
        ([], apart, 0.01, 3_500.0, 500.0),
    ],
)
def test_a_correlation_that_rose_cuts_every_limit(holdings, correlations, distance, tied, amount):
    account = replace(WIDE, tied=tied)
    candidate = replace(NEW, distance=distance)
    found = room(candidate, holdings, account, correlations, S, risen=True)
    assert found.stake == pytest.approx(amount)


@pytest.mark.parametrize(
    ("account", "candidate", "held"),
    [
        ({"capital": math.nan}, {}, {}),
        ({"free": math.nan}, {}, {}),
        ({"tied": math.nan}, {}, {}),
        ({"leverage": math.nan}, {}, {}),
        ({}, {"distance": math.nan}, {}),
        ({}, {"distance": 0.0}, {}),
        ({}, {}, {"stake": math.nan}),
        ({}, {}, {"risk": math.nan}),
    ],
)
@pytest.mark.parametrize("pair", ["A", "NEW"])
def test_what_is_unknown_leaves_no_room(account, candidate, held, pair):
    held = [holding(pair, **held)]
    args = replace(NEW, **candidate), held, replace(WIDE, **account), together, S
    assert room(*args).stake == 0.0
    assert stake(*args).stake == 0.0


def test_an_unknown_correlation_counts_as_one_above_the_threshold():
    held = [holding("A", 3_000.0)]
    known = room(NEW, held, WIDE, together, S).stake
    unknown = room(NEW, held, WIDE, lambda _one, _other: math.nan, S).stake
    assert unknown == known == pytest.approx(2_000.0)


def test_pairs_in_a_chain_of_correlations_share_one_limit():
    chain = {frozenset("AB"), frozenset(("B", "NEW"))}
    held = [holding("A", 3_000.0), holding("B", 500.0)]

    def linked(one, other):
        return 0.8 if frozenset((one, other)) in chain else 0.1

    found = room(NEW, held, WIDE, linked, S)
    assert (found.binding.condition, found.stake) == (portfolio.CORRELATED, 1_500.0)


@pytest.mark.parametrize(
    ("changes", "account", "amount"),
    [
        ({"distance": 0.05}, {}, 2_000.0),
        ({"distance": 0.05, "confidence": 0.7}, {}, 1_400.0),
        ({"distance": 0.05, "size": 0.5}, {}, 1_000.0),
        ({"distance": 0.05, "confidence": 1.3}, {}, 2_000.0),
        ({"distance": 0.05}, {"leverage": 4.0}, 500.0),
        ({"distance": 0.05, "confidence": 0.0}, {}, 0.0),
        ({"distance": 0.05, "confidence": -1.0}, {}, 0.0),
        ({"distance": 0.05, "size": math.nan}, {}, 0.0),
        ({"distance": 0.05, "confidence": math.nan}, {}, 0.0),
    ],
)
def test_a_stake_is_the_risk_per_trade_over_the_distance_to_the_stop(changes, account, amount):
    found = stake(replace(NEW, **changes), [], replace(WIDE, **account), apart, S)
    assert found.stake == pytest.approx(amount)
    assert found.binding.condition == portfolio.RISK_PER_TRADE


def test_what_risk_binds_says_what_the_room_would_have_risked_and_what_may_be():
    found = stake(replace(NEW, distance=0.05, confidence=0.7), [], WIDE, apart, S)
    assert (found.binding.value, found.binding.threshold) == pytest.approx((200.0, 70.0))


def test_the_portfolios_room_bounds_the_stake():
    found = stake(replace(NEW, distance=0.001), [], WIDE, apart, S)
    assert (found.stake, found.binding.condition) == (4_000.0, portfolio.SINGLE)


FEES = st.floats(0.0, 0.005)


@given(st.sampled_from([1, -1]), st.floats(0.002, 0.5), FEES, FEES, st.floats(0.01, 1e4))
def test_a_position_of_full_confidence_loses_its_risk_at_the_stop_fees_and_all(
    side, away, entry_fee, exit_fee, entry
):
    stop, cost = entry * (1 - side * away), entry_fee + exit_fee
    candidate = replace(NEW, side=side, distance=stop_distance(side, entry, stop, cost))
    amount = portfolio.risk_stake(candidate, WIDE, S.portfolio) / entry
    lost = amount * (side * (entry - stop) + entry * entry_fee + stop * exit_fee)
    assert lost == pytest.approx(100.0, rel=1.5 * cost + 1e-9)
    assert side < 0 or lost <= 100.0 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("side", "stop", "distance"),
    [(1, 95.0, 0.05), (1, 100.0, 0.0), (1, 103.0, 0.0), (-1, 104.0, 0.04), (-1, 90.0, 0.0)],
)
def test_a_stop_at_break_even_or_better_risks_nothing(side, stop, distance):
    assert stop_distance(side, 100.0, stop, 0.0) == pytest.approx(distance)


def test_an_unknown_stop_is_an_unknown_risk():
    assert math.isnan(stop_distance(1, 100.0, math.nan, 0.001))


def test_a_matrix_speaks_as_a_function_and_does_not_know_strangers():
    known = portfolio.of_matrix(pd.DataFrame([[1.0, 0.3], [0.3, 1.0]], list("AB"), list("AB")))
    assert known("A", "B") == 0.3
    assert math.isnan(known("A", "C"))
    assert math.isnan(known("C", "A"))


PAIRS = "ABCDEFG"
MATRICES = st.lists(
    st.sampled_from([-0.9, 0.0, 0.5, 0.7, 0.71, 0.95, math.nan]), min_size=49, max_size=49
).map(lambda values: np.array(values).reshape(7, 7))
ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(PAIRS),
        st.floats(0.001, 0.5),  # distance
        st.floats(0.0, 1.0),  # confidence
        st.one_of(st.floats(0.001, 0.2), st.just(math.nan)),  # volatility
        st.floats(0.0, 1.0),  # share of the room that is taken
        st.booleans(),  # by its risk, or by the room alone
    ),
    min_size=1,
    max_size=15,
)
RULES = st.builds(
    lambda single, correlated, risk, symbols: settings(
        single=single, correlated=correlated, total_risk=risk, symbols=symbols
    ),
    st.sampled_from([0.4, 0.4, 0.15]),
    st.sampled_from([0.5, 0.5, 0.3]),
    st.sampled_from([0.06, 0.06, 0.4]),
    st.sampled_from([5, 5, 3]),
)
CAPITALS = st.sampled_from([250.0, 700.0, 10_000.0])
LEVERAGES = st.sampled_from([1.0, 3.0])


def enter(entries, matrix, capital, leverage, rule, *, risen=False):
    """Enter one after the other, each at most the room there is. Yields what is held."""
    symmetric = np.triu(matrix, 1) + np.triu(matrix, 1).T
    known = portfolio.of_matrix(pd.DataFrame(symmetric, list(PAIRS), list(PAIRS)))
    held: dict[str, Holding] = {}
    for pair, distance, confidence, volatility, share, by_risk in entries:
        tied = sum(one.stake for one in held.values())
        account = Account(capital, capital - tied, 0.0, tied, tied * leverage, 0.0, 1, leverage)
        candidate = Candidate(pair, 1, distance, volatility, confidence)
        take = stake if by_risk else room
        found = take(candidate, list(held.values()), account, known, rule, risen=risen)
        added = share * found.stake
        if added > 0:
            before = held.get(pair, Holding(pair, 1, 0.0, 0.0, volatility, confidence))
            held[pair] = replace(
                before,
                stake=before.stake + added,
                risk=before.risk + added * leverage * distance,
            )
        yield held, symmetric


def linked_to(pair, held, symmetric):
    """Which held pairs any chain of held pairs links: the matrix of links, to a high power."""
    names = sorted(held)
    places = [PAIRS.index(name) for name in names]
    links = ~(symmetric[np.ix_(places, places)] <= 0.7) | np.eye(len(names), dtype=bool)
    reached = np.linalg.matrix_power(links.astype(float), len(names))[names.index(pair)] > 0
    return [name for name, there in zip(names, reached, strict=True) if there]


@given(ENTRIES, MATRICES, CAPITALS, LEVERAGES, RULES, st.booleans())
def test_p16_correlated_exposure_is_never_above_its_limit(
    entries, matrix, capital, leverage, rule, risen
):
    most = rule.portfolio.correlated * capital * (0.5 if risen else 1.0)
    for held, symmetric in enter(entries, matrix, capital, leverage, rule, risen=risen):
        for pair in held:
            group = linked_to(pair, held, symmetric)
            assert sum(held[one].stake for one in group) <= most * (1 + 1e-9)


@given(ENTRIES, MATRICES, CAPITALS, LEVERAGES, RULES, st.booleans())
def test_p17_total_risk_is_never_above_its_maximum(entries, matrix, capital, leverage, rule, risen):
    most = rule.portfolio.total_risk * capital * (0.5 if risen else 1.0)
    for held, _ in enter(entries, matrix, capital, leverage, rule, risen=risen):
        assert sum(one.risk for one in held.values()) <= most * (1 + 1e-9)


@given(ENTRIES, MATRICES, CAPITALS, LEVERAGES, RULES, st.booleans())
def test_p18_a_single_allocation_is_never_above_its_limit(
    entries, matrix, capital, leverage, rule, risen
):
    cut = capital * (0.5 if risen else 1.0)
    for held, _ in enter(entries, matrix, capital, leverage, rule, risen=risen):
        assert all(one.stake <= rule.portfolio.single * cut * (1 + 1e-9) for one in held.values())
        exposure = caps.exposure_fraction(capital, rule.caps) * cut
        assert sum(one.stake for one in held.values()) <= exposure * (1 + 1e-9)
        assert len(held) <= rule.portfolio.symbols


def allowed(amount, candidate, held, known, account):
    """Whether after adding this much every rule of the specification still holds, one by one."""
    capital, after = account.capital, {one.pair: one.stake for one in held}
    after[candidate.pair] = after.get(candidate.pair, 0.0) + amount
    risk = sum(one.risk for one in held) + amount * candidate.distance
    group = {candidate.pair}
    for _ in after:
        group |= {other for other in after if any(not known(one, other) <= 0.7 for one in group)}
    merit = {one.pair: one.confidence / one.volatility for one in [*held, candidate]}
    share = merit[candidate.pair] / sum(merit.values())
    return (
        after[candidate.pair] <= 0.4 * capital
        and sum(after[pair] for pair in group if pair in after) <= 0.5 * capital
        and risk <= 0.06 * capital
        and sum(after.values()) <= 0.8 * capital
        and after[candidate.pair] <= share * 0.8 * capital
        and len(after) <= 5
    )


HOLDINGS = st.lists(
    st.tuples(
        st.sampled_from("ABCDEF"),
        st.floats(10.0, 2_500.0),
        st.floats(0.0, 150.0),
        st.floats(0.005, 0.1),
        st.floats(0.1, 1.0),
    ),
    unique_by=lambda row: row[0],
    max_size=6,
)


@given(HOLDINGS, MATRICES, st.floats(0.005, 0.2), st.floats(0.005, 0.1), st.floats(0.1, 1.0))
def test_the_room_is_the_most_that_breaks_no_rule(rows, matrix, distance, volatility, confidence):
    held = [Holding(pair, 1, *rest) for pair, *rest in rows]
    symmetric = np.triu(matrix, 1) + np.triu(matrix, 1).T
    known = portfolio.of_matrix(pd.DataFrame(symmetric, list(PAIRS), list(PAIRS)))
    candidate = Candidate("G", 1, distance, volatility, confidence)
    tied = sum(one.stake for one in held)
    account = replace(WIDE, free=2 * CAPITAL, tied=tied, notional=tied)
    found = room(candidate, held, account, known, S)
    if found.stake > 0:
        assert allowed(found.stake * (1 - 1e-9), candidate, held, known, account)
    assert not allowed(found.stake + 1e-3, candidate, held, known, account)
