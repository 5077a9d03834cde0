"""The breakers of single markets: for a while nothing is opened or added, exits go on (SPEC F)."""

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gridkit.analytics.shocks import SECONDS_PER_MINUTE
from gridkit.host import outlook
from gridkit.host.depths import Depths
from gridkit.risk import shocks
from gridkit.risk.breakers import Breaker, Stage

if TYPE_CHECKING:
    from gridkit.analytics.books import Book
    from gridkit.host.context import Context

logger = logging.getLogger(__name__)


def log(_kind: str, text: str) -> None:
    """Say it in the log."""
    logger.warning("%s", text)


class MarketBreakers:
    """One per strategy object. `books` gives a pair's last book; `tell` takes a kind and a text."""

    KIND = "market"

    def __init__(self, context: "Context") -> None:
        self._context = context
        self.tell: Callable[[str, str], None] = log
        self.books: Callable[[str], Book | None] | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew with another run."""
        self._depths = Depths()
        self._shallow: dict[str, Breaker] = {}
        self._said: dict[str, Breaker] = {}

    def up(self, pair: str) -> Breaker | None:
        """Return the breaker of a pair's market that is up."""
        context = self._context
        series = context.market.series.get(pair)
        if series is None or context.now is None:
            return None
        index, rule = series.index_at(context.now.timestamp()), context.settings.breakers
        if index >= 0 and series.outlook[1].item(index) & outlook.SHOCK:
            return shocks.breaker(series.shocks, series.times, index, rule)
        return self._shallow.get(pair) if rule.enabled and rule.market else None

    def look(self, now: datetime) -> bool:
        """Live: judge the books, and tell what went up or down; whether anything did."""
        pairs = self._context.strategy.dp.current_whitelist()
        self._depths.keep_only(set(pairs))
        changed = False
        for pair in pairs:
            self._judge_depth(pair, now.timestamp())
            changed |= self._say(pair)
        return changed

    def _judge_depth(self, pair: str, now: float) -> None:
        rule = self._context.settings.breakers
        book = self.books(pair) if self.books is not None else None
        if book is not None:
            self._depths.note(pair, book)
        ratio = self._depths.ratio(pair, now)
        if ratio < rule.depth:
            until = now + rule.pause_minutes * SECONDS_PER_MINUTE
            name = "depth of the book over its hourly mean"
            since = self._shallow[pair].since if pair in self._shallow else now
            self._shallow[pair] = Breaker(name, ratio, rule.depth, since, until, Stage.ORANGE)
        elif now >= (self._shallow[pair].until if pair in self._shallow else math.inf):
            del self._shallow[pair]

    def _say(self, pair: str) -> bool:
        before, up = self._said.pop(pair, None), self.up(pair)
        if up is not None:
            self._said[pair] = up
        if (before and before.name) == (up and up.name):
            return False
        if up is not None:
            until = datetime.fromtimestamp(up.until, UTC)
            text = f"{up.block}, nothing is added until {until:%m-%d %H:%M} UTC"
            self.tell(self.KIND, f"{pair}: breaker up: {text}")
        elif before is not None:
            self.tell(self.KIND, f"{pair}: breaker down: {before.name}")
        return True
