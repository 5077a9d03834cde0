"""The gap between lines and their number, by each method."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import volatility
from gridkit.grid import spacing
from gridkit.settings import SpacingSettings, VolatilitySettings

MEASURED = VolatilitySettings()
REGIME = SpacingSettings(method="regime")
FIXED = SpacingSettings(method="fixed", grid_step=0.03)
EACH = pytest.mark.parametrize("settings", [SpacingSettings(), REGIME, FIXED])
ANNUAL = (0.10, 0.20, 0.30, 0.60, 0.90)  # one of each class, from ultra-low to extreme
DAYS_PER_YEAR = 365
volatilities = st.floats(1e-6, 2.0)
factors = st.floats(1.0, 3.0)


def daily(annual):
    return annual / math.sqrt(DAYS_PER_YEAR)


def step(daily_volatility, settings, factor=1.0):
    found = spacing.spacing_now(daily_volatility, settings, MEASURED, factor)
    assert found is not None
    assert found.volatility == daily_volatility or math.isnan(daily_volatility)
    return found.step


# -- method volatility ------------------------------------------------------------------------


@given(volatilities)
def test_the_step_follows_volatility_between_its_bounds(now):
    settings = SpacingSettings()
    found = step(now, settings)
    assert settings.min_step <= found <= settings.max_step
    wanted = settings.volatility_factor * now
    if settings.min_step <= wanted <= settings.max_step:
        assert found == wanted


@given(volatilities, factors)
def test_only_method_regime_heeds_stress(now, factor):
    assert step(now, SpacingSettings(), factor) == step(now, SpacingSettings())
    assert step(now, FIXED, factor) == FIXED.grid_step


# -- unknown, and fixed -----------------------------------------------------------------------


@pytest.mark.parametrize("now", [math.nan, 0.0, -0.1])
@pytest.mark.parametrize("settings", [SpacingSettings(), REGIME])
def test_an_unknown_volatility_gives_no_step(now, settings):
    assert spacing.spacing_now(now, settings, MEASURED) is None


@pytest.mark.parametrize("now", [math.nan, 0.0, 0.5])
def test_a_fixed_step_needs_no_volatility(now):
    assert step(now, FIXED) == 0.03


@pytest.mark.parametrize("now", [math.nan, 0.0, -0.1])
@EACH
def test_while_the_volatility_is_unknown_the_wanted_lines_are_laid(now, settings):
    assert spacing.levels_now(now, 10, settings, MEASURED) == 10


# -- method regime ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annual", "gap", "lines"),
    [
        (0.10, 0.0005, 30),
        (0.20, 0.001, 24),
        (0.30, 0.002, 20),
        (0.60, 0.005, 16),
        (0.90, 0.010, 10),
        (0.1499, 0.0005, 30),  # the specification's bounds: 15, 25, 50, 75 %
        (0.1501, 0.001, 24),
        (0.2501, 0.002, 20),
        (0.5001, 0.005, 16),
        (0.7501, 0.010, 10),
    ],
)
def test_gap_and_number_of_lines_are_those_of_the_specification(annual, gap, lines):
    assert step(daily(annual), REGIME) == gap
    assert spacing.levels_now(daily(annual), 20, REGIME, MEASURED) == lines


@pytest.mark.parametrize(("annual", "most"), list(zip(ANNUAL, (50, 40, 30, 20, 15), strict=True)))
def test_a_class_has_no_more_lines_than_its_bound_and_never_none(annual, most):
    assert spacing.levels_now(daily(annual), 10_000, REGIME, MEASURED) == most
    assert spacing.levels_now(daily(annual), 1, REGIME, MEASURED) >= 1


def test_the_least_dense_class_keeps_one_line_of_one():
    thin = SpacingSettings(method="regime", regime_densities=(0.1, 0.1, 0.1, 0.1, 0.1))
    assert [spacing.levels_now(daily(one), 1, thin, MEASURED) for one in ANNUAL] == [1] * 5


@given(volatilities, factors, factors)
def test_stress_widens_the_gap_of_method_regime_up_to_its_bound(now, first, second):
    low, high = sorted((first, second))
    calm, stressed = step(now, REGIME, low), step(now, REGIME, high)
    assert REGIME.regime_min_step <= calm <= stressed <= REGIME.regime_max_step
    if step(now, REGIME) * high <= REGIME.regime_max_step:
        assert stressed == pytest.approx(step(now, REGIME) * high)


def test_two_times_the_stress_doubles_the_gap_and_at_the_bound_no_more():
    assert step(daily(0.60), REGIME, 2.0) == pytest.approx(0.010)
    assert step(daily(0.90), REGIME, 3.0) == REGIME.regime_max_step == 0.02


def test_bounds_of_the_gap_hold_for_every_class():
    narrow = SpacingSettings(method="regime", regime_min_step=0.003, regime_max_step=0.004)
    assert [step(daily(one), narrow) for one in ANNUAL] == [0.003, 0.003, 0.003, 0.004, 0.004]


# -- when lines are laid anew -----------------------------------------------------------------


@given(volatilities, volatilities)
def test_with_method_regime_lines_stay_within_a_class(then, now):
    low, high = spacing.band(then, 0.25, REGIME, MEASURED)
    assert low <= then <= high
    same = step(then, REGIME) == step(now, REGIME)
    near = min(abs(now - low), abs(now - high)) < 1e-12  # rounding on the bound itself
    assert near or same == (low <= now <= high)


@given(volatilities)
def test_with_method_volatility_lines_stay_within_a_share_of_the_forecast(then):
    assert spacing.band(then, 0.25, SpacingSettings(), MEASURED) == (0.75 * then, 1.25 * then)


@pytest.mark.parametrize("settings", [FIXED, REGIME, SpacingSettings()])
@pytest.mark.parametrize("then", [math.nan, 0.0, 0.02])
def test_lines_that_no_forecast_laid_stay_whatever_it_is(settings, then):
    if settings is FIXED or not then > 0:
        assert spacing.band(then, 0.25, settings, MEASURED) == (-math.inf, math.inf)
    else:
        assert math.isfinite(spacing.band(then, 0.25, settings, MEASURED)[1])


def test_other_bounds_of_the_classes_are_heeded():
    measured = VolatilitySettings(regimes=(0.01, 0.02, 0.03, 0.04))
    found = spacing.spacing_now(daily(0.20), REGIME, measured)
    assert found is not None
    assert found.step == REGIME.regime_steps[-1]
    low, high = spacing.band(daily(0.20), 0.25, REGIME, measured)
    assert (low, high) == (pytest.approx(volatility.daily(0.04)), math.inf)


# -- how far they can go ----------------------------------------------------------------------


@given(volatilities, factors)
@EACH
def test_no_gap_is_narrower_or_wider_than_is_told(settings, now, factor):
    found = step(now, settings, factor)
    assert spacing.narrowest(settings) <= found <= spacing.widest(settings)


@pytest.mark.parametrize(
    ("settings", "narrowest", "widest"),
    [(SpacingSettings(), 0.004, 0.04), (FIXED, 0.03, 0.03), (REGIME, 0.0005, 0.02)],
)
def test_the_extremes_are_those_of_the_method(settings, narrowest, widest):
    assert (spacing.narrowest(settings), spacing.widest(settings)) == (narrowest, widest)
