"""Drift: by a loop over bins, by its closed form of a shifted normal, and what it objects to."""

import bisect
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gridkit.prediction import drift, features
from gridkit.settings import Settings

DAY = 288


@st.composite
def values(draw):
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(60, 400))
    found = noise.normal(
        draw(st.sampled_from((0.0, 1.0))), draw(st.sampled_from((0.0, 1.0))), count
    )
    if draw(st.booleans()):
        found = np.round(found)
    found[noise.random(count) < draw(st.sampled_from((0.0, 0.2)))] = np.nan
    return found


def by_loop(training, now):
    before = sorted(one for one in training if not math.isnan(one))
    after = [one for one in now if not math.isnan(one)]
    if min(len(before), len(after)) < 100:
        return math.nan
    edges = sorted({float(np.percentile(before, 10 * tenth)) for tenth in range(10)})
    edges = sorted({*edges, math.nextafter(before[-1], math.inf)})
    index = 0.0
    for number in range(len(edges) + 1):
        p, q = (
            (sum(bisect.bisect_right(edges, one) == number for one in side) + 0.5)
            / (len(side) + 0.5 * (len(edges) + 1))
            for side in (before, after)
        )
        index += (q - p) * math.log(q / p)
    return index


@given(training=values(), now=values())
def test_the_index_is_what_the_loop_over_bins_says(training, now):
    found = drift.stability_index(training, now)
    assert found == pytest.approx(by_loop(training, now), abs=1e-9, nan_ok=True)
    assert math.isnan(found) or found >= 0


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.6, 1.0])
def test_of_a_shifted_normal_it_is_what_the_formula_says(shift):
    noise = np.random.default_rng(2)
    found = drift.stability_index(noise.normal(0, 1, 100_000), noise.normal(shift, 1, 100_000))
    shares = np.diff(stats.norm.cdf(stats.norm.ppf(np.arange(11) / 10) - shift))
    expected = ((shares - 0.1) * np.log(shares / 0.1)).sum()
    assert found == pytest.approx(expected, abs=0.01 + 0.03 * expected)


def test_values_never_seen_in_training_are_a_large_drift_even_of_a_constant():
    constant = np.ones(500)
    assert drift.stability_index(constant, constant) == pytest.approx(0, abs=1e-9)
    for other in (0.5, 1.5):
        assert drift.stability_index(constant, np.full(500, other)) > 5


def test_infinite_and_unknown_values_are_left_out_and_few_are_unknown():
    noise = np.random.default_rng(4)
    training, now = noise.normal(0, 1, (2, 500))
    spoilt = np.concatenate([now, [np.nan, np.inf, -np.inf]])
    assert drift.stability_index(training, spoilt) == drift.stability_index(training, now)
    assert math.isnan(drift.stability_index(training, now[:99]))
    assert math.isnan(drift.stability_index(training[:99], now))


def test_each_feature_is_compared_with_its_own_past():
    noise = np.random.default_rng(5)
    training = pd.DataFrame(noise.normal(0, 1, (1_000, 3)), columns=["one", "two", "three"])
    now = training.assign(two=training["two"] + 2, three=np.nan)
    found = drift.compare(drift.reference(training), now[["three", "two", "one"]])
    assert found["one"] == pytest.approx(0, abs=1e-9)
    assert found["two"] > 1
    assert math.isnan(found["three"])


@given(training=values(), now=values())
def test_a_reference_says_what_the_rows_it_was_made_of_would_say(training, now):
    reference = pickle.loads(pickle.dumps(drift.reference(pd.DataFrame({"one": training}))))
    found = drift.compare(reference, pd.DataFrame({"one": now}))
    assert found["one"] == pytest.approx(drift.stability_index(training, now), nan_ok=True)
    assert len(pickle.dumps(reference)) < 2_000


@given(training=values(), now=values(), rows=st.integers(1, 300))
def test_lately_says_of_each_row_what_comparing_its_last_rows_would(training, now, rows):
    reference = drift.reference(pd.DataFrame({"one": training, "two": training * 2}))
    features = pd.DataFrame({"one": now, "two": now + 0.5})
    found = drift.lately(reference, features, rows, 0.3)
    assert np.isnan(found[: rows - 1]).all()
    for end in range(rows, len(features) + 1, 13):
        expected = drift.drifted(drift.compare(reference, features[end - rows : end]), 0.3)
        assert found[end - 1] == pytest.approx(expected, nan_ok=True)


CALM = pd.Series({"one": 0.01, "two": 0.02, "three": 0.1, "four": np.nan, "five": 0.24})
WILD = CALM.replace({0.02: 0.3, 0.1: 0.9})


@pytest.mark.parametrize(
    ("indices", "expected"), [(CALM, 0.0), (WILD, 0.5), (CALM * np.nan, np.nan), (CALM[:0], np.nan)]
)
def test_drifted_is_the_share_of_the_known_that_are_above(indices, expected):
    assert drift.drifted(indices, 0.25) == pytest.approx(expected, nan_ok=True)


def weekly(path, days):
    """Tell of each week of a real market whether it drifted from so many days before it."""
    frame = pd.read_feather(path)
    shown = features.compute(frame, Settings())
    limits = Settings().prediction.drift
    found, dates = [], []
    for at in range((days + 4) * DAY, len(frame) - 7 * DAY, 7 * DAY):
        now = slice(at, at + 7 * DAY)
        indices = drift.compare(drift.reference(shown[at - days * DAY : at]), shown[now])
        found.append(drift.drifted(indices, limits.most_index) > limits.most_drifted)
        dates.append(frame["date"].iloc[at])
    return pd.Series(found, index=dates)


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_an_ordinary_week_passes(real_data, coin):
    folder = real_data / "futures_5m_2023-05_2024-05" / "binance" / "futures"
    found = weekly(folder / f"{coin}_USDT_USDT-5m-futures.feather", 90)
    assert len(found) > 30
    assert found.mean() < 0.05


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL"])
def test_the_week_of_november_2022_does_not(real_data, coin):
    path = real_data / "spot_5m_2022-08_2023-09" / "binance" / f"{coin}_USDT-5m.feather"
    frame = pd.read_feather(path)
    shown = features.compute(frame, Settings()).set_index(frame["date"])
    reference = drift.reference(shown["2022-10-09":"2022-11-07"])
    limits = Settings().prediction.drift
    for days, passes in (
        (("2022-11-01", "2022-11-07"), True),
        (("2022-11-08", "2022-11-14"), False),
    ):
        indices = drift.compare(reference, shown[slice(*days)])
        drifted = drift.drifted(indices, limits.most_index) > limits.most_drifted
        assert drifted != passes
