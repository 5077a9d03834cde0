"""docs/settings.md and the schema beside it are what the model of the settings says now."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gridkit import cli
from gridkit.settings import CONFLUENCE_DEFAULTS, Settings, document
from gridkit.settings.catalogue import Row, rows, values
from gridkit.settings.readers import BOTH, READERS
from gridkit.settings.section import SECTION
from tree.project import ROOT

DOCS = ROOT / "docs"
TEXT = (DOCS / "settings.md").read_text()
CONFIGS = [ROOT / "config.json", *sorted((ROOT / "user_data" / "configs").glob("*.json"))]
STALE = "is stale: gridkit settings --write docs"
ROWS = {row.key: row for row in rows()}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "settings.schema.json").read_text())
    Draft202012Validator.check_schema(found)
    return found


def test_the_document_and_the_schema_are_made_of_the_settings_there_are() -> None:
    assert document.refreshed(TEXT) == TEXT, f"docs/settings.md {STALE}"
    written = (DOCS / "settings.schema.json").read_text()
    assert written == document.schema_text(), f"docs/settings.schema.json {STALE}"


def test_every_setting_stands_in_a_table_once() -> None:
    named = re.findall(r"^\| `([a-z_.0-9]+)` \|", TEXT.split(document.BEGIN)[1], re.M)
    assert named == list(values(Settings()))


@pytest.mark.parametrize(
    "expected",
    [
        Row("stops.lot_stop", "number", "≥ 0.005, ≤ 0.1", "0.05", "",
            "loss of one lot, a fraction of its entry price", ("AdaptiveGrid",)),
        Row("profile.enabled", "true or false", "", "false", "true",
            "compute the volume profile", BOTH),
        Row("exits.parts", "2 numbers", "≥ 0, ≤ 1", "0.33, 0.33", "",
            "shares of what was entered that leave at the first and second target; "
            "the rest at the third, or by trail", ("Confluence",)),
        Row("costs.fee", "number, or null", "≥ 0, ≤ 0.05", "unset", "",
            "per side; unset: config `fee`, else the exchange's", BOTH),
        Row("stops.stop_price", "number by name", "> 0", "none", "",
            "pair: price beyond which its cycle is flattened", ("AdaptiveGrid",)),
        Row("regime.uncertain.new_cycles", "true or false", "", "false", "",
            "whether a grid may start a cycle", ("AdaptiveGrid",)),
    ],
    ids=lambda row: row.key,
)  # fmt: skip
def test_a_row_says_type_bounds_default_and_reader(expected: Row) -> None:
    assert ROWS[expected.key] == expected


def test_confluences_own_defaults_are_all_shown() -> None:
    own = {f"{name}.{key}" for name, found in CONFLUENCE_DEFAULTS.items() for key in found}
    assert {row.key for row in rows() if row.confluence} == own


def test_readers_are_named_of_settings_that_exist() -> None:
    known = {"", *ROWS, *(key.rpartition(".")[0] for key in ROWS)}
    assert READERS.keys() <= known


def test_writing_it_again_changes_the_tables_alone(tmp_path: Path) -> None:
    for name in ("settings.md", "settings.schema.json"):
        shutil.copy(DOCS / name, tmp_path)
    path = tmp_path / "settings.md"
    path.write_text(TEXT.replace("| `leverage` | number |", "| `leverage` | text |") + "More.\n")
    (tmp_path / "settings.schema.json").write_text("{}")
    assert cli.main(["settings", "--write", str(tmp_path)]) == 0
    assert path.read_text() == TEXT + "More.\n"
    assert (tmp_path / "settings.schema.json").read_text() == document.schema_text()


def test_a_document_without_a_place_for_the_tables_is_left_alone(tmp_path, capsys) -> None:
    path = tmp_path / "settings.md"
    path.write_text("mine")
    assert cli.main(["settings", "--write", str(tmp_path)]) == 1
    assert "there is no place for the tables" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert cli.main(["settings", "--write", str(tmp_path / "absent")]) == 1


def test_tables_and_schema_are_printed_for_those_who_have_no_documents(capsys) -> None:
    assert cli.main(["settings"]) == 0
    assert capsys.readouterr().out == document.tables()
    assert cli.main(["settings", "--schema"]) == 0
    assert capsys.readouterr().out == document.schema_text()


# -- what an editor makes of it ---------------------------------------------------------------


def errors(schema: dict[str, Any], config: Any) -> list[str]:
    found = Draft202012Validator(schema).iter_errors(config)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_of_the_project_is_right_by_the_schema(schema, path) -> None:
    config = json.loads(path.read_text())
    assert errors(schema, config) == []
    named = config.get("$schema", "")
    assert not named.endswith("settings.schema.json") or (path.parent / named).is_file()


def test_the_defaults_written_out_are_right_by_the_schema(schema) -> None:
    assert errors(schema, {SECTION: Settings().model_dump(mode="json")}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"gird": {}},
        {"grid": {"levls": 3}},
        {"grid": {"levels": 26}},
        {"grid": {"levels": 2.5}},
        {"stops": {"lot_stop": "0.05"}},
        {"stops": {"stop_price": {"BTC/USDT": 0}}},
        {"spacing": {"method": "moon"}},
        {"recovery": {"ladder": [0.01, 0.02]}},
        {"regime": {"bullish": {"size_factor": 3}}},
    ],
)
def test_an_editor_marks_what_is_misspelt_out_of_bounds_or_of_another_type(schema, wrong) -> None:
    assert len(errors(schema, {SECTION: wrong})) == 1


def test_one_parameter_of_a_regime_is_enough_for_an_editor_too(schema) -> None:
    assert errors(schema, {SECTION: {"regime": {"bullish": {"size_factor": 0.5}}}}) == []


def test_everything_else_of_a_configuration_is_left_to_freqtrade(schema) -> None:
    assert errors(schema, {"$schema": "x", "exchange": {"name": 5}, "anything": None}) == []


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from texts(one)


def test_neither_speaks_of_papers_that_users_do_not_have(schema) -> None:
    assert "SPEC" not in TEXT
    assert not [one for one in texts(schema) if "SPEC" in one]
