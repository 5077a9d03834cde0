"""Backtests that several tests look at, each run once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from freqtrade.optimize.backtesting import Backtesting

from reports.backtests import Market, random_walk, run_backtest, write_candles

ROWS = 700  # 58 hours: seven funding times


@dataclass(frozen=True)
class Finished:
    """A backtest that has run: the object, its export and the market it ran on."""

    backtesting: Backtesting
    export: Path
    market: Market


def write_market(folder: Path, pairs: tuple[str, ...], *, futures: bool = False) -> Market:
    """Write candles of a few pairs, with 8-hourly funding and 1h mark candles for futures."""
    datadir = folder / "data" / "binance"
    datadir.mkdir(parents=True)
    for seed, pair in enumerate(pairs):
        frame = random_walk(ROWS, 5, seed + 1)
        write_candles(datadir, pair, "5m", frame, "futures" if futures else "spot")
        if futures:
            hours = hourly(frame)
            write_candles(datadir, pair, "1h", hours, "mark")
            write_candles(datadir, pair, "1h", funding_of(hours, every=8), "funding_rate")
    return Market(datadir, futures, pairs)


def hourly(frame: pd.DataFrame) -> pd.DataFrame:
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return frame.set_index("date").resample("1h").agg(how).reset_index()


def funding_of(hours: pd.DataFrame, every: int) -> pd.DataFrame:
    rates = np.random.default_rng(5).normal(0.0006, 0.0004, len(hours[::every]))
    return hours[["date"]].iloc[::every].assign(funding_rate=rates)


def finished(folder: Path, market: Market, strategy: str, **overrides) -> Finished:
    backtesting, export = run_backtest(folder, market, strategy=strategy, **overrides)
    return Finished(backtesting, export, market)


FUTURES = ("AAA/USDT:USDT", "BBB/USDT:USDT")


@pytest.fixture(scope="session")
def spot(tmp_path_factory) -> Finished:
    folder = tmp_path_factory.mktemp("spot")
    return finished(folder, write_market(folder, ("AAA/USDT", "BBB/USDT")), "TaggedGrid")


@pytest.fixture(scope="session")
def leveraged(tmp_path_factory) -> Finished:
    folder = tmp_path_factory.mktemp("leveraged")
    return finished(folder, write_market(folder, FUTURES, futures=True), "TaggedGridLeveraged")


@pytest.fixture(scope="session")
def short(tmp_path_factory) -> Finished:
    folder = tmp_path_factory.mktemp("short")
    return finished(folder, write_market(folder, FUTURES, futures=True), "TaggedGridShort")


@pytest.fixture
def futures_market(tmp_path) -> Market:
    """A market of its own for a test that spoils it."""
    return write_market(tmp_path, FUTURES[:1], futures=True)
