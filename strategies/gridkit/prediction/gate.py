"""Whether predictions are worth heeding, by those whose outcome is known (SPEC O)."""

from dataclasses import dataclass
from enum import IntEnum
from statistics import NormalDist

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.prediction import NEUTRAL, accuracy, targets


class Why(IntEnum):
    """Why predictions are not heeded: the first that holds; 0 where they are.

    `compute` knows outcomes only. The last three are for those who know the model and its features.
    """

    ON = 0
    FEW = 1
    INACCURATE = 2
    UNSURE = 3
    OLD = 4
    DRIFTED = 5
    UNKNOWN = 6

    @property
    def text(self) -> str:
        """Return the reason in words."""
        return _TEXTS[self]


_TEXTS = {
    Why.ON: "predictions are heeded",
    Why.FEW: "too few predictions whose outcome is known",
    Why.INACCURATE: "predictions were right too rarely",
    Why.UNSURE: "not sure enough that predictions pay for their costs",
    Why.OLD: "the model is too old",
    Why.DRIFTED: "the market is too unlike what the model was trained on",
    Why.UNKNOWN: "there is no prediction for this candle",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What opens the gate. `cost_fraction` is a round trip's, a fraction of price.

    Heeded are the outcomes that became known within `window_days`.
    """

    horizon: str
    timeframe: str
    cost_fraction: float
    least_accuracy: float = 0.55
    least_outcomes: float = 60.0
    confidence: float = 0.90
    window_days: float = 30.0


def compute(frame: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Return `gate_on`, `_accuracy`, `_lower`, `_break_even`, `_outcomes` and `_reason` (a Why).

    The frame has `date`, `up` (P(up | decided)), `do_predict`, `in_sample` and `move`, what came
    after the candle (targets.moves; NaN where unknown). A candle's answer is made of outcomes known
    at its close. `gate_outcomes` are decided candles over candles per horizon, so about as many as
    do not overlap. The gate is on while they are `least_outcomes`, the share that was right is
    `least_accuracy`, and its lower bound beats the break-even. It has no memory of itself: after a
    restart it says the same. Accuracy, bound and break-even are NaN without any outcome.
    """
    seen = _seen(frame, rule)
    few = seen["outcomes"] < rule.least_outcomes
    wrong = ~(seen["accuracy"] >= rule.least_accuracy)
    unsure = ~(seen["lower"] > seen["break_even"])
    reason = np.select([few, wrong, unsure], [Why.FEW, Why.INACCURATE, Why.UNSURE], Why.ON)
    columns = {"on": reason == Why.ON, **seen, "reason": reason.astype("int8")}
    named = {f"gate_{name}": values for name, values in columns.items()}
    return pd.DataFrame(named, index=frame.index)


def counted(frame: pd.DataFrame) -> np.ndarray:
    """Tell which candles have a prediction of their own. Shape (n,), bool.

    Not those of another `do_predict` than 1, predicted by a model that was trained on them
    (`in_sample`), filled with 0, unknown, or neutral: 0.5 takes no side.
    """
    up = frame["up"].to_numpy("float64")
    own = (frame["do_predict"] == 1).to_numpy() & ~frame["in_sample"].to_numpy("bool")
    return own & (up > 0) & (up <= 1) & (up != NEUTRAL)


def lower_bound(share: np.ndarray, outcomes: np.ndarray, confidence: float) -> np.ndarray:
    """Return what the true share is above with this confidence: Wilson's bound, one-sided.

    Wilson's, as it is a closed form, also for a number of outcomes that is not whole, and covers
    about as often as it says from some forty outcomes on. Clopper and Pearson's is never too high,
    and about half an outcome lower. NaN without outcomes.
    Source: Wilson (1927), Journal of the American Statistical Association 22(158); Brown, Cai &
    DasGupta (2001), Statistical Science 16(2).
    """
    normal = NormalDist().inv_cdf(confidence)
    count = np.where(outcomes > 0, outcomes, np.nan)
    middle = share + normal**2 / (2 * count)
    spread = np.sqrt(share * (1 - share) / count + normal**2 / (4 * count**2))
    return (middle - normal * spread) / (1 + normal**2 / count)


def break_even(cost_fraction: float, mean_move: np.ndarray) -> np.ndarray:
    """Return the share that must be right for a trade over the horizon to pay its costs.

    Right it earns the move less the cost, wrong it loses the move and the cost. `mean_move` is the
    mean size of decided moves, a fraction of price; right and wrong moves are taken to be as large.
    """
    return NEUTRAL + cost_fraction / (2 * mean_move)


def _seen(frame: pd.DataFrame, rule: Rule) -> dict[str, np.ndarray]:
    """At each candle: accuracy, lower bound, break-even and outcomes."""
    move, up = (frame[name].to_numpy("float64") for name in ("move", "up"))
    times = candles.moments(frame["date"])
    rows = np.flatnonzero(counted(frame) & targets.decided(move, rule.cost_fraction))
    known = times[rows] + candles.seconds_of(rule.horizon)
    last = np.searchsorted(known, times, side="right")
    since = times - rule.window_days * candles.SECONDS_PER_DAY
    first = np.searchsorted(known, since, side="right")
    total = np.where(last > first, last - first, np.nan)
    share = _between(accuracy.right(up[rows], move[rows]), first, last) / total
    mean_move = _between(np.abs(move[rows]), first, last) / total
    outcomes = (last - first) / targets.horizon_candles(rule.horizon, rule.timeframe)
    return {
        "accuracy": share,
        "lower": lower_bound(share, outcomes, rule.confidence),
        "break_even": break_even(rule.cost_fraction, mean_move),
        "outcomes": outcomes,
    }


def _between(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sum of the values from each `first` to before each `last`."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return sums[last] - sums[first]
