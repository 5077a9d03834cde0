"""What `gridkit models` says when something must be put right first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRONG = 2  # the exit status then
WIDE = 200  # columns where the output is no terminal


class ModelsError(Exception):
    """Something the user can put right; the message names it, and what is allowed."""


def writable(*targets: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    for target in filter(None, targets):
        if target.is_dir() or not target.parent.is_dir():
            raise ModelsError(f"cannot write {target}: allowed is a file in a folder that exists")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn a failed write into one sentence."""
    try:
        yield
    except OSError as error:
        raise ModelsError(f"cannot write {target}: {error.strerror or error}") from None
