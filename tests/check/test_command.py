"""`gridkit check`, as a shell has it: what it prints, where, and with which status."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridkit import cli
from gridkit.settings import Settings
from gridkit.settings.catalogue import values
from sandbox.running import RunningExchange, running_exchange
from tree.project import ROOT

CONFIG, CONFIGS = ROOT / "config.json", ROOT / "user_data" / "configs"
CONFLUENCE = ("--strategy", "Confluence")
CLOSED_PORT = "http://127.0.0.1:9"
Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check config.json with overlays of its own: status, what was printed, what was complained."""

    def check(*overlays: Any, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        words = ["check", "-c", str(CONFIG)]
        for number, overlay in enumerate(overlays):
            path = tmp_path / f"{number}.json"
            path.write_text(overlay if isinstance(overlay, str) else json.dumps(overlay))
            words += ["-c", str(path)]
        status = cli.main([*words, *options])
        return status, *capsys.readouterr()

    return check


def settings(**sections: Any) -> dict[str, Any]:
    return {"gridkit": sections}


def test_the_projects_own_configuration_is_right_and_without_a_warning(check):
    status, printed, complained = check()
    assert (status, complained) == (0, "")
    lines = printed.splitlines()
    assert lines[0] == "AdaptiveGrid: the configuration is valid"
    assert lines[1:] == [
        f"{len(values(Settings()))} other settings have their defaults (--all shows them)"
    ]


def test_every_wrong_key_is_named_at_once_with_what_is_allowed_and_status_1(check):
    wrong = settings(gird={}, grid={"levels": 99, "levls": 3}, stops={"lot_stop": 0.5})
    status, printed, complained = check(wrong)
    assert status == 1
    assert printed == "AdaptiveGrid: 4 wrong\n"
    assert set(complained.splitlines()) == {
        "gridkit.gird is no setting of gridkit. Did you mean gridkit.grid?",
        "gridkit.grid.levls is no setting of gridkit. Did you mean gridkit.grid.levels?",
        "gridkit.grid.levels = 99: Input should be less than or equal to 25",
        "gridkit.stops.lot_stop = 0.5: Input should be less than or equal to 0.1",
    }


def test_the_last_file_wins_and_the_environment_before_all_files(check, monkeypatch):
    files = [settings(grid={"levels": 4}), settings(grid={"levels": 5, "min_profit": 0.002})]
    assert "gridkit.grid.levels = 5 (default 10)" in check(*files)[1]
    monkeypatch.setenv("FREQTRADE__GRIDKIT__GRID__LEVELS", "6")
    printed = check(*files)[1]
    assert "gridkit.grid.levels = 6 (default 10)" in printed
    assert "gridkit.grid.min_profit = 0.002 (default 0.001)" in printed


def test_all_values_are_shown_when_asked_for_and_json_holds_the_same(check):
    overlay = settings(grid={"levels": 4})
    printed = check(overlay, options=("--all",))[1]
    assert printed.count("gridkit.") == len(values(Settings()))
    assert "gridkit.grid.trailing_up = true\n" in printed
    told = json.loads(check(overlay, options=("--json",))[1])
    assert told["valid"] is True
    assert told["values"] == {"grid.levels": 4}
    everything = json.loads(check(overlay, options=("--json", "--all"))[1])["values"]
    assert everything.keys() == values(Settings()).keys()


def test_json_holds_the_problems_too_and_the_status_stays_1(check):
    status, printed, complained = check(settings(gird={}), options=("--json",))
    told = json.loads(printed)
    assert (status, complained, told["valid"]) == (1, "", False)
    assert told["problems"] == ["gridkit.gird is no setting of gridkit. Did you mean gridkit.grid?"]


def test_confluence_is_held_to_its_own_defaults(check):
    futures = json.loads((CONFIGS / "futures.json").read_text())
    told = check(futures, options=(*CONFLUENCE, "--json", "--all"))[1]
    found = json.loads(told)["values"]
    assert found["direction"] == "auto"
    assert found["profile.enabled"] is found["confluence.enabled"] is True
    off = settings(profile={"enabled": False})
    printed = check(futures, off, options=CONFLUENCE)[1]
    assert "gridkit.profile.enabled = false (default true)" in printed


# -- what cannot be read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Parse error"),
        ("", "syntax errors"),
        ("[1]", "a section is needed"),
        ("5", "a section is needed"),
        ('{"add_config_files": ["absent.json"]}', "absent.json"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(check, tmp_path, content, reason):
    status, printed, complained = check(content)
    assert (status, printed) == (1, "")
    (line,) = complained.splitlines()
    assert line.startswith("gridkit check: ")
    assert reason in line


def test_missing_files_are_named_all_at_once(check, capsys):
    status = cli.main(["check", "-c", "one.json", "-c", "two.json"])
    assert status == 1
    assert capsys.readouterr().err == "gridkit check: no such configuration: one.json, two.json\n"


@pytest.mark.parametrize(
    ("overlay", "options", "told"),
    [
        ({}, ("--strategy", "Grid"), "'Grid' is no strategy of gridkit"),
        ({"strategy": "Mine"}, (), "'Mine' is no strategy of gridkit"),
        ({"strategy": None}, (), "no strategy is named"),
    ],
)
def test_an_unknown_strategy_is_answered_with_those_there_are(check, overlay, options, told):
    status, _, complained = check(overlay, options=options)
    assert status == 1
    assert complained == f"gridkit check: {told}: give --strategy AdaptiveGrid or Confluence\n"


# -- what freqtrade and the strategy refuse ---------------------------------------------------


@pytest.mark.parametrize(
    ("overlay", "told"),
    [
        ({"exchange": {"name": "moonbase"}}, 'Exchange "moonbase" is not known'),
        ({"exchange": "binance"}, "freqtrade fails, as a value stands where it wants a section"),
        ({"exchange": {"pair_whitelist": []}}, "freqtrade refuses: "),
        ({"trading_mode": "options"}, "freqtrade refuses: 'options' is not one of"),
        ({"timeframe": "7x"}, "timeframe: '7x' is no timeframe"),
        ({"stops": {"lot_stop": 0.02}}, "did you mean gridkit.stops?"),
        ({"grid_kit": {}}, "did you mean gridkit?"),
        ({"unfilledtimeout": {"entry": 10}}, "unfilledtimeout.entry = 10: a grid's orders rest"),
        ({"trailing_stop": True}, "trailing_stop = True: must be false"),
        ({"stoploss": -0.1}, "stoploss = -0.1: must be -0.99"),
        ({"minimal_roi": {"0": 0.1}}, "minimal_roi = "),
        ({"max_entry_position_adjustment": 3}, "max_entry_position_adjustment = 3: must be -1"),
        ({"initial_state": "stopped"}, "initial_state = 'stopped': must be 'running'"),
        (settings(direction="short"), "spot allows 'long' only"),
        (settings(leverage=3), "spot allows 1 only"),
        (settings(regime={"timeframe": "1m"}), "must be at least the strategy's 5m"),
    ],
)
def test_what_freqtrade_or_the_grid_would_refuse_at_start_is_said_before(check, overlay, told):
    status, _, complained = check(overlay)
    assert status == 1
    assert told in complained


def test_what_a_grid_needs_of_freqtrade_is_not_asked_of_confluence(check):
    assert check({"unfilledtimeout": {"entry": 10}}, options=CONFLUENCE)[0] == 0


@pytest.mark.parametrize(
    ("overlay", "told"),
    [
        ({"trailing_stop": True}, "trailing_stop = True: must be false, the stop is gridkit.exits"),
        ({"stoploss": -0.1}, "stoploss = -0.1: must be -0.25"),
        ({"use_exit_signal": False}, "use_exit_signal = False: must be true"),
        (settings(direction="short"), "spot allows 'long' only"),
        (settings(exits={"timeframe": "1m"}), "exits.timeframe = '1m': must be at least 5m"),
        (settings(confluence={"enabled": False}), "without a score nothing is entered"),
    ],
)
def test_what_confluence_would_refuse_at_start_is_said_before(check, overlay, told):
    status, _, complained = check(overlay, options=CONFLUENCE)
    assert (status, told in complained) == (1, True)


# -- what may surprise ------------------------------------------------------------------------

NEAR = {"method": "fixed", "grid_step": 0.002}
FIXED = {"target": "fixed", "take_profit": 0.003}


@pytest.mark.parametrize(
    ("overlay", "told"),
    [
        (settings(spacing=NEAR, stops={"lot_stop": 0.1}), "nearer than the fee floor of 0.32%"),
        (settings(grid=FIXED), "grid.take_profit = 0.3000% is below the fee floor of 0.3200%"),
        ({"dry_run_wallet": 150}, "each pair: capital of 148.50 gives 3 of 15 lines, 8.25 each"),
        ({"dry_run_wallet": 20}, "each pair: no line can be had"),
        ({"exchange": {"name": "kraken"}}, "The exchange gives 719 candles at a start: GARCH is"),
        ({"timeframe": "1h"}, "candles of 1h before the first trade are"),
        (settings(recovery={"mode": "aggressive"}), "recovery never acts"),
    ],
)
def test_what_may_surprise_is_a_warning_and_no_mistake(check, overlay, told):
    status, printed, complained = check(overlay)
    assert (status, complained) == (0, "")
    (warning,) = [one for one in printed.splitlines() if told in one]
    assert warning.startswith("warning: ")


def test_warnings_say_what_they_assume_of_the_exchange_and_nothing_when_it_is_configured(check):
    near = settings(spacing=NEAR, stops={"lot_stop": 0.1})
    assert "assumed: gridkit.costs.fee says it" in check(near)[1]
    given = settings(spacing=NEAR, stops={"lot_stop": 0.1}, costs={"fee": 0.0008})
    printed = check(given)[1]
    assert "fee floor of 0.28% (fees 0.08% + 0.08%, spread" in printed
    cheap = settings(spacing=NEAR, stops={"lot_stop": 0.1}, costs={"fee": 0.0003})
    assert "fee floor" not in check(cheap)[1]


@pytest.mark.parametrize(
    "unknown", [{"dry_run": False}, {"stake_currency": "BTC", "dry_run_wallet": 0.0001}]
)
def test_nothing_is_said_of_capital_where_it_or_the_smallest_order_is_unknown(check, unknown):
    status, printed, _ = check({"dry_run_wallet": 20, **unknown})
    assert (status, "no line" in printed) == (0, False)


def test_capital_that_is_set_aside_for_the_bot_is_known_of_a_real_account_too(check):
    printed = check({"dry_run": False, "available_capital": 20})[1]
    assert "no line can be had" in printed


def test_slots_that_are_not_bounded_leave_the_pairs_to_share(check):
    printed = check({"dry_run_wallet": 150, "max_open_trades": -1, "stake_amount": 10})[1]
    assert "gives 3 of 15 lines" in printed


def test_parts_of_confluence_that_no_exchange_takes_are_told(check):
    little = {"dry_run_wallet": 50}
    printed = check(little, options=CONFLUENCE)[1]
    assert "a position is 19.80 at most, its smallest part 6.53; parts (exits.parts)" in printed
    assert "part" not in check({"dry_run_wallet": 100}, options=CONFLUENCE)[1]


def test_what_confluence_lacks_is_told(check):
    printed = check(settings(profile={"enabled": False}), options=CONFLUENCE)[1]
    assert "warning: entries.reversion needs profile.enabled" in printed


# -- with the exchange's own markets ----------------------------------------------------------


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with running_exchange() as running:
        yield running


def test_with_markets_the_exchange_is_asked_and_pairs_are_told_one_by_one(check, exchange):
    reachable = json.loads(exchange.config_path.read_text())
    whitelist = ["BTC/USDT", "ETH/USDT", "MOON/USDT"]
    reachable["exchange"]["pair_whitelist"] = whitelist
    status, _, complained = check(reachable, options=("--markets",))
    assert (status, complained) == (1, "MOON/USDT is no market of binance\n")
    reachable["exchange"]["pair_whitelist"] = whitelist[:2]
    little = {"dry_run_wallet": 150, **settings(grid=FIXED)}
    status, printed, complained = check(reachable, little, options=("--markets",))
    assert status == 1
    assert "is below the fee floor of 0.3200% on ETH/USDT" in complained
    little = {"dry_run_wallet": 50}
    status, printed, _ = check(reachable, little, options=("--markets",))
    assert status == 0
    assert "BTC/USDT: capital of 49.50 gives 1 of 15 lines" in printed
    assert "assumed" not in printed


def test_markets_that_cannot_be_had_are_one_clear_line(check, exchange):
    closed = exchange.config_path.read_text().replace(exchange.url, CLOSED_PORT)
    assert CLOSED_PORT in closed
    status, printed, complained = check(closed, options=("--markets",))
    assert (status, printed) == (1, "")
    assert complained == "gridkit check: --markets: binance cannot be reached from here\n"
