"""Windows that walk forward: each candle once, and nothing learned that was not known by then."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.models.windows import Window, known_by, walk

START = 1_700_000_000.0


@st.composite
def walks(draw):
    step = draw(st.sampled_from((60, 300, 3_600)))
    start = START + draw(st.integers(0, 5_000))
    end = start + draw(st.integers(-1_000, 400 * step))
    train, test = (draw(st.floats(0.1, 300)) * step for _ in range(2))
    return walk(start, end, train, test, step), start, end, train, step


@given(found=walks())
def test_each_candle_between_the_moments_is_predicted_once(found):
    windows, start, end, _, step = found
    times = np.arange(np.floor(start / step) - 20, np.ceil(end / step) + 20) * step
    rows = [row for one in windows for row in range(*one.asked(times).indices(len(times)))]
    expected = np.flatnonzero((times >= start) & (times < end))
    assert rows == expected.tolist()


@given(found=walks())
def test_what_teaches_comes_before_what_is_predicted_and_is_as_long_as_asked(found):
    windows, _, _, train, step = found
    for one in windows:
        times = np.arange(one.train // step - 20, one.end // step + 20) * step
        taught, asked = times[one.taught(times)], times[one.asked(times)]
        assert len(asked)
        assert len(taught) in (int(train // step), int(train // step) + 1)
        assert not len(taught) or taught[-1] < asked[0]


@given(found=walks())
def test_all_windows_but_the_last_are_as_long_as_each_other(found):
    windows = found[0]
    lengths = {one.end - one.start for one in windows[:-1]}
    assert len(lengths) <= 1
    assert not lengths or windows[-1].end - windows[-1].start <= lengths.pop()


@pytest.mark.parametrize(
    ("opened", "known"),
    [(-3_900, True), (-3_899, False), (-4_200, True), (-300, False), (0, False)],
)
def test_an_outcome_is_known_a_horizon_after_its_candle_closed(opened, known):
    assert known_by(np.array([START + opened]), START, 300, 3_600).tolist() == [known]


def test_a_window_begins_with_a_candle():
    found = walk(START + 1, START + 1_000, 600, 300, 300)
    assert [one.start % 300 for one in found] == [0.0] * len(found)
    assert found[0] == Window(1_700_000_100 - 600, 1_700_000_100, 1_700_000_400)
    assert found[-1].end == START + 1_000
