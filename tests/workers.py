"""How a run with several processes (`pytest -n`) is shared out: each file to one of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Its files share two bots, so they are one piece; they mostly wait, so they begin first.
TOGETHER = "tests/live/"
# What takes long begins early, or the others would wait for it in the end.
EARLY = (TOGETHER, "tests/host/test_settings_matter.py", "tests/host/", "tests/sandbox/")


def by_file(config: pytest.Config, log: Any) -> Any:
    """Give a process a whole file at a time, as its fixtures are dear, in the order collected."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 (only such a run needs it)

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER if nodeid.startswith(TOGETHER) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)


def place(nodeid: str) -> int:
    """Return where in the order a test stands."""
    return next((at for at, name in enumerate(EARLY) if nodeid.startswith(name)), len(EARLY))


def folder_of_all(factory: pytest.TempPathFactory) -> Path:
    """Return this run's folder, the same for all its processes."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process in; the others wait until it has left."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
