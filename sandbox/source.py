"""What the API asks of a market, whether simulated or recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from sandbox.candles import Window
from sandbox.instruments import Instrument, Market

Kind = Literal["last", "mark", "index", "premium"]


@dataclass(frozen=True)
class Tape:
    """Aggregate trades, oldest first. `sold` is true where a seller took a resting bid."""

    ids: np.ndarray
    times: np.ndarray
    prices: np.ndarray
    amounts: np.ndarray
    sold: np.ndarray

    @classmethod
    def empty(cls) -> "Tape":
        """No trades."""
        whole, number = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(whole, whole, number, number, np.empty(0, dtype=bool))

    def cut(self, first: int, after: int) -> "Tape":
        """Trades by their place, the last one excluded."""
        part = slice(first, after)
        return Tape(
            self.ids[part],
            self.times[part],
            self.prices[part],
            self.amounts[part],
            self.sold[part],
        )


@dataclass(frozen=True)
class Book:
    """An order book: arrays of shape (levels, 2) with price and amount, best first."""

    bids: np.ndarray
    asks: np.ndarray

    def top(self, levels: int) -> "Book":
        """Return the best levels of either side."""
        return Book(self.bids[:levels], self.asks[:levels])


@dataclass(frozen=True)
class Premium:
    """The perpetual's state now: prices in quote, rates as a fraction per funding interval."""

    mark: float
    index: float
    funding_rate: float
    next_funding_time: int


class Source(Protocol):
    """A market's data. Times are UTC ms; nothing later than `now` is ever returned."""

    # Whether candles may be written with the tick's digits, or must keep every one they have.
    rounds_to_tick: bool

    def instruments(self, market: Market) -> Mapping[str, Instrument]:
        """Everything traded on this market, by Binance symbol."""

    def candles(
        self, market: Market, symbol: str, kind: Kind, timeframe: str, window: Window, now: int
    ) -> np.ndarray:
        """Rows as in `sandbox.candles`; the last is the running candle where there is one."""

    def day(self, market: Market, symbol: str, now: int) -> np.ndarray:
        """Candles of the most recent 24 hours there are, in the finest timeframe there is."""

    def trades(
        self, market: Market, symbol: str, window: Window, from_id: int | None, now: int
    ) -> Tape:
        """Return the tape from an id, in a window, or the most recent."""

    def book(self, market: Market, symbol: str, levels: int, now: int) -> Book | None:
        """Return the order book as it stands; None without a price to build it around."""

    def funding(self, symbol: str, window: Window, now: int) -> np.ndarray:
        """Settled funding: columns time, rate as a fraction, mark price."""

    def premium(self, symbol: str, now: int) -> Premium | None:
        """Mark, index and the funding rate in force; None without a price."""

    def open_interest(self, symbol: str, period: str, window: Window, now: int) -> np.ndarray:
        """Columns time, open interest in base, the same in quote."""

    def describe(self, now: int) -> dict[str, object]:
        """Say for people what is being served."""
