"""How many lines a pair affords and what each costs. What a line should cost: test_line_risk."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import sizing
from gridkit.risk.sizing import BY_MINIMUM, BY_SHARE, BY_SIZING, Budget
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
    assert sizing.level_budget(share, 10, MINIMUM, 25) == Budget(10, share / 10, BY_SHARE)


@pytest.mark.parametrize(
    ("capital", "pairs", "levels"), [(250.0, 5, 5), (200.0, 5, 4), (400.0, 5, 8), (1_000.0, 5, 10)]
)
def test_a_small_account_gets_fewer_lines_that_are_viable(capital, pairs, levels):
    share = sizing.pair_share(capital, pairs, 1.0, CapSettings())
    budget = sizing.level_budget(share, 10, MINIMUM, 25)
    assert budget.levels == levels
    assert budget.level_stake >= MINIMUM


@pytest.mark.parametrize(
    ("wanted_stake", "budget"),
    [
        (math.inf, Budget(10, 20.0, BY_SHARE)),
        (20.0, Budget(10, 20.0, BY_SHARE)),
        (15.0, Budget(10, 15.0, BY_SIZING)),
        (MINIMUM, Budget(10, MINIMUM, BY_MINIMUM)),
        (3.0, Budget(10, MINIMUM, BY_MINIMUM)),
        (0.0, Budget(10, MINIMUM, BY_MINIMUM)),
    ],
)
def test_a_line_costs_what_sizing_wants_within_the_share_and_the_minimum(wanted_stake, budget):
    assert sizing.level_budget(200.0, 10, MINIMUM, 25, wanted_stake) == budget


@pytest.mark.parametrize(
    ("wanted_stake", "stake"), [(math.inf, 60.0 / 7), (8.4, 8.4), (2.0, MINIMUM)]
)
def test_sizing_never_costs_a_line_the_minimum_alone_does(wanted_stake, stake):
    budget = sizing.level_budget(60.0, 10, MINIMUM, 25, wanted_stake)
    assert (budget.levels, budget.level_stake) == (7, pytest.approx(stake))


def twin(share, wanted, least, max_lots, wanted_stake):
    """Try every number of lines from the most down; the first whose lines are not too small."""
    for levels in range(min(wanted, max_lots), 0, -1):
        if levels * least <= share:
            return levels, max(least, min(wanted_stake, share / levels))
    return None


@given(
    st.one_of(st.sampled_from(CAPITALS), st.floats(1.0, 1e6)),
    st.integers(1, 20),
    st.floats(1.0, 20.0),
    st.integers(1, 25),
    st.floats(0.1, 50.0),
    st.integers(1, 25),
    st.one_of(st.just(math.inf), st.floats(0.0, 1_000.0)),
)
def test_levels_times_stake_is_never_above_the_share(
    capital, pairs, leverage, wanted, least, max_lots, wanted_stake
):
    share = sizing.pair_share(capital, pairs, leverage, CapSettings())
    expected = twin(share, wanted, least, max_lots, wanted_stake)
    if expected is None:
        with pytest.raises(ValueError, match="share"):
            sizing.level_budget(share, wanted, least, max_lots, wanted_stake)
        return
    budget = sizing.level_budget(share, wanted, least, max_lots, wanted_stake)
    assert (budget.levels, budget.level_stake) == (expected[0], pytest.approx(expected[1]))
    assert budget.levels * budget.level_stake <= share * (1 + 1e-12)
    assert least <= budget.level_stake <= max(least, wanted_stake)
    assert pairs * share <= capital * sizing.exposure_fraction(capital, CapSettings()) * (1 + 1e-12)


def test_not_even_one_line_is_refused_with_the_figures():
    with pytest.raises(ValueError, match=r"8\.00 is below 8\.25"):
        sizing.level_budget(8.0, 10, MINIMUM, 25)


@pytest.mark.parametrize("share", [0.0, -5.0, math.nan])
@pytest.mark.parametrize("least", [0.0, MINIMUM])
def test_a_share_that_is_nothing_or_unknown_is_refused(share, least):
    with pytest.raises(ValueError, match="share"):
        sizing.level_budget(share, 10, least, 25)


@pytest.mark.parametrize(("least", "wanted_stake"), [(math.nan, 10.0), (MINIMUM, math.nan)])
def test_an_unknown_stake_is_refused(least, wanted_stake):
    with pytest.raises(ValueError, match="unknown"):
        sizing.level_budget(200.0, 10, least, 25, wanted_stake)


@pytest.mark.parametrize(
    ("capital", "least"),
    [
        (200.0, 3.0),
        (250.0, 3.75),
        (299.99, 4.49985),
        (300.0, 1.5),
        (400.0, 2.0),
        (499.99, 2.49995),
        (500.0, 2.5),
        (999.99, 4.99995),
        (1_000.0, 1.1),
        (5_000.0, 1.1),
        (50_000.0, 1.1),
    ],
)
def test_the_smallest_stake_worth_placing_depends_on_capital(capital, least):
    assert sizing.meaningful_stake(capital, 1.1) == pytest.approx(least)


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e3))
def test_no_stake_is_below_what_the_exchange_takes(capital, exchange_least):
    assert sizing.meaningful_stake(capital, exchange_least) >= exchange_least


@pytest.mark.parametrize(("capital", "least"), [(math.nan, 5.0), (200.0, math.nan)])
def test_the_smallest_stake_is_unknown_where_either_figure_is(capital, least):
    assert math.isnan(sizing.meaningful_stake(capital, least))
