"""Runs freqtrade's own backtester offline: real code, with markets written by hand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from freqtrade.configuration import Configuration
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange import Binance
from freqtrade.optimize.backtesting import Backtesting

# freqtrade 2026.9 calls pandas in ways that pandas 3.1 will drop; nothing of ours to mend.
FREQTRADES_WARNINGS = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
HERE = Path(__file__).parent
START = pd.Timestamp("2024-01-01", tz="UTC")


@dataclass(frozen=True)
class Market:
    """A datadir on disk and what is in it."""

    datadir: Path
    futures: bool
    pairs: tuple[str, ...]


def random_walk(rows: int, minutes: int, seed: int, price: float = 100.0) -> pd.DataFrame:
    """Candles with a body and two tails, on a tick of 0.01."""
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(0, 0.004, rows)))
    opening = np.concatenate([[price], close[:-1]])
    tail = np.abs(random.normal(0, 0.002, (2, rows)))
    prices = pd.DataFrame(
        {
            "open": opening,
            "high": np.maximum(opening, close) * (1 + tail[0]),
            "low": np.minimum(opening, close) * (1 - tail[1]),
            "close": close,
        }
    ).round(2)
    dates = pd.date_range(START, periods=rows, freq=f"{minutes}min")
    prices.insert(0, "date", dates)
    return prices.assign(volume=random.uniform(10, 100, rows))


def market_pair(name: str, *, futures: bool) -> dict[str, Any]:
    """One market as ccxt describes it."""
    base, quote = name.partition(":")[0].split("/")
    return {
        "id": base + quote,
        "symbol": name,
        "base": base,
        "quote": quote,
        "settle": quote if futures else None,
        "active": True,
        "type": "swap" if futures else "spot",
        "spot": not futures,
        "margin": False,
        "swap": futures,
        "future": False,
        "option": False,
        "contract": futures,
        "linear": True if futures else None,
        "inverse": False if futures else None,
        "contractSize": 1.0 if futures else None,
        "maker": 0.001,
        "taker": 0.001,
        "precision": {"amount": 0.0001, "price": 0.01},
        "limits": {
            "amount": {"min": 0.0001, "max": None},
            "price": {"min": None, "max": None},
            "cost": {"min": 5.0, "max": None},
            "leverage": {"min": None, "max": None},
        },
        "info": {},
    }


class OfflineBinance(Binance):
    """Binance as freqtrade knows it, with hand-written markets instead of downloaded ones."""

    def reload_markets(self, force: bool = False, *, load_leverage_tiers: bool = True) -> None:
        futures = self.trading_mode == "futures"
        pairs = self._config["exchange"]["pair_whitelist"]
        self._markets = {name: market_pair(name, futures=futures) for name in pairs}
        self._api.markets = self._api_async.markets = self._markets
        self._leverage_tiers = {
            name: [
                {
                    "minNotional": 0,
                    "maxNotional": 1e9,
                    "maintenanceMarginRate": 0.01,
                    "maxLeverage": 50,
                    "maintAmt": 0,
                }
            ]
            for name in pairs
        }

    def get_fee(self, *args: Any, **kwargs: Any) -> float:
        return 0.001

    def fill_leverage_tiers(self) -> None:
        """They are there already."""

    def validate_config(self, config: dict[str, Any]) -> None:
        """Nothing to ask the network about."""


def write_candles(datadir: Path, pair: str, timeframe: str, frame: pd.DataFrame, kind: str) -> None:
    """Store candles of `kind` (spot, futures, mark, funding_rate) in freqtrade's format."""
    get_datahandler(datadir, "feather").ohlcv_store(
        pair, timeframe, frame, CandleType.from_string(kind)
    )


def config_of(folder: Path, market: Market, **overrides: Any) -> dict[str, Any]:
    """A backtest config, completed by freqtrade's own configuration class."""
    basic = {
        "strategy": "TaggedGrid",
        "strategy_path": str(HERE / "strategies"),
        "user_data_dir": str(folder),
        "stake_currency": "USDT",
        "stake_amount": 100.0,
        "dry_run_wallet": 1000.0,
        "max_open_trades": len(market.pairs),
        "trading_mode": "futures" if market.futures else "spot",
        "margin_mode": "isolated" if market.futures else "",
        "exchange": {"name": "binance", "pair_whitelist": list(market.pairs)},
        "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": {"price_side": "same"},
        "exit_pricing": {"price_side": "same"},
        "backtest_cache": "none",
        "export": "trades",
        "dry_run": True,
    }
    return basic | overrides


def run_backtest(folder: Path, market: Market, **overrides: Any) -> tuple[Backtesting, Path]:
    """Run a backtest to its end; returns it and the export it wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps(config_of(folder, market, **overrides)))
    arguments = {"config": [str(path)], "datadir": str(market.datadir)}
    config = Configuration(arguments, RunMode.BACKTEST).get_config()
    exchange = OfflineBinance(config, validate=False)
    backtesting = Backtesting(config, exchange=exchange)
    backtesting.start()
    Backtesting.cleanup()
    exchange.close()
    return backtesting, max((folder / "backtest_results").glob("*.zip"))
