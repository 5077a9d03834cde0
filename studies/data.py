"""The real data a study reads: candles by window, funding, public trades, the option market."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from gridkit.analytics.implied import VolatilityIndex
from gridkit.feeds import volatility_index

TAPES = {  # pair: file of its public trades, below microstructure/binance
    "PEPE/USDT": "PEPE_USDT",
    "BTC/USDT": "BTC_USDT",
    "ETH/BTC": "ETH_BTC",
    "BTC/USDT:USDT": "futures/BTC_USDT_USDT",
}


class MissingData(Exception):
    """A study wants data that is not there."""


@dataclass(frozen=True, slots=True)
class Window:
    """One folder of candles; `base` is the shortest timeframe in it."""

    name: str
    folder: Path
    base: str
    futures: bool

    def pairs(self) -> tuple[str, ...]:
        """Name the coins that have hourly candles, the largest markets first."""
        ending = "1h-futures" if self.futures else "1h"
        found = [path.name.split("_")[0] for path in self.folder.glob(f"*-{ending}.feather")]
        return tuple(sorted(found, key=lambda coin: (_place(coin), coin)))

    def candles(self, coin: str, timeframe: str) -> pd.DataFrame:
        """Return candles in freqtrade's columns."""
        name = f"{coin}_USDT-{timeframe}"
        if self.futures:
            name = f"{coin}_USDT_USDT-{timeframe}-futures"
        return _feather(self.folder / f"{name}.feather")

    def funding(self, coin: str) -> pd.Series:
        """Return the funding rates, fractions, by the moment each was paid."""
        frame = _feather(self.folder / f"{coin}_USDT_USDT-1h-funding_rate.feather")
        return frame.set_index("date")["open"]


_WINDOWS = (
    ("spot 2022-23", "spot_5m_2022-08_2023-09/binance", "5m", False),
    ("futures 2023-24", "futures_5m_2023-05_2024-05/binance/futures", "5m", True),
    ("futures July 2023", "futures_1m_2023-07_2023-08/binance/futures", "1m", True),
    ("spot 2025", "spot_1m_2025-05_2025-08/binance", "1m", False),
)
_LARGEST_FIRST = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC")


def windows(data: Path) -> tuple[Window, ...]:
    """Return the windows that lie in the folder. Raises MissingData where none does."""
    found = [
        Window(name, data / folder, base, futures)
        for name, folder, base, futures in _WINDOWS
        if (data / folder).is_dir()
    ]
    if not found:
        raise MissingData(f"no candles in {data}: expected is a folder such as {_WINDOWS[0][1]}")
    return tuple(found)


def window(data: Path, name: str) -> Window:
    """Return one window by its name. Raises MissingData where it is not there."""
    for found in windows(data):
        if found.name == name:
            return found
    folders = {each[0]: each[1] for each in _WINDOWS}
    raise MissingData(f"no folder {data / folders[name]}")


def hourly(market: Window) -> dict[str, pd.DataFrame]:
    """Return the hourly candles of all coins of a window."""
    return {coin: market.candles(coin, "1h") for coin in market.pairs()}


def public_trades(data: Path, pair: str) -> pd.DataFrame:
    """Return freqtrade's frame of a pair's public trades."""
    return _feather(data / "microstructure" / "binance" / f"{TAPES[pair]}-trades.feather")


def option_index(data: Path) -> VolatilityIndex:
    """Return Deribit's DVOL of bitcoin, as known at a time."""
    path = data / "volatility" / "deribit_dvol_BTC_1d.csv"
    if not path.is_file():
        raise MissingData(f"no file {path}")
    return volatility_index.read(path)


def between(frame: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    """Return the candles from one date up to, and without, another (UTC)."""
    begin, end = (pd.Timestamp(text, tz="UTC") for text in (first, last))
    return frame[(frame["date"] >= begin) & (frame["date"] < end)]


@cache
def _feather(path: Path) -> pd.DataFrame:
    """Read once; who gets it leaves it as it is."""
    if not path.is_file():
        raise MissingData(f"no file {path}")
    return pd.read_feather(path)


def _place(coin: str) -> int:
    return _LARGEST_FIRST.index(coin) if coin in _LARGEST_FIRST else len(_LARGEST_FIRST)
