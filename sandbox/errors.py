"""What can go wrong before the exchange answers its first request."""

from collections.abc import Iterable
from difflib import get_close_matches


class SandboxError(Exception):
    """One sentence for the user: the key, the value given, and what is allowed."""


def unknown(key: str, value: object, allowed: Iterable[str]) -> SandboxError:
    """Build the error for a value outside a list of names, with the nearest one as a hint."""
    names = sorted(allowed)
    close = get_close_matches(str(value), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return SandboxError(f"{key}: {value!r} is not one of {', '.join(names)}.{hint}")
