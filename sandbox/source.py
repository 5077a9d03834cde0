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


@dataclass(frozen=True)
class Book:
    """An order book: arrays of shape (levels, 2) with price and amount, best first."""

    bids: np.ndarray
    asks: np.ndarray


@dataclass(frozen=True)
class Premium:
    """The perpetual's state now: prices in quote, rates as a fraction per funding interval."""

    mark: float
    index: float
    funding_rate: float
    next_funding_time: int


class Source(Protocol):
    """A market's data. Times are UTC ms; nothing later than `now` is ever returned."""

    def instruments(self, market: Market) -> Mapping[str, Instrument]:
        """Everything traded on this market, by Binance symbol."""

    def candles(
        self, market: Market, symbol: str, kind: Kind, timeframe: str, window: Window, now: int
    ) -> np.ndarray:
        """Rows as in `sandbox.candles`; the last is the running candle where there is one."""

    def trades(
        self, market: Market, symbol: str, window: Window, from_id: int | None, now: int
    ) -> Tape:
        """Return the tape from an id, in a window, or the most recent."""

    def book(self, market: Market, symbol: str, levels: int, now: int) -> Book:
        """Return the order book as it stands."""

    def funding(self, symbol: str, window: Window, now: int) -> np.ndarray:
        """Settled funding: columns time, rate as a fraction, mark price."""

    def premium(self, symbol: str, now: int) -> Premium:
        """Mark, index and the funding rate in force."""

    def open_interest(self, symbol: str, period: str, window: Window, now: int) -> np.ndarray:
        """Columns time, open interest in base, the same in quote."""

    def describe(self, now: int) -> dict[str, object]:
        """Say for people what is being served."""
