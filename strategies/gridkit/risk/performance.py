"""How the lots that were closed have done: what sizing goes by (SPEC A.3, A.4)."""

import math
from collections import deque
from dataclasses import dataclass, field

LEAST_CLOSED = 10  # lots below which neither a win rate nor odds mean anything
LAST = 20


@dataclass(frozen=True, slots=True)
class Performance:
    """What closed lots say. A winner has a profit after both fees.

    `closed` counts lots; `win_rate` (0 to 1, open losing lots counted as losses) is NaN below 10
    closed; `momentum` (-1 to 1) is twice by how much winners are more than half of the last 20,
    NaN below 10 closed, so that its own least, of 5, never decides.

    `kelly` is p - (1 - p)/b with p the share of winners and b the mean return of a winner over the
    mean loss of a loser, both per stake: 1 at most, NaN below 10 closed and while none has lost
    (then b is unknown), -inf while none has won. Open lots do not enter it.
    """

    closed: int = 0
    win_rate: float = math.nan
    momentum: float = math.nan
    kelly: float = math.nan


UNKNOWN = Performance()


@dataclass(slots=True)
class Tally:
    """Counts closed lots one by one, each in constant time; feed them in the order they closed."""

    closed: int = 0
    winners: int = 0
    _won: float = 0.0
    _lost: float = 0.0
    _last: deque[bool] = field(default_factory=lambda: deque(maxlen=LAST))

    def add(self, profit: float, cost: float) -> None:
        """Count a lot that was closed: profit after both fees and stake paid, stake currency.

        A lot whose profit or cost is unknown (not finite, or a cost of nothing) says nothing.
        """
        if not (math.isfinite(profit) and math.isfinite(cost) and cost > 0):
            return
        won = profit > 0
        self.closed += 1
        self.winners += won
        if won:
            self._won += profit / cost
        else:
            self._lost -= profit / cost
        self._last.append(won)

    def seen(self, open_losing: int = 0) -> Performance:
        """Return what was counted; `open_losing` lots count as losses in the win rate alone."""
        rate = math.nan
        if self.closed >= LEAST_CLOSED:
            rate = self.winners / (self.closed + max(0, open_losing))
        return Performance(self.closed, rate, self._momentum(), self._kelly())

    def _momentum(self) -> float:
        if self.closed < LEAST_CLOSED:
            return math.nan
        return 2 * (sum(self._last) / len(self._last) - 0.5)

    def _kelly(self) -> float:
        losers = self.closed - self.winners
        if self.closed < LEAST_CLOSED or not losers:
            return math.nan
        if not self.winners:
            return -math.inf
        share = self.winners / self.closed
        odds_against = (self._lost / losers) / (self._won / self.winners)
        return share - (1 - share) * odds_against
