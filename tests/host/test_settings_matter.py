"""Every setting changes what a backtest does, or is named here with the test that shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backtests.runs import BARE, QUICK, ROOT, UNGATED
from gridkit.settings import Section, Settings
from gridkit.settings.prediction import DriftSettings, GateSettings
from host.analysed import everything, frames_of, merged, ours

pytestmark = pytest.mark.slow

DENSE = {**UNGATED, "spacing": {"method": "fixed", "grid_step": 0.004}}
BY_VOLATILITY = {**UNGATED, "spacing": {"method": "volatility", "volatility_factor": 0.3}}
GATED = {**BARE, **QUICK, "spacing": {"method": "volatility", "volatility_factor": 0.3}}
BY_CLASS = {**UNGATED, "spacing": {"method": "regime"}, "stress": {"enabled": False}}
FAR_TARGET = {"target": "fixed", "take_profit": 0.2}
FLATTENED = {**DENSE, "stops": {"stop_price": {"ETH/USDT": 3300.0}}}
STOPPED_LOTS = {**DENSE, "grid": {"levels": 4}, "stops": {"lot_stop": 0.006}}
OFTEN_LAID_ANEW = {**STOPPED_LOTS, "grid": {"levels": 4, "replan_hours": 0.08}}
MICRO = {**UNGATED, "spacing": {"method": "micro"}}
CLOSER = {**BY_VOLATILITY, "density": {"enabled": True}}
TO_VOLUME = {**BY_VOLATILITY, "volume_lines": {"enabled": True}}
LOSING = {**DENSE, "sizing": {"mode": "dynamic"}, "stops": {"lot_stop": 0.006}}
KELLY = {**DENSE, "sizing": {"mode": "kelly"}}
NO_STOPS = {"lot_stop_enabled": False, "cycle_stop_enabled": False}
RULE = {
    "mode": "ladder",
    "rungs": "always",
    "position_timeout_minutes": 15,
    "away": 0.004,
    "budget": 0.2,
}
STUCK = {**DENSE, "stops": NO_STOPS, "recovery": {**RULE, "ladder": [0.001, 0.002, 0.003]}}
POOR = {**STUCK, "recovery": {**STUCK["recovery"], "budget": 0.0001}}
DRAWDOWNS = {
    "enabled": True, "market": False, "yellow": 0.004, "orange": 0.006, "red": 0.012,
    "cooldown_hours": 2, "most_restarts": 1,
}  # fmt: skip
DRAWN = {**DENSE, "stops": NO_STOPS, "breakers": DRAWDOWNS}
SHOCKS = {"enabled": True, "move": 0.006, "volume": 2.0, "volatility": 1.5, "pause_minutes": 30}
SHOCKED = {**DENSE, "breakers": SHOCKS}
BY_NIGHT = {**DENSE, "brakes": {"illiquid": "pause", "orderflow": False}}
SOLD_INTO = {
    **DENSE,
    "brakes": {"orderflow": True, "illiquid": "ignore"},
    "orderflow": {"enabled": True, "lookback_candles": 5, "significant": 0.05, "one_sided": 0.1},
}
BY_TREND = {
    **BARE,
    **QUICK,
    "direction": "auto",
    "spacing": DENSE["spacing"],
    "stops": {"trend_flatten": 0.0},
}
# Setting: (market, settings, another value), which places other orders.
CASES = {
    "spacing.micro_range": ("spot", MICRO, 0.2),
    "spacing.micro_levels": ("spot", MICRO, 3),
    "spacing.micro_min_step": ("spot", MICRO, 0.02),
    "spacing.micro_max_step": ("spot", MICRO, 0.006),
    "density.enabled": ("spot", CLOSER, False),
    "density.near": ("spot", CLOSER, 0.001),
    "density.near_factor": ("spot", CLOSER, 1.0),
    "density.around": ("spot", CLOSER, 0.05),
    "density.around_factor": ("spot", CLOSER, 2.0),
    "density.round_factor": ("spot", CLOSER, 2.0),
    "density.swing_candles": ("spot", CLOSER, 6),
    "volume_lines.enabled": ("spot", TO_VOLUME, False),
    "volume_lines.most": ("spot", TO_VOLUME, 0.0005),
    "volume_lines.beyond": ("spot", TO_VOLUME, 0.0),
    "sizing.mode": ("spot", LOSING, "fixed"),
    "sizing.stake": ("spot", DENSE, 15.0),
    "sizing.risk": ("spot", LOSING, 0.012),
    "sizing.least_risk": ("spot", LOSING, 0.02),
    "sizing.most_risk": ("spot", LOSING, 0.02),
    "sizing.kelly_fraction": ("spot", KELLY, 0.01),
    "sizing.volatility_target": ("spot", LOSING, 0.05),
    "recovery.mode": ("spot", STUCK, "none"),
    "recovery.position_timeout_minutes": ("spot", STUCK, 300),
    "recovery.away": ("spot", STUCK, 0.02),
    "recovery.check_minutes": ("spot", STUCK, 60),
    "recovery.ladder": ("spot", STUCK, [0.004, 0.005, 0.006]),
    "recovery.rungs": ("spot", STUCK, "losing"),
    "recovery.budget": ("spot", STUCK, 0.0001),
    "recovery.budget_of_profit": ("spot", POOR, 0.0),
    "breakers.enabled": ("spot", DRAWN, False),
    "breakers.yellow": ("spot", {**DRAWN, "grid": {"levels": 3}}, 0.0005),
    "breakers.orange": ("spot", DRAWN, 0.004),
    "breakers.red": ("spot", DRAWN, 0.008),
    "breakers.black": ("spot", DRAWN, 0.0121),
    "breakers.cooldown_hours": ("spot", DRAWN, 12),
    "breakers.most_restarts": ("spot", DRAWN, 0),
    "breakers.restart_days": ("spot", DRAWN, 0.1),
    "breakers.market": ("spot", SHOCKED, False),
    "breakers.pause_minutes": ("spot", SHOCKED, 120),
    "breakers.move": ("spot", SHOCKED, 0.05),
    "breakers.move_minutes": ("spot", SHOCKED, 60),
    "breakers.volume": ("spot", SHOCKED, 10.0),
    "breakers.volatility": ("spot", SHOCKED, 5.0),
    "brakes.orderflow": ("rich_spot", SOLD_INTO, False),
    "brakes.illiquid": ("spot", BY_NIGHT, "thin"),
    "brakes.illiquid_from": ("spot", BY_NIGHT, 1),
    "brakes.illiquid_to": ("spot", BY_NIGHT, 12),
    "stops.trend_flatten_enabled": ("futures", BY_TREND, False),
    "stops.trend_flatten": ("futures", BY_TREND, 0.2),
    "direction": ("futures", DENSE, "short"),
    "leverage": ("futures", DENSE, 3.0),
    "spacing.method": ("spot", BY_VOLATILITY, "fixed"),
    "spacing.progression": ("spot", DENSE, "arithmetic"),
    "spacing.grid_step": ("spot", DENSE, 0.006),
    "spacing.volatility_factor": ("spot", BY_VOLATILITY, 0.5),
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
    "volatility.window_hours": ("spot", BY_VOLATILITY, 8),
    "regime.enabled": ("spot", BY_VOLATILITY, True),
    "regime.bullish.new_cycles": ("spot", GATED, False),
    "regime.bearish.new_cycles": ("futures", {**GATED, "direction": "short"}, False),
    "regime.ranging.new_cycles": ("spot", GATED, False),
    "regime.volatile.new_cycles": ("spot", GATED, False),
    "regime.uncertain.new_cycles": ("spot", GATED, False),
    "spacing.regime_steps": ("spot", BY_CLASS, [0.003, 0.004, 0.005, 0.006, 0.007]),
    "spacing.regime_densities": ("spot", BY_CLASS, [0.5, 0.5, 0.5, 0.5, 0.3]),
    "spacing.regime_levels": ("spot", BY_CLASS, [2, 2, 2, 2, 2]),
    "spacing.regime_min_step": ("spot", BY_CLASS, 0.015),
    "spacing.regime_max_step": ("spot", BY_CLASS, 0.003),
    "prediction.enabled": ("spot", DENSE, False),
    "prediction.raises": ("spot", DENSE, 0.9),
    "prediction.bonus": ("spot", DENSE, 0.3),
    "prediction.blocks": ("spot", DENSE, 0.1),
    "costs.fee": ("spot", DENSE, 0.005),
    "costs.half_spread": ("spot", DENSE, 0.01),
}
# Setting: another value, with which a frame that has everything on holds other numbers; where one
# needs it, (another value, changes to everything).
AVERAGED = {"volatility": {"estimator": "ewma"}}
BY_ATR = {
    "volatility": {"method": "realised", "estimator": "atr"},
    "spacing": {"method": "volatility"},
}
COMPOSITE = {"regime": {"method": "composite"}}
BROKEN = {"breakers": {"correlation_from": 0.5, "correlation_to": 0.45}}
COLUMNS = {
    "volatility.method": "realised",
    "volatility.estimator": "parkinson",
    "volatility.ewma_half_life_hours": (24, AVERAGED),
    "volatility.atr_period": (28, BY_ATR),
    "volatility.atr_multiple": (3.0, BY_ATR),
    "volatility.garch.enabled": False,
    "volatility.garch.window_hours": 560,
    "volatility.garch.refit_hours": 48,
    "volatility.basket.enabled": False,
    "volatility.basket.window_hours": 48,
    "volatility.basket.volume_hours": 48,
    "volatility.basket.least_share": 0.6,
    "volatility.implied.enabled": False,
    "volatility.implied.file": None,
    "volatility.implied.asset": "SOL",
    "volatility.implied.max_age_days": 0.1,
    "volatility.weights.implied": 1.0,
    "volatility.weights.basket": 1.0,
    "volatility.weights.garch": 1.0,
    "volatility.weights.realised": 1.0,
    "volatility.regimes": [0.01, 0.02, 0.03, 0.04],
    "stress.enabled": False,
    "stress.window_days": 8,
    "stress.percentile": 80,
    "stress.most_liquidity_factor": 2.0,
    "regime.method": "composite",
    "regime.timeframe": "4h",
    "regime.adx_period": 20,
    "regime.adx_strong": 60.0,
    "regime.adx_calm": 5.0,
    "regime.ema_fast": 25,
    "regime.ema_slow": 60,
    "regime.atr_period": 28,
    "regime.bollinger_period": 40,
    "regime.window_days": 3,
    "regime.volatile_atr_percentile": 20.0,
    "regime.volatile_width_percentile": 20.0,
    "regime.ranging_width_percentile": 1.0,
    "regime.volatile_above": (0.26, COMPOSITE),
    "regime.tight_below": (5.0, {"regime": {"method": "composite", "volatile_above": 5.0}}),
    "regime.trend_cut": (0.01, {"regime": {"method": "composite", "volatile_above": 0.25}}),
    "regime.trend_score": (0.01, {"regime": {"method": "composite", "volatile_above": 5.0}}),
    "regime.trend_confidence": (
        0.99,
        {"regime": {"method": "composite", "volatile_above": 5.0, "trend_score": 0.01}},
    ),
    "regime.stable_minutes": 120.0,
    "profile.enabled": False,
    "profile.days": 2,
    "profile.bin_width": 0.002,
    "profile.bins": 40,
    "profile.value_area": 0.9,
    "profile.node_high": 0.3,
    "profile.node_low": 0.9,
    "profile.near": 0.02,
    "confluence.enabled": False,
    "confluence.timeframes": {"5m": 0.2, "15m": 0.3, "1h": 0.5},
    "confluence.weights.trend": 1.0,
    "confluence.weights.momentum": 1.0,
    "confluence.weights.volume": 1.0,
    "confluence.weights.volatility": 1.0,
    "confluence.weights.crypto": 1.0,
    "confluence.periods.averages": [4, 6, 12],
    "confluence.periods.smooth": 8,
    "confluence.periods.oscillator": 8,
    "confluence.periods.macd": [4, 8, 3],
    "confluence.periods.window": 8,
    "confluence.neutral_below": 0.5,
    "confluence.open_interest_timeframe": None,
    "confluence.funding_days": (90, {"confluence": {"funding_percentile": 50.0}}),
    "confluence.funding_percentile": 50.0,
    "thresholds.enabled": False,
    "thresholds.atr_hours": 48,
    "thresholds.window_days": 8,
    "thresholds.at_lowest": 0.5,
    "thresholds.at_median": 1.2,
    "thresholds.at_highest": 1.2,
    "thresholds.least": 0.9,
    "thresholds.most": 1.05,
    "orderflow.enabled": False,
    "orderflow.lookback_candles": 10,
    "orderflow.whale_quantile": 0.9,
    "orderflow.whale_trades": 400,
    "correlation.enabled": False,
    "correlation.window_days": 3,
    "breakers.correlation_from": (0.9, BROKEN),
    "breakers.correlation_to": (-0.5, BROKEN),
}
# What a backtest cannot show: the test of it (and why).
ELSEWHERE = {
    "read_only_trades_live": "tests/host/test_modes.py",  # a switch of trade mode
    "grid.wait_time_seconds": "tests/host/test_modes.py",  # a backtest waits for candles
    "stops.force_exit_pause_candles": "tests/live/session.py",  # nobody forces an exit there
    # Its candles are never late: freqtrade fills the gaps of those on disk.
    "confluence.stale_candles": "tests/analytics/test_confluence.py",
    "recovery.alert_minutes": "tests/host/test_live_settings.py",  # nobody is told there
    "messages.enabled": "tests/host/test_live_settings.py",
    "messages.least_seconds": "tests/host/test_messages.py",
    "messages.most_per_hour": "tests/host/test_messages.py",
    "messages.block_minutes": "tests/host/test_messages.py",
    "reconcile.enabled": "tests/host/test_live_settings.py",  # there is no exchange to compare with
    "reconcile.minutes": "tests/host/test_live_settings.py",
    "reconcile.tolerance": "tests/host/test_reconcile.py",
    "brakes.max_spread": "tests/host/test_surroundings.py",  # its candles have no spread
    # What is read of books and of the tape, which the past has none of.
    "breakers.depth": "tests/host/test_breakers.py",
    "volume_lines.book_seconds": "tests/host/test_terrain.py",
    **{
        f"volume_lines.{name}": "tests/host/test_live_settings.py"
        for name in (
            "least_strength",
            "least_rank",
            "least_quality",
            "imbalance",
            "bias",
            "most_bias",
        )
    },
    "orderflow.tape_seconds": "tests/analytics/test_flow.py",
    "orderflow.depth": "tests/host/test_flow.py",
    "orderflow.imbalance_depth": "tests/analytics/test_flow.py",
    "orderflow.significant": "tests/analytics/test_flow.py",
    "orderflow.one_sided": "tests/analytics/test_flow.py",
    "orderflow.action_threshold": "tests/analytics/test_flow.py",
    "orderflow.bucket": "tests/analytics/test_flow.py",
    "orderflow.reach": "tests/analytics/test_flow.py",
    "orderflow.strong": "tests/analytics/test_flow.py",
    "orderflow.wall_multiple": "tests/analytics/test_flow.py",
    "orderflow.snapshots": "tests/host/test_flow.py",
    "orderflow.max_age_seconds": "tests/analytics/test_flow.py",
    "orderflow.impact_quote": "tests/analytics/test_flow.py",
    "orderflow.loop_seconds": "tests/host/test_flow.py",
    # For strategies and studies that ask for it; AdaptiveGrid does not.
    "orderflow.footprint_bin": "tests/analytics/test_footprint.py",
    "orderflow.footprint_ratio": "tests/analytics/test_footprint.py",
    "orderflow.footprint_share": "tests/analytics/test_footprint.py",
    "orderflow.footprint_stack": "tests/analytics/test_footprint.py",
    "correlation.cluster": "tests/analytics/test_correlation.py",
    **{
        f"regime.{kind}.{name}": "tests/analytics/test_regime.py"
        for kind in ("bullish", "bearish", "ranging", "volatile", "uncertain")
        for name in ("stop_atr_multiple", "threshold_factor", "size_factor")
    },
}
# Without a predictor there is nothing they could change.
OF_PREDICTOR = "tests/host/prediction/test_settings_matter.py"
ELSEWHERE |= {
    f"prediction.{name}": OF_PREDICTOR
    for name in (
        *("horizons", "main_horizon", "learner", "members", "calibration", "seed"),
        *("embargo_minutes", "families", "retrain_budget"),
        *(f"gate.{name}" for name in GateSettings.model_fields),
        *(f"drift.{name}" for name in DriftSettings.model_fields),
    )
}
# Modules that next to nothing else is made from: their settings change their own columns alone.
OWN_COLUMNS = ("profile", "confluence", "thresholds", "orderflow", "stress", "correlation")
READERS = {"profile": ["confluence"]}
OF_CONFLUENCE = ("entries", "exits", "portfolio")  # its own tests try them
COMPARED = 4 * 288
DAYS = "20251209-20251213"


def settings_of(model: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from settings_of(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_setting_is_tried_once():
    tried = [*CASES, *COLUMNS, *ELSEWHERE]
    assert len(tried) == len(set(tried))
    ours = {name for name in settings_of(Settings) if name.split(".")[0] not in OF_CONFLUENCE}
    assert set(tried) == ours


@pytest.mark.parametrize(("name", "file"), ELSEWHERE.items())
def test_what_no_backtest_shows_is_named_in_its_own_test(name, file):
    assert name.split(".")[-1] in Path(ROOT, file).read_text()


def changed(settings, name, value):
    """The settings with one of them changed; a regime's parameters are given all together."""
    *parents, last = name.split(".")
    inner = {last: value}
    found = Settings()
    for parent in parents:
        found = getattr(found, parent)
    if any(rule.is_required() for rule in type(found).model_fields.values()):
        inner = {**found.model_dump(), **inner}
    for parent in reversed(parents):
        inner = {parent: inner}
    return merged(settings, inner)


# -- orders -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known():
    return []


@pytest.fixture
def usual_orders(request, backtest, known):
    """The orders of a case before its setting is changed, from a run that cases share."""

    def usual_orders(name):
        market, settings, _ = CASES[name]
        asked = market, settings, strategy_of(name)
        orders = next((orders for key, orders in known if key == asked), None)
        if orders is None:
            used = request.getfixturevalue(market)
            orders = backtest(used, settings, strategy=strategy_of(name)).placed
            known.append((asked, orders))
        return orders

    return usual_orders


class OtherOrders(Exception):
    """The run has placed another order, or none where one was due."""


def strategy_of(name):
    """What predictions change is seen where there are some."""
    return "Predicted" if name.startswith("prediction.") else "AdaptiveGrid"


def places_others(backtest, market, settings, usual, strategy="AdaptiveGrid"):
    """Whether a run places other orders than these; it ends with the first that differs."""

    def watch(recording, _pair, time):
        count = len(recording.placed)
        late = count < len(usual) and usual[count].time < time
        if late or recording.placed != usual[:count]:
            raise OtherOrders

    try:
        return backtest(market, settings, watch=watch, strategy=strategy).placed != usual
    except OtherOrders:
        return True


@pytest.mark.parametrize("name", list(CASES))
def test_a_setting_changes_the_orders(request, backtest, usual_orders, name):
    market, settings, value = CASES[name]
    usual = usual_orders(name)
    assert usual
    asked = changed(settings, name, value)
    used = request.getfixturevalue(market)
    assert places_others(backtest, used, asked, usual, strategy_of(name))


@pytest.mark.parametrize("name", ["recovery.budget", "breakers.pause_minutes", "leverage"])
def test_the_same_settings_place_the_same_orders(request, backtest, usual_orders, name):
    market, settings, _ = CASES[name]
    used = request.getfixturevalue(market)
    assert not places_others(backtest, used, settings, usual_orders(name))


# -- columns ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def analysed():
    return []


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_setting_changes_the_columns(rich_futures, tmp_path, analysed, name):
    value, more = COLUMNS[name] if isinstance(COLUMNS[name], tuple) else (COLUMNS[name], {})
    settings = merged(everything(rich_futures), more)
    usual = next((frames for key, frames in analysed if key == settings), None)
    if usual is None:
        usual = frames_of(tmp_path, rich_futures, settings, timerange=DAYS)
        analysed.append((settings, usual))
    asked = changed(settings, name, value)
    other = frames_of(tmp_path, rich_futures, asked, timerange=DAYS)
    different = {
        column
        for pair, frame in usual.items()
        for column in {*ours(frame), *ours(other[pair])}
        if column not in other[pair]
        or column not in frame
        or not same_end(frame[column], other[pair][column])
    }
    assert different
    section = name.split(".")[0]
    if section in OWN_COLUMNS:
        prefix = "stress" if section == "correlation" else section
        changed_modules = {column.split("_")[0] for column in different}
        # Confluence asks the volume profile where volume is.
        assert {prefix} <= changed_modules <= {prefix, *READERS.get(section, ())}


def same_end(first, second):
    """Whether the last days are the same; with another warm-up a frame begins elsewhere."""
    return (
        first.iloc[-COMPARED:]
        .reset_index(drop=True)
        .equals(second.iloc[-COMPARED:].reset_index(drop=True))
    )
