"""Live order flow: successive books of every pair, and what they and the last trades say."""

import logging
import math
import time
from collections import deque
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from freqtrade.exceptions import FreqtradeException
from freqtrade.persistence import Trade

from gridkit.analytics import flow, trades
from gridkit.analytics.books import Book, book_of, imbalance
from gridkit.analytics.trades import MS_PER_SECOND

if TYPE_CHECKING:
    from gridkit.analytics.flow import Analysis
    from gridkit.analytics.trades import Tape
    from gridkit.host.context import Context
    from gridkit.host.sources import Sources

logger = logging.getLogger(__name__)

KEY = "gridflow"  # of custom data; `_` and `%` are wildcards in freqtrade's look-up of keys
STANDS = timedelta(seconds=60)  # books change sides every few seconds
WORDS = {1: "buying", -1: "selling", 0: "no side"}


class FlowDesk:
    """Asks for one book per pair and loop, within a budget of time; None is kept of a failure."""

    def __init__(self, context: "Context", sources: "Sources") -> None:
        self._context = context
        self._sources = sources
        self._books: dict[str, deque[Book]] = {}
        self._turn = 0
        self._failing: set[tuple[str, str]] = set()
        self._standing: dict[str, tuple[int, datetime]] = {}
        self._said: dict[str, int] = {}
        self.analyses: dict[str, Analysis] = {}

    def look(self, now: datetime) -> None:
        """Take the books of this loop, as many pairs as the budget allows, and analyse them."""
        pairs = self._sources.whitelist()
        rule = self._context.settings.orderflow
        if not rule.enabled or not pairs:
            return
        self._forget_all_but(set(pairs))
        deadline = time.monotonic() + rule.loop_seconds
        for _ in pairs:
            pair = pairs[self._turn % len(pairs)]
            self._turn += 1
            self._look_at(pair, now)
            if time.monotonic() >= deadline:
                break

    def _look_at(self, pair: str, now: datetime) -> None:
        """Take a pair's book and analyse it; of what fails nothing is known."""
        run = self._context.features.run
        run("books", pair, partial(self._take, pair, now), partial(self._books.pop, pair, None))
        run(
            "order_flow",
            pair,
            lambda: self._say(pair, self._analyse(pair, now), now),
            partial(self._take_no_side, pair),
        )

    def _take_no_side(self, pair: str) -> None:
        self.analyses.pop(pair, None)

    def book(self, pair: str) -> Book | None:
        """Return the last book of a pair, however old it is; None where there was none."""
        taken = self._books.get(pair)
        return taken[-1] if taken else None

    def fresh_book(self, pair: str) -> Book | None:
        """Return the last book of a pair; None where it is older than `max_age_seconds`."""
        book, now = self.book(pair), self._context.now
        if book is None or now is None:
            return None
        age = now.timestamp() - book.time
        return book if age <= self._context.settings.orderflow.max_age_seconds else None

    def pressure(self, pair: str) -> float:
        """Return which side trades more over the tape's time, -1 … 1; NaN unknown.

        Without trades: which side of the book was larger, on average of what was taken in the last
        minute, as single books change sides every few seconds.
        """
        analysis, taken = self.analyses.get(pair), self._books.get(pair, ())
        if analysis is not None and analysis.tape is not None:
            return analysis.tape.imbalance
        depth = self._context.settings.orderflow.imbalance_depth
        now = self._context.now
        since = now.timestamp() - STANDS.total_seconds() if now else math.inf
        recent = [one for one in taken if one.time >= since]
        return sum(imbalance(one, depth) for one in recent) / len(recent) if recent else math.nan

    def verdict(self, pair: str) -> float:
        """Return where all measures together point: strength with its sign, 0 for nowhere."""
        found = self.analyses.get(pair)
        return found.direction * found.strength if found else 0.0

    def _forget_all_but(self, pairs: set[str]) -> None:
        """Drop what is known of pairs that are no longer traded."""
        for pair in self._books.keys() - pairs:
            for known in (self._books, self.analyses, self._standing, self._said):
                known.pop(pair, None)

    def _warn(self, pair: str, what: str, error: Exception) -> None:
        """Say why something is not to be had, once until it is again."""
        if (pair, what) not in self._failing:
            logger.warning("%s: no %s: %s", pair, what, error)
        self._failing.add((pair, what))

    def _take(self, pair: str, now: datetime) -> None:
        """Keep a pair's book; what the exchange does not give, or gives wrong, is said once."""
        rule = self._context.settings.orderflow
        try:
            raw = self._context.strategy.dp.orderbook(pair, rule.depth)
            book = self._in_coins(pair, book_of(raw, now.timestamp()))
        except (FreqtradeException, ValueError) as error:
            self._warn(pair, "order book", error)
            return
        self._failing.discard((pair, "order book"))
        self._books.setdefault(pair, deque(maxlen=rule.snapshots)).append(book)

    def _in_coins(self, pair: str, book: Book) -> Book:
        """Return a book whose sizes are coins: freqtrade leaves those of futures in contracts."""
        market = self._context.strategy.dp.market(pair) or {}
        size = float(market.get("contractSize") or 1.0)
        return Book(book.bids * [1.0, size], book.asks * [1.0, size], book.time)

    def _analyse(self, pair: str, now: datetime) -> "Analysis":
        history = self._books.get(pair, ())
        return flow.analyze(
            history[-1] if history else None,
            tuple(history),
            self._tape(pair, now),
            self._context.settings,
            now.timestamp(),
        )

    def _tape(self, pair: str, now: datetime) -> "Tape | None":
        found = self._context.strategy.dp.trades(pair, copy=False)
        if found.empty:
            return None
        try:
            return trades.tape(found, int(now.timestamp() * MS_PER_SECOND), self._context.settings)
        except ValueError as error:
            self._warn(pair, "trades", error)
            return None

    def _say(self, pair: str, found: "Analysis", now: datetime) -> None:
        """Log a direction that has stood for a while, and write it to the open trade for REST."""
        self.analyses[pair] = found
        side, since = self._standing.get(pair, (0, now))
        if side != found.direction:
            self._standing[pair] = side, since = found.direction, now
        if side == self._said.get(pair, 0) or now - since < STANDS:
            return
        self._said[pair] = side
        logger.info("%s: order flow, %s: %s", pair, WORDS[found.direction], found.summary)
        for trade in Trade.get_trades_proxy(pair=pair, is_open=True):
            trade.set_custom_data(KEY, document(found))


def document(found: "Analysis") -> dict[str, Any]:
    """Return what people want to read of an analysis, in plain JSON types."""
    measures = {name: _finite(value) for name, value in asdict(found.measures).items()}
    return {
        "direction": found.direction,
        "strength": _finite(found.strength),
        "reasons": list(found.reasons),
        "unavailable": list(found.unavailable),
        "summary": found.summary,
        "measures": measures,
    }


def _finite(value: float) -> float | None:
    return float(value) if abs(value) < float("inf") else None  # NaN is not below anything
