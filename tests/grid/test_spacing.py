"""The gap between lines and their number, by each method."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import volatility
from gridkit.grid import spacing
from gridkit.settings import SpacingSettings, VolatilitySettings

MEASURED = VolatilitySettings()
AUTO = SpacingSettings()
VOLATILITY = SpacingSettings(method="volatility")
REGIME = SpacingSettings(method="regime")
FIXED = SpacingSettings(method="fixed", grid_step=0.03)
MICRO = SpacingSettings(method="micro")
EACH = pytest.mark.parametrize("settings", [AUTO, VOLATILITY, REGIME, FIXED, MICRO])
ANNUAL = (0.10, 0.20, 0.30, 0.60, 0.90)  # one of each class, from ultra-low to extreme
DAYS_PER_YEAR = 365
volatilities = st.floats(1e-6, 2.0)
factors = st.floats(1.0, 3.0)


def daily(annual):
    return annual / math.sqrt(DAYS_PER_YEAR)


def spaced(daily_volatility, settings, factor=1.0, capital=5_000.0, smooth=math.nan):
    return spacing.spacing_now(
        daily_volatility,
        settings,
        MEASURED,
        factor,
        method=spacing.method_for(capital, settings),
        capital=capital,
        smooth=smooth,
    )


def step(daily_volatility, settings, factor=1.0, capital=5_000.0, smooth=math.nan):
    found = spaced(daily_volatility, settings, factor, capital, smooth)
    assert found is not None
    assert found.volatility == daily_volatility or math.isnan(daily_volatility)
    assert found.method == spacing.method_for(capital, settings)
    return found.step


def levels(daily_volatility, wanted, settings, capital=5_000.0):
    method = spacing.method_for(capital, settings)
    return spacing.levels_now(
        daily_volatility, wanted, settings, MEASURED, method=method, capital=capital
    )


def band(then, settings, measured=MEASURED):
    return spacing.band(then, 0.25, settings, measured, method=settings.method)


# -- which method -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capital", "method"),
    [
        (200.0, "micro"),
        (999.99, "micro"),
        (1_000.0, "volatility"),
        (50_000.0, "volatility"),
        (math.nan, "volatility"),
    ],
)
def test_auto_is_micro_below_a_thousand_of_capital_and_volatility_above(capital, method):
    assert spacing.method_for(capital, AUTO) == method


@pytest.mark.parametrize("settings", [VOLATILITY, REGIME, FIXED, MICRO])
@pytest.mark.parametrize("capital", [200.0, 50_000.0])
def test_a_method_that_is_named_is_taken_whatever_the_capital(settings, capital):
    assert spacing.method_for(capital, settings) == settings.method


# -- method micro -----------------------------------------------------------------------------


@pytest.mark.parametrize("capital", [200.0, 250.0, 400.0])
def test_small_accounts_get_fifteen_lines_of_six_tenths_of_a_percent(capital):
    """The specification's own check, before the exchange's minimums."""
    assert step(math.nan, AUTO, capital=capital) == pytest.approx(0.006)
    assert step(math.nan, AUTO, capital=capital, smooth=0.02) == pytest.approx(0.006)
    assert levels(math.nan, 10, AUTO, capital) == 15


@pytest.mark.parametrize(
    ("capital", "gap", "lines"),
    [
        (499.99, 0.006, 15),
        (500.0, 0.010, 10),
        (999.99, 0.010, 10),
        (1_000.0, 0.020, 5),
        (50_000.0, 0.020, 5),
    ],
)
def test_gap_and_lines_of_a_micro_grid_are_those_of_its_class_of_capital(capital, gap, lines):
    assert step(0.05, MICRO, capital=capital) == pytest.approx(gap)
    assert levels(0.05, 10, MICRO, capital) == lines


@pytest.mark.parametrize(("capital", "most"), [(400.0, 20), (800.0, 15), (5_000.0, 20)])
def test_a_class_of_capital_has_no_more_lines_than_its_bound(capital, most):
    many = SpacingSettings(method="micro", micro_levels=20)
    assert levels(0.02, 10, many, capital) == most


@pytest.mark.parametrize(
    ("smooth", "multiplier"),
    [(0.001, 0.5), (0.015, 0.5), (0.016, 0.6), (0.02, 1.0), (0.03, 2.0), (0.05, 2.5), (1.0, 2.5)],
)
def test_the_gap_of_a_micro_grid_widens_twice_as_fast_as_volatility_up_to_a_bound(
    smooth, multiplier
):
    wide = SpacingSettings(method="micro", micro_min_step=0.0005, micro_max_step=0.2)
    assert step(0.05, wide, capital=400.0, smooth=smooth) == pytest.approx(0.006 * multiplier)


@given(st.floats(1.0, 1e6), st.floats(-1.0, 2.0) | st.just(math.nan))
def test_a_micro_gap_stays_within_its_bounds_and_says_what_it_was_before_them(capital, smooth):
    found = spaced(0.02, MICRO, capital=capital, smooth=smooth)
    assert found is not None
    assert found.wanted is not None
    assert MICRO.micro_min_step <= found.step <= MICRO.micro_max_step
    assert found.step == min(max(found.wanted, MICRO.micro_min_step), MICRO.micro_max_step)


@given(st.floats(1.0, 1e6), st.floats(0.0, 2.0) | st.just(math.nan))
def test_a_micro_grid_is_that_of_the_readable_twin(capital, smooth):
    step_base, lines = 0.10 / 5, 5
    if capital < 500:
        step_base, lines = step_base * 0.3, min(int(lines * 2 * 1.5), 20)
    elif capital < 1_000:
        step_base, lines = step_base * 0.5, min(lines * 2, 15)
    multiplier = 1.0
    if smooth > 0:
        multiplier = sorted((0.5, 1 + 2 * (smooth / 0.02 - 1), 2.5))[1]
    wanted = sorted((0.005, step_base * multiplier, 0.03))[1]
    assert step(math.nan, MICRO, capital=capital, smooth=smooth) == pytest.approx(wanted)
    assert levels(math.nan, 10, MICRO, capital) == lines


def test_a_micro_grid_of_unknown_capital_has_no_gap_and_the_lines_that_are_wanted():
    assert spaced(0.02, MICRO, capital=math.nan) is None
    assert levels(0.02, 10, MICRO, math.nan) == 10


# -- method volatility ------------------------------------------------------------------------


@given(volatilities)
def test_the_step_follows_volatility_between_its_bounds(now):
    settings = VOLATILITY
    found = step(now, settings)
    assert settings.min_step <= found <= settings.max_step
    wanted = settings.volatility_factor * now
    if settings.min_step <= wanted <= settings.max_step:
        assert found == wanted


@given(volatilities, factors)
def test_only_method_regime_heeds_stress(now, factor):
    assert step(now, VOLATILITY, factor) == step(now, VOLATILITY)
    assert step(now, MICRO, factor) == step(now, MICRO)
    assert step(now, FIXED, factor) == FIXED.grid_step


# -- unknown, and fixed -----------------------------------------------------------------------


@pytest.mark.parametrize("now", [math.nan, 0.0, -0.1])
@pytest.mark.parametrize("settings", [AUTO, VOLATILITY, REGIME])
def test_an_unknown_volatility_gives_no_step(now, settings):
    assert spaced(now, settings) is None


@pytest.mark.parametrize("now", [math.nan, 0.0, 0.5])
def test_a_fixed_step_needs_no_volatility(now):
    assert step(now, FIXED) == 0.03


@pytest.mark.parametrize("now", [math.nan, 0.0, -0.1])
@pytest.mark.parametrize("settings", [AUTO, VOLATILITY, REGIME, FIXED])
def test_while_the_volatility_is_unknown_the_wanted_lines_are_laid(now, settings):
    assert levels(now, 10, settings) == 10


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
    assert levels(daily(annual), 20, REGIME) == lines


@pytest.mark.parametrize(("annual", "most"), list(zip(ANNUAL, (50, 40, 30, 20, 15), strict=True)))
def test_a_class_has_no_more_lines_than_its_bound_and_never_none(annual, most):
    assert levels(daily(annual), 10_000, REGIME) == most
    assert levels(daily(annual), 1, REGIME) >= 1


def test_the_least_dense_class_keeps_one_line_of_one():
    thin = SpacingSettings(method="regime", regime_densities=(0.1, 0.1, 0.1, 0.1, 0.1))
    assert [levels(daily(one), 1, thin) for one in ANNUAL] == [1] * 5


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
    low, high = band(then, REGIME)
    assert low <= then <= high
    same = step(then, REGIME) == step(now, REGIME)
    near = min(abs(now - low), abs(now - high)) < 1e-12  # rounding on the bound itself
    assert near or same == (low <= now <= high)


@given(volatilities)
def test_with_method_volatility_lines_stay_within_a_share_of_the_forecast(then):
    assert band(then, VOLATILITY) == (0.75 * then, 1.25 * then)


@pytest.mark.parametrize("settings", [FIXED, REGIME, VOLATILITY, MICRO])
@pytest.mark.parametrize("then", [math.nan, 0.0, 0.02])
def test_lines_that_no_forecast_laid_stay_whatever_it_is(settings, then):
    if settings is FIXED or not then > 0:
        assert band(then, settings) == (-math.inf, math.inf)
    else:
        assert math.isfinite(band(then, settings)[1])


def test_other_bounds_of_the_classes_are_heeded():
    measured = VolatilitySettings(regimes=(0.01, 0.02, 0.03, 0.04))
    found = spacing.spacing_now(daily(0.20), REGIME, measured, method="regime")
    assert found is not None
    assert found.step == REGIME.regime_steps[-1]
    low, high = band(daily(0.20), REGIME, measured)
    assert (low, high) == (pytest.approx(volatility.daily(0.04)), math.inf)


# -- how far they can go ----------------------------------------------------------------------


CAPITALS = st.sampled_from((200.0, 499.99, 500.0, 999.99, 1_000.0, 5_000.0, 50_000.0))


@given(volatilities, factors, CAPITALS, volatilities | st.just(math.nan))
@EACH
def test_no_gap_is_narrower_or_wider_and_no_grid_has_more_lines_than_is_told(
    settings, now, factor, capital, smooth
):
    found = step(now, settings, factor, capital, smooth)
    assert spacing.narrowest(settings) <= found <= spacing.widest(settings)
    assert levels(now, 10, settings, capital) <= spacing.most_levels(10, settings)


@pytest.mark.parametrize(
    ("settings", "narrowest", "widest", "most"),
    [
        (VOLATILITY, 0.004, 0.04, 10),
        (FIXED, 0.03, 0.03, 10),
        (REGIME, 0.0005, 0.02, 15),
        (MICRO, 0.005, 0.03, 15),
        (AUTO, 0.004, 0.04, 15),
        (SpacingSettings(method="micro", micro_range=0.02), 0.005, 0.01, 15),
    ],
)
def test_the_extremes_are_those_of_the_methods_there_may_be(settings, narrowest, widest, most):
    assert spacing.narrowest(settings) == pytest.approx(narrowest)
    assert spacing.widest(settings) == pytest.approx(widest)
    assert spacing.most_levels(10, settings) == most
