"""Books of an exchange, one after the other, as they were recorded."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gridkit.analytics.book_flow import Quotes
from gridkit.analytics.books import Book
from studies.data import MissingData

LEVELS = 25
RECORDED = {  # name: file, tick, pair of its trades
    "BTC perpetual": ("binance_usdm_BTC_USDT_2024-07_top25.parquet", 0.1, "BTC/USDT:USDT"),
    "ETH/BTC spot": ("binance_spot_ETH_BTC_2020-11-01_top25.parquet", 1e-6, "ETH/BTC"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Successive books, all levels; `trades` is the pair whose trades are of the same time."""

    name: str
    quotes: Quotes
    tick: float
    trades: str


@cache
def recorded(data: Path, name: str) -> Recorded:
    """Read the books of one market. Raises MissingData where they are not there."""
    file, tick, pair = RECORDED[name]
    path = data / "microstructure" / "orderbook" / file
    if not path.is_file():
        raise MissingData(f"no file {path}")
    columns = pd.read_parquet(path)
    sides = [
        columns[[f"{column}_{level}" for level in range(LEVELS)]].to_numpy()
        for column in ("bid_price", "bid_size", "ask_price", "ask_size")
    ]
    return Recorded(name, Quotes(columns["timestamp"].to_numpy() / 1_000, *sides), tick, pair)


def book_at(quotes: Quotes, place: int) -> Book:
    """Return one of the books."""
    bids = np.column_stack([quotes.bid_price[place], quotes.bid_size[place]])
    asks = np.column_stack([quotes.ask_price[place], quotes.ask_size[place]])
    return Book(bids, asks, float(quotes.times[place]))
