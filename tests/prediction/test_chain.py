"""All parts in a row: an edge that is there is found and gated on, noise and chance are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from gridkit import candles
from gridkit.prediction import accuracy, calibration, features, gate, purging, targets
from gridkit.prediction.training import Recipe, train
from gridkit.settings import Settings
from prediction.lessons import tiny
from strategies import START

HORIZON, COST = "15m", 0.0005
CANDLES, PAST = 6_000, 4_000


@pytest.fixture(scope="module")
def market():
    """Candles of 5 minutes whose returns go on in their direction: each keeps 0.7 of the last."""
    noise = np.random.default_rng(11)
    steps = np.zeros(CANDLES)
    for now, shock in enumerate(noise.normal(0, 0.001, CANDLES)):
        steps[now] = 0.7 * steps[now - 1] + shock
    return drawn(steps, noise)


def drawn(steps, noise):
    """Candles of 5 minutes of log returns."""
    close = 100 * np.exp(np.cumsum(steps))
    opened = np.concatenate([[100.0], close[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("5m") * np.arange(len(steps)),
            "open": opened,
            "high": np.maximum(opened, close) * 1.0002,
            "low": np.minimum(opened, close) / 1.0002,
            "close": close,
            "volume": noise.uniform(1, 2, len(steps)),
        }
    )


def by_regression(market, shuffled):
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


def walked(market, horizon, cost, past, every, recipe, *, shuffled=False):
    """P(up | decided) of every candle from `past` on, by models of the candles before it.

    Trained anew every so many candles, on as many as `past`, with what was known by then.
    """
    shown = features.compute(market, Settings())
    wanted = targets.compute(market, cost, [horizon])
    names = {
        f"target_{horizon}_up": f"up_{horizon}",
        f"target_{horizon}_weight": f"decided_{horizon}",
    }
    outcomes = wanted[list(names)].rename(columns=names)
    move = wanted[f"target_{horizon}_move"].to_numpy()
    if shuffled:
        order = np.random.default_rng(1).permutation(len(market))
        outcomes, move = outcomes.iloc[order].reset_index(drop=True), move[order]
    times = candles.times(market)
    found = np.full(len(market), np.nan)
    for at in range(past, len(market), every):
        known, now = slice(at - past, at), slice(at, at + every)
        then = outcomes[known].copy()
        then[times[known] + candles.seconds_of(horizon) > times[at]] = np.nan
        made = train(shown[known], times[known], then, 300.0, recipe)
        found[now] = made.predict(shown[now])[f"up_{horizon}"]
    return found, move


def by_learners(market, shuffled):
    return walked(market, HORIZON, COST, PAST, 1_000, Recipe(), shuffled=shuffled)


BOTH = pytest.mark.parametrize("predicted", [by_regression, by_learners])


def judged(market, probability, move):
    frame = market[["date"]].assign(up=probability, do_predict=1, move=move)
    frame["in_sample"] = frame.index < PAST
    found = gate.compute(frame, gate.Rule(HORIZON, "5m", COST))
    return accuracy.measure(probability[PAST:], move[PAST:], COST, 3), found


@BOTH
def test_a_planted_signal_is_found_and_gated_on(market, predicted):
    measured, found = judged(market, *predicted(market, shuffled=False))
    assert measured.accuracy.low > 0.65
    assert measured.brier.high < 0.25
    assert found["gate_on"].iloc[-1]
    assert found["gate_on"].iloc[PAST + 600 :].mean() > 0.9
    assert not found["gate_on"].iloc[:PAST].any()


@BOTH
def test_shuffled_outcomes_are_right_half_of_the_time_and_stay_off(market, predicted):
    """If a label leaked into a feature, the moves it belongs to would still be told."""
    measured, found = judged(market, *predicted(market, shuffled=True))
    assert measured.accuracy.value == pytest.approx(0.5, abs=0.04)
    assert not found["gate_on"].any()


def test_models_of_pure_noise_over_twenty_seeds_are_heeded_less_than_5_percent_of_the_time():
    """Random walks, walked forward with really trained models, at the usual cost."""
    past, ahead, cost = 10 * 288, 20 * 288, 0.001
    on, unknown = [], []
    for seed in range(20):
        noise = np.random.default_rng(seed)
        market = drawn(noise.normal(0, 0.0015, past + ahead), noise)
        up, move = walked(market, "4h", cost, past, 5 * 288, tiny())
        frame = market[["date"]].assign(up=up, do_predict=1, in_sample=False, move=move)
        found = gate.compute(frame, gate.Rule("4h", "5m", cost))
        on.append(found["gate_on"].iloc[past:].mean())
        unknown.append((found["gate_outcomes"] < 60).iloc[past:].mean())
    assert np.mean(on) < 0.05
    assert np.mean(unknown) < 0.7
