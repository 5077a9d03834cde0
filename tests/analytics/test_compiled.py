import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import profile, profile_kernels
from gridkit.analytics.compiled import Compiled

MODULES = "gridkit.host.columns, gridkit.host.desk, gridkit.analytics.flow"

QUIET = """
import sys
sys.path.insert(0, "strategies")
import {modules}
import numpy as np
import pandas as pd
from gridkit.analytics import garch, profile
from gridkit.settings import Settings
noise = np.random.default_rng(1).normal(0, 0.01, 2_200)
assert garch.fitted(noise) is not None
close = 100 * np.exp(noise.cumsum())
dates = pd.date_range("2025-01-01", periods=2_200, freq="5min", tz="UTC")
prices = dict.fromkeys(("open", "high", "low", "close"), close)
frame = pd.DataFrame({{"date": dates, **prices, "volume": 1.0}})
found = profile.histogram(frame, Settings(), 2_199)
assert profile.nodes(found, Settings()).high
print(sorted(name for name in sys.modules if name.split(".")[0] in ("numba", "llvmlite")))
"""


@Compiled
def doubled(value: float) -> float:
    """Twice the value."""
    return 2.0 * value


@Compiled
def quadrupled(value: float) -> float:
    """Four times the value."""
    return doubled(doubled(value))


def test_a_compiled_function_calls_another_and_both_say_what_they_do():
    assert quadrupled(3.0) == 12.0
    assert quadrupled.compiled.signatures
    assert quadrupled.__doc__ == "Four times the value."


def test_numba_is_not_loaded_before_something_compiled_is_called():
    """It takes 54 MB, of which a default backtest needs nothing: GARCH fits and nodes included."""
    script = QUIET.format(modules=MODULES)
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert found.stdout.strip() == "[]", found.stderr[-2_000:]


@given(
    st.lists(st.sampled_from([0.0, 1.0, 1.0 + 1e-12, 2.0, 3.5]), min_size=1, max_size=30),
    st.floats(-4, 4),
    st.sampled_from([1.0, -1.0]),
)
def test_peaks_of_one_profile_are_the_kernels(volumes, least, sign):
    values = sign * np.array(volumes)
    expected = profile_kernels.peaks(values, least)
    np.testing.assert_array_equal(profile._peaks(values, least), expected)
