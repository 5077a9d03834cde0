"""How unlike training the last days are: as whole frames say, whatever part of them is shown."""

import numpy as np
import pandas as pd
import pytest

from gridkit import candles
from gridkit.host.prediction.drifting import Drifts
from gridkit.prediction import drift
from gridkit.settings import DriftSettings
from strategies import START

HOUR = 3_600
NAMES = ["%-calm_ETH/USDT_1h", "%-moved_ETH/USDT_1h"]
TRAINED, LATER = 400, 200
ROWS = 120  # five days of hours
RULE = DriftSettings(days=5, most_index=0.5)


class Model:
    """What training leaves behind."""

    reference = None
    tail = None


@pytest.fixture(scope="module")
def history():
    """Two features; the second moves away some time after training ended."""
    noise = np.random.default_rng(7)
    values = noise.normal(size=(TRAINED + LATER, 2))
    values[TRAINED + 30 :, 1] += 3
    frame = pd.DataFrame(values, columns=NAMES, dtype="float32")
    dates = START + pd.Timedelta("1h") * np.arange(len(frame))
    return frame.assign(date=dates, **{"%-other_1h": 0.0})


@pytest.fixture
def drifts():
    return Drifts(RULE, HOUR)


@pytest.fixture
def model(history, drifts):
    made = Model()
    drifts.remember(made, history.iloc[:TRAINED], NAMES)
    return made


def by_loop(history, rule=RULE):
    """Of each candle after training, the share by the days until then, compared whole."""
    usual = drift.reference(history.iloc[:TRAINED][NAMES])
    return [
        drift.drifted(
            drift.compare(usual, history.iloc[now - ROWS + 1 : now + 1][NAMES]), rule.most_index
        )
        for now in range(TRAINED, TRAINED + LATER)
    ]


def test_each_candle_after_training_has_what_the_days_until_then_say(history, drifts, model):
    found = drifts.of(model, history.iloc[TRAINED:], LATER)
    assert found.tolist() == by_loop(history)
    assert {0.0, 0.5} <= set(found)


@pytest.mark.parametrize("last", [1, 50, LATER])
def test_of_a_frame_with_more_candles_the_last_have_the_same(history, drifts, model, last):
    assert drifts.of(model, history, last).tolist() == by_loop(history)[-last:]


@pytest.mark.parametrize("begins", [0, 200, TRAINED - 1, TRAINED, TRAINED + LATER - 1])
def test_wherever_the_frame_begins_its_last_candle_has_the_same(history, drifts, model, begins):
    """Live a frame goes back beyond the end of training, or not as far."""
    (found,) = drifts.of(model, history.iloc[begins:], 1)
    # Of a frame that begins later than training ended the time between is not there to be seen.
    if begins <= TRAINED:
        assert found == by_loop(history)[-1]
    else:
        assert found in (0.0, 0.5)


def test_candles_at_which_a_frame_warms_up_are_taken_from_training(history, drifts, model):
    """Features are unknown at the beginning of every frame, which is as long as they need."""
    cold = history.copy()
    cold.loc[: TRAINED - 50, NAMES] = np.nan
    found = drifts.of(model, cold.iloc[TRAINED - 300 :], LATER)
    assert found.tolist() == by_loop(history)


def test_nothing_of_the_frame_being_known_its_days_are_those_before(history, drifts, model):
    blank = history.iloc[TRAINED:].assign(**dict.fromkeys(NAMES, np.nan))
    found = drifts.of(model, blank, LATER)
    assert len(found) == LATER
    # With fewer than a hundred known rows nobody can tell.
    assert np.isnan(found[ROWS - drift.LEAST_ROWS + 1 :]).all()


def test_with_fewer_days_than_are_compared_it_is_unknown_until_there_are_as_many(history):
    short = Drifts(DriftSettings(days=20, most_index=0.5), HOUR)
    made = Model()
    short.remember(made, history.iloc[TRAINED - 400 : TRAINED], NAMES)
    found = short.of(made, history.iloc[TRAINED:], LATER)
    assert np.isnan(found[: 480 - 400 - 1]).all()
    assert not np.isnan(found[480 - 400 - 1 :]).any()


def test_switched_off_or_without_a_model_of_its_own_it_is_unknown(history, drifts, model):
    off = Drifts(DriftSettings(enabled=False, days=5), HOUR)
    assert np.isnan(off.of(model, history.iloc[TRAINED:], LATER)).all()
    unknown = Model()
    off.remember(unknown, history.iloc[:TRAINED], NAMES)
    assert unknown.tail is None
    assert np.isnan(drifts.of(unknown, history.iloc[TRAINED:], LATER)).all()
    assert drifts.of(model, history.iloc[:0], 0).shape == (0,)


def test_without_a_feature_that_could_drift_it_is_unknown(history, drifts):
    made = Model()
    drifts.remember(made, history.iloc[:TRAINED], [])
    assert np.isnan(drifts.of(made, history.iloc[TRAINED:], LATER)).all()


def test_what_is_left_with_a_model_is_small_and_its_own(history, drifts, model):
    assert len(model.tail) == ROWS
    assert set(model.reference.features) == set(NAMES)
    opened = candles.times(history.iloc[:TRAINED])[-ROWS:]
    assert model.tail["opened"].tolist() == opened.tolist()


def test_the_frames_are_left_alone(history, drifts, model):
    before = history.copy(deep=True)
    drifts.of(model, history.iloc[TRAINED:], LATER)
    pd.testing.assert_frame_equal(history, before)
