"""What loggers say while something runs, kept instead of printed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Keeper(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record.getMessage())


@contextmanager
def overheard(name: str, level: int) -> Iterator[list[str]]:
    """Collect the messages of one logger, from a level on; they go nowhere else."""
    kept: list[str] = []
    logger, keeper = logging.getLogger(name), _Keeper(kept)
    keeper.setLevel(level)
    before = logger.propagate
    logger.addHandler(keeper)
    logger.propagate = False
    try:
        yield kept
    finally:
        logger.propagate = before
        logger.removeHandler(keeper)
