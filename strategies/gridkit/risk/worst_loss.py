"""What the stops, the budget of recovery and the breakers let the account lose (SPEC E, F).

A round begins flat. In it every pair fills all of its lines, and each lot is sold at its stop:

- A lot loses `lot_stop` of its entry once, as a stopped line is not bought again in its cycle. With
  trailing down it may be, lower; then only the cycle stop bounds the cycle, at `cycle_stop` of the
  most its lots cost. With both at work the smaller one counts, with neither all of the stake.
- Fees of both sides are added, that of the exit on the price at the stop (of a short: above the
  entry; taken for longs, too).
- A lot that recovery sold leaves its line free to be bought, and stopped, again. So what recovery
  may lose comes on top.

Whatever that is, the red breaker sells everything once the account is down by `red` from its peak
(after a restart of the breakers: from the most it had since). Further rounds and restarts together
end at `black` from the peak. The market may jump over any of these prices,
and an order at market may slip: both are left out here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gridkit.grid.costs import Costs
from gridkit.settings import BreakerSettings, StopSettings


@dataclass(frozen=True, slots=True)
class WorstLoss:
    """Stake currency, positive numbers. Infinite: that bound is switched off.

    `stops` is what one round loses by stops, `recovery` what its budget has left; `red` and `black`
    are what the account may still lose until that breaker is reached.
    """

    stops: float
    recovery: float
    red: float
    black: float

    @property
    def round(self) -> float:
        """Return what one round may lose."""
        return min(self.stops + self.recovery, self.red, self.black)


def stop_fraction(stops: StopSettings, *, trailing_down: bool) -> float:
    """Return the share of its cost that a full cycle may lose by its stops; 1 without any."""
    lot = stops.lot_stop if stops.lot_stop_enabled and not trailing_down else 1.0
    cycle = stops.cycle_stop if stops.cycle_stop_enabled else 1.0
    return min(lot, cycle)


def stopped_cycle(stake: float, leverage: float, fraction: float, costs: Costs) -> float:
    """Return the loss of a cycle of this stake sold at its stops; its margin is the most at stake.

    Fees are paid on the position, and come on top.
    """
    fees = leverage * (costs.entry_fee + costs.exit_fee * (1 + fraction))
    return stake * (min(fraction * leverage, 1.0) + fees)


def worst_loss(
    cycles: Iterable[float],
    pairs: int,
    recovery: float,
    equity: float,
    peaks: tuple[float, float],
    breakers: BreakerSettings,
) -> WorstLoss:
    """Return the bounds. `cycles` are the losses of all pairs' stopped cycles.

    Only `pairs` of them are open at a time: the costliest count. `peaks` are the most equity there
    was since the last restart of the breakers, and ever; what is unknown of them makes NaN.
    """
    stops = sum(sorted(cycles, reverse=True)[:pairs])
    red, black = math.inf, math.inf
    if breakers.enabled:
        red = _until(breakers.red, equity, peaks[0])
        black = _until(breakers.black, equity, peaks[1])
    return WorstLoss(stops, max(0.0, recovery), red, black)


def _until(drawdown: float, equity: float, peak_equity: float) -> float:
    left = equity - (1 - drawdown) * peak_equity
    return left if math.isnan(left) else max(0.0, left)
