"""What the page and the pictures draw of one pair: price, fills, lots and lines."""

from dataclasses import dataclass

import numpy as np

from gridkit.grid import tags
from gridkit.reports.records import Floats, Ints, TradeRecord
from gridkit.reports.report import Report
from gridkit.reports.round_trips import RoundTrip

# Okabe and Ito's colours, told apart with any colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
GREY, LIGHT = "#8A8F98", "#C9CDD3"


@dataclass(frozen=True)
class Segments:
    """Horizontal pieces: from `start` to `end` (seconds) at `price`."""

    start: Ints
    end: Ints
    price: Floats

    def __len__(self) -> int:
        """How many pieces."""
        return len(self.start)

    def within(self, first: int, last: int) -> "Segments":
        """Only what overlaps a window, cut to it."""
        hit = (self.end >= first) & (self.start <= last)
        return Segments(
            np.maximum(self.start[hit], first), np.minimum(self.end[hit], last), self.price[hit]
        )


@dataclass(frozen=True)
class Dots:
    """Fills: when (seconds), at what price, with which tag."""

    seconds: Ints
    price: Floats
    tags: tuple[str, ...]

    def at(self, chosen: Ints) -> "Dots":
        """Return some of them."""
        return Dots(
            self.seconds[chosen], self.price[chosen], tuple(self.tags[i] for i in chosen.tolist())
        )


@dataclass(frozen=True)
class PairDrawing:
    """Everything of one pair; `lines` are where levels filled, until filled anew or sold out."""

    pair: str
    seconds: Ints
    close: Floats
    buys: Dots
    sells: Dots
    won: Segments
    lost: Segments
    lines: Segments


def drawing_of(report: Report, pair: str) -> PairDrawing:
    """Collect what is drawn of a pair."""
    trades = [trade for trade in report.run.trades if trade.pair == pair]
    trips = [trip for trip in report.trips if trip.pair == pair]
    return PairDrawing(
        pair=pair,
        seconds=report.marks.seconds,
        close=report.marks.closes[pair],
        buys=_dots(trades, is_buy=True),
        sells=_dots(trades, is_buy=False),
        won=_lots([trip for trip in trips if trip.profit > 0]),
        lost=_lots([trip for trip in trips if trip.profit <= 0]),
        lines=_lines(trades),
    )


def traded_pairs(report: Report) -> list[str]:
    """Pairs with fills, the busiest first."""
    counts: dict[str, int] = {}
    for trade in report.run.trades:
        counts[trade.pair] = counts.get(trade.pair, 0) + len(trade.fills)
    return sorted(counts, key=lambda pair: (-counts[pair], pair))


def _dots(trades: list[TradeRecord], *, is_buy: bool) -> Dots:
    fills = [fill for trade in trades for fill in trade.fills if fill.is_buy == is_buy]
    return Dots(
        np.array([fill.seconds for fill in fills], dtype=np.int64),
        np.array([fill.price for fill in fills], dtype=np.float64),
        tuple(fill.tag for fill in fills),
    )


def _lots(trips: list[RoundTrip]) -> Segments:
    return Segments(
        np.array([trip.opened for trip in trips], dtype=np.int64),
        np.array([trip.closed for trip in trips], dtype=np.int64),
        np.array([trip.entry_price for trip in trips], dtype=np.float64),
    )


def _lines(trades: list[TradeRecord]) -> Segments:
    """From each entry of a level to its next entry, or to the end of its cycle."""
    found: list[tuple[int, int, float]] = []
    for trade in trades:
        last: dict[int, tuple[int, float]] = {}
        for fill in trade.fills:
            for level in tags.levels_of(fill.tag) if fill.is_entry else ():
                if level in last:
                    found.append((last[level][0], fill.seconds, last[level][1]))
                last[level] = fill.seconds, fill.price
        end = trade.fills[-1].seconds if trade.fills else 0
        found.extend((start, end, price) for start, price in last.values())
    starts, ends, prices = zip(*found, strict=True) if found else ((), (), ())
    return Segments(
        np.array(starts, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(prices, dtype=np.float64),
    )
