"""A user's command line, pointed at the sandbox."""

import argparse
import sys
from pathlib import Path

import pytest
from freqtrade.commands.arguments import Arguments

from sandbox import commands
from sandbox.errors import SandboxError
from sandbox.overlay import freqtrade_config

OURS = Path("/somewhere/offline.json")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def pointed(text):
    return commands.pointed_at(text.split(), OURS)


@pytest.mark.parametrize("start", ["freqtrade", "/opt/bin/freqtrade", "python3 -m freqtrade"])
def test_our_configuration_comes_last_so_that_it_wins(start):
    command = f"{start} backtesting -c one.json --config two.json --strategy X"
    assert pointed(command) == [*command.split(), "-c", str(OURS)]


@pytest.mark.parametrize("given", ["-cone.json", "--config=one.json"])
def test_a_configuration_is_seen_in_every_spelling(given):
    Path("config.json").touch()
    assert pointed(f"freqtrade list-pairs {given}")[-3:] == [given, "-c", str(OURS)]


def test_without_one_the_file_that_freqtrade_would_read_is_named_first():
    assert pointed("freqtrade list-pairs")[2:] == ["-c", str(OURS)]
    Path("config.json").touch()
    assert pointed("freqtrade list-pairs")[2:] == ["-c", "config.json", "-c", str(OURS)]
    Path("user_data").mkdir()
    Path("user_data/config.json").touch()
    assert pointed("freqtrade list-pairs")[3] == "user_data/config.json"


@pytest.mark.parametrize("option", ["--userdir", "--user-data-dir"])
def test_the_users_own_folder_is_looked_into(option):
    Path("mine").mkdir()
    Path("mine/config.json").touch()
    assert pointed(f"freqtrade list-pairs {option} mine")[4:6] == ["-c", "mine/config.json"]
    assert pointed(f"freqtrade list-pairs {option}=mine")[3:5] == ["-c", "mine/config.json"]


@pytest.mark.parametrize(
    "text",
    [
        "freqtrade --version",
        "freqtrade",
        "freqtrade new-config -c mine.json",
        "freqtrade create-userdir --userdir x",
        "echo freqtrade backtesting",
        "python script.py freqtrade",
    ],
)
def test_what_takes_no_configuration_is_left_alone(text):
    assert pointed(text) == text.split()


def freqtrade_commands():
    arguments = Arguments([])
    arguments._build_subcommands()
    actions = arguments.parser._actions
    return next(each.choices for each in actions if isinstance(each, argparse._SubParsersAction))


def test_every_subcommand_that_is_given_our_file_takes_one():
    for name, parser in freqtrade_commands().items():
        if len(pointed(f"freqtrade {name}")) > 2:
            assert "-c" in parser._option_string_actions, name
    assert set(freqtrade_commands()) >= commands._WITHOUT_CONFIG


def test_another_exchange_is_refused_by_name():
    with pytest.raises(SandboxError, match=r"--exchange: 'bybit' .* 'binance'"):
        pointed("freqtrade list-pairs --exchange bybit")
    assert pointed("freqtrade list-pairs --exchange=binance")[-1] == str(OURS)


def test_variables_that_would_override_our_file_are_dropped():
    given = {
        "FREQTRADE__EXCHANGE__KEY": "secret",
        "FREQTRADE__EXCHANGE__CCXT_CONFIG__proxies": "x",
        "FREQTRADE__EXCHANGE__PAIR_WHITELIST": "kept",
        "FREQTRADE__STAKE_AMOUNT": "kept",
        "PATH": "kept",
    }
    variables = commands.environment(given, "http://127.0.0.1:1", OURS)
    assert variables == {
        "FREQTRADE__EXCHANGE__PAIR_WHITELIST": "kept",
        "FREQTRADE__STAKE_AMOUNT": "kept",
        "PATH": "kept",
        "GRIDKIT_SANDBOX_URL": "http://127.0.0.1:1",
        "GRIDKIT_SANDBOX_CONFIG": str(OURS),
    }


def test_a_program_off_the_path_is_found_beside_this_python(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commands.found(["freqtrade", "x"]) == [
        str(Path(sys.executable).parent / "freqtrade"),
        "x",
    ]
    assert commands.found(["no-such-program"]) == ["no-such-program"]


def test_the_overlay_holds_connectivity_only_and_no_keys():
    overlay = freqtrade_config("http://127.0.0.1:9")
    exchange = overlay["exchange"]
    assert list(overlay) == ["exchange"]
    assert (exchange["name"], exchange["key"], exchange["secret"]) == ("binance", "", "")
    assert "pair_whitelist" not in exchange
    urls = exchange["ccxt_config"]["urls"]["api"]
    assert all(url.startswith("http://127.0.0.1:9/") for url in urls.values())


def test_every_address_that_ccxt_knows_is_turned_to_the_sandbox():
    import ccxt  # noqa: PLC0415 (slow)

    known = ccxt.binance().urls["api"]
    ours = freqtrade_config("http://127.0.0.1:9")["exchange"]["ccxt_config"]["urls"]["api"]
    assert set(ours) == set(known)
    for name in ("public", "fapiPublic", "fapiPublicV2", "fapiData", "dapiPublic"):
        assert ours[name].split("/", 3)[3] == known[name].split("/", 3)[3]
