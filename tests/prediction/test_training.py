"""Training: what is learned, from which rows, and what is said where there is too little."""

import numpy as np
import pandas as pd
import pytest

from gridkit import candles
from gridkit.prediction import calibration, learners
from gridkit.prediction.training import train
from prediction.lessons import STEP, lesson, tiny


@pytest.fixture
def tasks(monkeypatch):
    """What learners were given, in order: up of the first horizon, decided, and so on."""
    seen = []
    table = learners.LEARNERS["lightgbm"]

    def fit(task):
        seen.append(task)
        return table.fit(task)

    watched = learners.Learner(table.defaults, fit, table.score, table.importance)
    monkeypatch.setattr(learners, "LEARNERS", {"lightgbm": watched})
    return seen


def numbered(count, horizons):
    """A lesson whose fourth feature is the number of the row."""
    shown, times, outcomes = lesson(count, horizons=horizons)
    return shown.assign(three=np.arange(count, dtype="float64")), times, outcomes


def rows_of(task):
    return task.shown[:, 3].astype(int)


def test_a_predictor_says_what_it_was_taught():
    shown, times, outcomes = lesson()
    found = train(shown, times, outcomes, STEP, tiny())
    assert found.names == ("told", "one", "two", "three")
    assert found.horizons == ("15m", "1h")
    assert (found.learner, found.width) == ("lightgbm", 1)
    fresh = lesson(seed=2)[0]
    said = found.predict(fresh[["three", "two", "one", "told"]].assign(more=1.0))
    pd.testing.assert_frame_equal(said, found.predict(fresh))
    columns = [f"{name}_{h}" for h in found.horizons for name in ("up", "decided", "uncertainty")]
    assert list(said) == columns
    # Nothing tells what is decided, so that the share of the calibrating fifth is left.
    share = outcomes["decided_15m"][1_200:].mean()
    assert said["decided_15m"].mean() == pytest.approx(share, abs=0.02)


def test_only_decided_rows_with_a_known_outcome_are_asked_for_the_side(tasks):
    shown, times, outcomes = numbered(1_500, ("15m",))
    outcomes.loc[50:90, "decided_15m"] = np.nan
    outcomes.loc[200:220, "up_15m"] = np.nan
    train(shown, times, outcomes, STEP, tiny())
    up = np.concatenate([rows_of(task) for task in tasks[:2]])
    decided = np.concatenate([rows_of(task) for task in tasks[2:]])
    fine = (outcomes["decided_15m"] == 1) & outcomes["up_15m"].notna()
    assert set(up) == {row for row in np.flatnonzero(fine) if row < 1_200 - 2}
    assert set(decided) == {row for row in range(1_200 - 2) if not 50 <= row <= 90}


def test_what_calibrates_was_not_learned_from_nor_what_reaches_into_it(tasks):
    recipe = tiny(validation_fraction=0.3, embargo_seconds=1_500.0)
    found = train(*numbered(1_500, ("1h",)), STEP, recipe)
    # Its outcome is known 12 candles later, and 5 more are left out.
    assert max(rows_of(task).max() for task in tasks) <= 1_050 - 12 - 5
    assert max(rows_of(task).max() for task in tasks) > 1_020
    assert found.judged_from == 1_050 * STEP


def test_members_miss_another_block_each_and_have_seeds_of_their_own(tasks):
    train(*numbered(1_500, ("15m",)), STEP, tiny(members=3, seed=7))
    decided = tasks[3:]
    assert [task.seed for task in decided] == [7, 8, 9]
    everything = set(range(1_200 - 2))
    missed = [everything - set(rows_of(task)) for task in decided]
    assert set.union(*missed) == everything
    assert sum(map(len, missed)) == len(everything)
    assert all(max(block) - min(block) == len(block) - 1 for block in missed)


def test_rows_of_a_long_horizon_are_thinned_to_eight_in_its_length(tasks):
    train(*numbered(3_000, ("4h",)), STEP, tiny(members=2))
    for task in tasks[2:]:
        assert set(np.diff(rows_of(task))) == {6}
    assert len({rows_of(task)[0] % 6 for task in tasks[2:]}) == 2


def test_calibration_is_fitted_to_the_mean_score_of_later_rows(monkeypatch):
    asked, real = [], calibration.fit

    def fit(scores, outcomes, method, overlap):
        asked.append((scores, outcomes, method, overlap))
        return real(scores, outcomes, method, overlap=overlap)

    monkeypatch.setattr(calibration, "fit", fit)
    shown, times, outcomes = lesson(horizons=("15m",))
    found = train(shown, times, outcomes, STEP, tiny(calibration="isotonic"))
    later = outcomes[1_200:]
    decided = later["decided_15m"] == 1
    (scores, came, method, overlap), (_, all_came, *_) = asked
    np.testing.assert_array_equal(came, later["up_15m"][decided])
    np.testing.assert_array_equal(all_came, later["decided_15m"])
    each = [one.predict(shown[1_200:][decided]) for one in found.asked["15m"].up.members]
    np.testing.assert_allclose(scores, np.mean(each, axis=0))
    assert (method, overlap) == ("isotonic", candles.seconds_of("15m") / STEP)
    assert isinstance(found.asked["15m"].up.calibration, calibration.Isotonic)


def test_too_little_to_learn_any_side_from_is_said_in_one_sentence():
    sentence = (
        r"too little to learn from \(15m: \d+ rows to learn from, 200 are needed; 1h: \d+ rows"
    )
    with pytest.raises(ValueError, match=sentence):
        train(*lesson(200), STEP, tiny())
    with pytest.raises(ValueError, match="15m: 0 rows to learn from"):
        train(*lesson(0), STEP, tiny())
    shown, times, outcomes = lesson()
    with pytest.raises(ValueError, match="15m: 0 rows to learn from"):
        train(shown * np.nan, times, outcomes, STEP, tiny())


def test_a_horizon_that_is_hardly_ever_decided_is_unknown_and_the_others_are_not():
    shown, times, outcomes = lesson()
    outcomes["decided_15m"] = (np.arange(1_500) % 20 == 0).astype("float64")
    found = train(shown, times, outcomes, STEP, tiny())
    said = found.predict(shown)
    assert said[["up_15m", "uncertainty_15m"]].isna().all(axis=None)
    assert said[["decided_15m", "up_1h", "uncertainty_1h"]].notna().all(axis=None)
    assert found.notes["up_15m"] == "60 rows to learn from, 200 are needed"
    assert found.importance()["15m"].isna().all()


def test_what_is_nearly_always_so_is_said_of_every_row():
    shown, times, outcomes = lesson()
    outcomes["decided_15m"] = 1.0
    found = train(shown, times, outcomes, STEP, tiny())
    said = found.predict(shown)["decided_15m"]
    assert np.ptp(said) == 0
    assert said[0] == pytest.approx(1_199 / 1_200, abs=1e-3)
    assert found.notes["decided_15m"] == "0 rows of one kind, too few to learn from"


@pytest.mark.parametrize("learner", ["lightgbm", "random_forest", "xgboost"])
def test_a_member_that_is_left_with_rows_of_one_kind_is_left_out(learner):
    """All that was not decided lies in one block, which one of the two members misses."""
    shown, times, outcomes = lesson()
    outcomes["decided_15m"] = (~np.isin(np.arange(1_500), range(100, 130))).astype("float64")
    found = train(shown, times, outcomes, STEP, tiny(learner))
    assert [len(found.asked[one].decided.members) for one in ("15m", "1h")] == [1, 2]
    assert found.predict(shown).notna().all(axis=None)


def test_where_thinning_leaves_one_kind_to_all_members_the_share_is_said_of_every_row():
    shown, times, outcomes = lesson(6_000, horizons=("4h",))
    outcomes["decided_4h"] = (np.arange(6_000) % 6 != 5).astype("float64")
    found = train(shown, times, outcomes, STEP, tiny())
    assert found.asked["4h"].decided.members == ()
    assert np.ptp(found.predict(shown)["decided_4h"]) == 0


def test_one_that_has_seen_what_calibrates_now_or_other_features_is_not_gone_on_from(tasks):
    recipe = tiny()

    def went_on(**changed):
        tasks.clear()
        known = {"start": 0.0, "names": None} | changed
        shown, times, outcomes = lesson(600, horizons=("15m",), start=known["start"])
        shown.columns = known["names"] or shown.columns
        train(shown, times, outcomes, STEP, recipe, before=before)
        return {task.before is not None for task in tasks}

    before = train(*lesson(600, horizons=("15m", "1h"), start=1e6), STEP, recipe)
    assert went_on(start=1e6) == {True}
    assert went_on(start=2e6) == {True}
    assert went_on(start=1e6 - STEP) == {False}
    assert went_on(start=1e6, names=["other", "one", "two", "three"]) == {False}


def test_the_inputs_are_left_alone():
    shown, times, outcomes = lesson()
    before = shown.copy(), times.copy(), outcomes.copy()
    train(shown, times, outcomes, STEP, tiny()).predict(shown)
    pd.testing.assert_frame_equal(shown, before[0])
    np.testing.assert_array_equal(times, before[1])
    pd.testing.assert_frame_equal(outcomes, before[2])
