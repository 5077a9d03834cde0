"""An exchange on loopback and a process that forks, for the whole folder; one download a run."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backtests import runs
from backtests.runs import Market, Run
from backtests.zygote import Ended, Zygote
from host.analysed import enriched, merged
from sandbox.running import RunningExchange, running_exchange
from workers import folder_of_all, one_at_a_time

NOW = 1_772_619_083_500  # 2026-03-04: long after the last candle used here
DOWNLOADED = "20251101-20251214"  # the regime wants 800 hourly candles before the first order
TRADED = "20251205-20251214"
SPOT = ("ETH/USDT", "SOL/USDT")
FUTURES = ("ETH/USDT:USDT", "SOL/USDT:USDT")


@pytest.fixture(scope="session")
def exchange() -> Iterator[RunningExchange]:
    with running_exchange(now=NOW) as running:
        yield running


@pytest.fixture(scope="session")
def downloaded(exchange: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated candles of spot and futures, downloaded once for all processes of a run."""
    folder = folder_of_all(tmp_path_factory) / "downloaded"
    with one_at_a_time(folder.with_suffix(".lock")):
        if not folder.exists():
            unfinished = tmp_path_factory.mktemp("downloaded")
            _download_both(unfinished, exchange)
            unfinished.rename(folder)
    return folder / "data"


def _download_both(folder: Path, exchange: RunningExchange) -> None:
    """By `freqtrade download-data`."""
    spot = _download(folder, exchange, SPOT, [])
    futures = _download(folder, exchange, FUTURES, ["-c", str(runs.FUTURES_CONFIG)])
    for process in (spot, futures):
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output[-3000:]


def _download(
    folder: Path, exchange: RunningExchange, pairs: tuple[str, ...], more: list[str]
) -> "subprocess.Popen[str]":
    userdir = folder / f"user_data{len(more)}"
    userdir.mkdir()
    files = ["-c", str(runs.CONFIG), *more, "-c", str(exchange.config_path)]
    return subprocess.Popen(
        [
            sys.executable, "-m", "freqtrade", "download-data", *files,
            "--userdir", str(userdir), "--datadir", str(folder / "data"),
            "--timerange", DOWNLOADED, "--timeframes", "1m", "5m", "1h", "--pairs", *pairs,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
    )  # fmt: skip


@pytest.fixture(scope="session")
def spot(downloaded: Path, exchange: RunningExchange) -> Iterator[Market]:
    """ETH and SOL against USDT, simulated: calm days, a rise, a fall."""
    market = Market(downloaded, exchange.config_path, SPOT, TRADED)
    yield market
    market.close()


@pytest.fixture(scope="session")
def futures(downloaded: Path, exchange: RunningExchange) -> Iterator[Market]:
    """The same coins as perpetuals."""
    market = Market(downloaded, exchange.config_path, FUTURES, TRADED, futures=True)
    yield market
    market.close()


@pytest.fixture(scope="session")
def real_futures(real_data: Path, exchange: RunningExchange) -> Iterator[Market]:
    """A real fortnight in 1m and 5m; the simulated exchange lists the same pairs."""
    market = Market(
        real_data / "futures_1m_2023-07_2023-08" / "binance", exchange.config_path,
        ("ETH/USDT:USDT", "SOL/USDT:USDT", "XRP/USDT:USDT"), "20230724-20230802", futures=True,
    )  # fmt: skip
    yield market
    market.close()


@pytest.fixture(scope="session")
def rich_spot(spot: Market, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """The spot market with all timeframes, public trades and a volatility index."""
    return enriched(spot, tmp_path_factory.mktemp("rich_spot"))


@pytest.fixture(scope="session")
def rich_futures(futures: Market, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """The futures market with all of that, and funding rates."""
    return enriched(futures, tmp_path_factory.mktemp("rich_futures"))


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.real)])
def market(request: pytest.FixtureRequest) -> Market:
    """Simulated candles, and real ones where there are any."""
    return request.getfixturevalue("futures" if request.param == "simulated" else "real_futures")


@pytest.fixture
def backtest(tmp_path: Path) -> Callable[..., Run]:
    """Run a backtest: `backtest(market, settings, **config)`."""

    def backtest(market: Market, settings: dict[str, Any] | None = None, **more: Any) -> Run:
        return runs.run(tmp_path / "user_data", market, settings, **more)

    return backtest


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    process = Zygote(tmp_path_factory.mktemp("commands"))
    yield process
    process.close()


@pytest.fixture
def freqtrade(zygote: Zygote, tmp_path: Path) -> Callable[..., Ended]:
    """Run a command on a market: `freqtrade("backtesting", market, {config}, *options)`."""

    def freqtrade(command: str, market: Market, config: dict[str, Any], *options: object) -> Ended:
        userdir = tmp_path / "user_data"
        userdir.mkdir(exist_ok=True)
        own = tmp_path / "own.json"
        own.write_text(json.dumps(merged(base_config(market), config)))
        files = [runs.CONFIG, *([runs.FUTURES_CONFIG] if market.futures else [])]
        files += [market.exchange_config, own]
        return zygote.freqtrade(
            command, *(word for file in files for word in ("-c", file)),
            "--userdir", userdir, "--datadir", market.datadir, *options,
        )  # fmt: skip

    return freqtrade


@pytest.fixture
def open_trades(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What freqtrade knows of trades, all of them open: to be filled by the test."""
    trades: list[Any] = []

    def found(pair: str | None = None, is_open: bool | None = None, **_: Any) -> list[Any]:
        return [one for one in trades if pair in (None, one.pair) and is_open is not False]

    monkeypatch.setattr("freqtrade.persistence.Trade.use_db", False)
    monkeypatch.setattr("freqtrade.persistence.PairLocks.use_db", False)
    # What backtests of other tests left behind.
    monkeypatch.setattr("freqtrade.persistence.LocalTrade.bt_trades", [])
    monkeypatch.setattr("freqtrade.persistence.LocalTrade.bt_total_profit", 0.0)
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades_proxy", found)
    return trades


def base_config(market: Market) -> dict[str, Any]:
    return {
        "strategy_path": str(runs.STRATEGIES),
        "exchange": {"pair_whitelist": list(market.pairs)},
        "max_open_trades": len(market.pairs),
        "backtest_cache": "none",
    }
