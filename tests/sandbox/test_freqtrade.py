"""Unmodified freqtrade commands, run against the sandbox through `gridkit offline`."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest
from freqtrade.configuration.directory_operations import create_userdata_dir

ROOT = Path(__file__).resolve().parents[2]
MAIN = (
    "import argparse, sys; from gridkit import offline; "
    "parser = argparse.ArgumentParser(); offline.add_parser(parser.add_subparsers()); "
    "options = parser.parse_args(); sys.exit(options.run(options))"
)
DEADLINE_SECONDS = 120
INTERRUPTED = 130  # what freqtrade itself answers to Ctrl-C
STRATEGY = """
import talib
from freqtrade.strategy import IntParameter, IStrategy


class Sample(IStrategy):
    INTERFACE_VERSION = 3
    can_short = False
    timeframe = "5m"
    stoploss = -0.05
    minimal_roi = {"0": 0.01}
    startup_candle_count = 40
    process_only_new_candles = True
    period = IntParameter(5, 20, default=10, space="buy")

    def populate_indicators(self, dataframe, metadata):
        dataframe["fast"] = talib.SMA(dataframe["close"], 10)
        dataframe["slow"] = talib.SMA(dataframe["close"], 30)
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        fast = talib.SMA(dataframe["close"], int(self.period.value))
        rising = (fast > dataframe["slow"]) & (dataframe["volume"] > 0)
        dataframe.loc[rising, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["fast"] < dataframe["slow"], "exit_long"] = 1
        return dataframe
"""
EAGER = """
from freqtrade.strategy import IStrategy


class Eager(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    stoploss = -0.05
    process_only_new_candles = False
    minimal_roi = {"0": 0.002}

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
"""
PRICING = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
CONFIG = {
    "stake_currency": "USDT",
    "stake_amount": 50,
    "dry_run": True,
    "dry_run_wallet": 1000,
    "max_open_trades": 3,
    "initial_state": "running",
    "db_url": "sqlite://",
    "internals": {"process_throttle_secs": 1, "heartbeat_interval": 1},
    "exchange": {"name": "kraken", "pair_whitelist": ["BTC/USDT", "ETH/USDT"]},
    "pairlists": [{"method": "StaticPairList"}],
    "entry_pricing": PRICING,
    "exit_pricing": PRICING,
}
FUTURES = {
    **CONFIG,
    "trading_mode": "futures",
    "margin_mode": "isolated",
    "exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT:USDT", "ETH/USDT:USDT"]},
}
STARTED = []
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder: a strategy, and configurations, one of them for another exchange."""
    folder = tmp_path_factory.mktemp("user")
    # Two commands that start at once would both make its subfolders, and the later one would fail.
    create_userdata_dir(str(folder / "user_data"), create_dir=True)
    (folder / "user_data" / "strategies" / "sample.py").write_text(STRATEGY)
    (folder / "user_data" / "strategies" / "eager.py").write_text(EAGER)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "futures.json").write_text(json.dumps(FUTURES))
    return folder


def command(*arguments, offline=()):
    return [
        *(sys.executable, "-c", MAIN, "offline", *offline, "--"),
        *(sys.executable, "-m", "freqtrade", *arguments),
    ]


def options(folder):
    path = os.pathsep.join([str(ROOT), str(ROOT / "strategies")])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "250"}
    return {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "text": True}


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.stdout.close()
        process.wait()


def start(folder, *arguments, offline=()):
    process = subprocess.Popen(
        command(*arguments, offline=offline),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options(folder),
    )
    STARTED.append(process)
    return process


def finish(process, status=0, seen=""):
    out = seen + process.communicate(timeout=DEADLINE_SECONDS)[0]
    assert process.returncode == status, out[-3000:]
    assert " - ERROR - " not in out, out[-3000:]
    return out


def read_until(process, part):
    lines = []
    while not lines or part not in lines[-1]:
        line = process.stdout.readline()
        assert line, "".join(lines)[-3000:]
        lines.append(line)
    return "".join(lines)


def freqtrade(folder, *arguments):
    return finish(start(folder, *arguments))


def test_list_pairs_shows_the_simulated_markets(folder):
    out = freqtrade(folder, "list-pairs", "--quote", "USDT", "--print-json")
    assert {"BTC/USDT", "ETH/USDT", "DOGE/USDT"} <= set(json.loads(out.splitlines()[-1]))


def test_what_needs_no_configuration_passes_through(folder):
    assert "Freqtrade Version" in freqtrade(folder, "--version")


@pytest.fixture(scope="module")
def downloaded(folder):
    shared = ("--timerange", "20260101-20260121", "--timeframes", "5m")
    spot = start(folder, "download-data", *shared, "1h")
    futures = start(folder, "download-data", "-c", "futures.json", *shared)
    finish(spot)
    finish(futures)
    return folder


def candles(folder, name):
    return pd.read_feather(folder / "user_data" / "data" / "binance" / name)


def test_downloaded_candles_are_complete_and_nest(downloaded):
    fine, hourly = (
        candles(downloaded, "BTC_USDT-5m.feather"),
        candles(downloaded, "BTC_USDT-1h.feather"),
    )
    assert fine["date"].diff().dropna().eq(pd.Timedelta("5min")).all()
    assert fine["date"].iloc[0] == pd.Timestamp("2026-01-01", tz="UTC")
    day = pd.Timestamp("2026-01-10", tz="UTC")
    within = fine[(fine["date"] >= day) & (fine["date"] < day + pd.Timedelta("1h"))]
    hour = hourly[hourly["date"] == day].iloc[0]
    assert (hour["open"], hour["close"]) == (within["open"].iloc[0], within["close"].iloc[-1])
    assert (hour["high"], hour["low"]) == (within["high"].max(), within["low"].min())
    assert hour["volume"] == pytest.approx(within["volume"].sum())


def test_futures_come_with_mark_candles_and_funding(downloaded):
    mark = candles(downloaded, "futures/BTC_USDT_USDT-1h-mark.feather")
    funding = candles(downloaded, "futures/BTC_USDT_USDT-1h-funding_rate.feather")
    assert len(mark) >= 20 * 24
    assert len(funding) >= 20 * 3
    assert set(funding["date"].dt.hour) == {0, 8, 16}


def test_trades_can_be_downloaded(folder):
    freqtrade(
        folder, "download-data", "--dl-trades", "--pairs", "BTC/USDT",
        "--timerange", "1772409600-1772413200", "--timeframes", "1m",
    )  # fmt: skip
    trades = candles(folder, "BTC_USDT-trades.feather")
    hour = trades[trades["timestamp"].between(1772409600000, 1772413200000, inclusive="left")]
    assert len(hour) == 1800


@pytest.mark.parametrize("config", ["config.json", "futures.json"])
def test_backtesting_runs_and_trades(downloaded, config):
    out = freqtrade(
        downloaded, "backtesting", "-c", config, "--strategy", "Sample",
        "--timerange", "20260105-20260120", "--cache", "none",
    )  # fmt: skip
    assert "Final balance" in out
    assert "No trades" not in out


def test_hyperopt_runs(downloaded):
    out = freqtrade(
        downloaded, "hyperopt", "--strategy", "Sample", "--timerange", "20260105-20260110",
        "--epochs", "2", "--spaces", "buy", "-j", "1", "--min-trades", "1",
        "--hyperopt-loss", "SharpeHyperOptLossDaily", "--random-state", "1",
        "--disable-param-export",
    )  # fmt: skip
    assert "Best result" in out or "2/2" in out


def test_lookahead_analysis_runs(downloaded):
    out = freqtrade(
        downloaded, "lookahead-analysis", "--strategy", "Sample",
        "--timerange", "20260105-20260112", "--minimum-trade-amount", "3",
        "--targeted-trade-amount", "5",
    )  # fmt: skip
    assert "Sample" in out.splitlines()[-2] or "has_bias" in out


def test_recursive_analysis_runs(downloaded):
    out = freqtrade(
        downloaded, "recursive-analysis", "--strategy", "Sample", "--pairs", "BTC/USDT",
        "--timerange", "20260105-20260112", "--startup-candle", "60", "120",
    )  # fmt: skip
    assert "No variance" in out or "slow" in out


def test_a_dry_run_fills_an_order_and_ends_on_ctrl_c_on_spot_and_on_futures(folder):
    bots = [
        start(folder, "trade", "-c", config, "--strategy", "Eager", offline=("--profile", "lively"))
        for config in ("config.json", "futures.json")
    ]
    guard = threading.Timer(DEADLINE_SECONDS, lambda: [bot.kill() for bot in bots])
    guard.start()
    for bot in bots:
        seen = read_until(bot, "LIMIT_BUY has been fulfilled") + read_until(bot, "Bot heartbeat")
        bot.send_signal(signal.SIGINT)
        log = finish(bot, INTERRUPTED, seen)
        assert "was created for" in log
    guard.cancel()
