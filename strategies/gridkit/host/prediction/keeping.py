"""What FreqAI keeps on disk: read before it reads it, saved more often, given up if spoilt."""

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import cloudpickle
import pandas as pd

logger = logging.getLogger(__name__)

SAVE_SECONDS = 900  # between two writings of the predictions, which a power cut would take
PREDICTIONS, BACKUP = "historic_predictions.pkl", "historic_predictions.backup.pkl"
DOCUMENTS = ("pair_dictionary.json", "global_metadata.json", "metric_tracker.json")


def set_aside_unreadable(config: dict[str, Any]) -> None:
    """Rename files FreqAI would fail over at its start; predictions are taken from the backup."""
    folder = Path(config["user_data_dir"]) / "models" / str(config["freqai"].get("identifier"))
    for name in DOCUMENTS:
        _set_aside(folder / name, lambda file: json.loads(file.read_text()))
    spoilt = _set_aside(folder / PREDICTIONS, _unpickled)
    _set_aside(folder / BACKUP, _unpickled)
    if spoilt and (folder / BACKUP).is_file():
        shutil.copy(folder / BACKUP, folder / PREDICTIONS)
        logger.warning("The predictions are taken from their backup, %s", folder / BACKUP)


def _unpickled(file: Path) -> None:
    with file.open("rb") as opened:
        cloudpickle.load(opened)


def _set_aside(file: Path, read: Callable[[Path], object]) -> bool:
    if not file.is_file():
        return False
    try:
        read(file)
    except Exception as error:  # whatever a spoilt file makes its reader raise
        other = file.with_name(f"{file.name}.unreadable")
        file.replace(other)
        logger.warning("%s cannot be read (%r) and is now %s", file, error, other.name)
        return True
    return False


def even_dates(drawer: Any) -> None:
    """Give the dates of FreqAI's candles the time zone object that freqtrade's new ones have.

    Those read from a file have another one for UTC, and joined to them the dates would be no dates
    any more (freqtrade 2026.9 with pandas 3): no model could be trained a second time.
    """
    with drawer.history_lock:
        for frames in drawer.historic_data.values():
            for frame in frames.values():
                if getattr(frame["date"].dtype, "tz", None) is not UTC:
                    frame["date"] = pd.to_datetime(frame["date"], utc=True).dt.tz_convert(UTC)


def give_up(model: Any, pair: str) -> None:
    """Let FreqAI take a pair for one that was never trained, so that it is trained anew."""
    drawer = model.dd
    drawer.pair_dict[pair] = drawer.empty_pair_dict.copy()
    for known in (drawer.model_dictionary, drawer.meta_data_dictionary, drawer.model_return_values):
        known.pop(pair, None)


def write_in_turn(drawer: Any) -> None:
    """Let no two threads write the predictions at once: FreqAI does after a training, and `Saver`.

    Two at once would spoil the file, and the backup with it.
    """
    lock, write = threading.Lock(), drawer.save_historic_predictions_to_disk

    def written() -> None:
        with lock:
            write()

    drawer.save_historic_predictions_to_disk = written


class Saver:
    """Writes the predictions now and then; FreqAI does so after each training alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._saved = clock()

    def look(self, drawer: Any) -> None:
        """Write them if it is time."""
        if self._clock() - self._saved >= SAVE_SECONDS:
            self._saved = self._clock()
            drawer.save_historic_predictions_to_disk()
