"""`gridkit fills`: reading GRID_FILL lines out of freqtrade's logs, and adding them up."""

import gzip
import io
import json
import logging
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from freqtrade.loggers import LOGFORMAT
from freqtrade.loggers.ft_rich_handler import FtRichHandler
from freqtrade.loggers.json_formatter import JsonFormatter
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gridkit import cli
from gridkit.host import logfmt
from gridkit.host.fill_log import MARK
from gridkit.reports.fill_log import LoggedFill, parsed, read
from gridkit.reports.fills import figures
from gridkit.reports.market_data import ReportError

START = datetime(2025, 1, 2, tzinfo=UTC)
BUY = LoggedFill(
    "buy", "ETH/USDT", "3", 2.0, 100.0, None, None, 0.2, None, 0, 0, "USDT", 1, 1, START
)
SELL = replace(
    BUY, action="sell", exit=110.0, pnl=19.58, fee=0.22, duration=3_600.0, lots=1, wins=1, order=2,
    time=START + timedelta(hours=1),
)  # fmt: skip


def message(fill: LoggedFill) -> str:
    fields = {name: getattr(fill, name) for name in LoggedFill.__slots__}
    fields["time"] = fill.time.isoformat(timespec="milliseconds")
    return f"{MARK} {logfmt.written(fields)}"


def logged(*fills: LoggedFill, handler: logging.Handler | None = None) -> str:
    """What freqtrade's log holds of these fills, with other lines about them."""
    stream = io.StringIO()
    handler = handler or logging.StreamHandler(stream)
    if handler.formatter is None:
        handler.setFormatter(logging.Formatter(LOGFORMAT))
    for text in ["Bot heartbeat.", *map(message, fills), f"no {MARK} here: action=none"]:
        record = logging.LogRecord("gridkit.host", logging.INFO, "", 0, text, (), None)
        handler.emit(record)
    return stream.getvalue()


@pytest.fixture
def log(tmp_path: Path):
    def written(text: str, name: str = "freqtrade.log") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


# -- reading ----------------------------------------------------------------------------------


def test_fills_are_found_between_other_lines(log):
    found = read([log("garbage \x00\n" + logged(BUY, SELL))])
    assert (found.fills, found.repeated, found.broken) == ((BUY, SELL), 0, ())


def test_rotated_and_compressed_files_are_one_log_in_the_order_of_time(log, tmp_path):
    older = tmp_path / "freqtrade.log.1.gz"
    older.write_bytes(gzip.compress(logged(BUY).encode()))
    assert read([log(logged(SELL)), older]).fills == (BUY, SELL)


def test_a_line_that_is_read_twice_counts_once(log):
    path = log(logged(BUY, SELL, SELL))
    found = read([path, path])
    assert (found.fills, found.repeated) == ((BUY, SELL), 4)


@pytest.mark.parametrize("width", [60, 80, 120, 200, 2_000])
def test_lines_that_freqtrades_console_broke_are_joined(log, width):
    stream = io.StringIO()
    handler = FtRichHandler(console=Console(file=stream, width=width, color_system=None))
    handler.setFormatter(logging.Formatter("%(message)s"))
    logged(BUY, SELL, handler=handler)
    found = read([log(stream.getvalue())])
    assert (found.fills, found.broken) == ((BUY, SELL), ())


@pytest.mark.parametrize("width", [80, 200])
def test_colours_and_a_containers_prefix_do_no_harm(log, width):
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system="standard", force_terminal=True)
    handler = FtRichHandler(console=console)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logged(BUY, SELL, handler=handler)
    lines = [f"freqtrade-1  | {line}" for line in stream.getvalue().splitlines()]
    assert read([log("\n".join(lines))]).fills == (BUY, SELL)


def test_freqtrades_json_log_is_read(log):
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(JsonFormatter({"message": "message", "level": "levelname"}))
    odd = replace(SELL, pair='a "b" c=\\')
    logged(BUY, odd, handler=handler)
    assert set(read([log(stream.getvalue())]).fills) == {BUY, odd}


@pytest.mark.parametrize("cut", [20, 120, 200, -1, -7, -10])
def test_a_line_cut_off_by_a_kill_is_left_out_and_named(log, cut):
    text = logged(BUY).splitlines()[1]
    broken = text[:cut]
    found = read([log(f"{logged(SELL)}{broken}\n{logged(SELL)}")])
    assert found.fills == (SELL,)
    # one that does not say of itself that it is a fill is any other line
    assert [line.split(":")[1] for line in found.broken] == (["4"] if "action" in broken else [])


def test_a_line_cut_off_is_not_completed_from_another_message(log):
    text = logged(BUY).splitlines()[1]
    head, _, tail = text.partition(" currency=")
    other = logged().splitlines()[0].replace("heartbeat.", f"heartbeat. currency={tail}")
    found = read([log(f"{head}\n{other}\n")])
    assert found.fills == ()
    assert len(found.broken) == 1


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("size=2.0", "size=nan", "size=nan is no finite number"),
        ("size=2.0", "size=", "size= is no finite number"),
        ("fee=0.22", "fee=1e999", "fee=1e999 is no finite number"),
        ("pnl=19.58", "pnl=much", "could not convert"),
        ("lots=1", "lots=1.5", "invalid literal"),
        ("currency=USDT ", "", "currency missing"),
        ("+00:00", "", "no time zone"),
        ("pair=ETH/USDT", "pair=", "action or pair is empty"),
        ("trade=1", "", "trade missing"),
    ],
)
def test_a_line_with_a_wrong_field_says_which(was, becomes, problem):
    text = message(SELL)
    assert was in text
    with pytest.raises(ValueError, match=problem.replace("+", r"\+")):
        parsed(text.replace(was, becomes))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(gzip.compress(b"x" * 999)[:-9]), "end-of-stream"),
        (lambda path: path.write_bytes(b"\x1f\x8b nonsense"), "Unknown compression"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, make, problem):
    path = tmp_path / "bot.log"
    make(path)
    with pytest.raises(ReportError, match=problem) as raised:
        read([path])
    assert str(path) in str(raised.value)


# -- adding up --------------------------------------------------------------------------------


def fills() -> st.SearchStrategy[LoggedFill]:
    money = st.floats(-1e4, 1e4)
    return st.builds(
        LoggedFill,
        action=st.sampled_from(["sell", "cover", "stop", "flatten", "recover", "end", "own"]),
        pair=st.sampled_from(["ETH/USDT", "BTC/USDT"]), level=st.just("1"), size=st.floats(0, 10),
        entry=st.floats(1, 100), exit=st.floats(1, 100), pnl=money, fee=st.floats(0, 10),
        duration=st.floats(0, 1e6), lots=st.integers(1, 5), wins=st.integers(0, 1),
        currency=st.just("USDT"), trade=st.just(1), order=st.integers(1), time=st.just(START),
    )  # fmt: skip


@given(st.lists(fills(), max_size=20))
def test_the_parts_add_up_to_the_whole(some):
    found = figures(some)
    parts = found.harvest + found.stops + found.recovery + found.other
    assert found.result == pytest.approx(parts, abs=1e-9)
    assert found.result == pytest.approx(sum(fill.pnl for fill in some), abs=1e-9)
    by_pair = [figures([fill for fill in some if fill.pair == pair]) for pair in
               ("ETH/USDT", "BTC/USDT")]  # fmt: skip
    assert found.fees == pytest.approx(sum(one.fees for one in by_pair), abs=1e-9)
    assert found.lots == sum(one.lots for one in by_pair)
    longest = [one.max_seconds for one in by_pair if one.max_seconds is not None]
    assert found.max_seconds == max(longest, default=None)


@given(st.lists(fills(), min_size=1, max_size=20), st.randoms())
def test_the_order_of_the_lines_does_not_change_a_digit(some, random):
    shuffled = list(some)
    random.shuffle(shuffled)
    assert figures(shuffled) == figures(some)


def test_a_small_log_by_hand():
    stop = replace(SELL, action="stop", pnl=-5.0, fee=0.3, duration=600.0, lots=2, wins=0)
    recover = replace(SELL, action="recover", pnl=-1.5, fee=0.1, duration=7_200.0, wins=0)
    by_hand = replace(SELL, action="force_exit", pnl=0.25, fee=0.1, duration=None, lots=0, wins=0)
    found = figures([BUY, SELL, stop, recover, by_hand])
    assert (found.fills, found.entries, found.lots, found.stopped_lots) == (5, 1, 4, 2)
    assert (found.harvest, found.stops, found.recovery, found.other) == (19.58, -5.0, -1.5, 0.25)
    assert found.result == math.fsum([19.58, -5.0, -1.5, 0.25])
    assert found.fees == math.fsum([0.2, 0.22, 0.3, 0.1, 0.1])
    assert (found.mean_seconds, found.max_seconds) == ((3_600 + 2 * 600 + 7_200) / 4, 7_200)
    assert found.win_rate == 1 / 4


def test_purchases_alone_have_no_rate_and_no_age():
    found = figures([BUY])
    assert (found.result, found.fees) == (0.0, 0.2)
    assert (found.mean_seconds, found.max_seconds, found.win_rate) == (None, None, None)


# -- the command ------------------------------------------------------------------------------


def test_the_command_prints_tables_of_pairs_and_of_actions(log, capsys):
    assert cli.main(["fills", str(log(logged(BUY, SELL)))]) == 0
    out = capsys.readouterr()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.out.splitlines()]
    row = ["ETH/USDT", "2", "1", "19.5800", "0.0000", "0.0000", "0.0000", "19.5800", "0.4200",
           "1 h", "1 h", "100.0%"]  # fmt: skip
    assert row in cells
    assert ["all", *row[1:]] in cells
    assert [line[0] for line in cells if line][-2:] == ["buy", "sell"]
    assert out.err == ""


def test_the_command_prints_json_that_holds_every_digit(log, capsys):
    odd = replace(SELL, pnl=0.1 + 0.2, pair="BTC/USDT")
    assert cli.main(["fills", "--json", str(log(logged(BUY, odd)))]) == 0
    found = json.loads(capsys.readouterr().out)["currencies"]["USDT"]
    assert found["total"]["result"] == found["pairs"]["BTC/USDT"]["harvest"] == 0.1 + 0.2
    assert found["actions"]["buy"]["fills"] == 1
    assert (found["from"], found["to"]) == (BUY.time.isoformat(), odd.time.isoformat())


def test_amounts_of_two_currencies_are_never_added(log, capsys):
    euro = replace(SELL, currency="EUR", pair="ETH/EUR")
    assert cli.main(["fills", "--json", str(log(logged(SELL, euro)))]) == 0
    found = json.loads(capsys.readouterr().out)["currencies"]
    assert {name: one["total"]["result"] for name, one in found.items()} == {
        "EUR": 19.58, "USDT": 19.58
    }  # fmt: skip


def test_one_pair_can_be_asked_for(log, capsys):
    path = str(log(logged(BUY, replace(SELL, pair="BTC/USDT"))))
    assert cli.main(["fills", "--json", "--pair", "BTC/USDT", path]) == 0
    assert json.loads(capsys.readouterr().out)["currencies"]["USDT"]["total"]["fills"] == 1
    assert cli.main(["fills", "--pair", "XRP/USDT", path]) == 1
    assert "there are BTC/USDT, ETH/USDT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "no whole GRID_FILL line"), (message(SELL)[:90], "1 are broken"), (None, "No such file")],
)
def test_a_log_without_fills_is_one_clear_error(log, tmp_path, capsys, text, problem):
    path = tmp_path / "absent.log" if text is None else log(text)
    assert cli.main(["fills", str(path)]) == 1
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.startswith("gridkit fills: ")
    assert out.err.count("\n") == 1
    assert problem in out.err


def test_what_was_left_out_is_said_beside_the_tables(log, capsys):
    path = str(log(logged(SELL) + message(BUY)[:120] + "\n"))
    assert cli.main(["fills", path, path]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "gridkit fills: 1 repeated lines count once",
        f"gridkit fills: 2 broken lines left out, first {path}:4: trade, order, time missing",
    ]  # fmt: skip
