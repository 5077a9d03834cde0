"""Drift: by a loop over bins, by its closed form of a shifted normal, and what it objects to."""

import bisect
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gridkit.prediction import drift
from gridkit.prediction.drift import Limits

HOUR = 3_600.0


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
    found = drift.compare(training, now[["three", "two", "one"]])
    assert found["one"] == pytest.approx(0, abs=1e-9)
    assert found["two"] > 1
    assert math.isnan(found["three"])


CALM = pd.Series({"one": 0.01, "two": 0.02, "three": 0.1, "four": np.nan, "five": 0.24})


@pytest.mark.parametrize(
    ("indices", "hours", "limits", "words"),
    [
        (CALM, 1.0, Limits(), None),
        (CALM, 24.0, Limits(), None),
        (CALM, 24.1, Limits(), "24.1 hours old, 24 are allowed"),
        (CALM, 24.1, Limits(most_age_hours=48), None),
        (CALM, math.nan, Limits(), "nan hours old"),
        (CALM.replace(0.02, 0.3), 1.0, Limits(), None),
        (CALM.replace({0.02: 0.3, 0.1: 0.9}), 1.0, Limits(), "2 of 4 features drifted, three most"),
        (CALM.replace({0.02: 0.3, 0.1: 0.9}), 1.0, Limits(most_drifted_fraction=0.5), None),
        (CALM.replace({0.02: 0.3, 0.1: 0.9}), 1.0, Limits(most_drifted_fraction=0.45), "2 of 4"),
        (CALM.replace({0.02: 0.3, 0.1: 0.9}), 1.0, Limits(most_index=0.5), None),
        (CALM * np.nan, 1.0, Limits(), "unknown"),
        (CALM.iloc[:0], 1.0, Limits(), "unknown"),
    ],
)
def test_a_model_is_objected_to_for_age_drift_and_what_is_not_known(indices, hours, limits, words):
    found = drift.objection(indices, hours * HOUR, limits)
    assert found is None if words is None else words in found
