"""What documents say of settings and figures is what the code has and does."""

import io
import json
import re
from contextlib import redirect_stdout
from typing import Any

import pytest

from gridkit.settings import Settings
from tree.project import ROOT

SECTIONS = {
    "grid.md": (
        "spacing", "grid", "density", "volume_lines", "sizing", "caps", "costs", "stops",
        "recovery", "breakers", "brakes", "reconcile",
    ),
    "confluence.md": ("entries", "exits", "portfolio"),
}  # fmt: skip
TEXTS = {name: (ROOT / "docs" / name).read_text() for name in SECTIONS}
EXAMPLES = [
    (name, *example)
    for name, text in TEXTS.items()
    for example in re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", text, re.M | re.S)
]


def written(value: Any) -> str:
    """A default as the tables write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(written, value))
    if isinstance(value, float):
        return f"{value:g}"
    return {"None": "unset", "{}": "none"}.get(str(value), str(value))


def defaults(sections: tuple[str, ...]) -> dict[str, str]:
    settings = Settings().model_dump()
    return {
        f"{section}.{key}": written(value)
        for section in sections
        for key, value in settings[section].items()
    }


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_stands_in_a_table_once_with_its_default(name: str) -> None:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| ([^|]+?) \|", TEXTS[name], re.M)
    assert len(rows) == len(dict(rows))
    assert dict(rows) == defaults(SECTIONS[name])


@pytest.mark.parametrize(("name", "code", "printed"), EXAMPLES)
def test_every_example_prints_what_stands_below_it(name: str, code: str, printed: str) -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        exec(compile(code, f"docs/{name}", "exec"), {})
    assert output.getvalue() == printed


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == sum(text.count("```python") for text in TEXTS.values())


@pytest.mark.parametrize("name", SECTIONS)
def test_the_settings_shown_are_valid(name: str) -> None:
    for block in re.findall(r"^```json\n(.*?)^```", TEXTS[name], re.M | re.S):
        Settings.from_config(json.loads(block))
