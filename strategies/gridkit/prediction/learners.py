"""The learners there are, by name: how each learns, goes on, scores and weighs features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier

MOST_GROWTH = 10  # times its first size, from which a learner that went on begins anew


@dataclass(frozen=True, slots=True)
class Task:
    """What one learner learns from: two kinds of rows, each there, and how.

    `shown` is (n, features) float32, or (n, width, features) for a learner that looks back;
    `labels` (n,) are 0 or 1, `weights` (n,) above 0. `before` is a learner of the same name to go
    on from, or None.
    """

    shown: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    seed: int
    threads: int
    parameters: Mapping[str, Any]
    before: Any = None


@dataclass(frozen=True, slots=True)
class Learner:
    """How one kind learns.

    `fit` makes a learner of a task, `score` gives P(1) of rows shown as in the task, shape (n,),
    `importance` what each feature was worth, shape (features,), of no unit.
    """

    defaults: Mapping[str, Any]
    fit: Callable[[Task], Any]
    score: Callable[[Any, np.ndarray], np.ndarray]
    importance: Callable[[Any], np.ndarray]


def named(name: str) -> Learner:
    """Return the learner of that name. Raises ValueError where there is none."""
    if name not in LEARNERS:
        raise ValueError(f"there is no learner {name!r}; allowed are {', '.join(LEARNERS)}")
    return LEARNERS[name]


def _lightgbm(task: Task) -> Any:
    model = LGBMClassifier(
        **task.parameters,
        random_state=task.seed,
        n_jobs=task.threads,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    before = task.before
    if before is not None and _outgrown(before.num_trees(), task):
        before = None
    fitted = model.fit(task.shown, task.labels, sample_weight=task.weights, init_model=before)
    return fitted.booster_


def _outgrown(trees: int, task: Task) -> bool:
    own = task.parameters["n_estimators"]
    return bool(trees + own > MOST_GROWTH * own)


def _lightgbm_score(model: Any, shown: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(shown, num_threads=1))


def _lightgbm_importance(model: Any) -> np.ndarray:
    return np.asarray(model.feature_importance("gain"))


LEARNERS: Mapping[str, Learner] = {
    "lightgbm": Learner(
        {
            "n_estimators": 60,
            "learning_rate": 0.05,
            "num_leaves": 15,
            "min_child_samples": 50,
            "subsample": 0.7,
            "subsample_freq": 1,
            "colsample_bytree": 0.5,
            "reg_lambda": 5.0,
            "max_bin": 63,
        },
        _lightgbm,
        _lightgbm_score,
        _lightgbm_importance,
    ),
}
