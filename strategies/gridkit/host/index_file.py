"""The file of a volatility index, read again when it has changed: a running bot may renew it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from freqtrade.exceptions import OperationalException

from gridkit.feeds import volatility_index
from gridkit.settings import ImpliedSettings, SettingsError

if TYPE_CHECKING:
    from gridkit.analytics.implied import VolatilityIndex

logger = logging.getLogger(__name__)


class IndexFile:
    """A wrong file stops the bot at its start; later, what was read before stays in use."""

    def __init__(self, settings: ImpliedSettings) -> None:
        named = settings.file if settings.enabled else None
        self._path = Path(named) if named else None
        self._changed = self._stamp()
        self._read: VolatilityIndex | None = None
        if self._path is not None:
            try:
                self._read = volatility_index.read(self._path)
            except SettingsError as error:
                raise OperationalException(str(error)) from None

    def current(self) -> "VolatilityIndex | None":
        """Return the index; None where no file is named."""
        stamp = self._stamp()
        if self._path is not None and stamp != self._changed:
            self._changed = stamp
            try:
                self._read = volatility_index.read(self._path)
            except SettingsError as error:
                logger.warning("%s; the values read before stay in use", error)
        return self._read

    def _stamp(self) -> tuple[int, int] | None:
        if self._path is None or not self._path.is_file():
            return None
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size
