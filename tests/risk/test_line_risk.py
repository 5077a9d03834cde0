"""What a line should cost: base risk, results, drawdown, small accounts, Kelly, volatility."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import line_risk, sizing
from gridkit.risk.performance import UNKNOWN, Performance
from gridkit.risk.sizing import Fortune, base_stake, is_known, level_stake
from gridkit.settings import SizingSettings

DYNAMIC, KELLY = SizingSettings(), SizingSettings(mode="kelly")
ORANGE = 0.08
CAPITALS = (200.0, 250.0, 400.0, 499.99, 500.0, 999.99, 1_000.0, 5_000.0, 50_000.0)


def fortune_of(base, profit=0.0, equity=None, drawdown=0.0):
    return Fortune(base, profit, base + profit if equity is None else equity, drawdown)


def sized(fortune, performance=UNKNOWN, settings=DYNAMIC, volatility=math.nan, orange=ORANGE):
    return level_stake(fortune, performance, volatility, orange, settings)


def twin(fortune, performance, volatility, orange, settings):
    """The rule step by step, as SPEC A writes it down."""
    if settings.mode == "fixed":
        stake = math.inf if settings.stake is None else settings.stake
    else:
        risk = settings.risk * twin_multiplier(performance)
        risk *= 0.5 if fortune.drawdown >= orange else 1 - 0.5 * max(0, fortune.drawdown) / orange
        if fortune.equity < 500:
            risk = max(risk, min(0.04, 1.5 * risk))
        elif fortune.equity < 1_000:
            risk = 1.2 * risk
        risk = sorted((settings.least_risk, risk, settings.most_risk))[1]
        if settings.mode == "kelly" and not math.isnan(performance.kelly):
            odds = settings.kelly_fraction * performance.kelly
            risk = sorted((settings.least_risk, odds, risk))[1]
        capital = fortune.base + sorted((0.0, fortune.profit, fortune.base))[1]
        if fortune.equity < fortune.base or capital > fortune.equity:
            capital = fortune.equity
        stake = risk * capital
    target = settings.volatility_target
    if target is not None and volatility > target:
        stake *= target / volatility
    return stake


def twin_multiplier(performance):
    w, m = performance.win_rate, performance.momentum
    of_winners = 1.0
    if w >= 0.7:
        of_winners = 1 + (w - 0.7) * 1.5
    elif w <= 0.5:
        of_winners = 0.5 + w / 2
    of_momentum = 1.0 if math.isnan(m) else 1 + 0.5 * m
    return sorted((0.5, (of_winners + of_momentum) / 2, 2.0))[1]


def unknown_or(numbers):
    return st.one_of(st.just(math.nan), numbers)


PERFORMANCES = st.builds(
    Performance,
    st.integers(0, 99),
    unknown_or(st.floats(0.0, 1.0)),
    unknown_or(st.floats(-1.0, 1.0)),
    unknown_or(st.one_of(st.just(-math.inf), st.floats(-3.0, 1.0))),
)
FORTUNES = st.builds(
    lambda base, profit, marked, drawdown: Fortune(
        base, profit * base, max(0.0, 1 + profit + marked) * base, drawdown
    ),
    st.one_of(st.sampled_from(CAPITALS), st.floats(1.0, 1e6)),
    st.floats(-0.9, 3.0),
    st.floats(-0.5, 0.2),
    st.floats(0.0, 0.5),
)
SETTINGS = st.builds(
    lambda mode, risk, least, most, kelly, target, stake: SizingSettings(
        mode=mode,
        risk=risk,
        least_risk=least * risk,
        most_risk=most,
        kelly_fraction=kelly,
        volatility_target=target,
        stake=stake,
    ),
    st.sampled_from(("fixed", "dynamic", "kelly")),
    st.floats(0.002, 0.05),
    st.floats(0.5, 1.0),
    st.floats(0.05, 0.2),
    st.floats(0.01, 1.0),
    st.one_of(st.none(), st.floats(0.1, 2.0)),
    st.one_of(st.none(), st.floats(1.0, 500.0)),
)
VOLATILITIES = unknown_or(st.floats(0.01, 5.0))


@given(FORTUNES, PERFORMANCES, VOLATILITIES, st.floats(0.01, 0.5), SETTINGS)
def test_the_stake_equals_the_rule_written_out(fortune, performance, volatility, orange, settings):
    found = level_stake(fortune, performance, volatility, orange, settings)
    expected = twin(fortune, performance, volatility, orange, settings)
    assert found.stake == pytest.approx(expected, rel=1e-9)


# -- closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capital", "stake"),
    list(
        zip(CAPITALS, (6.0, 7.5, 12.0, 14.9997, 12.0, 23.99976, 20.0, 100.0, 1_000.0), strict=True)
    ),
)
def test_a_fresh_account_of_each_size(capital, stake):
    assert sized(fortune_of(capital)).stake == pytest.approx(stake)


@pytest.mark.parametrize(
    ("capital", "stake"),
    list(zip(CAPITALS, (3.0, 3.75, 6.0, 7.49985, 6.0, 11.99988, 10.0, 50.0, 500.0), strict=True)),
)
def test_an_account_of_each_size_at_the_orange_line(capital, stake):
    assert sized(fortune_of(capital, drawdown=ORANGE)).stake == pytest.approx(stake)


@pytest.mark.parametrize(
    ("base", "profit", "equity", "capital"),
    [
        (1_000.0, 0.0, 1_000.0, 1_000.0),
        (1_000.0, 400.0, 1_400.0, 1_400.0),
        (1_000.0, 400.0, 1_350.0, 1_350.0),  # open lots stand at a loss
        (1_000.0, 400.0, 1_700.0, 1_400.0),  # an open profit is none yet
        (1_000.0, 1_500.0, 2_500.0, 2_000.0),  # at most as much again as was put in
        (1_000.0, -200.0, 800.0, 800.0),
        (1_000.0, -200.0, 1_100.0, 1_000.0),
        (1_000.0, 300.0, 700.0, 700.0),
        (1_000.0, math.nan, 1_200.0, 1_000.0),
        (1_000.0, 0.0, -50.0, 0.0),
        (-200.0, 500.0, 300.0, 0.0),  # more was taken out than put in
    ],
)
def test_profits_add_to_capital_up_to_the_base_and_losses_always_count(
    base, profit, equity, capital
):
    assert line_risk.effective_capital(base, profit, equity) == pytest.approx(capital)


@pytest.mark.parametrize(
    ("win_rate", "factor"),
    [
        (math.nan, 1.0),
        (0.0, 0.5),
        (0.5, 0.75),
        (0.500001, 1.0),
        (0.699999, 1.0),
        (0.7, 1.0),
        (0.8, 1.15),
        (1.0, 1.45),
    ],
)
def test_winners_raise_the_stake_from_seventy_percent_and_lower_it_to_fifty(win_rate, factor):
    assert line_risk.win_rate_factor(win_rate) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("momentum", "factor"), [(math.nan, 1.0), (-1.0, 0.5), (0.0, 1.0), (1.0, 1.5)]
)
def test_momentum_moves_the_stake_by_half_at_most(momentum, factor):
    assert line_risk.momentum_factor(momentum) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("performance", "factor"),
    [
        (UNKNOWN, 1.0),
        (Performance(30, 0.8, 0.6), (1.15 + 1.3) / 2),
        (Performance(7, math.nan, 1.0), 1.25),
        (Performance(30, 0.0, -1.0), 0.5),
    ],
)
def test_results_are_the_mean_of_winners_and_momentum(performance, factor):
    assert line_risk.performance_factor(performance) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("drawdown", "factor"),
    [
        (-0.1, 1.0),
        (0.0, 1.0),
        (0.02, 0.875),
        (0.04, 0.75),
        (0.08, 0.5),
        (0.5, 0.5),
        (math.nan, 1.0),
    ],
)
def test_a_drawdown_takes_half_of_the_stake_by_the_orange_line(drawdown, factor):
    assert line_risk.drawdown_factor(drawdown, ORANGE) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("capital", "risk", "lifted"),
    [
        (499.99, 0.02, 0.03),
        (499.99, 0.03, 0.04),
        (499.99, 0.045, 0.045),
        (500.0, 0.02, 0.024),
        (999.99, 0.05, 0.06),
        (1_000.0, 0.02, 0.02),
    ],
)
def test_a_small_account_risks_more_of_itself(capital, risk, lifted):
    assert line_risk.small_account_risk(capital, risk) == pytest.approx(lifted)


@pytest.mark.parametrize(
    ("kelly", "fraction"),
    [
        (math.nan, 0.02),
        (-math.inf, 0.01),
        (-0.5, 0.01),
        (0.05, 0.0125),
        (0.08, 0.02),
        (0.9, 0.02),
    ],
)
def test_kelly_lowers_the_dynamic_stake_and_never_raises_it(kelly, fraction):
    found = sized(fortune_of(1_000.0), replace(UNKNOWN, kelly=kelly), KELLY)
    assert found.fraction == pytest.approx(fraction)


@pytest.mark.parametrize(
    ("volatility", "stake"), [(math.nan, 20.0), (0.3, 20.0), (0.5, 20.0), (1.0, 10.0), (4.0, 2.5)]
)
@pytest.mark.parametrize("mode", ["dynamic", "kelly", "fixed"])
def test_a_volatility_target_shrinks_stakes_in_proportion(mode, volatility, stake):
    settings = SizingSettings(mode=mode, stake=20.0, volatility_target=0.5)
    found = sized(fortune_of(1_000.0), settings=settings, volatility=volatility)
    assert found.stake == stake
    if mode != "fixed":
        assert found.fraction == pytest.approx(stake / 1_000.0)


def test_without_a_target_volatility_changes_nothing():
    assert sized(fortune_of(1_000.0), volatility=9.0).stake == 20.0


@pytest.mark.parametrize(("stake", "expected"), [(None, math.inf), (33.0, 33.0)])
def test_a_fixed_stake_needs_no_account(stake, expected):
    nothing = Fortune(math.nan, math.nan, math.nan, math.nan)
    found = sized(nothing, settings=SizingSettings(mode="fixed", stake=stake))
    assert found.stake == expected


# -- properties -------------------------------------------------------------------------------

BY_RISK = SETTINGS.filter(lambda settings: settings.mode != "fixed")


@given(FORTUNES, PERFORMANCES, BY_RISK, st.floats(0.0, 0.5), st.floats(0.0, 0.5))
def test_a_deeper_drawdown_never_raises_the_stake(fortune, performance, settings, one, other):
    shallow, deep = sorted((one, other))
    before = sized(replace(fortune, drawdown=shallow), performance, settings)
    after = sized(replace(fortune, drawdown=deep), performance, settings)
    assert after.stake <= before.stake * (1 + 1e-12)


@given(FORTUNES, PERFORMANCES, VOLATILITIES, BY_RISK)
def test_no_line_costs_more_than_the_largest_risk_of_equity(
    fortune, performance, volatility, settings
):
    found = sized(fortune, performance, settings, volatility)
    assert 0.0 <= found.stake <= settings.most_risk * fortune.equity * (1 + 1e-12)
    assert found.fraction <= settings.most_risk


@given(FORTUNES, PERFORMANCES, BY_RISK)
def test_the_clamp_has_the_last_word_on_the_share_of_capital(fortune, performance, settings):
    found = sized(fortune, performance, settings.model_copy(update={"volatility_target": None}))
    assert settings.least_risk <= found.fraction <= settings.most_risk


@given(FORTUNES, PERFORMANCES, SETTINGS)
def test_kelly_never_costs_more_than_the_dynamic_rule(fortune, performance, settings):
    kelly = sized(fortune, performance, settings.model_copy(update={"mode": "kelly"}))
    dynamic = sized(fortune, performance, settings.model_copy(update={"mode": "dynamic"}))
    assert kelly.stake <= dynamic.stake * (1 + 1e-12)


@given(FORTUNES, PERFORMANCES, BY_RISK, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_fewer_winners_never_raise_the_stake(fortune, performance, settings, one, other):
    fewer, more = sorted((one, other))
    poor = sized(fortune, replace(performance, win_rate=fewer), settings)
    good = sized(fortune, replace(performance, win_rate=more), settings)
    assert poor.stake <= good.stake * (1 + 1e-12)


@given(FORTUNES, PERFORMANCES, BY_RISK, st.floats(0.001, 1_000.0))
def test_a_loss_is_never_traded_on(fortune, performance, settings, loss):
    """Within one class of capital; a smaller class has a larger share of less."""
    fortune = replace(fortune, base=fortune.base + 1_000, equity=fortune.base + 1_000)
    poorer = replace(fortune, profit=fortune.profit - loss, equity=fortune.equity - loss)
    if poorer.equity >= 1_000:
        before, after = (sized(one, performance, settings).stake for one in (fortune, poorer))
        assert after <= before * (1 + 1e-12)
        assert after <= settings.most_risk * poorer.equity * (1 + 1e-12)


@given(FORTUNES, PERFORMANCES, BY_RISK, st.floats(1.0, 1e6))
def test_stakes_scale_with_the_account_within_one_class_of_capital(
    fortune, performance, settings, factor
):
    fortune = replace(fortune, equity=max(fortune.equity, 1_000.0))
    larger = Fortune(
        fortune.base * factor, fortune.profit * factor, fortune.equity * factor, fortune.drawdown
    )
    one, many = (sized(each, performance, settings) for each in (fortune, larger))
    assert many.stake == pytest.approx(one.stake * factor, rel=1e-9)
    assert many.fraction == one.fraction


# -- what failed, and what is told --------------------------------------------------------------


@pytest.mark.parametrize("unknown", ["base", "equity"])
def test_an_unknown_account_is_no_basis_for_a_stake(unknown):
    with pytest.raises(ValueError, match="unknown"):
        sized(replace(fortune_of(1_000.0), **{unknown: math.nan}))


@pytest.mark.parametrize(("risk", "stake"), [(0.02, 20.0), (0.015, 15.0), (0.04, 20.0)])
def test_where_sizing_fails_a_line_costs_a_plain_share_of_base_capital(risk, stake):
    found = base_stake(Fortune(1_000.0, 0.0, math.nan, 0.0), SizingSettings(risk=risk))
    assert found.stake == pytest.approx(stake)
    assert found.why == f"{min(risk, 0.02):.1%} of base capital, as nothing better is known"


@pytest.mark.parametrize("base", [math.nan, math.inf, -5.0])
def test_where_even_the_base_is_unknown_the_smallest_stake_is_taken(base):
    found = base_stake(Fortune(base, 0.0, math.nan, 0.0), DYNAMIC)
    assert found.stake == 0.0
    assert sizing.level_budget(200.0, 10, 8.25, 25, found.stake).level_stake == 8.25


@given(FORTUNES, PERFORMANCES, SETTINGS, st.sampled_from([None, "base", "equity"]))
def test_an_account_is_known_where_a_stake_can_be_made_of_it(fortune, performance, settings, lost):
    known = replace(fortune, **{lost: math.nan}) if lost else fortune
    if is_known(known, settings):
        stake = level_stake(known, performance, 0.5, ORANGE, settings).stake
        assert stake > 0 or (stake == 0 and known.equity == 0)
    else:
        with pytest.raises(ValueError, match="unknown"):
            level_stake(known, performance, 0.5, ORANGE, settings)


@pytest.mark.parametrize(
    ("fortune", "performance", "settings", "why"),
    [
        (fortune_of(1_040.0), UNKNOWN, DYNAMIC, "2.0% of 1,040.00"),
        (
            fortune_of(1_000.0, 40.0, drawdown=0.016),
            Performance(50, 0.42, 0.06),
            DYNAMIC,
            "2.0% of 1,040.00, x 0.87 for 42% winners, x 0.9 for the drawdown",
        ),
        (fortune_of(250.0), UNKNOWN, DYNAMIC, "2.0% of 250.00, x 1.5 for a small account"),
        (
            fortune_of(1_000.0, drawdown=0.2),
            Performance(7, math.nan, -1.0),
            DYNAMIC,
            "2.0% of 1,000.00, x 0.75 for the last lots, x 0.5 for the drawdown, at least 1.0%",
        ),
        (
            fortune_of(700.0),
            Performance(50, 1.0, 1.0),
            SizingSettings(risk=0.05),
            "5.0% of 700.00, x 1.5 for 100% winners, x 1.2 for a small account, at most 5.0%",
        ),
        (fortune_of(1_000.0), UNKNOWN, KELLY, "2.0% of 1,000.00, Kelly's odds not known yet"),
        (
            fortune_of(1_000.0),
            Performance(50, 0.6, 0.0, 0.05),
            KELLY,
            "2.0% of 1,000.00, 1.2% by Kelly",
        ),
        (
            fortune_of(1_000.0),
            Performance(50, 0.6, 0.0, 0.5),
            KELLY,
            "2.0% of 1,000.00, no more by Kelly",
        ),
        (
            fortune_of(1_000.0),
            UNKNOWN,
            SizingSettings(mode="fixed", stake=30.0, volatility_target=0.5),
            "fixed: 30.00, x 0.62 for the volatility",
        ),
    ],
)
def test_a_stake_says_how_it_came_about(fortune, performance, settings, why):
    assert sized(fortune, performance, settings, volatility=0.8).why == why
