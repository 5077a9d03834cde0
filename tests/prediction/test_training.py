"""Training: what is learned, from what, and what is said where there is too little."""

import pickle

import numpy as np
import pandas as pd
import pytest

from gridkit.prediction.training import Recipe, train

STEP = 300.0
TINY = {"n_estimators": 10}


def lesson(count=1_500, edge=0.8, seed=0, horizons=("15m", "1h")):
    """Features of noise; the first is the side that comes, in `edge` of the rows."""
    noise = np.random.default_rng(seed)
    shown = pd.DataFrame(noise.normal(0, 1, (count, 4)), columns=["told", "one", "two", "three"])
    outcomes = {}
    for horizon in horizons:
        right = noise.random(count) < edge
        outcomes[f"up_{horizon}"] = np.where(right, shown["told"] > 0, shown["told"] <= 0)
        outcomes[f"decided_{horizon}"] = noise.random(count) < 0.7
    return shown, STEP * np.arange(count), pd.DataFrame(outcomes, dtype="float64")


def test_what_is_told_is_learned_and_weighs_most():
    shown, times, outcomes = lesson()
    found = train(shown, times, outcomes, STEP, Recipe(parameters=TINY))
    fresh, _, came = lesson(seed=1)
    said = found.predict(fresh)
    assert ((said["up_15m"] > 0.5) == came["up_15m"]).mean() > 0.75
    assert found.importance().sum().to_numpy() == pytest.approx(1.0)
    assert found.importance()["15m"].idxmax() == "told"
    assert (found.names, found.horizons, found.width) == (tuple(shown), ("15m", "1h"), 1)


def test_equal_seeds_give_equal_numbers_and_others_do_not():
    lessons = lesson()
    one, same, other = (
        train(*lessons, STEP, Recipe(parameters=TINY, seed=seed)).predict(lessons[0])
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)


def test_a_predictor_says_the_same_from_a_file():
    lessons = lesson()
    found = train(*lessons, STEP, Recipe(parameters=TINY))
    found.of_the_host = "kept"
    read = pickle.loads(pickle.dumps(found))
    pd.testing.assert_frame_equal(read.predict(lessons[0]), found.predict(lessons[0]))
    assert read.of_the_host == "kept"


def test_too_little_to_learn_from_is_said_in_one_sentence():
    with pytest.raises(ValueError, match=r"too little to learn from .15m: .* rows to learn from"):
        train(*lesson(200), STEP, Recipe())
