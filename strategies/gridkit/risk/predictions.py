"""What a prediction changes of a grid: less or more is added, never is one a reason to (SPEC M, O).

`rising` is the probability of a rise, 0 … 1; NaN (unknown, or not heeded) changes nothing. `side`
is 1 for long, -1 for short.
"""

from gridkit.grid.situation import Block
from gridkit.settings import PredictionSettings

PLAIN = 1.0


def of_side(rising: float, side: int) -> float:
    """Return the probability that the market goes the way a grid earns by."""
    return rising if side > 0 else 1.0 - rising


def block(rising: float, side: int, rule: PredictionSettings) -> Block | None:
    """Refuse to start or to add where a move against the grid is likely."""
    likely = of_side(rising, side)
    if not rule.enabled or not likely < rule.blocks:
        return None
    return Block("the prediction speaks against the grid", likely, rule.blocks)


def scale(rising: float, side: int, rule: PredictionSettings) -> float:
    """Return what the stake of a start or an addition is multiplied by, at least 1."""
    if rule.enabled and of_side(rising, side) > rule.raises:
        return PLAIN + rule.bonus
    return PLAIN
