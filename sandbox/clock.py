"""The exchange's clock: the machine's own, or one that stands still for a test."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """UTC ms. `frozen` stops it, so that two requests see the same market."""

    frozen: int | None = None

    def now(self) -> int:
        """Return the time, in ms."""
        return time.time_ns() // 1_000_000 if self.frozen is None else self.frozen
