"""Functions that numba compiles, once one of them is needed.

numba takes 54 MB and most of a second to import, which a bot that uses none of them need not pay.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Compiled(Generic[P, R]):
    """A function as numba compiles it: at the first call, or when one that calls it is compiled.

    As with `numba.njit(cache=True)`, machine code is kept on disk beside the function's file.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self.__doc__ = function.__doc__
        self.plain = function

    @cached_property
    def compiled(self) -> Any:
        """Return numba's function."""
        # Imported where it is needed, as said above.
        from numba import njit  # noqa: PLC0415

        return njit(cache=True)(self.plain)

    @property
    def _numba_type_(self) -> Any:
        """Return what numba asks for where one compiled function calls another."""
        return self.compiled._numba_type_

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the compiled function."""
        return self.compiled(*args, **kwargs)
