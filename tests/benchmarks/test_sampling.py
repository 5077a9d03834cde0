import time
from pathlib import Path

import freqtrade
import pytest

from benchmarks.sampling import FREQTRADE, OURS, ROOT, Profile, Sampler, part_of
from gridkit.grid import tags

LOOP = (FREQTRADE, "backtesting.py:backtest_loop", 1)
WRAPPER = (FREQTRADE, "strategy_wrapper.py:wrapper", 2)
READ_ONLY = (OURS, "read_only.py:call", 3)
CALLBACK = (OURS, "AdaptiveGrid.py:adjust_trade_position", 4)
DESK = (OURS, "desk.py:next_order", 5)
THEIR_PROPERTY = (FREQTRADE, "trade_model.py:nr_of_successful_entries", 6)


def profile(*stacks: list[tuple[str, str, int]]) -> Profile:
    counted = Profile()
    for stack in stacks:
        counted.add(stack)
    return counted


def test_what_freqtrade_does_for_itself_is_not_ours() -> None:
    counted = profile([WRAPPER, LOOP])
    assert (counted.samples, counted.inclusive, counted.exclusive) == (1, 0, 0)


def test_our_innermost_frame_counts_both_ways() -> None:
    counted = profile([DESK, CALLBACK, READ_ONLY, WRAPPER, LOOP])
    assert (counted.inclusive, counted.exclusive) == (1, 1)


def test_freqtrades_function_that_we_call_counts_inclusively_alone() -> None:
    counted = profile([THEIR_PROPERTY, DESK, CALLBACK, READ_ONLY, WRAPPER, LOOP])
    assert (counted.inclusive, counted.exclusive) == (1, 0)
    assert counted.lines == {"desk.py:5": 1}


def test_the_callback_is_what_stands_behind_the_wrapper_for_uncopied_trades() -> None:
    counted = profile([DESK, CALLBACK, READ_ONLY, WRAPPER, LOOP], [READ_ONLY, WRAPPER, LOOP])
    assert counted.callbacks == {"adjust_trade_position": 1, "call": 1}


def test_a_function_that_calls_itself_counts_once_a_sample() -> None:
    counted = profile([DESK, DESK, CALLBACK, WRAPPER, LOOP, LOOP])
    assert counted.functions["desk.py:next_order"] == 1
    assert counted.freqtrade["backtesting.py:backtest_loop"] == 1


def test_shares_are_of_all_samples() -> None:
    summary = profile([LOOP], [LOOP], [LOOP], [DESK, CALLBACK, LOOP]).summary()
    assert summary["inclusive"] == summary["exclusive"] == 0.25
    assert summary["freqtrade"] == {"backtesting.py:backtest_loop": 1.0}
    assert Profile().summary()["inclusive"] == 0


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (ROOT / "strategies" / "AdaptiveGrid.py", OURS),
        (ROOT / "strategies" / "gridkit" / "host" / "desk.py", OURS),
        (Path(freqtrade.__file__).parent / "optimize" / "backtesting.py", FREQTRADE),
        (ROOT / "benchmarks" / "runs.py", ""),
        (Path("<string>"), ""),
    ],
)
def test_whose_file_it_is(path: Path, part: str) -> None:
    assert part_of(path) == part


def test_a_running_sampler_sees_our_code_and_stops() -> None:
    sampler, ends = Sampler(interval=0.001), time.monotonic() + 60
    sampler.start()
    while sampler.profile.inclusive < 3 and time.monotonic() < ends:
        tags.entry_tag(range(1, 500))
    sampler.stop()
    assert sampler.profile.inclusive >= 3
    seen = sampler.profile.samples
    sum(range(3_000_000))
    assert sampler.profile.samples == seen
