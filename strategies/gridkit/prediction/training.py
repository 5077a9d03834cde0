"""Training: per horizon two questions, of each several learners, calibrated on later rows."""

from collections.abc import Iterator, Mapping
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
    """The rows of a training, (n, …); `rows` are the usable ones, `times` when those opened."""

    shown: np.ndarray
    rows: np.ndarray
    times: np.ndarray
    weights: np.ndarray
    width: int
    timeframe_seconds: float
    recipe: Recipe

    def split(self, horizon_seconds: float) -> purging.Split:
        """Return which of `rows` to learn from, and which to calibrate on."""
        recipe = self.recipe
        return purging.split(
            self.times, horizon_seconds, recipe.validation_fraction, recipe.embargo_seconds
        )

    @property
    def judged_from(self) -> float:
        """When the first row opened that calibrates; inf where there is none."""
        return float(self.times[self.split(1).validation].min(initial=np.inf))


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
    gone on from where it is of the same learner and features, and had not seen what calibrates.
    Raises ValueError where there is too little to learn any horizon's up from, ImportError where
    the learner is not installed.
    """
    past = _past(features, times, timeframe_seconds, recipe, weights)
    names = tuple(map(str, features.columns))
    old = before.asked if before and _goes_on(before, names, past) else {}
    horizons = [name.removeprefix("up_") for name in outcomes if name.startswith("up_")]
    asked = {horizon: _horizon(past, horizon, outcomes, old.get(horizon)) for horizon in horizons}
    if not any(one.up.calibration for one in asked.values()):
        why = "; ".join(f"{horizon}: {one.up.why}" for horizon, one in asked.items())
        raise ValueError(f"too little to learn from ({why})")
    return Predictor(recipe.learner, names, past.width, past.judged_from, asked)


def _past(
    features: pd.DataFrame,
    times: np.ndarray,
    timeframe_seconds: float,
    recipe: Recipe,
    weights: np.ndarray | None,
) -> _Past:
    shown = exact(features)
    width = learners.named(recipe.learner).width(recipe.parameters)
    joined = np.diff(times, prepend=np.nan) == timeframe_seconds
    rows = np.flatnonzero(usable(shown, width, joined))
    counts = np.ones(len(shown)) if weights is None else np.asarray(weights, dtype="float64")
    return _Past(shown, rows, times[rows], counts, width, timeframe_seconds, recipe)


def _goes_on(before: Predictor, names: tuple[str, ...], past: _Past) -> bool:
    """Tell whether it knows the same features, and has learned from no row that calibrates now."""
    alike = (before.learner, before.names) == (past.recipe.learner, names)
    return alike and before.judged_from <= past.judged_from


def _horizon(past: _Past, horizon: str, outcomes: pd.DataFrame, before: Horizon | None) -> Horizon:
    decided = outcomes[f"decided_{horizon}"].to_numpy("float64")
    up = np.where(decided == 1, outcomes[f"up_{horizon}"].to_numpy("float64"), np.nan)
    seconds = candles.seconds_of(horizon)
    return Horizon(
        _question(past, seconds, up, before.up.members if before else ()),
        _question(past, seconds, decided, before.decided.members if before else ()),
    )


def _question(
    past: _Past, horizon_seconds: float, labels: np.ndarray, before: tuple[Any, ...]
) -> Question:
    """Learn one question; `labels` (of all rows) are NaN where it was not asked or is unknown."""
    parts = past.split(horizon_seconds)
    asked = ~np.isnan(labels[past.rows])
    taught, judged = (past.rows[part[asked[part]]] for part in (parts.train, parts.validation))
    yes = int((labels[taught] == 1).sum())
    if len(taught) < LEAST_ROWS:
        return Question(why=f"{len(taught)} rows to learn from, {LEAST_ROWS} are needed")
    if min(yes, len(taught) - yes) < LEAST_OF_A_KIND:
        return Question(calibration=_always(yes, len(taught)))
    step = max(1, int(horizon_seconds / past.timeframe_seconds) // ROWS_PER_HORIZON)
    members = tuple(_members(past, taught, labels, step, before))
    if not members:
        return Question(calibration=_always(yes, len(taught)))
    score = learners.named(past.recipe.learner).score
    seen = windows(past.shown, judged, past.width)
    scores = np.mean([score(member, seen) for member in members], axis=0)
    overlap = max(1.0, horizon_seconds / past.timeframe_seconds)
    method = past.recipe.calibration
    fitted = calibration.fit(scores, labels[judged], method, overlap=overlap)
    return Question(members, fitted)


def _always(yes: int, rows: int) -> Calibration:
    """Return what says the share of all to every row (Laplace's)."""
    share = (yes + 1) / (rows + 2)
    why = f"{min(yes, rows - yes)} rows of one kind, too few to learn from"
    return Sigmoid(rows, why, 0.0, float(np.log(share / (1 - share))))


def _members(
    past: _Past, taught: np.ndarray, labels: np.ndarray, step: int, before: tuple[Any, ...]
) -> Iterator[Any]:
    """Make the learners of a question; each misses another block of the rows.

    Of the rest it takes every `step`-th candle, another one each. Who is left with rows of one kind
    has nothing to learn, and is left out.
    """
    recipe, learner = past.recipe, learners.named(past.recipe.learner)
    blocks = np.array_split(taught, recipe.members)
    for number in range(recipe.members):
        rest = np.concatenate(blocks[:number] + blocks[number + 1 :])
        rows = rest[rest % step == number % step]
        if len(np.unique(labels[rows])) > 1:
            yield learner.fit(
                Task(
                    windows(past.shown, rows, past.width),
                    labels[rows],
                    past.weights[rows],
                    recipe.seed + number,
                    recipe.threads,
                    learner.parameters(recipe.parameters),
                    before[number] if number < len(before) else None,
                )
            )
