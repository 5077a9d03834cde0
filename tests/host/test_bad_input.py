"""What a wrong configuration says: one line with key, value and what is allowed, and a status."""

import json
import re
import shutil
import socket
import subprocess
import sys

import pytest

from backtests import runs
from backtests.runs import Market
from backtests.zygote import ROOT

pytestmark = pytest.mark.slow

FEW_DAYS = ("--timerange", "20251213-20251214")


def grid(**values):
    return {"gridkit": {"grid": values}}


# config, what the message must hold
WRONG_SETTINGS = {
    "a misspelt setting": (grid(levles=5), ["gridkit.grid.levles", "gridkit.grid.levels?"]),
    "a misspelt section": ({"gridkit": {"spacng": {}}}, ["gridkit.spacng", "gridkit.spacing?"]),
    "a setting of another section": (
        {"gridkit": {"grid": {"lot_stop": 0.05}}},
        ["gridkit.grid.lot_stop", "gridkit.stops.lot_stop?"],
    ),
    "a section that is none": ({"gridkit": ["grid"]}, ["gridkit", "['grid']"]),
    "a number above its bound": (grid(levels=99), ["gridkit.grid.levels", "99", "25"]),
    "a number below its bound": (
        {"gridkit": {"stops": {"lot_stop": 0.001}}},
        ["gridkit.stops.lot_stop", "0.001", "0.005"],
    ),
    "a text for a number": (grid(levels="many"), ["gridkit.grid.levels", "many", "integer"]),
    "an unknown choice": (
        grid(target="moon"),
        ["gridkit.grid.target", "moon", "next_line", "fixed"],
    ),
    "a minimum above the maximum": (
        {"gridkit": {"spacing": {"min_step": 0.05, "max_step": 0.01}}},
        ["gridkit.spacing", "min_step", "0.05", "max_step", "0.01"],
    ),
    "averages the wrong way round": (
        {"gridkit": {"regime": {"ema_fast": 300}}},
        ["gridkit.regime", "ema_fast", "300", "ema_slow", "200"],
    ),
    "infinity with a limit": (
        grid(infinity=True, trailing_up_limit={"ETH/USDT": 4000}),
        ["gridkit.grid", "infinity", "trailing_up_limit"],
    ),
}
WRONG_CONDITIONS = {
    "a target below the fee floor": (
        grid(target="fixed", take_profit=0.002),
        ["gridkit.grid.take_profit", "0.2000%", "fee floor", "ETH/USDT"],
    ),
    "short on spot": (
        {"gridkit": {"direction": "short"}},
        ["gridkit.direction", "'short'", "spot", "'long'"],
    ),
    "auto on spot": (
        {"gridkit": {"direction": "auto"}},
        ["gridkit.direction", "'auto'", "spot", "'long'"],
    ),
    "leverage on spot": ({"gridkit": {"leverage": 3}}, ["gridkit.leverage", "3", "spot"]),
    "arithmetic lines that reach zero": (
        {
            "gridkit": {
                "spacing": {"method": "fixed", "progression": "arithmetic", "grid_step": 0.05},
                "grid": {"levels": 20},
            }
        },
        ["gridkit.grid.levels", "20", "zero"],
    ),
    "a regime faster than the strategy": (
        {"gridkit": {"regime": {"timeframe": "1m"}}},
        ["gridkit.regime.timeframe", "1m", "5m"],
    ),
    "a regime timeframe that is none": (
        {"gridkit": {"regime": {"timeframe": "hourly"}}},
        ["gridkit.regime.timeframe", "hourly"],
    ),
    "a confluence faster than the strategy": (
        {
            "gridkit": {
                "confluence": {"enabled": True, "timeframes": {"1m": 0.2, "5m": 0.3, "1h": 0.5}}
            }
        },
        ["gridkit.confluence.timeframes", "1m", "5m"],
    ),
    "a volatility index that is not there": (
        {"gridkit": {"volatility": {"implied": {"file": "nowhere.csv"}}}},
        ["gridkit.volatility.implied.file", "nowhere.csv", "cannot be read", "a CSV file"],
    ),
    "a volatility index that is no table of one": (
        {"gridkit": {"volatility": {"implied": {"file": str(ROOT / "pyproject.toml")}}}},
        ["gridkit.volatility.implied.file", "pyproject.toml", "is no table"],
    ),
    "a capital too small for one line": (
        {"dry_run_wallet": 12},
        ["ETH/USDT", "capital", "11.88", "allowed is more capital"],
    ),
    "a capital too small for the initial inventory": (
        {"dry_run_wallet": 60, "gridkit": {"grid": {"initial_inventory": 0.7}}},
        ["ETH/USDT", "10 line(s)", "less initial_inventory"],
    ),
    "a short timeout of entries": (
        {"unfilledtimeout": {"entry": 10, "unit": "minutes"}},
        ["unfilledtimeout.entry", "10", "1440 minutes"],
    ),
    "a short timeout of exits in seconds": (
        {"unfilledtimeout": {"exit": 600, "unit": "seconds", "entry": 90_000}},
        ["unfilledtimeout.exit", "600", "86400 seconds"],
    ),
    "an exit timeout that sells at market": (
        {"unfilledtimeout": {"exit_timeout_count": 2}},
        ["unfilledtimeout.exit_timeout_count", "0"],
    ),
    "a count of entries": (
        {"max_entry_position_adjustment": 3},
        ["max_entry_position_adjustment", "3", "-1"],
    ),
    "no position adjustment": (
        {"position_adjustment_enable": False},
        ["position_adjustment_enable", "False", "true"],
    ),
    "market orders": (
        {
            "order_types": {
                "entry": "market",
                "exit": "limit",
                "stoploss": "market",
                "stoploss_on_exchange": False,
            },
            "entry_pricing": {"price_side": "other"},
        },
        ["order_types.entry", "'market'", "'limit'"],
    ),
    "a table of returns": ({"minimal_roi": {"0": 0.05}}, ["minimal_roi", "0.05", "empty"]),
    "a trailing stop": ({"trailing_stop": True}, ["trailing_stop", "True", "false"]),
    "a stoploss in the config": (
        {"stoploss": -0.1},
        ["stoploss = -0.1", "-0.99", "gridkit.stops"],
    ),
}
WRONG_ON_FUTURES = {
    "auto without a regime": (
        {"gridkit": {"direction": "auto", "regime": {"enabled": False}}},
        ["gridkit.direction", "'auto'", "regime.enabled", "true"],
    ),
    # 5 % of lot_stop are 40 % of the margin at 8.
    "leverage that is liquidated before the stops act": (
        {"gridkit": {"leverage": 20}},
        ["gridkit.leverage", "20", "up to 8.0", "liquidated"],
    ),
    "leverage without stops": (
        {
            "gridkit": {
                "leverage": 2,
                "stops": {"lot_stop_enabled": False, "cycle_stop_enabled": False},
            }
        },
        ["gridkit.leverage", "2", "up to 1.0"],
    ),
    "a stoploss in the config": ({"stoploss": -0.1}, ["stoploss = -0.1", "-0.99"]),
}
BOTH = {**WRONG_SETTINGS, **WRONG_CONDITIONS}


def named(cases):
    return pytest.mark.parametrize(("config", "words"), list(cases.values()), ids=list(cases))


def check(ended, words):
    """One clear line, an exit status, and nothing that only a programmer could read."""
    assert ended.status not in (0, None), ended.output[-2000:]
    assert "Traceback" not in ended.output, ended.output[-3000:]
    said = [line for line in ended.output.splitlines() if all(word in line for word in words)]
    assert said, (words, ended.output[-2000:])
    assert any(" ERROR " in line for line in said), said


@named(BOTH)
def test_backtesting_refuses_with_one_clear_message(freqtrade, spot, config, words):
    check(freqtrade("backtesting", spot, config, *FEW_DAYS), words)


@named(WRONG_ON_FUTURES)
def test_backtesting_of_futures_refuses_with_one_clear_message(freqtrade, futures, config, words):
    check(freqtrade("backtesting", futures, config, *FEW_DAYS), words)


@pytest.mark.parametrize("leverage", [1, 8])
def test_leverage_that_the_stops_bear_is_not_refused(freqtrade, futures, leverage):
    ended = freqtrade("backtesting", futures, {"gridkit": {"leverage": leverage}}, *FEW_DAYS)
    assert ended.status == 0, ended.output[-2000:]


SEARCH = (
    "--strategy", "AdaptiveGrid", "--hyperopt-loss", "MarkedCalmarLoss", "--hyperopt-path",
    ROOT / "hyperopts", "--epochs", "1", "-j", "1", "--min-trades", "1", "--random-state", "1",
    "--disable-param-export", *FEW_DAYS,
)  # fmt: skip


@pytest.mark.parametrize("spaces", [(), ("default", "trailing"), ("roi", "stoploss", "buy")])
def test_hyperopt_never_searches_what_would_close_whole_cycles(freqtrade, spot, tmp_path, spaces):
    chosen = ("--spaces", *spaces) if spaces else ()
    ended = freqtrade("hyperopt", spot, {}, *SEARCH, *chosen)
    assert ended.status == 0, ended.output[-2000:]
    assert "ERROR" not in ended.output, ended.output[-2000:]
    (found,) = tmp_path.glob("user_data/hyperopt_results/*.fthypt")
    epoch = json.loads(found.read_text().splitlines()[0])
    params = {**epoch["params_not_optimized"], **epoch["params_details"]}
    assert params["roi"] in ({}, {"roi": {}}), params
    assert params["stoploss"] == {"stoploss": -0.99}
    assert params["trailing"]["trailing_stop"] is False
    assert epoch["params_details"]["buy"], "it searched the grid's own parameters"


TRADING = {
    "initial_state": "running",
    "db_url": "sqlite://",
    "internals": {"process_throttle_secs": 1},
}
STOPPED = {
    "a bot that starts stopped": ({"initial_state": "stopped"}, ["initial_state", "'stopped'"])
}
LIVE = {
    name: BOTH[name]
    for name in (
        "a misspelt setting", "a target below the fee floor", "a capital too small for one line",
        "short on spot", "an exit timeout that sells at market",
    )
}  # fmt: skip


@named({**LIVE, **STOPPED})
def test_trade_refuses_with_one_clear_message(freqtrade, spot, config, words):
    check(freqtrade("trade", spot, {**TRADING, **config}), words)


def test_trade_refuses_a_configuration_that_does_not_say_how_it_starts(
    freqtrade, spot, monkeypatch, tmp_path
):
    """freqtrade takes a missing initial_state for "stopped"."""
    config = json.loads(runs.CONFIG.read_text())
    del config["initial_state"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(runs, "CONFIG", tmp_path / "config.json")
    silent = {key: value for key, value in TRADING.items() if key != "initial_state"}
    check(freqtrade("trade", spot, silent), ["initial_state = None", "'running'"])


def test_a_right_configuration_is_not_refused(freqtrade, spot):
    ended = freqtrade("backtesting", spot, {}, *FEW_DAYS)
    assert ended.status == 0, ended.output[-2000:]
    assert "ERROR" not in ended.output


@pytest.fixture
def copied(spot, tmp_path):
    """The simulated candles, to be spoilt."""
    shutil.copytree(
        spot.datadir, tmp_path / "data", ignore=shutil.ignore_patterns("futures", "*1m*")
    )
    return Market(tmp_path / "data", spot.exchange_config, spot.pairs, spot.timerange)


@pytest.mark.parametrize("timeframe", ["5m", "1h"])
def test_an_unreadable_data_file_is_named(freqtrade, copied, timeframe):
    (copied.datadir / f"SOL_USDT-{timeframe}.feather").write_bytes(b"not a table" * 50)
    check(freqtrade("backtesting", copied, {}, *FEW_DAYS), ["SOL/USDT", timeframe])


def test_a_blacklist_that_is_no_pattern_is_refused_by_freqtrade_itself(freqtrade, spot):
    config = {"exchange": {"pair_whitelist": list(spot.pairs), "pair_blacklist": ["*/BNB"]}}
    check(freqtrade("backtesting", spot, config, *FEW_DAYS), ["invalid Wildcard", "*/BNB"])


@pytest.mark.parametrize("timeframe", ["5m", "1h"])
def test_a_pair_without_data_is_named_although_others_have_some(freqtrade, copied, timeframe):
    (copied.datadir / f"SOL_USDT-{timeframe}.feather").unlink()
    check(freqtrade("backtesting", copied, {}, *FEW_DAYS), ["SOL/USDT", timeframe, "download-data"])


def test_a_pair_the_exchange_does_not_have_is_named(freqtrade, spot):
    config = {"exchange": {"pair_whitelist": [*spot.pairs, "NOPE/USDT"]}, "max_open_trades": 3}
    check(freqtrade("backtesting", spot, config, *FEW_DAYS), ["NOPE/USDT"])


def test_no_data_at_all_is_said(freqtrade, copied):
    for file in copied.datadir.glob("*.feather"):
        file.unlink()
    check(freqtrade("backtesting", copied, {}, *FEW_DAYS), ["ETH/USDT: no 5m candles"])


@pytest.fixture
def taken_port():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_port_in_use_is_said_by_gridkit_offline(tmp_path, taken_port):
    ended = subprocess.run(
        [
            sys.executable, "-m", "gridkit.cli", "offline", f"--port={taken_port}",
            "--", "freqtrade", "list-pairs",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": f"{ROOT / 'strategies'}:{ROOT}", "PATH": ""},
    )  # fmt: skip
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert re.search(rf"port: {taken_port} .*in use.*1024", ended.stderr)


def test_environment_variables_are_checked_like_the_file(spot, tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"exchange": {"pair_whitelist": list(spot.pairs)}}))
    (tmp_path / "user_data").mkdir()
    ended = subprocess.run(
        [
            sys.executable, "-m", "freqtrade", "backtesting", "-c", str(ROOT / "config.json"),
            "-c", str(spot.exchange_config), "-c", str(own),
            "--strategy-path", str(ROOT / "strategies"), "--datadir", str(spot.datadir),
            "--userdir", str(tmp_path / "user_data"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={"FREQTRADE__GRIDKIT__GRID__LEVELS": "99", "PATH": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode != 0
    assert "gridkit.grid.levels = 99" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
