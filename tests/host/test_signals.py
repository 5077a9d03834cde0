"""The signals of a whole frame, against what the gates say of each candle."""

import itertools
import math

import pandas as pd
import pytest

from gridkit.analytics.regime import Regime, direction
from gridkit.host import signals
from gridkit.risk import gates
from host.desks import strategy_of

LONG, SHORT = 1, -1
ADX, SIDES, FORECASTS = (10.0, 30.0, math.nan), (1.0, 0.0, -1.0, math.nan), (0.02, math.nan, 0.0)
NO_VOLATILE_START = {
    "stop_atr_multiple": 3.0, "threshold_factor": 1.3, "size_factor": 0.5, "new_cycles": False,
}  # fmt: skip
RULES = [{}, {"volatile": NO_VOLATILE_START}, {"enabled": False}]
each_rule = pytest.mark.parametrize("rule", RULES, ids=["default", "none when volatile", "off"])


def frame():
    """Every combination of what a candle may say of its market."""
    rows = pd.DataFrame(
        itertools.product(Regime, ADX, SIDES, FORECASTS),
        columns=["regime_code", "regime_adx", "regime_side", "volatility_daily"],
    )
    dates = pd.date_range("2025-01-01", periods=len(rows), freq="5min", tz="UTC")
    prices = {"date": dates, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    return rows.astype({"regime_code": "int8"}).assign(**prices)


def entered(direction="long", *, rule, **settings):
    strategy = strategy_of(direction=direction, regime=rule, **settings)
    strategy.can_short = direction != "long"
    found = signals.entries(frame(), strategy)
    sides = {LONG: found["enter_long"]}
    if strategy.can_short:
        sides[SHORT] = found["enter_short"]
    return found, sides, strategy.desk.settings.regime


def market(row):
    return row.regime_code, row.regime_adx, row.regime_side


@each_rule
@pytest.mark.parametrize(("asked", "side"), [("long", LONG), ("short", SHORT)])
def test_a_cycle_is_signalled_where_the_gate_lets_it_start_and_the_gap_is_known(rule, asked, side):
    found, sides, settings = entered(asked, rule=rule)
    for row, signal in zip(found.itertuples(), sides[side], strict=True):
        starts = gates.start_block(market(row), side, settings) is None
        assert bool(signal) == (starts and row.volatility_daily > 0)
    assert not any(signals.any() for other, signals in sides.items() if other != side)


@each_rule
def test_a_fixed_gap_needs_no_forecast(rule):
    found, sides, settings = entered(rule=rule, spacing={"method": "fixed"})
    for row, signal in zip(found.itertuples(), sides[LONG], strict=True):
        assert bool(signal) == (gates.start_block(market(row), LONG, settings) is None)


@pytest.mark.parametrize("rule", RULES[:2])
def test_auto_takes_one_side_at_most_the_regimes_or_else_the_averages(rule):
    found, sides, settings = entered("auto", rule=rule)
    assert not (sides[LONG] & sides[SHORT]).any()
    for row, goes_long, goes_short in zip(
        found.itertuples(), sides[LONG], sides[SHORT], strict=True
    ):
        side = int(goes_long) - int(goes_short)
        leaning = direction(row.regime_code, row.regime_side)
        averages = 0 if row.regime_side != row.regime_side else int(row.regime_side)
        wanted = leaning or averages
        allowed = (
            wanted != 0
            and row.regime_code != Regime.UNCERTAIN
            and row.volatility_daily > 0
            and gates.start_block(market(row), wanted, settings) is None
        )
        assert side == (wanted if allowed else 0)


def test_an_uncertain_market_has_no_side_even_where_it_may_start_cycles():
    rule = {"uncertain": {**NO_VOLATILE_START, "new_cycles": True}}
    found, sides, _ = entered("auto", rule=rule)
    uncertain = found["regime_code"] == Regime.UNCERTAIN
    assert not (sides[LONG] | sides[SHORT])[uncertain].any()
    found, sides, _ = entered("long", rule=rule)
    assert sides[LONG][uncertain].any()


@each_rule
def test_a_candle_that_is_not_fit_to_trade_on_signals_nothing(rule):
    strategy = strategy_of(regime=rule)
    spoilt = frame().assign(volume=0.0)
    assert not signals.entries(spoilt, strategy)["enter_long"].any()


@pytest.mark.parametrize("heeded", [True, False])
def test_no_cycle_is_signalled_while_a_shock_of_the_market_lasts(heeded):
    rule = {"enabled": False}
    strategy = strategy_of(regime=rule, breakers={"market": heeded, "pause_minutes": 10})
    strategy.can_short = False
    shocked = frame().assign(shocks_kind=0)
    shocked.loc[3, "shocks_kind"] = 1
    plain, found = (signals.entries(one, strategy)["enter_long"] for one in (frame(), shocked))
    quiet = [row for row in shocked.index if row not in (3, 4, 5)]
    assert found[quiet].equals(plain[quiet])
    assert found[[3, 4, 5]].any() != heeded


@pytest.mark.parametrize("heeded", [True, False])
@pytest.mark.parametrize(("asked", "side", "rising"), [("long", LONG, 0.2), ("short", SHORT, 0.8)])
def test_no_cycle_is_signalled_on_the_side_a_prediction_speaks_against(heeded, asked, side, rising):
    strategy = strategy_of(
        direction=asked, regime={"enabled": False}, prediction={"enabled": heeded}
    )
    strategy.can_short = True
    predicted = frame().assign(prediction_up=0.5)
    predicted.loc[[3, 6], "prediction_up"] = rising
    name = "enter_long" if side == LONG else "enter_short"
    plain, found = (signals.entries(one, strategy)[name] for one in (frame(), predicted))
    others = found.index.difference([3, 6])
    assert found[others].equals(plain[others])
    assert plain[[3, 6]].all()
    assert found[[3, 6]].any() == (not heeded)
