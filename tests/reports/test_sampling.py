import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gridkit.reports.sampling import kept_indices, spread_evenly


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300))
def test_thinning_keeps_the_ends_and_every_extreme(values):
    values = np.array(values)
    kept = kept_indices(values, 40)
    assert len(kept) <= max(42, min(len(values), 40))
    assert {0, len(values) - 1} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    if not np.isnan(values).all():
        assert np.nanmax(values[kept]) == np.nanmax(values)
        assert np.nanmin(values[kept]) == np.nanmin(values)


@given(st.integers(0, 500), st.integers(1, 100))
def test_spreading_never_gives_more_than_asked_for(count, most):
    chosen = spread_evenly(count, most)
    assert len(chosen) <= most or len(chosen) == count <= most
    assert len(set(chosen.tolist())) == len(chosen)


@given(st.integers(100, 2000), st.integers(0, 1999), st.floats(2.0, 9.0))
def test_a_single_spike_up_or_down_survives_thinning(length, where, height):
    values = np.ones(length)
    values[where % length] = height
    assert values[kept_indices(values, 40)].max() == height
    assert (-values)[kept_indices(-values, 40)].min() == -height
