"""Training: per horizon two questions, of each several learners, calibrated on later rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.prediction import calibration, learners, purging
from gridkit.prediction.calibration import Calibration, Method, Sigmoid
from gridkit.prediction.learners import Task
from gridkit.prediction.predictor import Horizon, Predictor, Question, exact, usable, windows

__all__ = ["Predictor", "Recipe", "train"]

LEAST_ROWS = 200  # to learn a question from
LEAST_OF_A_KIND = 20
ROWS_PER_HORIZON = 8  # that are learned from; more overlap too much to teach anything


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a predictor is made. `parameters` are the learner's own, over those of the table.

    `validation_fraction` of the rows, the last ones, calibrate; `members` learn each question.
    """

    learner: str = "lightgbm"
    calibration: Method = "sigmoid"
    seed: int = 1
    members: int = 3
    validation_fraction: float = 0.2
    embargo_seconds: float = 0.0
    threads: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Past:
    """What may be learned from: the rows that are usable, all of shape (n, …)."""

    shown: np.ndarray
    rows: np.ndarray
    times: np.ndarray
    weights: np.ndarray
    width: int
    timeframe_seconds: float


def train(
    features: pd.DataFrame,
    times: np.ndarray,
    outcomes: pd.DataFrame,
    timeframe_seconds: float,
    recipe: Recipe = Recipe(),
    weights: np.ndarray | None = None,
    before: Predictor | None = None,
) -> Predictor:
    """Learn P(up | decided) and P(decided) of every horizon that `outcomes` name.

    Rows are candles; `times` their opening, seconds UTC, ascending. `outcomes` has `up_<h>` and
    `decided_<h>` of each horizon: 1, 0, or NaN where unknown; `up_<h>` counts where decided.
    `weights` (n,), above 0, say how much a row counts. A row with an unknown feature is not learned
    from. The last fifth is not either: it calibrates, a purge and an embargo apart. `before` is
    gone on from where it is of the same learner and features.
    Raises ValueError where there is too little to learn any horizon's up from.
    """
    horizons = [name.removeprefix("up_") for name in outcomes if name.startswith("up_")]
    names = tuple(map(str, features.columns))
    past = _past(features, times, timeframe_seconds, weights)
    kept = before if before is not None and _alike(before, recipe, names) else None
    asked = {}
    for horizon in horizons:
        known = outcomes[f"decided_{horizon}"].to_numpy("float64")
        up = np.where(known == 1, outcomes[f"up_{horizon}"].to_numpy("float64"), np.nan)
        old = kept.asked.get(horizon) if kept else None
        asked[horizon] = Horizon(
            _question(past, horizon, up, recipe, old.up if old else None),
            _question(past, horizon, known, recipe, old.decided if old else None),
        )
    if not any(one.up.calibration for one in asked.values()):
        why = "; ".join(f"{horizon}: {one.up.why}" for horizon, one in asked.items())
        raise ValueError(f"too little to learn from ({why})")
    return Predictor(recipe.learner, names, past.width, asked)


def _past(
    features: pd.DataFrame,
    times: np.ndarray,
    timeframe_seconds: float,
    weights: np.ndarray | None,
) -> _Past:
    shown, width = exact(features), 1
    joined = np.diff(times, prepend=np.nan) == timeframe_seconds
    rows = np.flatnonzero(usable(shown, width, joined))
    counts = np.ones(len(shown)) if weights is None else np.asarray(weights, dtype="float64")
    return _Past(shown, rows, times[rows], counts, width, timeframe_seconds)


def _alike(before: Predictor, recipe: Recipe, names: tuple[str, ...]) -> bool:
    return before.learner == recipe.learner and before.names == names


def _question(
    past: _Past, horizon: str, labels: np.ndarray, recipe: Recipe, before: Question | None
) -> Question:
    """Learn one question; `labels` (all rows) are NaN where it was not asked or is not known."""
    seconds = candles.seconds_of(horizon)
    parts = purging.split(past.times, seconds, recipe.validation_fraction, recipe.embargo_seconds)
    asked = ~np.isnan(labels[past.rows])
    taught, judged = (past.rows[part[asked[part]]] for part in (parts.train, parts.validation))
    yes = int((labels[taught] == 1).sum())
    if len(taught) < LEAST_ROWS:
        return Question(why=f"{len(taught)} rows to learn from, {LEAST_ROWS} are needed")
    if min(yes, len(taught) - yes) < LEAST_OF_A_KIND:
        return Question(calibration=_always(yes, len(taught)))
    step = max(1, int(seconds / past.timeframe_seconds) // ROWS_PER_HORIZON)
    members = _members(past, taught, labels, recipe, step, before)
    score = learners.named(recipe.learner).score
    seen = windows(past.shown, judged, past.width)
    scores = np.mean([score(member, seen) for member in members], axis=0)
    return Question(members, calibration.fit(scores, labels[judged], recipe.calibration))


def _always(yes: int, rows: int) -> Calibration:
    share = (yes + 1) / (rows + 2)
    why = f"{min(yes, rows - yes)} rows of one kind, {LEAST_OF_A_KIND} are needed"
    return Sigmoid(rows, why, 0.0, float(np.log(share / (1 - share))))


def _members(
    past: _Past,
    taught: np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    step: int,
    before: Question | None,
) -> tuple[Any, ...]:
    """Learners of a question; each misses another block of rows and takes others of the rest."""
    learner = learners.named(recipe.learner)
    blocks = np.array_split(taught, recipe.members)
    old = before.members if before and len(before.members) == recipe.members else ()
    made = []
    for number in range(recipe.members):
        rest = np.concatenate(blocks[:number] + blocks[number + 1 :])
        rows = rest[number % step :: step]
        task = Task(
            windows(past.shown, rows, past.width),
            labels[rows],
            past.weights[rows],
            recipe.seed + number,
            recipe.threads,
            {**learner.defaults, **recipe.parameters},
            old[number] if old else None,
        )
        made.append(learner.fit(task))
    return tuple(made)
