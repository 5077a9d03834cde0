"""Where the time goes, by looking at the stack every few milliseconds of CPU time.

A tracing profiler charges every call, so it inflates code made of small functions. A sampler sees
each function in proportion to its time, at a known small cost.

Two shares are told apart:

- inclusive: one of our frames is anywhere on the stack, so freqtrade's functions that we call
  count as ours;
- exclusive: of the frames that are ours or freqtrade's, the innermost is ours. The standard
  library, numpy and pandas count for whoever called them, freqtrade's functions for freqtrade.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import freqtrade

ROOT = Path(__file__).resolve().parent.parent
OURS = "ours"
FREQTRADE = "freqtrade"
INTERVAL_SECONDS = 0.005

_PARTS = ((OURS, ROOT / "strategies"), (FREQTRADE, Path(freqtrade.__file__).resolve().parent))


@dataclass
class Profile:
    """Counts of samples, functions named `file:function` and lines `file:line`.

    `functions` and `freqtrade` count whatever is on the stack, `innermost` and `lines` only our
    innermost frame: what it calls outside our code counts for it.
    """

    samples: int = 0
    inclusive: int = 0
    exclusive: int = 0
    callbacks: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)
    innermost: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    freqtrade: Counter[str] = field(default_factory=Counter)
    overhead_seconds: float = 0.0

    def add(self, stack: list[tuple[str, str, int]]) -> None:
        """Count one stack: part, function and line of every known frame, innermost first."""
        self.samples += 1
        ours = [(name, line) for part, name, line in stack if part == OURS]
        self.freqtrade.update({name for part, name, _ in stack if part == FREQTRADE})
        if not ours:
            return
        self.inclusive += 1
        self.exclusive += stack[0][0] == OURS
        self.callbacks[_entered(stack)] += 1
        self.functions.update({name for name, _ in ours})
        self.innermost[ours[0][0]] += 1
        self.lines[f"{ours[0][0].partition(':')[0]}:{ours[0][1]}"] += 1

    def summary(self, most: int = 40) -> dict[str, Any]:
        """Return shares of all samples, as plain numbers."""
        total = max(1, self.samples)
        counters = ("callbacks", "functions", "innermost", "lines", "freqtrade")
        ranked = {
            name: {key: count / total for key, count in getattr(self, name).most_common(most)}
            for name in counters
        }
        return {
            "samples": self.samples,
            "inclusive": self.inclusive / total,
            "exclusive": self.exclusive / total,
            **ranked,
            "overhead_seconds": self.overhead_seconds,
        }


def _entered(stack: list[tuple[str, str, int]]) -> str:
    """Name the callback freqtrade called: our outermost method, past the wrapper around it."""
    names = [name for part, name, _ in stack if part == OURS]
    inner = [name for name in names if not name.startswith("read_only.py:")]
    return (inner or names)[-1].partition(":")[2]


class Sampler:
    """Samples this process's main thread between `start` and `stop`."""

    def __init__(self, interval: float = INTERVAL_SECONDS) -> None:
        self.interval = interval
        self.profile = Profile()
        self._known: dict[CodeType, tuple[str, str]] = {}
        self._before: Callable[..., Any] | int | None = None

    def start(self) -> None:
        """Begin; only in the main thread, as signals are handled there."""
        self._before = signal.signal(signal.SIGPROF, self._on_tick)
        signal.setitimer(signal.ITIMER_PROF, self.interval, self.interval)

    def stop(self) -> None:
        """End."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, self._before or signal.SIG_DFL)

    def _on_tick(self, _number: int, frame: FrameType | None) -> None:
        started = time.perf_counter()
        self.profile.add(list(self._stack(frame)))
        self.profile.overhead_seconds += time.perf_counter() - started

    def _stack(self, frame: FrameType | None) -> Iterator[tuple[str, str, int]]:
        while frame is not None:
            part, name = self._known.get(frame.f_code) or self._learn(frame.f_code)
            if part:
                yield part, name, frame.f_lineno
            frame = frame.f_back

    def _learn(self, code: CodeType) -> tuple[str, str]:
        path = Path(code.co_filename)
        found = part_of(path)
        self._known[code] = found, f"{path.name}:{code.co_name}"
        return self._known[code]


def part_of(path: Path) -> str:
    """Say whose file this is; "" for anybody else's."""
    resolved = path.resolve()
    return next((part for part, folder in _PARTS if resolved.is_relative_to(folder)), "")
