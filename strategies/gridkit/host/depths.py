"""How deep the books are, against what they were over the last hour (live)."""

import math
from collections import deque

from gridkit.analytics.books import PRICE, SIZE, Book

LONG_SECONDS, SHORT_SECONDS = 3_600.0, 60.0  # one snapshot alone says little


class Depths:
    """Remembers an hour of each pair's books. `depth` in stake currency, of both sides together.

    It is of as many levels as are asked for, so it says how much rests near the price and nothing
    of what rests beyond.
    """

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, float]]] = {}

    def note(self, pair: str, book: Book) -> None:
        """Take in a book that is newer than the last one."""
        seen = self._seen.setdefault(pair, deque())
        if seen and not book.time > seen[-1][0]:
            return
        depth = sum(float(side[:, PRICE] @ side[:, SIZE]) for side in (book.bids, book.asks))
        seen.append((book.time, depth))
        while seen[0][0] <= book.time - LONG_SECONDS:
            seen.popleft()

    def ratio(self, pair: str, now: float) -> float:
        """Return the mean depth of the last minute over that of the hour. `now` in seconds UTC.

        NaN before half an hour of books, and where there is none of the last minute.
        """
        seen = self._seen.get(pair)
        if not seen or now - seen[0][0] < LONG_SECONDS / 2:
            return math.nan
        recent = [depth for time, depth in seen if now - SHORT_SECONDS < time <= now]
        mean = sum(depth for _, depth in seen) / len(seen)
        return sum(recent) / len(recent) / mean if recent and mean > 0 else math.nan

    def keep_only(self, pairs: set[str]) -> None:
        """Forget pairs that are no longer traded."""
        for pair in self._seen.keys() - pairs:
            del self._seen[pair]
