"""Remember recent results of functions of an object that are costly to work out again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Remembered:
    """A function of hashable arguments that keeps its `size` most recently used results."""

    def __init__(self, function: Callable[..., Any], size: int) -> None:
        self.function, self.size = function, size
        self.known: OrderedDict[Hashable, Any] = OrderedDict()

    def __call__(self, *key: Hashable) -> Any:
        """Return the remembered result, or work it out."""
        if key in self.known:
            self.known.move_to_end(key)
            return self.known[key]
        self.known[key] = result = self.function(*key)
        if len(self.known) > self.size:
            self.known.popitem(last=False)
        return result
