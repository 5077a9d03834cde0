import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import sizing
from gridkit.settings import CapSettings

CAPITALS = (200.0, 250.0, 400.0, 499.99, 500.0, 999.99, 1_000.0, 5_000.0, 50_000.0)
MINIMUM = 8.25  # 5 USDT with freqtrade's full reserve and the margin for viable lots


@pytest.mark.parametrize(
    ("capital", "fraction"),
    list(zip(CAPITALS, (0.90, 0.90, 0.90, 0.90, 0.85, 0.85, 0.80, 0.80, 0.80), strict=True)),
)
def test_the_share_of_capital_in_the_market_falls_as_capital_grows(capital, fraction):
    assert sizing.exposure_fraction(capital, CapSettings()) == fraction


@pytest.mark.parametrize("capital", CAPITALS)
def test_an_exposure_of_ones_own_holds_at_any_capital(capital):
    assert sizing.exposure_fraction(capital, CapSettings(exposure=0.5)) == 0.5


@pytest.mark.parametrize(
    ("caps", "pairs", "leverage", "share"),
    [
        (CapSettings(), 1, 1.0, 800.0),
        (CapSettings(), 4, 1.0, 200.0),
        (CapSettings(inventory=0.1), 4, 1.0, 100.0),
        (CapSettings(inventory=0.1), 1, 1.0, 800.0),  # one pair has nothing to be balanced with
        (CapSettings(max_margin=300.0), 4, 1.0, 75.0),
        (CapSettings(max_position=600.0), 4, 2.0, 75.0),
        (CapSettings(exposure=0.2), 4, 1.0, 50.0),
        (CapSettings(exposure=0.2, inventory=0.04, max_margin=300.0), 4, 1.0, 40.0),
    ],
)
def test_each_cap_sets_a_pairs_share_alone_and_the_strictest_wins(caps, pairs, leverage, share):
    assert sizing.pair_share(1_000.0, pairs, leverage, caps) == pytest.approx(share)


@pytest.mark.parametrize("capital", CAPITALS)
def test_one_pair_affords_ten_lines_at_any_capital(capital):
    share = sizing.pair_share(capital, 1, 1.0, CapSettings())
    assert sizing.level_budget(share, 10, MINIMUM, 25) == sizing.Budget(10, share / 10)


@pytest.mark.parametrize(
    ("capital", "pairs", "levels"), [(250.0, 5, 5), (200.0, 5, 4), (400.0, 5, 8), (1_000.0, 5, 10)]
)
def test_a_small_account_gets_fewer_lines_that_are_viable(capital, pairs, levels):
    share = sizing.pair_share(capital, pairs, 1.0, CapSettings())
    budget = sizing.level_budget(share, 10, MINIMUM, 25)
    assert budget.levels == levels
    assert budget.level_stake >= MINIMUM


@given(
    st.one_of(st.sampled_from(CAPITALS), st.floats(1.0, 1e6)),
    st.integers(1, 20),
    st.floats(1.0, 20.0),
    st.integers(1, 25),
    st.floats(0.0, 50.0),
    st.integers(1, 25),
)
def test_levels_times_stake_is_never_above_the_share(
    capital, pairs, leverage, wanted, least, max_lots
):
    share = sizing.pair_share(capital, pairs, leverage, CapSettings())
    try:
        budget = sizing.level_budget(share, wanted, least, max_lots)
    except ValueError:
        assert share < least
        return
    assert budget.levels * budget.level_stake <= share * (1 + 1e-12)
    assert budget.level_stake >= least * (1 - 1e-12)
    assert 1 <= budget.levels <= min(wanted, max_lots)
    assert pairs * share <= capital * sizing.exposure_fraction(capital, CapSettings()) * (1 + 1e-12)


def test_not_even_one_line_is_refused_with_the_figures():
    with pytest.raises(ValueError, match=r"8\.00 is below 8\.25"):
        sizing.level_budget(8.0, 10, MINIMUM, 25)


@pytest.mark.parametrize("share", [0.0, -5.0, math.nan])
@pytest.mark.parametrize("least", [0.0, MINIMUM])
def test_a_share_that_is_nothing_or_unknown_is_refused(share, least):
    with pytest.raises(ValueError, match="share"):
        sizing.level_budget(share, 10, least, 25)
