import math

import pytest

from gridkit.analytics.regime import Regime, direction, parameters
from gridkit.risk import gates
from gridkit.settings import RegimeSettings, Settings

RULE = RegimeSettings()  # strong from 25, calm below 20
LONG, SHORT = 1, -1
UP, FLAT, DOWN = 1.0, 0.0, -1.0
STARTS_NONE = RegimeSettings(volatile={**RULE.volatile.model_dump(), "new_cycles": False})
each_regime = pytest.mark.parametrize("code", list(Regime))
each_side = pytest.mark.parametrize("side", [LONG, SHORT])


@pytest.mark.parametrize(
    ("code", "market", "refused"),
    [
        (Regime.TRENDING_BEARISH, DOWN, {LONG}),
        (Regime.TRENDING_BULLISH, UP, {SHORT}),
        (Regime.TRENDING_BEARISH, UP, {LONG}),  # settled: the averages may already have crossed
        (Regime.VOLATILE_TRENDING, DOWN, {LONG}),
        (Regime.VOLATILE_TRENDING, UP, {SHORT}),
        (Regime.VOLATILE_TRENDING, FLAT, set()),
        (Regime.VOLATILE_TRENDING, math.nan, set()),
        (Regime.VOLATILE, DOWN, set()),
        (Regime.VOLATILE_RANGING, DOWN, set()),
        (Regime.RANGING, DOWN, set()),
        (Regime.TIGHT_RANGING, UP, set()),
        (Regime.UNCERTAIN, DOWN, set()),
    ],
)
def test_nothing_is_added_against_a_trend(code, market, refused):
    blocks = {side: gates.regime_block((code, 30.0, market), side, RULE) for side in (LONG, SHORT)}
    assert {side for side, block in blocks.items() if block} == refused
    market_now = (code, 30.0, market)
    against = {side for side in (LONG, SHORT) if gates.trends_against(market_now, side, RULE)}
    assert against == refused


@each_side
def test_a_market_trends_against_a_cycle_where_nobody_looks_and_not_where_it_is_unknown(side):
    unknown = (Regime.UNCERTAIN, math.nan, math.nan)
    assert not gates.trends_against(unknown, side, RULE)
    assert gates.trends_against(unknown, side, RegimeSettings(enabled=False))


@each_regime
@each_side
def test_an_unknown_market_refuses_additions_and_starts(code, side):
    market = (code, math.nan, math.nan)
    for block in (
        gates.regime_block(market, side, RULE),
        gates.start_block(market, side, RULE),
    ):
        assert block is not None
        assert block.condition == "market regime unknown"
        assert math.isnan(block.value)


def test_the_refusal_names_the_market_its_strength_and_the_threshold():
    block = gates.regime_block((Regime.TRENDING_BEARISH, 31.5, DOWN), LONG, RULE)
    assert str(block) == "trending bearish market against the grid, by ADX: 31.5 against 25"


def test_the_refusal_of_a_start_names_the_market():
    block = gates.start_block((Regime.UNCERTAIN, 22.5, UP), LONG, RULE)
    assert str(block) == "uncertain market starts no cycle, by ADX: 22.5 against 20"


@each_regime
@each_side
@pytest.mark.parametrize("adx", [60.0, math.nan])
def test_a_gate_that_is_switched_off_refuses_nothing(code, side, adx):
    off = RegimeSettings(enabled=False)
    assert gates.regime_block((code, adx, DOWN), side, off) is None
    assert gates.start_block((code, adx, DOWN), side, off) is None


@each_regime
@each_side
@pytest.mark.parametrize("market", [UP, FLAT, DOWN])
@pytest.mark.parametrize("rule", [RULE, STARTS_NONE], ids=["default", "none when volatile"])
def test_a_start_is_refused_where_additions_are_and_where_the_regime_starts_none(
    code, side, market, rule
):
    asked = (code, 22.0, market)
    against = direction(code, market) == -side
    assert (gates.regime_block(asked, side, rule) is not None) == against
    starts = parameters(code, rule).new_cycles and not against
    assert (gates.start_block(asked, side, rule) is None) == starts


@each_side
def test_by_default_only_an_uncertain_market_and_a_trend_against_it_start_no_cycle(side):
    refused = [
        code for code in Regime if gates.start_block((code, 22.0, FLAT), side, RULE) is not None
    ]
    against = Regime.TRENDING_BEARISH if side == LONG else Regime.TRENDING_BULLISH
    assert refused == [Regime.UNCERTAIN, against]


def test_every_regime_has_a_name_of_words():
    assert set(gates.NAMES) == {one.value for one in Regime}
    assert gates.NAMES[Regime.VOLATILE_RANGING] == "volatile ranging"


def test_a_composite_regime_is_refused_without_a_figure_as_none_decides_it():
    rule = RegimeSettings(method="composite")
    block = gates.regime_block((Regime.VOLATILE_TRENDING, 31.5, DOWN), LONG, rule)
    assert str(block) == "volatile trending market against the grid"
    block = gates.start_block((Regime.UNCERTAIN, 31.5, DOWN), LONG, rule)
    assert str(block) == "uncertain market starts no cycle"
    assert str(gates.regime_block((0, math.nan, UP), LONG, RULE)) == "market regime unknown"


# -- trend flatten ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "distance", "side", "closed"),
    [
        (Regime.TRENDING_BEARISH, -0.031, LONG, True),
        (Regime.TRENDING_BEARISH, -0.03, LONG, False),
        (Regime.TRENDING_BEARISH, 0.2, LONG, False),
        (Regime.TRENDING_BEARISH, -0.2, SHORT, False),
        (Regime.TRENDING_BULLISH, 0.031, SHORT, True),
        (Regime.TRENDING_BULLISH, 0.03, SHORT, False),
        (Regime.TRENDING_BULLISH, -0.2, LONG, False),
        (Regime.VOLATILE_TRENDING, -0.2, LONG, True),
        (Regime.VOLATILE, -0.2, LONG, False),
        (Regime.RANGING, -0.2, LONG, False),
        (Regime.TRENDING_BEARISH, math.nan, LONG, False),
    ],
)
def test_a_cycle_is_closed_by_a_trend_against_it_that_has_gone_far(code, distance, side, closed):
    block = gates.flatten_by_trend((code, 30.0, DOWN), distance, side, Settings())
    assert (block is not None) is closed


def test_what_closes_a_cycle_names_the_distance_and_its_threshold():
    market = (Regime.TRENDING_BEARISH, 30.0, DOWN)
    block = gates.flatten_by_trend(market, -0.045, LONG, Settings())
    assert str(block) == (
        "trending bearish market, close beyond its slow average: -0.045 against -0.03"
    )


@pytest.mark.parametrize(
    "off", [{"regime": {"enabled": False}}, {"stops": {"trend_flatten_enabled": False}}]
)
def test_trend_flatten_can_be_switched_off_and_needs_the_regime(off):
    market = (Regime.TRENDING_BEARISH, 30.0, DOWN)
    settings = Settings.model_validate(off)
    assert gates.flatten_by_trend(market, -0.2, LONG, settings) is None


def test_an_unknown_regime_closes_nothing():
    market = (Regime.TRENDING_BEARISH, math.nan, DOWN)
    assert gates.flatten_by_trend(market, -0.2, LONG, Settings()) is None


@each_regime
@each_side
def test_what_closes_a_cycle_refuses_additions_and_starts_too(code, side):
    """So that no new one opens until the regime allows."""
    for market_side in (UP, FLAT, DOWN):
        market = (code, 30.0, market_side)
        if gates.flatten_by_trend(market, -side * 0.5, side, Settings()):
            assert gates.regime_block(market, side, RULE)
            assert gates.start_block(market, side, RULE)
