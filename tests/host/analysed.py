"""Frames as freqtrade has the strategy analyse them, on candles, trades and an index of our own."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from freqtrade.data.history import get_datahandler
from freqtrade.enums import TradingMode

from backtests import runs
from backtests.runs import QUICK_REGIME, Market, Recording

COARSE = {"15m": ("5m", "15min"), "4h": ("1h", "4h")}
ADDED_UP = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
TRADES_PER_CANDLE = 3
TRADES_FROM = pd.Timestamp("2025-12-08", tz="UTC")
FIVE_MINUTES = pd.Timedelta("5min")
INDEX = "index.csv"
# Candles of freqtrade's own frame, before any of ours.
OWN = ["date", "open", "high", "low", "close", "volume"]
# ... and what it adds: decimals of prices, signals.
DECIMALS = ["open_count", "high_count", "low_count", "close_count", "max_count"]
SIGNALS = ["enter_long", "enter_short", "enter_tag", "exit_long", "exit_short", "exit_tag"]
EVERYTHING = {
    "volatility": {
        "garch": {"window_hours": 500, "refit_hours": 24},
        "implied": {"asset": "ETH"},
    },
    "regime": QUICK_REGIME,
    "spacing": {"method": "regime"},
    "stress": {"window_days": 7, "percentile": 50},
    "correlation": {"window_days": 2},
    "profile": {"enabled": True, "days": 1},
    "confluence": {
        "enabled": True,
        "funding_days": 7,
        "periods": {
            "averages": (3, 5, 10), "smooth": 4, "oscillator": 4, "macd": (3, 5, 3), "window": 5,
        },
    },
    "thresholds": {"enabled": True, "window_days": 7},
    "orderflow": {"enabled": True, "lookback_candles": 5, "whale_trades": 200},
}  # fmt: skip


def everything(market: Market, **changes: Any) -> dict[str, Any]:
    """Settings with every module switched on, some sections changed or (None) left out."""
    settings = merged(EVERYTHING, {"volatility": {"implied": {"file": str(index_of(market))}}})
    if market.futures:
        settings = merged(settings, {"confluence": {"open_interest_timeframe": "1h"}})
    settings = merged(settings, {name: one for name, one in changes.items() if one is not None})
    return {name: one for name, one in settings.items() if changes.get(name, one) is not None}


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Both, the second before the first, section by section."""
    both = {**first, **second}
    for key in first.keys() & second.keys():
        if isinstance(first[key], dict) and isinstance(second[key], dict):
            both[key] = merged(first[key], second[key])
    return both


def varied(frame: pd.DataFrame) -> pd.DataFrame:
    """Funding that is not the same for days, as the simulation's is; else the frame as it is."""
    if "funding_rate" not in frame:
        return frame
    factors = 1.5 + np.sin(np.arange(len(frame)))
    return frame.assign(funding_rate=frame["funding_rate"] * factors)


def index_of(market: Market) -> Path:
    return market.datadir / INDEX


# -- data -------------------------------------------------------------------------------------


def enriched(market: Market, folder: Path) -> Market:
    """Return the market with candles of two more timeframes, public trades and an index."""
    handler = get_datahandler(folder, "feather")
    mode = TradingMode.FUTURES if market.futures else TradingMode.SPOT
    for pair in market.pairs:
        for path in files_of(market, pair):
            target = folder / path.relative_to(market.datadir)
            target.parent.mkdir(parents=True, exist_ok=True)
            varied(pd.read_feather(path)).to_feather(target)
        for name, (finer, rule) in COARSE.items():
            frame = resampled(pd.read_feather(candles_file(market, pair, finer)), rule)
            frame.to_feather(candles_file(replaced(market, folder), pair, name))
        minutes = pd.read_feather(candles_file(market, pair, "5m"))
        if market.futures:
            hours = pd.read_feather(candles_file(market, pair, "1h"))
            path = candles_file(replaced(market, folder), pair, "1h")
            path = path.with_name(path.name.replace("-futures", "-open_interest"))
            open_interest_of(hours).to_feather(path)
        handler.trades_store(pair, trades_of(minutes), mode)
    first = pd.Timestamp("2025-11-25")
    dates = pd.date_range(first, periods=19, freq="D")
    closes = 55 + 10 * np.sin(np.arange(len(dates)))
    index = pd.DataFrame({"date": dates.strftime("%Y-%m-%d"), "close": closes.round(2)})
    index.to_csv(folder / INDEX, index=False)
    return replaced(market, folder)


def replaced(market: Market, folder: Path) -> Market:
    """Return the market on another datadir; its exchange object is shared."""
    return replace(market, datadir=folder)


def files_of(market: Market, pair: str) -> list[Path]:
    stem = pair.replace("/", "_").replace(":", "_")
    folder = market.datadir / "futures" if market.futures else market.datadir
    return sorted(folder.glob(f"{stem}-*.feather"))


def candles_file(market: Market, pair: str, timeframe: str) -> Path:
    stem = pair.replace("/", "_").replace(":", "_")
    if market.futures:
        return market.datadir / "futures" / f"{stem}-{timeframe}-futures.feather"
    return market.datadir / f"{stem}-{timeframe}.feather"


def resampled(frame: pd.DataFrame, rule: str) -> pd.DataFrame:
    whole = frame.set_index("date").resample(rule).agg(ADDED_UP).dropna()
    return whole.reset_index().assign(date=lambda made: made["date"].astype(frame["date"].dtype))


def trades_of(minutes: pd.DataFrame) -> pd.DataFrame:
    """Some trades of each candle of the last days, of many sizes, in freqtrade's columns."""
    frame = minutes[minutes["date"] >= TRADES_FROM]
    numbers = np.arange(len(frame) * TRADES_PER_CANDLE)
    candle, place = np.divmod(numbers, TRADES_PER_CANDLE)
    opened = frame["date"].astype("datetime64[ms, UTC]").astype("int64").to_numpy()
    amounts = 0.1 + (numbers * 7919 % 997) / 100
    prices = frame["close"].to_numpy()[candle]
    return pd.DataFrame(
        {
            "timestamp": opened[candle] + place * 90_000 + 1_000,
            "id": numbers.astype(str),
            "type": "",
            "side": np.where(numbers * 31 % 17 < 9, "buy", "sell"),
            "price": prices,
            "amount": amounts,
            "cost": prices * amounts,
        }
    )


def open_interest_of(hours: pd.DataFrame) -> pd.DataFrame:
    contracts = 1e6 + 1e5 * np.sin(np.arange(len(hours)) / 7)
    value = contracts * hours["close"]
    return hours[["date"]].assign(open_interest_amount=contracts, open_interest_value=value)


Change = Callable[[pd.DataFrame, pd.Series], pd.DataFrame]


def known_until(market: Market, folder: Path, moment: pd.Timestamp, change: Change) -> Market:
    """Copy a market; `change` is given each table and which of its rows lie after a moment.

    A candle lies before where it had closed, a trade or a funding rate where it had happened, a
    value of the index where its day had ended.
    """
    for path in sorted(market.datadir.rglob("*.feather")):
        frame = pd.read_feather(path)
        target = folder / path.relative_to(market.datadir)
        target.parent.mkdir(parents=True, exist_ok=True)
        after = known_from(frame, path.stem) > moment
        change(frame, after).reset_index(drop=True).to_feather(target)
    index = pd.read_csv(market.datadir / INDEX)
    after = pd.to_datetime(index["date"], utc=True) + pd.Timedelta("1D") > moment
    changed = change(index, after)
    changed.to_csv(folder / INDEX, index=False)
    return replaced(market, folder)


def known_from(frame: pd.DataFrame, name: str) -> pd.Series:
    """When each row of a stored table was known."""
    if "timestamp" in frame:
        return pd.to_datetime(frame["timestamp"], unit="ms", utc=True) + pd.Timedelta("1ms")
    timeframe, _, kind = name.partition("-")[2].partition("-")
    if kind in ("funding_rate", "mark"):
        return frame["date"]
    return frame["date"] + pd.Timedelta(timeframe.replace("m", "min"))


def cut(frame: pd.DataFrame, after: pd.Series) -> pd.DataFrame:
    return frame[~after]


def wild(frame: pd.DataFrame, after: pd.Series) -> pd.DataFrame:
    """Prices, volumes, sizes and rates of another world after the moment."""
    changed = frame.copy()
    numbers = [name for name in frame if name not in ("date", "timestamp", "id", "type", "side")]
    factors = 1.5 + np.sin(np.arange(len(frame)))
    for name in numbers:
        changed[name] = frame[name].where(~after, frame[name] * factors)
    return changed


# -- analysis ---------------------------------------------------------------------------------


@contextmanager
def loaded(folder: Path, market: Market, settings: dict[str, Any], **overrides: Any):
    """freqtrade's backtester with its strategy started, but nothing analysed yet."""
    with runs.backtesting(folder, market, settings, **overrides) as recording:
        recording._set_strategy(recording.strategylist[0])
        yield recording


def frames_of(
    folder: Path, market: Market, settings: dict[str, Any], **overrides: Any
) -> dict[str, pd.DataFrame]:
    """Analyse all pairs of a market, as a backtest does before it trades."""
    with loaded(folder, market, settings, **overrides) as recording:
        return analysed(recording)


def analysed(recording: Recording) -> dict[str, pd.DataFrame]:
    data, _ = recording.load_bt_data()
    frames = recording.strategy.advise_all_indicators(data)
    return {
        pair: recording.strategy.ft_advise_signals(frame, {"pair": pair})
        for pair, frame in frames.items()
    }


def ours(frame: pd.DataFrame) -> list[str]:
    """Names of the columns that gridkit added, without signals."""
    return [name for name in frame if name not in (*OWN, *DECIMALS, *SIGNALS)]
