"""logfmt: `key=value` pairs in one line, which people can read and programs can too.

A value with a space, a quote or an equals sign stands in double quotes, with JSON's escapes.
Numbers keep every digit; what is unknown (None, NaN) is left empty.
"""

import json
import math
import re
from collections.abc import Mapping

Value = str | float | None

_PLAIN = re.compile(r'[^\s"=\\\x00-\x1f\x7f-\x9f]*')
_PAIR = re.compile(r'(?P<key>[a-z_]+)=(?P<value>"(?:[^"\\]|\\.)*"|[^\s"=]*)(?=\s|$)')


def written(fields: Mapping[str, Value]) -> str:
    """Write fields in their order."""
    return " ".join(f"{key}={_written(value)}" for key, value in fields.items())


def read(line: str) -> dict[str, str]:
    """Return the fields of a line; what is no field is passed over. Empty for nothing at all."""
    return {pair["key"]: _read(pair["value"]) for pair in _PAIR.finditer(line)}


def _written(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value if isinstance(value, int) else float(value)) if _known(value) else ""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=True)


def _known(value: float) -> bool:
    return math.isfinite(value)


def _read(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')
