import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from gridkit.settings import (
    SECTION,
    CapSettings,
    GridSettings,
    Section,
    Settings,
    SettingsError,
    SpacingSettings,
    StopSettings,
)

UNITS = re.compile(
    r"fraction|share|price|stake|notional|hours|time|seconds|candles|candle|lines|lots|side|level|"
    r"orders|ADX|correlated|profit|gap|distance|futures only|days|minutes|percentile|quantile|"
    r"annual volatility|multiplier|factor|weights|score|confidence|strength|imbalance|trades|books|"
    r"bins|hour|messages|probability|seed|horizon|learners|features|index"
)
SPEC_DEFAULTS = {
    "direction": "long",
    "leverage": 1.0,
    "spacing.method": "auto",
    "spacing.volatility_factor": 0.6,
    "spacing.min_step": 0.004,
    "spacing.max_step": 0.04,
    "grid.target": "next_line",
    "grid.take_profit": 0.008,
    "grid.min_profit": 0.001,
    "grid.initial_inventory": 0.0,
    "grid.trailing_up": True,
    "grid.trailing_down": False,
    "grid.infinity": False,
    "grid.wait_time_seconds": 10.0,
    "grid.replan_hours": 6.0,
    "grid.replan_volatility_change": 0.25,
    "stops.lot_stop_enabled": True,
    "stops.lot_stop": 0.05,
    "stops.cycle_stop": 0.15,
    "caps.inventory": 0.30,
    "caps.inventory_deviation": 0.10,
    "caps.correlation": 0.7,
    "caps.max_lots": 25,
    "caps.max_orders_per_cycle": 150,
    "caps.max_position": None,
    "caps.max_margin": None,
    "regime.enabled": True,
    "regime.adx_period": 14,
    "regime.adx_strong": 25.0,
    "regime.adx_calm": 20.0,
    "regime.ema_fast": 50,
    "regime.ema_slow": 200,
    "regime.method": "adx",
    "regime.timeframe": "1h",
    "regime.stable_minutes": 15.0,
    "volatility.method": "composite",
    "volatility.window_hours": 24,
    "volatility.weights.implied": 0.30,
    "volatility.weights.basket": 0.25,
    "volatility.weights.garch": 0.25,
    "volatility.weights.realised": 0.20,
    "volatility.regimes": (0.15, 0.25, 0.50, 0.75),
    "volatility.garch.window_hours": 2_160,
    "volatility.garch.refit_hours": 168,
    "spacing.regime_steps": (0.0005, 0.001, 0.002, 0.005, 0.010),
    "spacing.regime_densities": (1.5, 1.2, 1.0, 0.8, 0.5),
    "spacing.regime_levels": (50, 40, 30, 20, 15),
    "profile.enabled": False,
    "confluence.enabled": False,
    "thresholds.enabled": False,
    "orderflow.enabled": False,
}
SPEC_BOUNDS = {
    "spacing.grid_step": (0.002, None),
    "grid.initial_inventory": (0.0, 0.7),
    "stops.lot_stop": (0.005, 0.10),
}


def fields(model: type[Section] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield prefix + name, field
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from fields(inner, f"{prefix}{name}.")


FIELDS = dict(fields())


def bounds(field: FieldInfo) -> dict[str, float]:
    return {
        kind: getattr(rule, kind)
        for rule in field.metadata
        for kind in ("ge", "gt", "le", "lt")
        if getattr(rule, kind, None) is not None
    }


def section(key: str, value: Any) -> dict[str, Any]:
    """A config in which one setting has a value."""
    *parents, last = key.split(".")
    inner: Any = {**required_beside(parents), last: value}
    for name in reversed(parents):
        inner = {name: inner}
    return {SECTION: inner}


def required_beside(parents: list[str]) -> dict[str, Any]:
    """The default values of what has to be given where one setting of a section is."""
    found: Any = Settings()
    for name in parents:
        found = getattr(found, name, None)
    rules = getattr(type(found), "model_fields", {})
    return {name: getattr(found, name) for name, rule in rules.items() if rule.is_required()}


def read(key: str, value: Any) -> Any:
    found: Any = Settings.from_config(section(key, value))
    for name in key.split("."):
        found = getattr(found, name)
    return found


BEYOND = {"ge": -1, "gt": 0, "le": 1, "lt": 0}
# A neighbour with the same bound stays below or above them.
UNREACHABLE = {
    ("regime.ema_fast", "le"),
    ("prediction.raises", "ge"),
    ("prediction.blocks", "le"),
}
BOUNDS = [(key, kind, at) for key, field in FIELDS.items() for kind, at in bounds(field).items()]
REACHABLE = [one for one in BOUNDS if one[1] in ("ge", "le") and one[:2] not in UNREACHABLE]


@pytest.mark.parametrize(("key", "kind", "bound"), BOUNDS)
def test_a_value_beyond_a_bound_is_refused_with_key_value_and_what_is_allowed(key, kind, bound):
    value = bound + BEYOND[kind]
    with pytest.raises(SettingsError) as refused:
        read(key, value)
    words = {"ge": "greater than or equal to", "gt": "greater than", "le": "less than or equal to"}
    message = str(refused.value)
    assert message.startswith(f"{SECTION}.{key} = {value!r}: ")
    assert f"{words.get(kind, 'less than')} {bound:.10g}" in message


@pytest.mark.parametrize(("key", "kind", "bound"), REACHABLE)
def test_a_value_on_its_bound_is_allowed(key, kind, bound):
    neighbours = {
        "spacing.min_step": {"max_step": 0.2},
        "spacing.max_step": {"min_step": 0.0005},
        "spacing.regime_min_step": {"regime_max_step": 0.2},
        "regime.tight_below": {"volatile_above": 5},
        "spacing.micro_min_step": {"micro_max_step": 0.2},
        "spacing.micro_max_step": {"micro_min_step": 0.0005},
        "density.near": {"around": 0.1},
        "sizing.risk": {"least_risk": 0.001},
        "sizing.least_risk": {"risk": 0.05},
        "sizing.most_risk": {"least_risk": 0.001, "risk": 0.001},
        "breakers.correlation_from": {"correlation_to": -1},
        "thresholds.at_median": {"at_lowest": 0.1, "at_highest": 5},
        "regime.adx_calm": {"adx_strong": 100},
        "regime.adx_strong": {"adx_calm": 0},
        "regime.ema_slow": {"ema_fast": 2},
        "orderflow.depth": {"imbalance_depth": 1},
        "orderflow.imbalance_depth": {"depth": 1_000},
        "orderflow.significant": {"one_sided": 1},
        "orderflow.one_sided": {"significant": 0},
        "portfolio.total_risk": {"risk_per_trade": 0.001},
    }.get(key, {})
    config = section(key, bound)
    if "." in key:
        config[SECTION][key.split(".")[0]].update(neighbours)
    Settings.from_config(config)


@pytest.mark.parametrize(("key", "value"), SPEC_DEFAULTS.items())
def test_defaults_are_those_of_the_specification(key, value):
    found: Any = Settings()
    for name in key.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(("key", "expected"), SPEC_BOUNDS.items())
def test_bounds_are_those_of_the_specification(key, expected):
    low, high = expected
    found = bounds(FIELDS[key])
    assert found["ge"] == low
    assert high is None or found["le"] == high


@pytest.mark.parametrize("key", FIELDS)
def test_every_setting_says_what_it_is_and_in_which_unit(key):
    description = FIELDS[key].description
    assert description
    is_number = FIELDS[key].annotation in (int, float, float | None, int | None)
    assert not is_number or UNITS.search(description + key)


@pytest.mark.parametrize("key", FIELDS)
def test_no_number_may_be_unknown_or_infinite(key):
    if FIELDS[key].annotation not in (float, float | None):
        return
    for value in (float("nan"), float("inf")):
        with pytest.raises(SettingsError, match=rf"{SECTION}\.{key} = (nan|inf): .*finite"):
            read(key, value)


@pytest.mark.parametrize("key", ["stops.stop_price", "stops.pause_price", "grid.trailing_up_limit"])
def test_a_price_of_a_pair_must_be_positive(key):
    assert read(key, {"BTC/USDT": 9.5}) == {"BTC/USDT": 9.5}
    with pytest.raises(SettingsError, match=rf"{key}\.BTC/USDT = -9\.5: .*greater than 0"):
        read(key, {"BTC/USDT": -9.5})


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("grid.levls", "grid.levels"),
        ("gird", "grid"),
        ("spacing.min_stpe", "spacing.min_step"),
        ("stops.lotstop", "stops.lot_stop"),
        ("spacing.levels", "grid.levels"),  # the right name in the wrong section
        ("leverag", "leverage"),
    ],
)
def test_a_misspelt_key_names_the_nearest_valid_one(key, nearest):
    message = rf"^{SECTION}\.{key} is no setting of gridkit\. Did you mean {SECTION}\.{nearest}\?$"
    with pytest.raises(SettingsError, match=message):
        Settings.from_config(section(key, 1))


def test_a_key_like_no_other_is_answered_with_what_is_allowed_there():
    with pytest.raises(
        SettingsError, match=r"costs\.xyzzy is no .*Allowed here: fee, half_spread$"
    ):
        Settings.from_config(section("costs.xyzzy", 1))


def test_every_mistake_is_named_at_once():
    config = {SECTION: {"leverage": 0, "grid": {"levels": 99, "hysteresis": 0.9}}}
    with pytest.raises(SettingsError) as refused:
        Settings.from_config(config)
    assert str(refused.value).count(f"{SECTION}.") == 3


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"spacing": {"min_step": 0.05}}, "spacing: min_step 0.05 is above max_step 0.04"),
        ({"regime": {"ema_fast": 200}}, "regime: ema_fast 200 must be below ema_slow 200"),
        ({"regime": {"adx_calm": 26}}, "regime: adx_calm 26.0 is above adx_strong 25.0"),
        (
            {"orderflow": {"imbalance_depth": 21}},
            "orderflow: imbalance_depth 21 is above depth 20: "
            "allowed are as many levels as are asked for, or fewer",
        ),
        (
            {"orderflow": {"significant": 0.3, "one_sided": 0.25}},
            "orderflow: significant 0.3 is above one_sided 0.25: allowed is one_sided or less",
        ),
        (
            {"grid": {"infinity": True, "trailing_up_limit": {"BTC/USDT": 9.0}}},
            "grid: infinity and trailing_up_limit exclude each other",
        ),
        (
            {"grid": {"infinity": True, "trailing_up": False}},
            "grid: infinity needs trailing_up",
        ),
        ({"regime": {"timeframe": "1hour"}}, "regime.timeframe = '1hour': '1hour' is no timeframe"),
        (
            {"grid": {"target": "moon"}},
            "grid.target = 'moon': Input should be 'next_line' or 'fixed'",
        ),
    ],
)
def test_settings_that_contradict_each_other_or_mean_nothing_are_refused(config, message):
    with pytest.raises(SettingsError) as refused:
        Settings.from_config({SECTION: config})
    assert str(refused.value).startswith(f"{SECTION}.{message}")


@pytest.mark.parametrize(
    "equal", [{"depth": 7, "imbalance_depth": 7}, {"significant": 0.5, "one_sided": 0.5}]
)
def test_of_settings_that_must_not_exceed_each_other_equal_ones_are_allowed(equal):
    found = Settings.from_config({SECTION: {"orderflow": equal}}).orderflow
    assert found.model_dump().items() >= equal.items()


@pytest.mark.parametrize("value", ["grid", 5, [], None])
def test_what_is_no_section_is_refused(value):
    with pytest.raises(SettingsError, match="is not a section of settings"):
        Settings.from_config({SECTION: value})


def test_without_a_section_the_defaults_hold():
    assert Settings.from_config({}) == Settings()


def test_values_replace_settings_and_the_rest_stays():
    before = Settings.from_config(section("grid.levels", 7))
    after = before.with_values({"stops": {"lot_stop": 0.02}})
    assert (after.grid.levels, after.stops.lot_stop, before.stops.lot_stop) == (7, 0.02, 0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {"levels": 26}}, "grid.levels = 26: Input should be less than or equal to 25"),
        ({"spacing": {"min_step": 0.1}}, "spacing: min_step 0.1 is above max_step 0.04"),
        ({"grid": {"level": 5}}, "grid.level is no setting"),
        ({"gird": {"levels": 5}}, "gird is no setting"),
    ],
)
def test_values_are_held_to_the_same_bounds(changes, message):
    with pytest.raises(SettingsError) as refused:
        Settings().with_values(changes)
    assert str(refused.value).startswith(f"{SECTION}.{message}")


@pytest.mark.parametrize("one", [Settings(), GridSettings(), StopSettings(), CapSettings()])
def test_settings_cannot_be_changed_in_place(one):
    name = next(iter(type(one).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(one, name, getattr(one, name))


def test_settings_survive_being_written_and_read():
    settings = Settings(spacing=SpacingSettings(method="fixed", grid_step=0.03))
    assert Settings.from_config({SECTION: settings.model_dump(mode="json")}) == settings


def test_one_parameter_of_a_regime_is_given_and_the_others_stay():
    given = Settings.from_config({"gridkit": {"regime": {"uncertain": {"new_cycles": True}}}})
    default = Settings().regime
    assert given.regime.uncertain == default.uncertain.model_copy(update={"new_cycles": True})
    assert given.regime.ranging == default.ranging
    with pytest.raises(SettingsError, match=r"gridkit\.regime\.uncertain\.new_cycle is no setting"):
        Settings.from_config({"gridkit": {"regime": {"uncertain": {"new_cycle": True}}}})
