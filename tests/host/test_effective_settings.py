"""The settings in force: as configured, unless hyperopt or a parameter file says otherwise."""

import pytest
from freqtrade.enums import RunMode

from AdaptiveGrid import AdaptiveGrid
from gridkit.host import parameters

# More decimals than the hyperopt parameters have.
PRECISE = {
    "grid": {"levels": 7},
    "spacing": {"grid_step": 0.0025, "volatility_factor": 0.625},
    "stops": {"lot_stop": 0.0333, "cycle_stop": 0.125},
}


@pytest.fixture
def strategy() -> AdaptiveGrid:
    config = {"runmode": RunMode.BACKTEST, "timeframe": "5m", "exchange": {"name": "binance"}}
    return AdaptiveGrid({**config, "gridkit": PRECISE})


def test_settings_are_used_as_written(strategy: AdaptiveGrid) -> None:
    assert parameters.effective(strategy) == strategy.configured


def test_a_parameters_new_value_replaces_the_setting(strategy: AdaptiveGrid) -> None:
    strategy.grid_levels.value = 5
    strategy.grid_step.value = 0.004
    settings = parameters.effective(strategy)
    assert (settings.grid.levels, settings.spacing.grid_step) == (5, 0.004)
    assert settings.stops == strategy.configured.stops
