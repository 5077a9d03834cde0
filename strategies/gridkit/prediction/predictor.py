"""What training leaves behind: learners and their calibration, which answer for any candle."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridkit.prediction import learners
from gridkit.prediction.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Question:
    """One yes-or-no question of a horizon: learners, and what their mean score comes to.

    Without learners it has the same answer for every candle; without a calibration it has none, see
    `why`.
    """

    members: tuple[Any, ...] = ()
    calibration: Calibration | None = None
    why: str = ""

    @property
    def obstacle(self) -> str:
        """Return why this was not learned, or says the same of every candle; else ""."""
        return self.calibration.why if self.calibration else self.why

    def answers(self, score: Any, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(yes) of each row, and the standard deviation of what each member says."""
        if self.calibration is None:
            unknown = np.full(len(shown), np.nan)
            return unknown, unknown
        if not self.members:
            return self.calibration.probability(np.full(len(shown), 0.5)), np.zeros(len(shown))
        scores = np.stack([score(member, shown) for member in self.members])
        single = self.calibration.probability(scores)
        return self.calibration.probability(scores.mean(axis=0)), single.std(axis=0)


@dataclass(frozen=True, slots=True)
class Horizon:
    """The two questions of a horizon: up (given that it is decided), and decided."""

    up: Question
    decided: Question


class Predictor:
    """Answers for any candle by what was learned. Can be pickled.

    Left by who trained it: `trained`, when the window ended, seconds UTC; `reference`, what its
    features were like; `tail`, the last days of them.

    `names` are the features in order, `horizons` what is asked by name, `width` the rows an answer
    looks back on, itself included: 1 but for a learner of sequences. `judged_from` is when the
    first row opened that was kept to calibrate on, seconds UTC.
    """

    trained: float = math.nan
    reference: Any = None
    tail: pd.DataFrame | None = None

    def __init__(
        self,
        learner: str,
        names: tuple[str, ...],
        width: int,
        judged_from: float,
        asked: Mapping[str, Horizon],
    ) -> None:
        self.learner = learner
        self.names = names
        self.width = width
        self.judged_from = judged_from
        self.asked = dict(asked)

    @property
    def horizons(self) -> tuple[str, ...]:
        """Return the horizons, in the order of the outcomes they were trained on."""
        return tuple(self.asked)

    @property
    def notes(self) -> dict[str, str]:
        """Return what stands in the way of a question, by its column; empty where nothing does."""
        questions = {
            f"{name}_{horizon}": getattr(asked, name)
            for horizon, asked in self.asked.items()
            for name in ("up", "decided")
        }
        return {name: one.obstacle for name, one in questions.items() if one.obstacle}

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return of each horizon `up_<h>`, P(up | decided), `decided_<h>` and `uncertainty_<h>`.

        Rows are consecutive candles, columns at least `names`. Uncertainty is the standard
        deviation of the members' own P(up | decided): 0 where learners that each missed another
        part of the past agree, 0.5 at the most. NaN where one of the `width` rows has a feature
        that is unknown or beyond float32, and where a question could not be learned (`notes`).
        """
        shown = exact(features[list(self.names)])
        rows = np.flatnonzero(usable(shown, self.width))
        seen = windows(shown, rows, self.width)
        score = learners.named(self.learner).score
        found: dict[str, np.ndarray] = {}
        for horizon, asked in self.asked.items():
            up, uncertainty = asked.up.answers(score, seen)
            decided, _ = asked.decided.answers(score, seen)
            found |= {f"up_{horizon}": up, f"decided_{horizon}": decided}
            found[f"uncertainty_{horizon}"] = uncertainty
        placed = np.full((len(shown), len(found)), np.nan)
        placed[rows] = np.column_stack(list(found.values()))
        return pd.DataFrame(placed, index=features.index, columns=list(found))

    def importance(self) -> pd.DataFrame:
        """Return what each feature (row) was worth to the question up of each horizon (column).

        Shares that sum to 1; all NaN where no learner made use of any.
        """
        weigh = learners.named(self.learner).importance
        return pd.DataFrame(
            {
                horizon: _shares([weigh(member) for member in asked.up.members], len(self.names))
                for horizon, asked in self.asked.items()
            },
            index=list(self.names),
        )


def exact(features: pd.DataFrame) -> np.ndarray:
    """Return features as float32, shape (n, features); infinite where they are beyond it."""
    with np.errstate(over="ignore"):
        return features.to_numpy("float32")


def usable(shown: np.ndarray, width: int, joined: np.ndarray | None = None) -> np.ndarray:
    """Tell which rows have all features, as have the `width` - 1 rows before. Shape (n,).

    `joined` says which rows come right after the one before; all where it is None.
    """
    fine = np.isfinite(shown).all(axis=1)
    found = fine.copy()
    for back in range(1, width):
        found[back:] &= fine[:-back]
        found[:back] = False
        if joined is not None:
            found[back:] &= joined[1 : len(joined) - back + 1]
    return found


def windows(shown: np.ndarray, rows: np.ndarray, width: int) -> np.ndarray:
    """Return the rows asked for, (n, features), or with those before them, (n, width, features)."""
    if width == 1:
        return shown[rows]
    return shown[rows[:, None] + np.arange(1 - width, 1)]


def _shares(each: list[np.ndarray], features: int) -> np.ndarray:
    total = np.sum([one / one.sum() for one in each if one.sum() > 0], axis=0)
    return total / total.sum() if np.any(total) else np.full(features, np.nan)
