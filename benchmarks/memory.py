"""How much memory a process has used at most, and how much `freqtrade backtesting` alone uses.

A child's `ru_maxrss` starts at what its parent held, so Linux's own high-water mark is read where
there is one.
"""

import json
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from freqtrade.main import main as freqtrade

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000

_STATUS = Path("/proc/self/status")
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_mb() -> float:
    """Return this process's peak resident memory, in MB of 1,000,000 bytes."""
    if _STATUS.is_file() and (found := re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())):
        return int(found[1]) * 1024 / MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT / MB


def of_freqtrade(command: Sequence[str], report: Path) -> float:
    """Run a freqtrade command in a fresh process; returns that process's peak in MB."""
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", str(report), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        raise RuntimeError(f"freqtrade failed in a process of its own:\n{child.stderr[-2_000:]}")
    return float(json.loads(report.read_text())["peak_mb"])


def _main(report: str, *command: str) -> int:
    try:
        freqtrade(list(command))
    except SystemExit as ended:
        Path(report).write_text(json.dumps({"peak_mb": peak_mb()}))
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
