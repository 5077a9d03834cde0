import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import forecast
from gridkit.analytics.forecast import VolatilityRegime
from gridkit.settings import VolatilitySettings, VolatilityWeights

NAMES = ("implied", "basket", "garch", "realised")
WEIGHTS = VolatilityWeights()
BOUNDS = VolatilitySettings().regimes
NOT_KNOWN = (math.nan, 0.0, -0.3, math.inf, -math.inf)

estimate = st.one_of(st.floats(0.01, 5.0), st.sampled_from(NOT_KNOWN))
rows = st.lists(st.tuples(*[estimate] * 4), min_size=1, max_size=20)
share = st.sampled_from((0.0, 0.1, 0.25, 1.0))


@st.composite
def some_weights(draw: st.DrawFn) -> VolatilityWeights:
    shares = draw(st.tuples(*[share] * 4).filter(any))
    return VolatilityWeights(**dict(zip(NAMES, shares, strict=True)))


def parts_of(table: list[tuple[float, ...]]) -> dict[str, np.ndarray]:
    return dict(zip(NAMES, np.array(table).T, strict=True))


def by_loop(row: tuple[float, ...], weights: VolatilityWeights) -> float:
    """The readable twin."""
    known = [
        (getattr(weights, name), value)
        for name, value in zip(NAMES, row, strict=True)
        if 0 < value < math.inf
    ]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else math.nan


@given(rows, some_weights())
def test_the_composite_equals_the_readable_loop(table, weights):
    found = forecast.composite(parts_of(table), weights)
    expected = [by_loop(row, weights) for row in table]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(rows, some_weights())
def test_the_composite_lies_between_the_estimates_that_are_known(table, weights):
    found = forecast.composite(parts_of(table), weights)
    for value, row in zip(found, table, strict=True):
        known = [part for part in row if 0 < part < math.inf]
        assert math.isnan(value) or min(known) * (1 - 1e-9) <= value <= max(known) * (1 + 1e-9)


def test_with_everything_known_the_composite_is_that_of_the_specification():
    parts = parts_of([(0.5, 0.6, 0.7, 0.8)])
    expected = 0.30 * 0.5 + 0.25 * 0.6 + 0.25 * 0.7 + 0.20 * 0.8
    np.testing.assert_allclose(forecast.composite(parts, WEIGHTS), [expected], rtol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("absent", NOT_KNOWN)
def test_whatever_is_known_is_renormalised_so_equal_estimates_stay_as_they_are(count, absent):
    for known in itertools.combinations(NAMES, count):
        row = [0.42 if name in known else absent for name in NAMES]
        np.testing.assert_allclose(forecast.composite(parts_of([row]), WEIGHTS), [0.42])


def test_an_estimate_that_is_not_given_is_as_one_that_is_unknown():
    given_two = {"garch": np.array([0.4, 0.4]), "realised": np.array([0.8, math.nan])}
    found = forecast.composite(given_two, WEIGHTS)
    np.testing.assert_allclose(found, [(0.25 * 0.4 + 0.20 * 0.8) / 0.45, 0.4], rtol=1e-12)


def test_where_nothing_with_a_weight_is_known_the_composite_is_not_either():
    weights = VolatilityWeights(implied=1.0, basket=0, garch=0, realised=0)
    parts = {"implied": np.array([math.nan, 0.5]), "realised": np.array([0.8, 0.8])}
    np.testing.assert_array_equal(forecast.composite(parts, weights), [math.nan, 0.5])


def test_no_rows_are_no_error():
    assert forecast.composite({"realised": np.array([])}, WEIGHTS).shape == (0,)
    assert forecast.regime_of(np.array([]), BOUNDS).shape == (0,)


@pytest.mark.parametrize("parts", [{}, {"implied": np.ones(2), "implicit": np.ones(2)}])
def test_an_estimate_no_weight_has_a_name_for_is_refused(parts):
    with pytest.raises(ValueError, match="allowed are some of implied, basket, garch, realised"):
        forecast.composite(parts, WEIGHTS)


def test_the_estimates_are_left_as_they_were():
    parts = parts_of([(0.5, math.nan, 0.7, 0.8)])
    before = {name: part.copy() for name, part in parts.items()}
    forecast.composite(parts, WEIGHTS)
    for name, part in parts.items():
        np.testing.assert_array_equal(part, before[name])


@pytest.mark.parametrize(
    ("annual", "regime"),
    [
        (1e-9, "ULTRA_LOW"),
        (0.1499, "ULTRA_LOW"),
        (0.15, "LOW"),
        (0.2499, "LOW"),
        (0.25, "NORMAL"),
        (0.4999, "NORMAL"),
        (0.50, "HIGH"),
        (0.7499, "HIGH"),
        (0.75, "EXTREME"),
        (20.0, "EXTREME"),
        *((unknown, "UNKNOWN") for unknown in NOT_KNOWN),
    ],
)
def test_a_volatility_has_the_class_of_the_specification_and_on_a_bound_the_upper(annual, regime):
    assert forecast.regime_now(annual, BOUNDS) is VolatilityRegime[regime]
    found = forecast.regime_of(np.array([annual]), BOUNDS)
    assert found.dtype == np.int8
    assert found.tolist() == [VolatilityRegime[regime]]


@given(st.lists(estimate, max_size=20), st.lists(st.floats(0.01, 3), min_size=4, max_size=4))
def test_classes_equal_counting_the_bounds_that_are_reached(values, bounds):
    bounds = sorted(bounds)
    expected = [
        sum(value >= bound for bound in bounds) if 0 < value < math.inf else -1 for value in values
    ]
    assert forecast.regime_of(np.array(values), bounds).tolist() == expected


def test_known_classes_number_the_settings_that_spacing_has_for_each():
    assert [VolatilityRegime(place).name for place in range(len(BOUNDS) + 1)] == [
        "ULTRA_LOW",
        "LOW",
        "NORMAL",
        "HIGH",
        "EXTREME",
    ]
