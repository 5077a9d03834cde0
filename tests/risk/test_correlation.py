import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk.correlation import LEAST_RETURNS, correlation, share_budget

SEEDS = st.integers(0, 2**32 - 1)


def returns(seed: int, length: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, length)


@given(SEEDS, st.floats(-0.95, 0.95))
def test_a_known_correlation_is_recovered(seed, known):
    first, noise = returns(seed, 20_000), returns(seed + 1, 20_000)
    second = known * first + math.sqrt(1 - known**2) * noise
    assert correlation(first, second) == pytest.approx(known, abs=0.05)


@given(SEEDS)
def test_correlation_equals_the_textbook_loop(seed):
    first, second = returns(seed), returns(seed) * 0.3 + returns(seed + 1)
    mean_a, mean_b = sum(first) / 400, sum(second) / 400
    joint = sum((a - mean_a) * (b - mean_b) for a, b in zip(first, second, strict=True))
    own_a, own_b = sum((a - mean_a) ** 2 for a in first), sum((b - mean_b) ** 2 for b in second)
    assert correlation(first, second) == pytest.approx(joint / math.sqrt(own_a * own_b))


@given(SEEDS)
def test_only_returns_that_both_know_count(seed):
    first, second = returns(seed), returns(seed + 1)
    holes = first.copy()
    holes[::3] = np.nan
    both = np.isfinite(holes)
    assert correlation(holes, second) == pytest.approx(correlation(first[both], second[both]))


@pytest.mark.parametrize("known", [0, LEAST_RETURNS - 1])
def test_too_few_returns_are_unknown(known):
    first = np.where(np.arange(400) < known, returns(1), np.nan)
    assert math.isnan(correlation(first, returns(2)))


def test_just_enough_returns_are_known():
    assert math.isfinite(correlation(returns(1, LEAST_RETURNS), returns(2, LEAST_RETURNS)))


def test_a_price_that_never_moved_is_unknown():
    assert math.isnan(correlation(np.zeros(400), returns(2)))


@pytest.mark.parametrize(
    ("value", "together"), [(0.71, True), (0.7, False), (-0.9, False), (math.nan, True)]
)
def test_assets_above_the_threshold_or_of_unknown_correlation_share_a_budget(value, together):
    assert share_budget(value, 0.7) is together
