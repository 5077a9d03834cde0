"""Every setting changes what a backtest does, or is named here with the reason why it cannot."""

from collections.abc import Iterator

import pytest

from gridkit.settings import Section, Settings
from host.conftest import QUICK_TREND, merged

pytestmark = pytest.mark.slow

NO_TREND = {"trend": {"enabled": False}}
DENSE = {**NO_TREND, "spacing": {"method": "fixed", "grid_step": 0.004}}
BY_VOLATILITY = {**NO_TREND, "spacing": {"volatility_factor": 0.3}}
WITH_TREND = {**BY_VOLATILITY, "trend": QUICK_TREND}
FAR_TARGET = {"target": "fixed", "take_profit": 0.2}
FLATTENED = {**DENSE, "stops": {"stop_price": {"ETH/USDT": 3300.0}}}
STOPPED_LOTS = {**DENSE, "grid": {"levels": 4}, "stops": {"lot_stop": 0.006}}
OFTEN_LAID_ANEW = {**STOPPED_LOTS, "grid": {"levels": 4, "replan_hours": 0.08}}
# Setting: (market, settings, another value)
CASES = {
    "direction": ("futures", DENSE, "short"),
    "leverage": ("futures", DENSE, 3.0),
    "spacing.method": ("spot", BY_VOLATILITY, "fixed"),
    "spacing.progression": ("spot", DENSE, "arithmetic"),
    "spacing.grid_step": ("spot", DENSE, 0.006),
    "spacing.volatility_factor": ("spot", BY_VOLATILITY, 0.5),
    "spacing.volatility_hours": ("spot", BY_VOLATILITY, 8),
    "spacing.min_step": ("spot", BY_VOLATILITY, 0.02),
    "spacing.max_step": ("spot", BY_VOLATILITY, 0.005),
    "grid.levels": ("spot", DENSE, 4),
    "grid.target": ("spot", DENSE, "fixed"),
    "grid.take_profit": ("spot", {**DENSE, "grid": {"target": "fixed"}}, 0.02),
    "grid.min_profit": ("spot", DENSE, 0.02),
    "grid.initial_inventory": ("spot", DENSE, 0.5),
    "grid.infinity": ("spot", DENSE, True),
    "grid.trailing_up": ("spot", DENSE, False),
    "grid.trailing_up_limit": ("spot", DENSE, {"ETH/USDT": 3050.0}),
    "grid.trailing_down": ("spot", OFTEN_LAID_ANEW, True),
    "grid.replan_hours": ("spot", BY_VOLATILITY, 0.5),
    "grid.replan_volatility_change": (
        "spot",
        {**BY_VOLATILITY, "grid": {"replan_hours": 168}},
        0.02,
    ),
    "grid.hysteresis": ("spot", DENSE, 0.49),
    "stops.lot_stop_enabled": ("spot", STOPPED_LOTS, False),
    "stops.lot_stop": ("spot", DENSE, 0.006),
    "stops.cycle_stop_enabled": ("spot", {**DENSE, "stops": {"cycle_stop": 0.01}}, False),
    "stops.cycle_stop": ("spot", DENSE, 0.01),
    "stops.pause_hours": ("spot", FLATTENED, 1.0),
    "stops.stop_price": ("spot", DENSE, {"ETH/USDT": 3300.0}),
    "stops.pause_price": ("spot", DENSE, {"ETH/USDT": 3300.0}),
    "caps.exposure": ("spot", DENSE, 0.2),
    "caps.inventory": ("spot", DENSE, 0.1),
    "caps.inventory_deviation": (
        "spot",
        {**DENSE, "grid": {**FAR_TARGET, "initial_inventory": 0.7}, "caps": {"inventory": 0.1}},
        0.001,
    ),
    "caps.max_position": ("spot", DENSE, 200.0),
    "caps.max_margin": ("spot", DENSE, 200.0),
    "caps.correlation": (
        "spot",
        {**DENSE, "grid": FAR_TARGET, "caps": {"inventory": 0.2, "correlation": 1.0}},
        0.0,
    ),
    "caps.max_lots": ("spot", DENSE, 2),
    "caps.max_orders_per_cycle": ("spot", DENSE, 10),
    "trend.enabled": ("spot", BY_VOLATILITY, True),
    "trend.timeframe": ("spot", WITH_TREND, "5m"),
    "trend.adx_period": ("spot", WITH_TREND, 40),
    "trend.adx_strong": ("spot", WITH_TREND, 60.0),
    "trend.adx_calm": ("futures", {**WITH_TREND, "direction": "auto"}, 5.0),
    "trend.ema_fast": ("spot", WITH_TREND, 25),
    "trend.ema_slow": ("spot", WITH_TREND, 60),
    "costs.fee": ("spot", DENSE, 0.005),
    "costs.half_spread": ("spot", DENSE, 0.01),
}
# The reason why a backtest cannot show it.
LIVE_ONLY = {
    "read_only_trades_live": "a switch of trade mode, see test_modes.py",
    "grid.wait_time_seconds": "a backtest waits for candles instead, see test_modes.py",
    "stops.force_exit_pause_candles": "nobody forces an exit in a backtest, see tests/live",
}


def settings_of(model: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from settings_of(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_setting_is_tried():
    assert {*CASES, *LIVE_ONLY} == set(settings_of(Settings))


@pytest.fixture(scope="module")
def known():
    return []


@pytest.mark.parametrize("name", list(CASES))
def test_a_setting_changes_the_outcome(request, backtest, known, name):
    market, settings, value = CASES[name]
    other = value
    for part in reversed(name.split(".")):
        other = {part: other}
    used = request.getfixturevalue(market)
    usual = next((run for key, run in known if key == (market, settings)), None)
    if usual is None:
        usual = backtest(used, settings)
        known.append(((market, settings), usual))
    changed = backtest(used, merged(settings, other))
    assert usual.placed
    assert usual.placed != changed.placed
