"""Every setting as a row: key, type, bounds, default, description, and which strategy reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from gridkit.settings import CONFLUENCE_DEFAULTS, Section, Settings
from gridkit.settings.readers import readers_of

SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text"}
PLURAL = {"whole number": "whole numbers", "number": "numbers", "text": "texts"}


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, as people read of it. `confluence` is that strategy's own default, "" for none.

    `bounds` hold for each number of a list or section; "" where every value is allowed.
    """

    key: str
    kind: str
    bounds: str
    default: str
    confluence: str
    description: str
    readers: tuple[str, ...]


def rows() -> list[Row]:
    """Return every setting, in the order of the model; sections themselves are none."""
    return [_row(key, field, default) for key, field, default in _leaves(Settings(), "")]


def values(settings: Section) -> dict[str, Any]:
    """Return each setting's value by its dotted key."""
    return {key: value for key, _, value in _leaves(settings, "")}


def written(value: Any) -> str:
    """Return a value as the documents write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(written, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(one)}" for key, one in value.items()) or "none"
    return "unset" if value is None else str(value)


def _leaves(section: Section, prefix: str) -> Iterator[tuple[str, FieldInfo, Any]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, field, value


def _row(key: str, field: FieldInfo, default: Any) -> Row:
    own = _at(CONFLUENCE_DEFAULTS, key)
    kind, rules = _described(field.annotation, field.metadata)
    return Row(
        key,
        kind,
        _bounds(rules),
        written(default),
        "" if own is None else written(own),
        field.description or "",
        readers_of(key),
    )


def _at(tree: Mapping[str, Any], key: str) -> Any:
    found: Any = tree
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _described(annotation: Any, rules: list[Any]) -> tuple[str, list[Any]]:
    """Return a type in words, and the rules that bound its numbers."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _described(inside[0], [*rules, *_of_field(inside[1:])])
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inside), rules
    if type(None) in inside:
        kind, rules = _described(next(one for one in inside if one is not type(None)), rules)
        return f"{kind}, or null", rules
    if origin is tuple:
        kind, rules = _described(inside[0], rules)
        several = "list of" if inside[-1] is Ellipsis else len(inside)
        return f"{several} {PLURAL.get(kind, kind)}", rules
    if origin is dict:
        kind, rules = _described(inside[1], rules)
        return f"{kind} by name", rules
    return TYPES[annotation], rules


def _of_field(metadata: tuple[Any, ...]) -> list[Any]:
    return [rule for one in metadata for rule in getattr(one, "metadata", [one])]


def _bounds(rules: list[Any]) -> str:
    found = [(kind, getattr(rule, kind, None)) for rule in rules for kind in SIGNS]
    return ", ".join(f"{SIGNS[kind]} {at:,.10g}" for kind, at in found if at is not None)
