"""Features and guards that fail while the bot trades: what takes their place, and who is told.

A feature may go missing: its neutral answer stands in for it, for the rest of the candle in which
it failed. After three such candles in a row on one pair it is off on that pair, until
/reload_config makes a new board. A guard decides on safety: while it fails it refuses, it is asked
again each time, and nothing switches it off. In backtests and hyperopt the error is raised.
"""

import json
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from gridkit.grid.situation import Block
from gridkit.host.failing import COLUMN, EVERY_PAIR, FEATURES, GUARDS, MOST_FAILURES, Failing

if TYPE_CHECKING:
    from pandas import DataFrame

logger = logging.getLogger(__name__)

LONGEST = 200  # characters of an error

Answer = TypeVar("Answer")


class Features:
    """The board of one strategy object. `clock` tells the time, UTC; `seconds` is one candle."""

    def __init__(
        self, *, live: bool, seconds: int, clock: Callable[[], datetime | None] = lambda: None
    ) -> None:
        self._live = live
        self._seconds = seconds
        self._clock = clock
        self._known: dict[tuple[str, str], Failing] = {}
        self._told: set[str] = set()
        self.tell: Callable[[str, str, str], object] = lambda _name, _pair, _why: None

    def run(
        self,
        name: str,
        pair: str,
        function: Callable[[], Answer],
        neutral: Callable[[], Answer],
        *,
        insist: bool = False,
    ) -> Answer:
        """Return what a feature answers, or what is neutral; `insist` tries whatever went before.

        What raises without the feature, too, is raised, and not counted against it.
        """
        if not self._live:
            return function()
        known = self._asked(name, pair)
        if known is not None and not insist and self._rests(known):
            return neutral()
        try:
            return function()
        except Exception as error:
            answer = neutral()
            self._failed(name, pair, FEATURES[name], error)
            return answer

    def mark(self, name: str, pair: str, why: str) -> None:
        """Show that a feature has no answer just now, although it did not fail: never switched off.

        It works again once it was asked for in another candle and nobody marked it.
        """
        known, candle, now = self._known.get((name, pair)), self._candle(), self._clock()
        since = known.since if known else now
        self._known[name, pair] = Failing(name, pair, 0, candle, candle, since, why[:LONGEST])
        if known is None or known.why != why[:LONGEST]:
            logger.info("%s: %s has no answer: %s", pair, name, why)

    def guard(
        self,
        name: str,
        pair: str,
        function: Callable[[], Answer],
        refusal: Callable[[], Answer] | None = None,
    ) -> Answer:
        """Return what a guard answers, or its refusal; without one the error is raised.

        While it fails `block` names it, whichever of the two.
        """
        if not self._live:
            return function()
        try:
            answer = function()
        except Exception as error:
            self._failed(name, pair, GUARDS[name], error)
            if refusal is None:
                raise
            return refusal()
        if (name, pair) in self._known:
            self._works(name, pair)
        return answer

    def block(self, pair: str) -> Block | None:
        """Return which guard of a pair fails, which stands against all new risk."""
        for one in self._known.values():
            if one.pair == pair and one.state == "refuses":
                return Block(f"{one.name} failed", math.nan, math.nan)
        return None

    def of(self, pair: str) -> list[Failing]:
        """Return what fails or is off on a pair; safe to ask from the REST API's thread."""
        return [one for one in list(self._known.values()) if one.pair in (pair, EVERY_PAIR)]

    def documents(self, pair: str) -> list[dict[str, Any]]:
        """Return the same for the trade's custom data."""
        return [one.document() for one in self.of(pair)]

    def write(self, frame: "DataFrame", pair: str) -> None:
        """Put it into the frame's last row, as JSON; where all is well, there is no column."""
        found = self.documents(pair)
        if found and len(frame):
            frame[COLUMN] = ""
            frame.loc[frame.index[-1], COLUMN] = json.dumps(found)

    def _candle(self) -> int:
        now = self._clock()
        return int(now.timestamp() // self._seconds) if now else 0

    def _asked(self, name: str, pair: str) -> Failing | None:
        """Note that it is asked for. A candle in which it was, and did not fail, ends the row."""
        known = self._known.get((name, pair))
        if known is None or known.state == "off":
            return known
        candle = self._candle()
        if known.asked not in (known.candle, candle):
            self._works(name, pair)
            return None
        known = self._known[name, pair] = replace(known, asked=candle)
        return known

    def _rests(self, known: Failing) -> bool:
        return known.state == "off" or known.candle == self._candle()

    def _failed(self, name: str, pair: str, instead: str, error: Exception) -> None:
        known, candle, now = self._known.get((name, pair)), self._candle(), self._clock()
        why = repr(error)[:LONGEST]
        if known is None:
            self._say_first(name, pair, instead, error)
            self._known[name, pair] = Failing(name, pair, 1, candle, candle, now, why)
        elif known.candle != candle:
            failing = self._known[name, pair] = known.again(candle, now, why)
            if failing.state == "off" and known.state != "off":
                self._say_off(failing)

    def _say_first(self, name: str, pair: str, instead: str, error: Exception) -> None:
        """Log it with the traceback, unless that is known from another pair."""
        is_new = all(one.name != name for one in self._known.values())
        text = "%s: %s failed, so %s: %r"
        logger.error(text, pair or "all pairs", name, instead, error, exc_info=is_new)

    def _say_off(self, failing: Failing) -> None:
        """Log that it is off; people are told once per feature, as the others are on the board."""
        where, name = failing.pair or "all pairs", failing.name
        logger.error(
            "%s: %s is switched off after %d failures in a row, so %s; /reload_config switches it "
            "on again", where, name, MOST_FAILURES, FEATURES[name],
        )  # fmt: skip
        if name not in self._told:
            self._told.add(name)
            self.tell(name, failing.pair, failing.why)

    def _works(self, name: str, pair: str) -> None:
        del self._known[name, pair]
        logger.info("%s: %s works again", pair or "all pairs", name)
