"""The learners there are, by name: how each learns, goes on, scores and weighs features."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

MOST_GROWTH = 10  # times the trees of one training, beyond which a learner begins anew


@dataclass(frozen=True, slots=True)
class Task:
    """What one learner learns from: two kinds of rows, some of each, and how.

    `shown` is (n, features) float32, or (n, width, features) for a learner that looks back;
    `labels` (n,) are 0 or 1, `weights` (n,) above 0. `before` is a learner of the same name to go
    on from, or None; it is left as it was.
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
    `importance` what each feature was worth, shape (features,), of no unit. `package` is one that
    does not come with gridkit, to be had by the extra of that name.
    """

    defaults: Mapping[str, Any]
    fit: Callable[[Task], Any]
    score: Callable[[Any, np.ndarray], np.ndarray]
    importance: Callable[[Any], np.ndarray]
    package: str = ""

    def parameters(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the defaults with one's own over them."""
        return {**self.defaults, **own}

    def width(self, own: Mapping[str, Any]) -> int:
        """Return the rows it looks at, the one asked about included."""
        return int(self.parameters(own)["width"]) if "width" in self.defaults else 1


def named(name: str) -> Learner:
    """Return the learner of that name. Raises ValueError where there is none."""
    if name not in LEARNERS:
        raise ValueError(f"there is no learner {name!r}; allowed are {', '.join(LEARNERS)}")
    return LEARNERS[name]


def missing(name: str) -> str | None:
    """Return what has to be installed for a learner, in a sentence; None where nothing has to."""
    package = named(name).package
    if not package or find_spec(package):
        return None
    return f'the learner {name} needs {package}: pip install "gridkit[{package}]"'


def _outgrown(trees: int, task: Task) -> bool:
    own = task.parameters["n_estimators"]
    return bool(trees + own > MOST_GROWTH * own)


def _lightgbm(task: Task) -> Any:
    before = task.before
    if before is not None and _outgrown(before.num_trees(), task):
        before = None
    made = LGBMClassifier(
        **task.parameters,
        random_state=task.seed,
        n_jobs=task.threads,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    fitted = made.fit(task.shown, task.labels, sample_weight=task.weights, init_model=before)
    return fitted.booster_


def _lightgbm_score(model: Any, shown: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(shown, num_threads=1))


def _lightgbm_importance(model: Any) -> np.ndarray:
    return np.asarray(model.feature_importance("gain"))


def _xgboost(task: Task) -> Any:
    before = task.before
    if before is not None and _outgrown(before.num_boosted_rounds(), task):
        before = None
    made = XGBClassifier(**task.parameters, random_state=task.seed, n_jobs=task.threads)
    fitted = made.fit(task.shown, task.labels, sample_weight=task.weights, xgb_model=before)
    return fitted.get_booster()


def _xgboost_score(model: Any, shown: np.ndarray) -> np.ndarray:
    return np.asarray(model.inplace_predict(shown), dtype="float64")


def _xgboost_importance(model: Any) -> np.ndarray:
    gains = model.get_score(importance_type="total_gain")
    return np.array([gains.get(f"f{place}", 0.0) for place in range(model.num_features())])


def _forest(task: Task) -> RandomForestClassifier:
    """Trees are added to a copy of the one before."""
    made = RandomForestClassifier(
        **task.parameters, random_state=task.seed, n_jobs=task.threads, warm_start=True
    )
    before = task.before
    if before is not None and not _outgrown(len(before.estimators_), task):
        trees = len(before.estimators_) + task.parameters["n_estimators"]
        made = deepcopy(before).set_params(**{**made.get_params(), "n_estimators": trees})
    return made.fit(task.shown, task.labels, task.weights)


def _forest_score(model: RandomForestClassifier, shown: np.ndarray) -> np.ndarray:
    """As its `predict_proba`, which takes many times as long for one row."""
    return np.mean([tree.tree_.predict(shown)[:, 1] for tree in model.estimators_], axis=0)


def _forest_importance(model: RandomForestClassifier) -> np.ndarray:
    return np.asarray(model.feature_importances_)


def _lstm() -> ModuleType:
    sentence = missing("lstm")
    if sentence:
        raise ImportError(sentence)
    from gridkit.prediction import lstm  # noqa: PLC0415 - torch takes seconds and is an extra

    return lstm


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
    "random_forest": Learner(
        {
            "n_estimators": 40,
            "max_depth": 6,
            "min_samples_leaf": 50,
            "max_features": "sqrt",
            "max_samples": 0.7,
        },
        _forest,
        _forest_score,
        _forest_importance,
    ),
    "xgboost": Learner(
        {
            "n_estimators": 60,
            "learning_rate": 0.05,
            "max_depth": 4,
            "min_child_weight": 12.0,
            "subsample": 0.7,
            "colsample_bytree": 0.5,
            "reg_lambda": 5.0,
            "max_bin": 64,
            "tree_method": "hist",
        },
        _xgboost,
        _xgboost_score,
        _xgboost_importance,
    ),
    "lstm": Learner(
        {
            "width": 24,
            "hidden": 16,
            "epochs": 4,
            "batch": 128,
            "learning_rate": 0.003,
            "weight_decay": 0.01,
        },
        lambda task: _lstm().fit(task),
        lambda model, shown: _lstm().score(model, shown),
        lambda model: _lstm().importance(model),
        package="torch",
    ),
}
