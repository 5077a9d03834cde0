"""freqtrade commands in processes of their own, without waiting for its imports each time.

One process imports freqtrade and then forks for every command: exit status, output and working
folder are a real process's. It has no threads, so that forking is safe.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 90
STRATEGIES, TESTS = ROOT / "strategies", ROOT / "tests"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and all it wrote."""

    status: int
    output: str


class Zygote:
    """Start it once, run commands one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        path = os.pathsep.join(str(part) for part in (STRATEGIES, ROOT, TESTS))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "backtests.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "250"},
        )

    def freqtrade(self, *arguments: object, cwd: Path | None = None) -> Ended:
        """Run `freqtrade ARGUMENTS` to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._count += 1
        output = self._folder / f"output-{self._count}.txt"
        words = [str(argument) for argument in arguments]
        order = {"arguments": words, "output": str(output), "cwd": str(cwd or self._folder)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks has ended"
        return Ended(int(answer), output.read_text(errors="replace"))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve() -> None:
    """Fork for every line of stdin; answer with the child's exit status."""
    import freqtrade.main  # noqa: PLC0415 (what every child starts with)
    import freqtrade.optimize.backtesting  # noqa: PLC0415

    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.setpgrp()
            _run(json.loads(line), freqtrade.main.main)
        try:
            _, status = os.waitpid(child, 0)
        finally:  # what it started, such as hyperopt's helpers, ends with it
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(order: dict[str, Any], main: Any) -> None:
    """In the child: never returns, and never stays: a bot that should have refused would run on."""
    signal.alarm(LIMIT_SECONDS)
    written = os.open(order["output"], os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.chdir(order["cwd"])
    status: Any = 70
    try:
        main(order["arguments"])
    except SystemExit as left:
        status = left.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # As sys.exit does: None is 0, a text is printed and means 1.
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    serve()
