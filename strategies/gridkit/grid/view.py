"""A situation as a decision looks at it: mirrored, and with the rates at which it would change.

Prices are compared as `side * price`: for a short grid everything is mirrored and "inwards", the
direction in which lots earn, is always up.
"""

import math
from dataclasses import dataclass, field

from gridkit.grid.situation import Block, Rules, Situation


@dataclass(slots=True)
class Bounds:
    """Narrow the interval of rates (as side * price) in which a verdict stays right.

    A rate exactly on an event leaves no interval: next to it, on either side, the verdict may
    differ.
    """

    now: float
    low: float = -math.inf
    high: float = math.inf

    def event(self, at: float) -> None:
        """Take note of a rate at which the verdict may change."""
        if self.low < at <= self.now:
            self.low = at
        if self.now <= at < self.high:
            self.high = at


@dataclass(slots=True)
class View:
    """A situation in mirrored prices, with what follows from it.

    `withheld` is why an exit that recovery wants is not placed, if so.
    """

    situation: Situation
    rules: Rules
    side: int = field(init=False)
    entry: float = field(init=False)
    exit: float = field(init=False)
    bounds: Bounds = field(init=False)
    withheld: Block | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.side = self.situation.plan.side
        self.entry = self.side * self.situation.entry_rate
        self.exit = self.side * self.situation.exit_rate
        self.bounds = Bounds(self.exit)

    def withhold(self, block: Block) -> None:
        """Take note of the first reason why recovery may not sell."""
        self.withheld = self.withheld or block

    def mirrored(self, price: float) -> float:
        """Return a price as side * price."""
        return self.side * price
