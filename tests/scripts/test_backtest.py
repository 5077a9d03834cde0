"""scripts/backtest.sh and scripts/trade.sh, with recorders in the place of the commands."""

import datetime
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gridkit.host import history
from gridkit.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
SETTABLE = ("EXCHANGE", "PAIRS", "DAYS", "CONFIG", "STRATEGY", "TIMEFRAME", "PROFILE", "SEED")

# Notes its arguments, one JSON list a line, and the overlay as it stood then.
RECORDER = """#!/usr/bin/env python3
import json, pathlib, sys
here = pathlib.Path(__file__).resolve().parent
name, arguments = pathlib.Path(__file__).name, sys.argv[1:]
if arguments[:1] == ["list-exchanges"]:
    sys.exit(print("binance\\nkraken"))
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([name, *arguments]) + "\\n")
configs = [value for key, value in zip(arguments, arguments[1:]) if key == "-c"]
if "download-data" in arguments:
    (here / "overlay").write_text(pathlib.Path(configs[1]).read_text())
    sys.exit(int((here / name).with_suffix(".status").read_text()))
"""


@dataclass
class Run:
    """What a script did: its status, what it said, and the calls it made."""

    status: int
    said: str
    calls: list[list[str]]
    overlay: dict[str, object] = field(default_factory=dict)


@dataclass
class Checkout:
    """A folder with the scripts, a config and recorders."""

    folder: Path

    def run(self, script: str, **variables: str) -> Run:
        environment = {k: v for k, v in os.environ.items() if k not in SETTABLE}
        done = subprocess.run(
            [self.folder / "scripts" / script],
            env={**environment, "GRIDKIT_BIN": str(self.folder / "bin"), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        calls, overlay = self.folder / "bin" / "calls", self.folder / "bin" / "overlay"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return Run(
            done.returncode,
            done.stdout + done.stderr,
            [json.loads(line) for line in lines],
            json.loads(overlay.read_text()) if overlay.exists() else {},
        )

    def fail_downloads(self) -> None:
        for name in ("freqtrade", "gridkit"):
            (self.folder / "bin" / f"{name}.status").write_text("2")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for folder in ("scripts", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "config.json").write_text("{}")
    for script in ("backtest.sh", "trade.sh"):
        copy = tmp_path / "scripts" / script
        copy.write_bytes((ROOT / "scripts" / script).read_bytes())
        copy.chmod(0o755)
    for name in ("freqtrade", "gridkit"):
        command = tmp_path / "bin" / name
        command.write_text(RECORDER)
        command.chmod(0o755)
        (tmp_path / "bin" / f"{name}.status").write_text("0")
    return Checkout(tmp_path)


def value_of(call: list[str], option: str) -> str:
    return call[call.index(option) + 1]


def days_in(call: list[str]) -> int:
    first, last = value_of(call, "--timerange").split("-")
    span = datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)
    return span.days


def test_without_variables_all_of_it_runs_on_the_sandbox(checkout: Checkout) -> None:
    run = checkout.run("backtest.sh")
    assert run.status == 0, run.said
    freqtrade = str(checkout.folder / "bin" / "freqtrade")
    offline = ["gridkit", "offline", "--profile", "steady", "--seed", "7", "--", freqtrade]
    assert [call[:9] for call in run.calls[:3]] == [
        [*offline, "download-data"],
        [*offline, "download-data"],
        [*offline, "backtesting"],
    ]
    assert run.calls[3][:2] == ["gridkit", "report"]
    assert run.overlay == {"exchange": {}}


def test_a_freqtrade_elsewhere_on_the_path_is_not_used(checkout: Checkout) -> None:
    run = checkout.run("backtest.sh")
    programs = [call[call.index("--") + 1] for call in run.calls if "--" in call]
    assert set(programs) == {str(checkout.folder / "bin" / "freqtrade")}


def test_one_datadir_is_downloaded_tested_and_reported(checkout: Checkout) -> None:
    calls = checkout.run("backtest.sh").calls
    assert {value_of(call, "--datadir") for call in calls} == {"user_data/data/sandbox/steady-7"}


def test_a_real_exchange_needs_no_sandbox(checkout: Checkout) -> None:
    run = checkout.run("backtest.sh", EXCHANGE="kraken", PAIRS="BTC/USDT ETH/USDT", DAYS="30")
    assert run.status == 0, run.said
    assert [call[:2] for call in run.calls] == [
        ["freqtrade", "download-data"],
        ["freqtrade", "download-data"],
        ["freqtrade", "backtesting"],
        ["gridkit", "report"],
    ]
    pairs = ["BTC/USDT", "ETH/USDT"]
    assert run.overlay == {"exchange": {"name": "kraken", "pair_whitelist": pairs}}
    assert value_of(run.calls[2], "--datadir") == "user_data/data/kraken"


def test_the_download_reaches_back_before_the_backtest_so_that_indicators_are_known(
    checkout: Checkout,
) -> None:
    download, further, backtest, _ = checkout.run("backtest.sh", DAYS="30").calls
    assert (days_in(download), days_in(backtest)) == (134, 30)
    assert further == [*download, "--prepend"]


def test_the_history_covers_the_strategys_warmup_and_little_more(checkout: Checkout) -> None:
    download, _, backtest, _ = checkout.run("backtest.sh").calls
    hours = (days_in(download) - days_in(backtest)) * 24
    needed = history.fitted({"exchange": {"name": "binance"}}, Settings(), "5m").candles
    assert needed < hours < 1.5 * needed


@pytest.mark.parametrize(
    ("variables", "read"),
    [
        ({}, ["5m", "1h"]),
        ({"TIMEFRAME": "1m"}, ["1m", "1h"]),
        ({"TIMEFRAME": "1h"}, ["1h"]),
        ({"STRATEGY": "Confluence"}, ["5m", "15m", "1h", "4h"]),
        ({"STRATEGY": "Confluence", "TIMEFRAME": "15m"}, ["15m", "1h", "4h"]),
        ({"STRATEGY": "Confluence", "TIMEFRAME": "1m"}, ["1m", "5m", "15m", "1h", "4h", "1d"]),
    ],
)
def test_only_what_the_strategy_reads_is_downloaded(
    checkout: Checkout, variables: dict[str, str], read: list[str]
) -> None:
    download, _, backtest, _ = checkout.run("backtest.sh", **variables).calls
    start = download.index("--timeframes") + 1
    assert download[start : download.index("--timerange")] == read
    assert value_of(backtest, "--timeframe") == read[0]


def test_the_report_is_text_and_files(checkout: Checkout) -> None:
    report = checkout.run("backtest.sh").calls[-1]
    assert value_of(report, "--html") == "user_data/reports/backtest.html"
    assert value_of(report, "--png") == "user_data/reports"


def test_pictures_of_an_earlier_run_on_other_pairs_go(checkout: Checkout) -> None:
    picture = checkout.folder / "user_data" / "reports" / "grid-OLD_USDT.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    checkout.run("backtest.sh")
    assert not picture.exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DAYS", "0"),
        ("DAYS", "-3"),
        ("DAYS", "1.5"),
        ("DAYS", "many"),
        ("DAYS", "99999"),
        ("TIMEFRAME", "5"),
        ("SEED", "x"),
        ("PAIRS", "BTCUSDT"),
        ("PAIRS", 'A/B","C/D'),
        ("CONFIG", "absent.json"),
        ("EXCHANGE", "kraken2"),
        ("EXCHANGE", "-V"),
    ],
)
def test_a_wrong_value_is_one_message_that_names_it(
    checkout: Checkout, variable: str, value: str
) -> None:
    run = checkout.run("backtest.sh", **{variable: value})
    assert run.status == 2
    assert run.calls == []
    assert run.said.startswith(f"backtest: {variable}: ")
    assert value in run.said
    assert len(run.said.splitlines()) == 1


def test_an_exchange_out_of_reach_is_said_and_nothing_is_tested(checkout: Checkout) -> None:
    checkout.fail_downloads()
    run = checkout.run("backtest.sh", EXCHANGE="binance")
    assert run.status == 2
    assert [call[1] for call in run.calls] == ["download-data"]
    assert "no candles from binance" in run.said
    assert "without EXCHANGE" in run.said


def test_trade_is_a_dry_run_on_the_sandbox_with_the_api(checkout: Checkout) -> None:
    (call,) = checkout.run("trade.sh").calls
    assert call[:6] == ["gridkit", "offline", "--profile", "steady", "--seed", "7"]
    assert call[8:10] == ["trade", "--dry-run"]
    assert "user_data/configs/api.json" in call


def test_each_simulated_market_has_its_own_trades(checkout: Checkout) -> None:
    checkout.run("trade.sh")
    first, second = checkout.run("trade.sh", SEED="8").calls
    assert value_of(first, "--db-url") != value_of(second, "--db-url")
