"""Callbacks that read the trade itself instead of a deep copy of it (DESIGN 2.14).

freqtrade copies the trade for every callback a strategy implements: 0.5 ms at 10 orders, 190 ms
at 1,000. It does not for functions whose `__qualname__` begins with `IStrategy.`, its own defaults.
Ours never change the trade (a test holds them to it), so they may take that name.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from gridkit.risk.guards import RunFailed

logger = logging.getLogger(__name__)

PREFIX = "IStrategy."


def install(strategy: Any, names: Iterable[str], *, errors_are_fatal: bool = False) -> None:
    """Replace the named callbacks of this strategy object by functions that are given no copy.

    With `errors_are_fatal` an exception ends the process: freqtrade would log it and go on, and a
    backtest would quietly be of something else.
    """
    for name in names:
        callback = _uncopied(getattr(strategy, name), name, errors_are_fatal=errors_are_fatal)
        setattr(strategy, name, callback)


def _uncopied(
    callback: Callable[..., Any], name: str, *, errors_are_fatal: bool
) -> Callable[..., Any]:
    """Wrap in a plain function: a bound method cannot take another name."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except Exception as error:
            if not errors_are_fatal:
                raise
            logger.exception("%s failed", name)
            raise RunFailed(name, error) from error

    call.__name__ = name
    call.__qualname__ = PREFIX + name
    return call
