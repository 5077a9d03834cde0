"""Which pairs count together, and when all of them moved closer."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from gridkit.risk.groups import correlation_rise, group_of, groups, has_risen
from gridkit.risk.holding import of_matrix
from gridkit.settings import Settings
from strategies import START

PAIRS = "ABCDEF"
VALUES = st.lists(st.sampled_from([-0.9, 0.2, 0.7, 0.71, math.nan]), min_size=36, max_size=36).map(
    lambda values: np.array(values).reshape(6, 6)
)


def known(values):
    symmetric = np.triu(values, 1) + np.triu(values, 1).T + np.eye(6)
    return of_matrix(pd.DataFrame(symmetric, list(PAIRS), list(PAIRS)))


def test_pairs_are_joined_by_chains_and_by_what_nobody_knows():
    values = np.zeros((6, 6))
    values[0, 2] = values[2, 4] = 0.8
    values[1, 3] = math.nan
    values[0, 5] = 0.7  # not above it
    assert groups(PAIRS, known(values), 0.7) == (("A", "C", "E"), ("B", "D"), ("F",))
    assert group_of("E", PAIRS, known(values), 0.7) == set("ACE")
    assert group_of("E", "AB", known(values), 0.7) == {"E"}  # who joins them is not there


@given(VALUES, st.permutations(PAIRS))
def test_groups_are_the_connected_components_and_each_pair_is_in_one(values, order):
    ask = known(values)
    joined = [[one == other or not ask(one, other) <= 0.7 for other in order] for one in order]
    _, labels = connected_components(np.array(joined), directed=False)
    expected = {
        frozenset(pair for pair, label in zip(order, labels, strict=True) if label == number)
        for number in labels
    }
    found = groups(order, ask, 0.7)
    assert {frozenset(group) for group in found} == expected
    assert sorted(pair for group in found for pair in group) == sorted(PAIRS)
    for pair in order:
        assert group_of(pair, order, ask, 0.7) in expected


def closer(hours=900, since=800):
    """Three pairs that move alone, and as one in the last hours."""
    noise = np.random.default_rng(3)
    values = noise.normal(0, 0.01, (hours, 3))
    values[since:] = noise.normal(0, 0.01, (hours - since, 1)) + 0.2 * values[since:]
    index = pd.date_range(START, periods=hours, freq="1h", name="date")
    return pd.DataFrame(values, index, list("ABC"))


def mean_correlation(values):
    found = np.corrcoef(values.to_numpy(), rowvar=False)
    return (found[0, 1] + found[0, 2] + found[1, 2]) / 3


@pytest.mark.parametrize("hour", [719, 799, 850, 899])
def test_the_rise_is_the_last_hours_mean_correlation_less_that_of_thirty_days(hour):
    returns = closer()
    seen = returns.iloc[: hour + 1]
    expected = mean_correlation(seen.iloc[-72:]) - mean_correlation(seen.iloc[-720:])
    assert correlation_rise(returns, Settings())[hour] == pytest.approx(expected)


def test_a_market_that_moves_as_one_has_risen_and_one_that_does_not_has_not():
    rise = correlation_rise(closer(), Settings())
    rule = Settings().portfolio
    assert np.isnan(rise[:719]).all()
    assert not any(has_risen(value, rule) for value in rise[:790])
    assert has_risen(rise[-1], rule)


def test_few_hours_are_enough_where_few_are_asked_for():
    quick = Settings.from_config({"gridkit": {"portfolio": {"rise_hours": 24}}})
    assert np.isfinite(correlation_rise(closer(), quick)[-1])


@pytest.mark.parametrize(
    ("rise", "changes", "cuts"),
    [
        (0.21, {}, True),
        (0.2, {}, False),
        (math.nan, {}, False),
        (0.21, {"enabled": False}, False),
        (0.21, {"correlation_rise": 0.3}, False),
    ],
)
def test_a_known_rise_beyond_its_bound_cuts_exposure(rise, changes, cuts):
    rule = Settings.from_config({"gridkit": {"portfolio": changes}}).portfolio
    assert has_risen(rise, rule) is cuts
