"""What the grid has to show on real data, a minimum of trading included."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from studies.grid_runs import Outcome

LEAST_FILLS = 20.0  # per pair and month
LEAST_EXPOSURE = 0.05
LEAST_RESOLVED = 0.90


@dataclass(frozen=True, slots=True)
class Criterion:
    """One bound; `at_most` says which side of it is good."""

    name: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is on the good side; NaN, unknown, never is."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def criteria(found: Outcome, without_recovery: Outcome) -> Iterator[Criterion]:
    """Hold a run against what is wanted, beside the same run without recovery."""
    yield Criterion("fills per pair and month", found.fills_per_pair_month, LEAST_FILLS)
    yield Criterion("mean exposure", found["exposure_mean_fraction"], LEAST_EXPOSURE)
    yield Criterion("least free cash, share of equity", found.least_free, 0.0)
    margin = found["margin_utilisation_max_fraction"]
    if not math.isnan(margin):
        yield Criterion("margin utilisation at most", margin, 1.0, at_most=True)
    resolved = found["stuck_lots_resolved_fraction"]
    yield Criterion("stuck lots resolved", resolved, LEAST_RESOLVED)
    yield Criterion("recovery loss, of its budget", found.budget.used, 1.0, at_most=True)
    gained = found["return_fraction"] - without_recovery["return_fraction"]
    yield Criterion("return, less that without recovery", gained, 0.0)
