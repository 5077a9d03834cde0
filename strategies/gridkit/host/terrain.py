"""What is known of the prices around a grid, when its lines are laid (SPEC B.7, D)."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gridkit import candles
from gridkit.analytics import book_levels, books, supports
from gridkit.grid.layout import EMPTY, Terrain

if TYPE_CHECKING:
    import pandas as pd

    from gridkit.analytics.supports import Survey
    from gridkit.host.context import Context
    from gridkit.host.flow import FlowDesk
    from gridkit.host.market_data import Reading

FEATURE = "density_and_volume"

Laid = TypeVar("Laid")


class Surveyor:
    """Surveys the candles of each pair: a backtest's once, live those of the last analysis."""

    def __init__(self, context: "Context", flow: "FlowDesk") -> None:
        self._context = context
        self._flow = flow
        self._frames: dict[str, pd.DataFrame] = {}
        self._surveys: dict[str, Survey] = {}
        self._known: dict[str, tuple[int, Terrain]] = {}

    def prepare(self, pair: str, frame: "pd.DataFrame") -> None:
        """Take over the analysed candles of a pair; live they are looked at when lines are laid."""
        for known in (self._frames, self._surveys, self._known):
            known.pop(pair, None)
        if not self._wanted():
            return
        if self._context.live:
            self._frames[pair] = frame
        else:
            self._surveys[pair] = self._surveyed(frame)

    def terrain(self, pair: str, reading: "Reading") -> Terrain:
        """Return what was known at the close of a candle and, live, what the last book shows."""
        if not self._wanted():
            return EMPTY
        features = self._context.features
        known = features.run(FEATURE, pair, partial(self._of_candles, pair, reading), lambda: EMPTY)
        if not self._context.live:
            return known
        return features.run(
            "book_levels", pair, partial(self._with_book, known, pair), lambda: known
        )

    def laid(self, pair: str, reading: "Reading", lay: "Callable[[Terrain], Laid]") -> "Laid":
        """Return what is laid on the terrain; where that fails, on none. Raises what both do."""
        terrain = self.terrain(pair, reading)
        return self._context.features.run(FEATURE, pair, partial(lay, terrain), partial(lay, EMPTY))

    def _wanted(self) -> bool:
        settings = self._context.settings
        return settings.density.enabled or settings.volume_lines.enabled

    def _of_candles(self, pair: str, reading: "Reading") -> Terrain:
        moment = reading.opened + self._context.seconds
        hour = int(moment // candles.SECONDS_PER_HOUR)
        known = self._known.get(pair)
        if known is not None and known[0] == hour:
            return known[1]
        frame = self._frames.pop(pair, None)
        if frame is not None:
            self._surveys[pair] = self._surveyed(frame)
        survey = self._surveys.get(pair)
        if survey is None:
            return EMPTY
        found = survey.at(moment)
        self._known[pair] = hour, Terrain(found.nodes, found.levels)
        return self._known[pair][1]

    def _surveyed(self, frame: "pd.DataFrame") -> "Survey":
        return supports.survey(frame, self._context.settings, self._context.seconds)

    def _with_book(self, terrain: Terrain, pair: str) -> Terrain:
        settings, now = self._context.settings, self._context.now
        book = self._flow.book(pair)
        if book is None or now is None or not settings.volume_lines.enabled:
            return terrain
        age = now.timestamp() - book.time
        if not age <= settings.volume_lines.book_seconds:
            return terrain
        return Terrain(
            terrain.nodes,
            terrain.supports,
            book_levels.levels(book, settings.orderflow),
            books.imbalance(book, settings.orderflow.imbalance_depth),
        )
