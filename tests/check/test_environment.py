"""FREQTRADE__GRIDKIT__ variables reach the settings through freqtrade's own loader."""

from typing import Any

import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode

from gridkit.settings import Settings, SettingsError
from gridkit.settings.catalogue import values
from tree.project import ROOT


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """The settings of config.json with some variables set, as a bot would have them."""

    def loaded(**variables: str) -> Settings:
        for name, text in variables.items():
            monkeypatch.setenv(f"FREQTRADE__GRIDKIT__{name}", text)
        arguments = {"config": [str(ROOT / "config.json")], "user_data_dir": str(tmp_path)}
        arguments["datadir"] = str(tmp_path)
        return Settings.from_config(Configuration(arguments, RunMode.BACKTEST).get_config())

    return loaded


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("DIRECTION", "auto", "direction", "auto"),
        ("GRID__LEVELS", "8", "grid.levels", 8),
        ("STOPS__LOT_STOP", "0.04", "stops.lot_stop", 0.04),
        ("STOPS__LOT_STOP", "4e-2", "stops.lot_stop", 0.04),
        ("CAPS__EXPOSURE", "1", "caps.exposure", 1.0),
        ("GRID__TRAILING_UP", "false", "grid.trailing_up", False),
        ("GRID__TRAILING_DOWN", "True", "grid.trailing_down", True),
        ("SPACING__METHOD", "fixed", "spacing.method", "fixed"),
        ("VOLATILITY__GARCH__ENABLED", "f", "volatility.garch.enabled", False),
        ("VOLATILITY__WEIGHTS__BASKET", "0.5", "volatility.weights.basket", 0.5),
        ("REGIME__UNCERTAIN__NEW_CYCLES", "true", "regime.uncertain.new_cycles", True),
        ("RECOVERY__LADDER", "[0.01, 0.02, 0.03]", "recovery.ladder", (0.01, 0.02, 0.03)),
        ("EXITS__PARTS", "[0.5, 0.25]", "exits.parts", (0.5, 0.25)),
        ("spacing__grid_step", "0.02", "spacing.grid_step", 0.02),
    ],
)
def test_a_variable_sets_one_setting_and_no_other(loaded, name, text, key, value):
    found = values(loaded(**{name: text}))
    assert found == {**values(Settings()), key: value}
    assert type(found[key]) is type(value)


def test_several_variables_of_one_section_are_set_together(loaded):
    names = {"CONFLUENCE__TIMEFRAMES__5M": "0.2", "CONFLUENCE__TIMEFRAMES__1H": "0.3"}
    weights = loaded(**names, CONFLUENCE__TIMEFRAMES__4H="0.5").confluence.timeframes
    assert weights == {"5m": 0.2, "1h": 0.3, "4h": 0.5}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("GRID__LEVELS", "99", "gridkit.grid.levels = 99: "),
        ("GRID__LEVELS", "many", "gridkit.grid.levels = 'many': "),
        ("GRID__LEVLS", "9", "gridkit.grid.levls is no setting of gridkit"),
        ("STOPS__LOT_STOP", "nan", "gridkit.stops.lot_stop = nan: "),
        # What the documents say variables cannot do.
        ("COSTS__FEE", "null", "gridkit.costs.fee = 'null': "),
        ("STOPS__STOP_PRICE", '{"BTC/USDT": 40000}', "gridkit.stops.stop_price = "),
    ],
)
def test_a_wrong_variable_is_refused_as_a_wrong_file_is(loaded, name, text, told):
    with pytest.raises(SettingsError) as refused:
        loaded(**{name: text})
    assert str(refused.value).startswith(told)


def test_the_variables_of_the_documents_are_right(loaded):
    text = (ROOT / "docs" / "settings.md").read_text()
    lines = [one for one in text.splitlines() if one.startswith("export FREQTRADE__GRIDKIT__")]
    pairs = [one.removeprefix("export FREQTRADE__GRIDKIT__").split("=", 1) for one in lines]
    given: dict[str, Any] = {name: text.strip("'") for name, text in pairs}
    found = values(loaded(**given))
    changed = {key: one for key, one in found.items() if one != values(Settings())[key]}
    assert {key.upper().replace(".", "__") for key in changed} == given.keys()
