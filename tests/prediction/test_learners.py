"""Each learner keeps the same contract, whatever it is made of."""

import pickle
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from gridkit.prediction import learners
from gridkit.prediction.learners import LEARNERS, Task
from gridkit.prediction.training import Recipe, train
from gridkit.settings.prediction import Learner
from prediction.lessons import STEP, lesson, tiny

HERE = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            bool(learners.missing(name)), reason=learners.missing(name) or "is there"
        ),
    )
    for name in LEARNERS
]
TREES = ("lightgbm", "random_forest", "xgboost")
each_learner = pytest.mark.parametrize("learner", HERE)


@pytest.fixture(scope="module")
def trained():
    """Predictors of the same lesson by learner, each made once."""
    made = {}

    def by(learner):
        if learner not in made:
            made[learner] = train(*lesson(), STEP, tiny(learner))
        return made[learner]

    return by


def test_the_settings_and_the_table_name_the_same_learners():
    assert set(Learner.__args__) == set(LEARNERS)


@each_learner
def test_what_is_told_is_learned_and_weighs_most(trained, learner):
    fresh, _, came = lesson(seed=1)
    said = trained(learner).predict(fresh)
    known = said["up_15m"].notna()
    assert known.mean() > 0.99
    assert ((said["up_15m"] > 0.5) == came["up_15m"])[known].mean() > 0.75
    importance = trained(learner).importance()
    assert list(importance.index) == list(fresh)
    assert list(importance) == ["15m", "1h"]
    assert importance.sum().to_numpy() == pytest.approx(1.0)
    assert (importance.to_numpy() >= 0).all()
    assert importance.idxmax().tolist() == ["told", "told"]


@each_learner
def test_equal_seeds_give_equal_numbers_and_others_do_not(trained, learner):
    shown = lesson()[0]
    expected = trained(learner).predict(shown)
    again, other = (train(*lesson(), STEP, tiny(learner, seed=seed)) for seed in (1, 2))
    pd.testing.assert_frame_equal(again.predict(shown), expected)
    assert not other.predict(shown).equals(expected)


@each_learner
def test_it_says_the_same_from_a_file_and_of_a_row_alone(trained, learner):
    shown, found = lesson(seed=3)[0][:50], trained(learner)
    expected = found.predict(shown)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(found)).predict(shown), expected)
    last = found.predict(shown[-found.width :])[-1:]
    pd.testing.assert_frame_equal(last, expected[-1:], rtol=1e-5)


@each_learner
def test_unknown_and_infinite_features_are_neither_learned_nor_predicted(learner):
    shown, times, outcomes = lesson()
    spoilt = shown.copy()
    spoilt.iloc[100:200, 1], spoilt.iloc[200:300, 2], spoilt.iloc[300:310, 0] = np.nan, np.inf, 1e99
    found = train(spoilt, times, outcomes, STEP, tiny(learner))
    said = found.predict(spoilt)
    unknown = np.zeros(len(shown), dtype=bool)
    unknown[100 : 310 + found.width - 1] = True
    unknown[: found.width - 1] = True
    assert said.isna().all(axis=1).to_numpy().tolist() == unknown.tolist()
    assert said.notna().all(axis=1).to_numpy().tolist() == (~unknown).tolist()
    without = pd.concat([shown[:100], shown[310:]])
    if found.width == 1:
        kept = without.index
        same = train(without, times[kept], outcomes.loc[kept], STEP, tiny(learner))
        pd.testing.assert_frame_equal(same.predict(shown), found.predict(shown))


@each_learner
def test_it_goes_on_from_the_one_before_and_leaves_that_as_it_was(trained, learner):
    """Of what was told before some is still known after nothing was told any more."""
    before, fresh = trained(learner), lesson(seed=4)[0]
    once = before.predict(fresh)
    silent = lesson(600, edge=0.5, seed=5, start=1e6)
    alone = train(*silent, STEP, tiny(learner)).asked["15m"].up
    after = train(*silent, STEP, tiny(learner), before=before).asked["15m"].up
    score = LEARNERS[learner].score
    shown = fresh.to_numpy("float32")
    if before.width > 1:
        shown = np.lib.stride_tricks.sliding_window_view(shown, before.width, axis=0)
        shown = shown.transpose(0, 2, 1)
    told = fresh["told"].to_numpy()[before.width - 1 :]

    def agreement(question):
        return np.corrcoef(score(question.members[0], shown), told)[0, 1]

    assert agreement(after) > agreement(alone) + 0.15
    assert not np.array_equal(
        score(after.members[0], shown), score(before.asked["15m"].up.members[0], shown)
    )
    pd.testing.assert_frame_equal(before.predict(fresh), once)


def size(member):
    for count in ("num_trees", "num_boosted_rounds"):
        if hasattr(member, count):
            return getattr(member, count)()
    return len(member.estimators_)


@pytest.mark.parametrize("learner", TREES)
def test_one_that_would_have_grown_tenfold_begins_anew(learner):
    table = LEARNERS[learner]
    noise = np.random.default_rng(0)
    shown = noise.normal(0, 1, (300, 2)).astype("float32")
    labels = (shown[:, 0] > 0).astype("float64")
    parameters = table.parameters({"n_estimators": 2})
    made, sizes = None, []
    for _ in range(11):
        made = table.fit(Task(shown, labels, np.ones(300), 1, 1, parameters, made))
        sizes.append(size(made))
    assert sizes == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 2]


@each_learner
def test_rows_that_count_more_are_heeded_more(learner):
    """Of two truths that contradict each other, the one with the weights is learned."""
    shown, times, outcomes = lesson(edge=1.0, horizons=("15m",))
    first = np.arange(len(shown)) % 2 == 0
    outcomes.loc[first, "up_15m"] = 1 - outcomes.loc[first, "up_15m"]
    sides = []
    for heeded in (first, ~first):
        recipe = tiny(learner)
        weights = np.where(heeded, 20.0, 1.0)
        found = train(shown, times, outcomes, STEP, recipe, weights).asked["15m"].up.members[0]
        width = LEARNERS[learner].width(recipe.parameters)
        far = np.full((2, width, 4), 0.0, dtype="float32")
        far[0, -1, 0], far[1, -1, 0] = 2.0, -2.0
        high, low = LEARNERS[learner].score(found, far if width > 1 else far[:, 0])
        sides.append(high > low)
    assert sides == [False, True]


def test_a_forest_scores_as_sklearn_would():
    noise = np.random.default_rng(0)
    shown = noise.normal(0, 1, (400, 3)).astype("float32")
    labels = (shown[:, 0] + noise.normal(0, 1, 400) > 0).astype("float64")
    table = LEARNERS["random_forest"]
    made = table.fit(Task(shown, labels, np.ones(400), 1, 1, table.parameters({})))
    np.testing.assert_allclose(table.score(made, shown), made.predict_proba(shown)[:, 1])


def test_an_unknown_learner_is_told_those_there_are():
    with pytest.raises(ValueError, match="there is no learner 'lightbgm'; allowed are lightgbm, "):
        train(*lesson(), STEP, Recipe("lightbgm"))


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_a_sentence_says_how_to_get_it():
    sentence = 'the learner lstm needs torch: pip install "gridkit[torch]"'
    assert learners.missing("lstm") == sentence
    with pytest.raises(ImportError) as raised:
        train(*lesson(), STEP, tiny("lstm"))
    assert str(raised.value) == sentence
    assert all(learners.missing(name) is None for name in TREES)


class TestLstm:
    """What only a learner of sequences has."""

    @pytest.fixture(autouse=True)
    def torch(self):
        return pytest.importorskip("torch", reason=learners.missing("lstm"))

    def test_it_learns_what_the_row_before_told(self):
        shown, times, outcomes = lesson(edge=1.0, horizons=("15m",))
        outcomes["up_15m"] = (shown["told"].shift(1, fill_value=0) > 0).astype("float64")
        found = train(shown, times, outcomes, STEP, tiny("lstm"))
        fresh = lesson(seed=7)[0]
        said = found.predict(fresh)["up_15m"]
        assert ((said > 0.5) == (fresh["told"].shift(1) > 0))[2:].mean() > 0.8

    def test_sequences_across_missing_candles_are_not_learned_from(self):
        shown, times, outcomes = lesson(horizons=("15m",))
        with pytest.raises(ValueError, match="0 rows to learn from"):
            train(shown, times * 2, outcomes, STEP, tiny("lstm"))

    def test_what_else_draws_at_random_is_left_alone(self, torch):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        train(*lesson(600), STEP, tiny("lstm"))
        assert torch.equal(torch.rand(3), expected)

    def test_a_misspelt_parameter_is_an_error(self):
        with pytest.raises(ValueError, match=r"lstm has width, hidden, .* but no epoch"):
            train(*lesson(), STEP, Recipe("lstm", parameters={"epoch": 3}))
