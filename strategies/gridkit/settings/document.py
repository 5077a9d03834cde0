"""The tables of docs/settings.md, and the JSON schema that editors take, both of the model."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from gridkit.settings import Settings
from gridkit.settings.catalogue import Row, rows
from gridkit.settings.readers import BOTH
from gridkit.settings.section import SECTION

BEGIN = "<!-- what follows is made by: gridkit settings --write docs -->"
END = "<!-- what was made ends here -->"
SOURCE = re.compile(r" \(SPEC [^)]*\)")  # for those who write the code
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEAD = "| key | type | bounds | default | read by | what it is |\n|---|---|---|---|---|---|"


def refreshed(text: str) -> str:
    """Return a document with its tables made anew. Raises ValueError where it has no place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there is no place for the tables: {BEGIN!r} to {END!r}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Return one table a section, in Markdown."""
    parts = groupby(rows(), key=lambda row: _section_of(row.key))
    return "\n".join(_table(name, list(found)) for name, found in parts)


def _section_of(key: str) -> str:
    return key.split(".", maxsplit=1)[0] if "." in key else ""


def _table(name: str, found: list[Row]) -> str:
    title = f"`{name}`" if name else f"`{SECTION}` itself"
    lines = [f"### {title}", "", *_about(name), HEAD, *map(_line, found)]
    return "\n".join(lines) + "\n"


def _about(name: str) -> Iterator[str]:
    if name:
        text = type(getattr(Settings(), name)).__doc__ or ""
        yield from (" ".join(SOURCE.sub("", text).split()), "")


def _line(row: Row) -> str:
    default = row.default if not row.confluence else f"{row.default}; Confluence: {row.confluence}"
    readers = "both" if row.readers == BOTH else row.readers[0]
    cells = (f"`{row.key}`", row.kind, row.bounds, default, readers, row.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def schema_text() -> str:
    """Return the schema as its file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Return a JSON schema of a config: our section is known, everything else is allowed."""
    made = Settings.model_json_schema()
    parts = made.pop("$defs")
    parts["RegimeParameters"].pop("required")  # what is not given stays at its default
    properties = {SECTION: {"$ref": "#/$defs/Settings"}}
    named = {"Settings": made, **parts}
    return {
        "$schema": DIALECT,
        "title": "gridkit's section of freqtrade's configuration",
        "type": "object",
        "properties": properties,
        "$defs": {name: _plain(one) for name, one in named.items()},
    }


def _plain(node: Any) -> Any:
    """Leave out titles, which repeat the keys, and whole sections as defaults of themselves."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if isinstance(node, str):
        return SOURCE.sub("", node)
    if not isinstance(node, dict):
        return node
    dropped = {"default"} if "$ref" in node else set()
    if isinstance(node.get("title"), str):
        dropped.add("title")
    return {key: _plain(one) for key, one in node.items() if key not in dropped}
