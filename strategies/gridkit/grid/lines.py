"""The lines of a cycle: anchor, spacing, prices and stakes, one frozen value.

`side` is 1 for a long grid (lines below the anchor) and -1 for a short one (above). Lines are
numbered from the anchor outwards; line 1 is the first to be taken.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Line:
    """Where a level is entered, and where the lot it buys is sold again. Prices."""

    level: int
    price: float
    target: float


@dataclass(frozen=True, slots=True)
class Steps:
    """What each step of laying the lines came to. Gaps and moves are fractions of price.

    `wanted` is the method's gap before its bounds (None: not known), `bounded` within them, `dense`
    the mean of the gaps after density. Of `free` lines `moved` were moved by `mean_move`, and
    `fell_back` had a level near by, which order or distance kept them from. The fee floor `raised`
    so many targets.
    """

    wanted: float | None
    bounded: float
    dense: float
    free: int
    moved: int
    fell_back: int
    mean_move: float
    raised: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`step` is a fraction of price; `level_stake` in stake currency; `made` in seconds UTC.

    `volatility` is the daily forecast the step came from; NaN where the step did not need one.
    `regime` is the market's regime when the lines were laid (analytics.regime.Regime). `method` of
    spacing is kept for the whole cycle. `steps` is None for a plan that nobody told of.
    """

    side: int
    anchor: float
    step: float
    lines: tuple[Line, ...]
    level_stake: float
    made: float
    volatility: float
    regime: int = 0
    method: str = "volatility"
    steps: Steps | None = None

    def line(self, level: int) -> Line | None:
        """Return the line of a level, or None when the plan has no such level."""
        return next((line for line in self.lines if line.level == level), None)

    def as_document(self) -> dict[str, Any]:
        """Return plain JSON types, for freqtrade's custom data; JSON knows no NaN, so None."""
        known = None if math.isnan(self.volatility) else self.volatility
        return {**asdict(self), "volatility": known}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_document` wrote, now or when a plan had neither method nor steps."""
        lines = tuple(Line(**line) for line in document["lines"])
        steps, volatility = document.get("steps"), document["volatility"]
        read = {
            "lines": lines,
            "volatility": math.nan if volatility is None else volatility,
            "steps": None if steps is None else Steps(**steps),
        }
        return cls(**{**document, **read})


def told(plan: Plan) -> list[str]:
    """Say in a line or two what each step of laying the lines cost; nothing where it is unknown."""
    steps = plan.steps
    if steps is None:
        return []
    gap = f"lines by method {plan.method}: {steps.bounded:.2%} apart"
    if steps.wanted is not None and not math.isclose(steps.wanted, steps.bounded):
        gap += f" ({steps.wanted:.2%} before its bounds)"
    if not math.isclose(steps.dense, steps.bounded, rel_tol=0.005):
        gap += f", {steps.dense:.2%} on average after density"
    parts = []
    if steps.moved or steps.fell_back:
        parts.append(
            f"{steps.moved} of {steps.free} free lines moved to volume ({steps.mean_move:.2%} on "
            f"average), {steps.fell_back} stayed as others stand too near"
        )
    if steps.raised:
        parts.append(f"the fee floor raised {steps.raised} of {len(plan.lines)} targets")
    return [gap, "; ".join(parts)] if parts else [gap]
