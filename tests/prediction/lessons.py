"""What tests let learners learn: noise, of which one feature tells what comes."""

import numpy as np
import pandas as pd

from gridkit.prediction.training import Recipe

STEP = 300.0
TINY = {
    "lightgbm": {"n_estimators": 8},
    "random_forest": {"n_estimators": 8},
    "xgboost": {"n_estimators": 8},
    "lstm": {"width": 3, "hidden": 4, "epochs": 12, "batch": 64, "learning_rate": 0.02},
}


def tiny(learner="lightgbm", **others):
    return Recipe(learner, parameters=TINY[learner], **{"members": 2} | others)


def lesson(count=1_500, edge=0.8, seed=0, horizons=("15m", "1h"), start=0.0):
    """Features, times and outcomes; `told` is the side that comes, in `edge` of the rows."""
    noise = np.random.default_rng(seed)
    shown = pd.DataFrame(noise.normal(0, 1, (count, 4)), columns=["told", "one", "two", "three"])
    outcomes = {}
    for horizon in horizons:
        right = noise.random(count) < edge
        outcomes[f"up_{horizon}"] = np.where(right, shown["told"] > 0, shown["told"] <= 0)
        outcomes[f"decided_{horizon}"] = noise.random(count) < 0.7
    return shown, start + STEP * np.arange(count), pd.DataFrame(outcomes, dtype="float64")
