"""How an account is divided: by confidence and inverse volatility."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk.allocation import weights

NAN = math.nan


@pytest.mark.parametrize(
    ("confidences", "volatilities", "expected"),
    [
        ([], [], []),
        ([0.7], [0.02], [1.0]),
        ([1.0, 1.0], [0.02, 0.02], [0.5, 0.5]),
        ([1.0, 1.0], [0.02, 0.06], [0.75, 0.25]),
        ([1.0, 0.5], [0.02, 0.02], [2 / 3, 1 / 3]),
        ([1.0, 0.5], [0.04, 0.02], [0.5, 0.5]),
        ([0.0, 0.0], [0.02, 0.06], [0.5, 0.5]),
        ([1.0, 0.0], [0.02, 0.02], [1.0, 0.0]),
        ([1.4, 1.0], [0.02, 0.02], [0.5, 0.5]),
        ([1.0, -0.5], [0.02, 0.02], [1.0, 0.0]),
        ([1.0, NAN], [0.02, 0.02], [0.5, 0.5]),
        ([NAN, NAN], [0.02, 0.06], [0.75, 0.25]),
        ([1.0, 1.0, 1.0], [0.02, 0.02, NAN], [1 / 3] * 3),
        ([1.0, 1.0], [NAN, NAN], [0.5, 0.5]),
        ([1.0, 1.0], [0.0, 0.02], [0.5, 0.5]),
        ([1.0, 1.0], [math.inf, 0.02], [0.5, 0.5]),
    ],
)
def test_weights_are_confidence_over_volatility_and_what_is_unknown_is_neutral(
    confidences, volatilities, expected
):
    assert list(weights(confidences, volatilities)) == pytest.approx(expected)


CONFIDENCE = st.one_of(st.floats(0.0, 1.0), st.just(NAN))
VOLATILITY = st.one_of(st.floats(1e-4, 1.0), st.just(NAN), st.just(0.0))
ROWS = st.lists(st.tuples(CONFIDENCE, VOLATILITY), min_size=1, max_size=9)


@given(ROWS)
def test_weights_sum_to_one_and_none_is_negative(rows):
    found = weights(*zip(*rows, strict=True))
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()


KNOWN = st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(1e-3, 1.0)), min_size=1, max_size=9)


@given(KNOWN, st.integers(0, 8), st.floats(0.1, 0.9))
def test_less_confidence_or_more_volatility_is_never_given_more(rows, place, factor):
    place %= len(rows)
    confidence, volatility = rows[place]
    before = weights(*zip(*rows, strict=True))[place]
    for worse in ((confidence * factor, volatility), (confidence, volatility / factor)):
        changed = [*rows[:place], worse, *rows[place + 1 :]]
        assert weights(*zip(*changed, strict=True))[place] <= before + 1e-12


@given(KNOWN)
def test_weights_are_those_of_their_readable_twin(rows):
    merits = [confidence / volatility for confidence, volatility in rows]
    expected = [merit / sum(merits) for merit in merits]
    assert list(weights(*zip(*rows, strict=True))) == pytest.approx(expected)
