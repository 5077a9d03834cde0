"""What docs/grid.md says of settings and figures is what the code has and does."""

import io
import json
import re
from contextlib import redirect_stdout
from typing import Any

import pytest

from gridkit.settings import Settings
from tree.project import ROOT

TEXT = (ROOT / "docs" / "grid.md").read_text()
SECTIONS = (
    "spacing", "grid", "density", "volume_lines", "sizing", "caps", "costs", "stops",
    "recovery", "breakers", "brakes", "reconcile",
)  # fmt: skip
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", TEXT, re.M | re.S)


def written(value: Any) -> str:
    """A default as the tables write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(written, value))
    if isinstance(value, float):
        return f"{value:g}"
    return {"None": "unset", "{}": "none"}.get(str(value), str(value))


def defaults() -> dict[str, str]:
    settings = Settings().model_dump()
    return {
        f"{section}.{key}": written(value)
        for section in SECTIONS
        for key, value in settings[section].items()
    }


def test_every_setting_of_the_grid_stands_in_a_table_once_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| ([^|]+?) \|", TEXT, re.M)
    assert len(rows) == len(dict(rows))
    assert dict(rows) == defaults()


@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_every_example_prints_what_stands_below_it(code: str, printed: str) -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        exec(compile(code, "docs/grid.md", "exec"), {})
    assert output.getvalue() == printed


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("```python")


def test_the_settings_shown_are_valid() -> None:
    for block in re.findall(r"^```json\n(.*?)^```", TEXT, re.M | re.S):
        Settings.from_config(json.loads(block))
