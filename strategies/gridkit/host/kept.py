"""What outlives a restart and belongs to no trade: small documents in freqtrade's own database."""

import json
import logging
from typing import Any

from freqtrade.persistence import KeyValueStore

logger = logging.getLogger(__name__)

LEAST_SECONDS = 60.0
LONGEST = 255  # characters the database takes


class Kept:
    """One JSON document under a key of freqtrade's KeyValueStore (trade mode only).

    It is one row, so a kill leaves the old document or the new one.
    """

    def __init__(self, name: str) -> None:
        self._key = f"gridkit_{name}"
        self._document: dict[str, Any] | None = None
        self._written = -LEAST_SECONDS

    def read(self) -> dict[str, Any] | None:
        """Return the document; None, said in the log, where it is unreadable."""
        text = KeyValueStore.get_string_value(self._key)
        try:
            document = json.loads(text) if text else None
        except ValueError as error:
            logger.warning("%s in the database is unreadable: %s", self._key, error)
            return None
        return document if isinstance(document, dict) else None

    def write(self, document: dict[str, Any], now: float, *, at_once: bool = False) -> None:
        """Keep what changed, not more than once a minute unless `at_once`. `now` in seconds UTC."""
        waits = not at_once and now - self._written < LEAST_SECONDS
        if document == self._document or waits:
            return
        text = json.dumps(document, separators=(",", ":"))
        if len(text) > LONGEST:
            raise ValueError(f"{self._key} is too long for freqtrade's database: {text}")
        KeyValueStore.store_value(self._key, text)
        self._document, self._written = document, now
