"""Which learners there are, and which of them can be used here."""

from importlib.util import find_spec

from gridkit.prediction.learners import LEARNERS

MODULES = {
    "lightgbm": "lightgbm",
    "random_forest": "sklearn",
    "xgboost": "xgboost",
    "lstm": "torch",
}


def known() -> tuple[str, ...]:
    """Return the names of all learners."""
    return tuple(LEARNERS)


def missing(learner: str) -> str | None:
    """Return the package a learner wants that is not installed, or None."""
    module = MODULES.get(learner)
    return module if module and find_spec(module) is None else None


def installed() -> tuple[str, ...]:
    """Return the names of the learners that can be used."""
    return tuple(one for one in known() if missing(one) is None)
