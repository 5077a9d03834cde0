"""What is believed of each pair now; people are told once when that changes. Live."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from gridkit.host.messages import Messages
from gridkit.host.prediction import belief
from gridkit.host.prediction.belief import Belief
from gridkit.prediction.gate import Why

if TYPE_CHECKING:
    from pandas import DataFrame

    from gridkit.host.context import Context

logger = logging.getLogger(__name__)


class Beliefs:
    """One per strategy object. A start tells nothing: it goes by what it finds first.

    That one candle has no prediction is no news; only what lasts for `messages.block_minutes` is.
    """

    def __init__(self, context: "Context", messages: Messages) -> None:
        self._context = context
        self._messages = messages
        self._of: dict[str, Belief] = {}
        self._told: dict[str, bool] = {}
        self._silent: dict[str, datetime] = {}  # since when there is no prediction

    def look(self, frame: "DataFrame", pair: str) -> None:
        """Take over what a pair's last candle says, and tell of a change."""
        found, before = belief.of_frame(frame), self._of.pop(pair, None)
        if found is None or not self._context.settings.prediction.enabled:
            return
        self._of[pair] = found
        if before is None or before.why is not found.why:
            logger.info("%s: %s", pair, found)
        tell = partial(self._tell, pair, found)
        self._context.features.run("messages", pair, tell, lambda: None)

    def document(self, pair: str) -> dict[str, Any] | None:
        """Return what is believed of a pair, for its custom data; None without a predictor."""
        found = self._of.get(pair)
        return found.document() if found else None

    def _tell(self, pair: str, found: Belief) -> None:
        if not self._lasts(pair, found):
            return
        told = self._told.setdefault(pair, found.is_on)
        if told != found.is_on and self._messages.prediction(pair, str(found)):
            self._told[pair] = found.is_on

    def _lasts(self, pair: str, found: Belief) -> bool:
        now = self._context.now
        if found.why is not Why.UNKNOWN or now is None:
            self._silent.pop(pair, None)
            return found.why is not Why.UNKNOWN
        least = timedelta(minutes=self._context.settings.messages.block_minutes)
        return pair in self._told and now - self._silent.setdefault(pair, now) >= least
