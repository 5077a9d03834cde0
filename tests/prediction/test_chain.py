"""All parts in a row with a plain learner: an edge that is there is found, no other."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from gridkit.prediction import accuracy, calibration, features, gate, purging, targets
from gridkit.settings import Settings
from strategies import START

HORIZON, COST = "15m", 0.0005
CANDLES, PAST = 6_000, 4_000


@pytest.fixture(scope="module")
def market():
    """Candles of 5 minutes whose returns go on in their direction: each keeps 0.6 of the last."""
    noise = np.random.default_rng(11)
    steps = np.zeros(CANDLES)
    for now, shock in enumerate(noise.normal(0, 0.001, CANDLES)):
        steps[now] = 0.6 * steps[now - 1] + shock
    close = 100 * np.exp(np.cumsum(steps))
    opened = np.concatenate([[100.0], close[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("5m") * np.arange(CANDLES),
            "open": opened,
            "high": np.maximum(opened, close) * 1.0002,
            "low": np.minimum(opened, close) / 1.0002,
            "close": close,
            "volume": noise.uniform(1, 2, CANDLES),
        }
    )


def predicted(market, shuffled):
    """P(up | decided) of every candle by a model of the first ones, and what moves came."""
    shown = features.compute(market, Settings()).to_numpy("float64")
    move = targets.moves(market, HORIZON)
    if shuffled:
        move = np.random.default_rng(1).permutation(move)
    labels = np.where(targets.decided(move, COST), move > 0, np.nan)
    past = np.flatnonzero(~np.isnan(shown).any(axis=1))
    past = past[past < PAST]
    times = market["date"].map(pd.Timestamp.timestamp).to_numpy()[past]
    parts = purging.split(times, 900.0)
    train, validation = past[parts.train], past[parts.validation]
    train = train[~np.isnan(labels[train])]
    model = LogisticRegression(max_iter=1_000).fit(shown[train], labels[train])
    scores = np.full(len(market), np.nan)
    scores[past[0] :] = model.predict_proba(shown[past[0] :])[:, 1]
    fitted = calibration.fit(scores[validation], labels[validation])
    return fitted.probability(scores), move


def judged(market, probability, move):
    frame = market[["date"]].assign(up=probability, do_predict=1, move=move)
    frame["in_sample"] = frame.index < PAST
    found = gate.compute(frame, gate.Rule(HORIZON, "5m", COST))
    return accuracy.measure(probability[PAST:], move[PAST:], COST, 3), found


def test_a_planted_signal_is_found_and_gated_on(market):
    measured, found = judged(market, *predicted(market, shuffled=False))
    assert measured.accuracy.low > 0.65
    assert measured.brier.high < 0.25
    assert found["gate_on"].iloc[-1]
    assert not found["gate_on"].iloc[:PAST].any()


def test_shuffled_outcomes_are_right_half_of_the_time_and_stay_off(market):
    measured, found = judged(market, *predicted(market, shuffled=True))
    assert measured.accuracy.value == pytest.approx(0.5, abs=0.04)
    assert not found["gate_on"].any()
