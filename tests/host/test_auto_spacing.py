"""Under `auto` everything is as it is under the method that capital leads to."""

import numpy as np
import pandas as pd
import pytest
from freqtrade.enums import RunMode

from AdaptiveGrid import AdaptiveGrid
from gridkit.grid import spacing
from gridkit.host import columns, parameters
from gridkit.settings import Settings
from host.desks import PAIR, strategy_of

BY_METHOD = {
    "fixed": {"levels", "grid_step"},
    "volatility": {"levels", "volatility_factor"},
    "micro": {"micro_range", "micro_levels"},
    "regime": {"levels"},
}
GAPS = set().union(*BY_METHOD.values())


def searched(**config):
    """The settings of spacing that hyperopt would search; `method` as in a config."""
    method = config.pop("method", None)
    settings = {"spacing": {"method": method}} if method else {}
    given = {
        "runmode": RunMode.HYPEROPT, "stake_currency": "USDT", "timeframe": "5m",
        "exchange": {"name": "binance"}, "gridkit": settings, **config,
    }  # fmt: skip
    strategy = AdaptiveGrid(given)
    return {
        one.field
        for one in parameters.SEARCHED
        if one.field in GAPS and getattr(strategy, one.name).optimize
    }


@pytest.mark.parametrize("method", sorted(BY_METHOD))
@pytest.mark.parametrize("wallet", [250.0, 5_000.0])
def test_hyperopt_searches_what_the_method_reads_and_nothing_else(method, wallet):
    assert searched(method=method, dry_run_wallet=wallet) == BY_METHOD[method]


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ({"dry_run_wallet": 999.0}, "micro"),
        ({"dry_run_wallet": 1_000.0}, "volatility"),
        ({"dry_run_wallet": 5_000.0, "tradable_balance_ratio": 0.1}, "micro"),
        ({"dry_run_wallet": 5_000.0, "available_capital": 250.0}, "micro"),
        ({"dry_run_wallet": {"USDT": 250.0, "BTC": 9.0}}, "micro"),
        ({"dry_run_wallet": {"BTC": 9.0}}, "micro"),
        ({}, "volatility"),
    ],
)
def test_under_auto_it_searches_what_the_money_of_the_run_makes_matter(config, method):
    assert Settings.model_validate({}).spacing.method == "auto"
    assert searched(**config) == BY_METHOD[method]


def test_each_setting_of_the_gap_that_is_searched_changes_the_gap_or_the_lines():
    """So that none is searched in vain under the method it is searched for."""
    for method, names in BY_METHOD.items():
        plain = Settings.model_validate({"spacing": {"method": method}})
        for name in names:
            section = "grid" if name == "levels" else "spacing"
            value = getattr(getattr(plain, section), name)
            given = {section: {name: value + 1 if isinstance(value, int) else value * 0.6}}
            other = plain.with_values(given)
            assert laid(plain, method) != laid(other, method), (method, name)


def laid(settings, method):
    gap = spacing.spacing_now(
        0.03, settings.spacing, settings.volatility, method=method, capital=700.0, smooth=0.03
    )
    levels = spacing.levels_now(
        0.03, settings.grid.levels, settings.spacing, settings.volatility, method=method,
        capital=700.0,
    )  # fmt: skip
    return gap.step, levels


# -- the classic gap in ATR ---------------------------------------------------------------------


def frame():
    """Days of candles whose range is 0.8 % of the price, and whose closes hardly move."""
    rng = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-5, 1_500)))
    dates = pd.date_range("2025-01-01", periods=len(close), freq="5min", tz="UTC")
    return pd.DataFrame(
        {
            "date": dates, "open": close, "high": close * 1.004, "low": close * 0.996,
            "close": close, "volume": 1.0,
        }
    )  # fmt: skip


def gap_of(method, **volatility):
    """The gap after the last candle, by the columns a strategy gives it."""
    measured = {"method": "realised", **volatility}
    strategy = strategy_of(
        spacing={"method": method}, volatility=measured, regime={"enabled": False}, cash=5_000.0
    )
    found = columns.of_pair(frame(), PAIR, strategy.desk.analyst)
    settings = strategy.desk.settings
    return spacing.spacing_now(
        float(found["volatility_daily"].iloc[-1]),
        settings.spacing,
        settings.volatility,
        method=spacing.method_for(5_000.0, settings.spacing),
        capital=5_000.0,
    ).step


@pytest.mark.parametrize("method", ["volatility", "auto"])
@pytest.mark.parametrize("multiple", [1.0, 2.0, 3.0])
def test_the_classic_gap_is_so_many_times_the_average_range(method, multiple):
    assert gap_of(method, estimator="atr", atr_multiple=multiple) == pytest.approx(
        multiple * 0.008, rel=0.01
    )


def test_by_another_estimator_auto_does_not_go_by_the_range():
    gap = gap_of("auto", estimator="close")
    assert gap == gap_of("volatility", estimator="close") == pytest.approx(0.004)
