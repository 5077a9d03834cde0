from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory


def test_the_peak_grows_with_what_is_touched_and_never_falls() -> None:
    before = memory.peak_mb()
    size = int((before + 50) * memory.MB)
    block = np.ones(size, dtype="uint8")
    grown = memory.peak_mb()
    assert grown >= size / memory.MB
    del block
    assert memory.peak_mb() >= grown * 0.99  # the kernel counts in batches


@pytest.mark.slow
def test_a_child_counts_its_own_memory_alone(tmp_path: Path) -> None:
    held = np.ones(1_500 * memory.MB, dtype="uint8")
    peak = memory.of_freqtrade(["--version"], tmp_path / "memory.json")
    assert 20 < peak < held.nbytes / memory.MB


@pytest.mark.slow
def test_a_child_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="freqtrade failed"):
        memory.of_freqtrade(["backtesting", "--config", "absent.json"], tmp_path / "memory.json")
