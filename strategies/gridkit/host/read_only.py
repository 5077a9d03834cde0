"""Callbacks that read the trade itself instead of a deep copy of it (DESIGN 2.14).

freqtrade copies the trade for every callback a strategy implements: 0.5 ms at 10 orders, 190 ms
at 1,000. It does not for functions whose `__qualname__` begins with `IStrategy.`, its own defaults.
Ours never change the trade (a test holds them to it), so they may take that name.
"""

from collections.abc import Callable, Iterable
from typing import Any

PREFIX = "IStrategy."


def install(strategy: Any, names: Iterable[str]) -> None:
    """Replace the named callbacks of this strategy object by functions that are given no copy."""
    for name in names:
        setattr(strategy, name, _uncopied(getattr(strategy, name), name))


def _uncopied(callback: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wrap in a plain function: a bound method cannot take another name."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return callback(*args, **kwargs)

    call.__name__ = name
    call.__qualname__ = PREFIX + name
    return call
