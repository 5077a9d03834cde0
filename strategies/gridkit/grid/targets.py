"""Where a lot is sold when all goes well."""

from gridkit.grid.costs import lowest_target, on_tick
from gridkit.grid.lots import Lot
from gridkit.grid.plan import Plan
from gridkit.grid.situation import Rules


def target_of(lot: Lot, plan: Plan, rules: Rules) -> float:
    """Return the plan's target of a lot, but never below what pays for the way out."""
    least = lowest_target(lot.price, plan.side, rules.costs)
    line = plan.line(lot.level)
    if line is None or plan.side * line.target < plan.side * least:
        return on_tick(least, rules.tick, up=plan.side > 0)
    return line.target
