"""What every section of settings is, and how a wrong key is explained."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

SECTION = "gridkit"


class SettingsError(ValueError):
    """A setting is wrong. The message names the key, the value and what is allowed.

    `args` hold one message for each that is.
    """

    def __str__(self) -> str:
        return "; ".join(map(str, self.args))


class Section(BaseModel):
    """Immutable, and a misspelt key is an error rather than a silent default."""

    # JSON as freqtrade reads it knows NaN and Infinity, and NaN is within every bound.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def explained(error: ValidationError, model: type[BaseModel]) -> SettingsError:
    """Name every wrong key: the key, the value, what is allowed."""
    return SettingsError(*(_explained_one(item, model) for item in error.errors()))


def _explained_one(item: Any, model: type[BaseModel]) -> str:
    path = [str(part) for part in item["loc"]]
    key = ".".join([SECTION, *path])
    if item["type"] == "extra_forbidden":
        return f"{key} is no setting of gridkit{_nearest(path, model)}"
    message = item["msg"].removeprefix("Value error, ")
    given = "" if isinstance(item["input"], dict) else f" = {item['input']!r}"
    return f"{key}{given}: {message}"


def _nearest(path: list[str], model: type[BaseModel]) -> str:
    """Name the key that was meant: in the same section, of the same name elsewhere, or alike."""
    *parents, name = path
    section = _section(parents, model)
    keys = {key: key.split(".")[-1] for key in map(".".join, _keys(model))}
    prefix = "".join(f"{parent}." for parent in parents)
    here = section.model_fields
    close = [f"{prefix}{found}" for found in get_close_matches(name, here, n=1, cutoff=0.75)]
    close += [key for key, last in keys.items() if last == name]
    close += [f"{prefix}{found}" for found in get_close_matches(name, here, n=1)]
    close += [key for key, last in keys.items() if get_close_matches(name, [last], cutoff=0.7)]
    if close:
        return f". Did you mean {SECTION}.{close[0]}?"
    return f". Allowed here: {', '.join(sorted(section.model_fields))}"


def _keys(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        yield (*prefix, name)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(inner, (*prefix, name))


def _section(path: list[str], model: type[BaseModel]) -> type[BaseModel]:
    for part in path:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return model
