"""Order books for tests: any that hypothesis can think of, mirrored ones, and recorded ones."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from gridkit.analytics.book_flow import Quotes
from gridkit.analytics.books import ASK, BID, Book, book_of, mid

RECORDED = {  # file of successive books: tick
    "binance_spot_ETH_BTC_2020-11-01_top25.parquet": 1e-6,
    "binance_usdm_BTC_USDT_2024-07_top25.parquet": 0.1,
}
SNAPSHOTS = (
    "BTCUSDT_2020-11-01T09-00-00_snapshot.json",
    "ETHBTC_2020-11-01T09-00-00_snapshot.json",
)
RECORDED_LEVELS = 25


@st.composite
def any_book(
    draw: st.DrawFn, least: int = 1, most: int = 30, time: float = math.nan, middle: int = 100_000
) -> Book:
    """Prices are whole ticks around `middle`, within 5 % of it; sizes from dust to whales."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    step = draw(st.sampled_from((1, 3, 150)))
    sigma = draw(st.sampled_from((0.0, 1.0, 2.5)))
    return Book(
        _rows(noise, draw(st.integers(least, most)), middle, -step, sigma),
        _rows(noise, draw(st.integers(least, most)), middle, step, sigma),
        time,
    )


def _rows(noise: np.random.Generator, count: int, middle: int, step: int, sigma: float) -> list:
    prices = middle + np.sign(step) * np.cumsum(noise.integers(1, abs(step) + 1, count))
    return np.column_stack([prices, np.exp(noise.normal(0.0, sigma, count))]).tolist()


def mirrored(book: Book, middle: float | None = None) -> Book:
    """Bids become asks as far from the middle (the book's own) on the other side, and the reverse.

    Exact: prices of `any_book` are whole numbers.
    """
    turned = 2 * (mid(book) if middle is None else middle)
    bids, asks = (
        [[turned - price, size] for price, size in side] for side in (book.asks, book.bids)
    )
    return Book(np.array(bids), np.array(asks), book.time)


def scaled(book: Book, price: float = 1.0, size: float = 1.0) -> Book:
    return Book(book.bids * [price, size], book.asks * [price, size], book.time)


def with_size(book: Book, side: int, level: int, size: float) -> Book:
    """The same book with another size at one level."""
    rows = {BID: book.bids.copy(), ASK: book.asks.copy()}
    rows[side][level, 1] = size
    return Book(rows[BID], rows[ASK], book.time)


def recorded(real_data: Path, name: str) -> Quotes:
    """Successive books of an exchange, all 25 levels, shape (n, 25)."""
    table = pd.read_parquet(real_data / "microstructure" / "orderbook" / name)
    columns = [
        table[[f"{column}_{level}" for level in range(RECORDED_LEVELS)]].to_numpy()
        for column in ("bid_price", "bid_size", "ask_price", "ask_size")
    ]
    return Quotes(table["timestamp"].to_numpy() / 1_000, *columns)


def book_at(quotes: Quotes, place: int) -> Book:
    bids = np.column_stack([quotes.bid_price[place], quotes.bid_size[place]])
    asks = np.column_stack([quotes.ask_price[place], quotes.ask_size[place]])
    return Book(bids, asks, float(quotes.times[place]))


def snapshot(real_data: Path, name: str) -> Book:
    """A thousand levels a side, as the exchange sent them: numbers are strings, no time."""
    path = real_data / "microstructure" / "raw" / name
    return book_of(json.loads(path.read_text(encoding="utf-8")))
