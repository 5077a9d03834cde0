"""`gridkit why` against an API that answers as a script says; tests/live asks a real bot."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from gridkit import cli
from gridkit.grid.situation import Block, Order, Verdict
from gridkit.host.reasons import Reasons
from gridkit.why import bot as bot_module
from gridkit.why.bot import Access, BotError, access_of
from why.scripted import Script, answering

ETH, BTC, XRP = "ETH/USDT", "BTC/USDT", "XRP/USDT"
NOW = datetime(2026, 3, 4, 10, 11, 23, tzinfo=UTC)
SINCE = NOW - timedelta(hours=3, minutes=5)
ADX = Block("trend against the grid, by ADX", 31.5, 25.0)
SELL = Verdict(Order(False, (3,), 101.0, "sell L3", "nearest target"), False, ADX)
LOCKED_MS = 1_900_000_000_000  # 2030-03-17 17:46:40


def said(pair: str) -> str:
    """What the bot's column says of a pair."""
    reasons = Reasons(live=False)
    if pair == ETH:
        return reasons.decided(pair, SELL, SINCE).line()
    return reasons.waits(pair, ADX if pair == BTC else "no usable candle", SINCE).line()


def candle_of(pair: str) -> dict[str, Any]:
    columns = ["date", "close", "why", "__date_ts"]
    return {"columns": columns, "data": [["2025-01-02", 100.0, said(pair), 1]]}


class Asked(Script):
    """What a bot of AdaptiveGrid answers."""

    def __init__(self) -> None:
        super().__init__()
        orders = [
            {"is_open": False, "ft_order_tag": "L3", "ft_order_side": "buy", "safe_price": 99.0},
            {"is_open": True, "ft_order_tag": "sell L3", "ft_order_side": "sell",
             "safe_price": 101.5},
        ]  # fmt: skip
        state = {
            "lots": [{"level": 3}, {"level": 4}], "stuck": [{"level": 4}],
            "budget": {"limit": 20.0, "left": 12.5}, "updated": "2025-01-02T00:00:00+00:00",
            "breakers": [{"name": "drawdown", "action": "exits only", "value": 0.09,
                          "threshold": 0.08, "since": 1.0, "until": None}],
        }  # fmt: skip
        self["show_config"] = {
            "state": "running", "strategy": "AdaptiveGrid", "timeframe": "5m",
            "runmode": "dry_run", "bot_name": "g_r[i]d",
        }  # fmt: skip
        self["whitelist"] = {"whitelist": [ETH, BTC]}
        self["status"] = [
            {"trade_id": 7, "pair": ETH, "amount": 2.0, "current_rate": 100.0, "orders": orders}
        ]
        self["locks"] = {"locks": []}
        self["trades/7/custom-data"] = [{"trade_id": 7, "custom_data": [{"value": state}]}]
        self["pair_candles"] = candle_of


@pytest.fixture
def script() -> Iterator[Script]:
    """A scripted bot that answers on loopback; `script.url` is where."""
    with answering(Asked()) as script:
        yield script


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is `NOW`, however long a run of all tests takes."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return NOW.astimezone(tz)

    monkeypatch.setattr("gridkit.why.command.datetime", Stopped)


def why(script: Script, *more: str, password: str = "secret_*") -> int:
    named = ["--url", script.url, "--username", "gridkit", "--password", password]
    return cli.main(["why", *named, *more])


def rows_of(script: Script, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert why(script, "--json") == 0
    return {row["pair"]: row for row in json.loads(capsys.readouterr().out)["rows"]}


# -- what it says -----------------------------------------------------------------------------


@pytest.mark.usefixtures("stopped")
def test_the_table_says_for_each_pair_what_comes_next_and_what_stands_against_more(script, capsys):
    assert why(script) == 0
    out = capsys.readouterr()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.out.splitlines()]
    since = "03-04 07:06 (3 h 5 min)"
    against = "trend against the grid, by ADX: 31.5 against 25"
    assert [line for line in cells if line] == [
        [ETH, "open", "2 (1 stuck)", "sell L3 (rests)", "101.5", "+1.50%", against, since],
        [BTC, "waits", "", "none", "", "", against, since],
    ]
    assert "g_r[i]d: AdaptiveGrid" in out.out
    assert "breaker drawdown is up: 0.09 against 0.08; exits only" in out.out
    assert "recovery may still lose 12.50 of 20.00" in out.out
    assert "the oldest answer is 3 h 5 min old" in out.out
    assert out.err == ""


def test_a_feature_that_failed_is_told_with_its_pairs(script, capsys):
    off = {"name": "profile", "state": "off", "failures": 3, "since": None, "why": "KeyError('a')"}
    refuses = {**off, "name": "shocks", "state": "refuses", "why": "boom"}

    def candle(pair: str) -> dict[str, Any]:
        told = candle_of(pair)
        told["columns"].append("features")
        told["data"][0].append(json.dumps([off, refuses] if pair == ETH else [off]))
        return told

    script["pair_candles"] = candle
    assert why(script) == 0
    out = capsys.readouterr().out
    assert f"profile is off, until /reload_config, on {ETH}, {BTC}: KeyError('a')" in out
    assert f"shocks fails, and refuses all new risk, on {ETH}: boom" in out
    assert rows_of(script, capsys)[ETH]["features"] == [off, refuses]


def test_what_is_predicted_of_a_pair_is_told_where_something_is(script, capsys):
    predicted = {"prediction_gate": 3, "prediction_up": None, "prediction_accuracy": 0.56,
                 "prediction_lower": 0.5, "prediction_break_even": 0.53,
                 "prediction_outcomes": 70.25}  # fmt: skip

    def candle(pair: str) -> dict[str, Any]:
        told = candle_of(pair)
        if pair == ETH:
            told["columns"] += predicted
            told["data"][0] += predicted.values()
        return told

    script["pair_candles"] = candle
    assert why(script) == 0
    out = capsys.readouterr().out
    assert (
        f"{ETH}: prediction off: not sure enough that predictions pay for their costs; right in "
        "56.0% of 70 outcomes, surely in 50.0%, pays from 53.0%"
    ) in out
    assert "BTC/USDT: prediction" not in out
    rows = rows_of(script, capsys)
    assert (rows[ETH]["prediction"]["gate"], rows[BTC]["prediction"]) == ("unsure", None)
    assert (rows[ETH]["prediction"]["up"], rows[ETH]["prediction"]["outcomes"]) == (None, 70.25)


@pytest.mark.parametrize("text", ["", "no JSON", "7", "[7]"])
def test_a_column_that_cannot_be_read_tells_of_no_feature(script, capsys, text):
    def candle(pair: str) -> dict[str, Any]:
        told = candle_of(pair)
        told["columns"].append("features")
        told["data"][0].append(text)
        return told

    script["pair_candles"] = candle
    assert rows_of(script, capsys)[ETH]["features"] == []


def test_json_has_everything_with_all_digits_and_nothing_but_json(script, capsys):
    rows = rows_of(script, capsys)
    assert rows[ETH] == {
        "pair": ETH, "state": "open", "order": "sell L3", "price": 101.5,
        "distance": 101.5 / 100 - 1, "resting": True, "reason": ADX.condition, "value": 31.5,
        "threshold": 25.0, "detail": "nearest target", "since": SINCE.isoformat(),
        "updated": SINCE.isoformat(), "lots": 2, "stuck": 1, "locked_until": None, "lock": "",
        "features": [], "prediction": None,
    }  # fmt: skip
    assert (rows[BTC]["state"], rows[BTC]["order"], rows[BTC]["price"]) == ("waits", None, None)


def test_an_order_that_does_not_rest_yet_is_the_planned_one(script, capsys):
    script["status"][0]["orders"].pop()
    row = rows_of(script, capsys)[ETH]
    assert (row["order"], row["price"], row["resting"]) == ("sell L3", 101.0, False)


def test_an_order_at_market_says_so(script, capsys):
    script["status"][0]["orders"].pop()
    stop = Verdict(Order(False, (3,), None, "stop L3", "lot stop"), True, None)
    line = Reasons(live=False).decided(ETH, stop, SINCE).line()
    script["pair_candles"] = lambda _pair: {"columns": ["why"], "data": [[line]]}
    assert why(script) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if ETH in line]
    assert [cell.strip() for cell in row.split("│")[4:7]] == ["stop L3", "market", ""]
    assert "lot stop" in row


def test_a_first_order_that_rests_is_a_cycle_that_opens(script, capsys):
    script["status"][0]["amount"] = 0.0
    assert rows_of(script, capsys)[ETH]["state"] == "opening"


def test_a_trade_that_closed_since_the_bot_spoke_is_not_called_open(script, capsys):
    script["status"] = []
    row = rows_of(script, capsys)[ETH]
    assert (row["state"], row["lots"]) == ("waits", 0)


def test_a_trade_of_a_pair_that_left_the_whitelist_is_listed(script, capsys):
    script["whitelist"] = {"whitelist": [BTC]}
    assert list(rows_of(script, capsys)) == [BTC, ETH]


def test_a_lock_is_told_beside_the_reason_and_the_longest_wins(script, capsys):
    def lock(pair: str, end: int, reason: str | None, *, active: bool = True) -> dict[str, Any]:
        return {"pair": pair, "active": active, "lock_end_timestamp": end, "reason": reason}

    script["locks"] = {"locks": [
        lock(BTC, LOCKED_MS - 1, "shorter"), lock(BTC, LOCKED_MS, "gridkit [b]forceexit"),
        lock(BTC, LOCKED_MS + 1, "over", active=False), lock("*", 1, None),
    ]}  # fmt: skip
    rows = rows_of(script, capsys)
    assert (rows[BTC]["lock"], rows[ETH]["lock"]) == ("gridkit [b]forceexit", "")
    assert rows[ETH]["locked_until"] == "1970-01-01T00:00:00+00:00"  # by the lock of all pairs
    assert rows[BTC]["locked_until"] == "2030-03-17T17:46:40+00:00"
    assert why(script) == 0
    told = capsys.readouterr().out
    assert "against 25; locked until 03-17 17:46 gridkit [b]forceexit" in told


def test_a_pair_before_its_first_candle_says_that_nothing_is_known(script, capsys):
    script["pair_candles"] = lambda _pair: {"columns": [], "data": []}
    assert rows_of(script, capsys)[BTC]["reason"].startswith("nothing said yet")


def test_a_trade_without_custom_data_has_no_lots(script, capsys):
    del script["trades/7/custom-data"]
    assert rows_of(script, capsys)[ETH]["lots"] == 0


def test_a_paused_bot_is_asked_and_the_title_says_that_it_opens_nothing(script, capsys):
    script["show_config"]["state"] = "paused"
    assert why(script) == 0
    assert "AdaptiveGrid, paused: no cycle is opened" in capsys.readouterr().out


def test_watching_asks_again_until_ctrl_c(script, capsys, monkeypatch):
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("gridkit.why.command.time.sleep", wait)
    assert why(script, "--json", "--watch", "5") == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (len(documents), waited) == (3, [5.0] * 3)


@pytest.mark.parametrize("given", ["0", "x", "nan", "100000"])
def test_a_time_to_wait_is_a_second_to_a_day(script, capsys, given):
    with pytest.raises(SystemExit):
        why(script, "--watch", given)
    assert "--watch" in capsys.readouterr().err


# -- one clear line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "answer", "problem"),
    [
        ("show_config", {"state": "stopped"}, "the bot is stopped: /start lets it trade"),
        ("show_config", {"runmode": "webserver"}, "trades nothing: it runs as webserver"),
        ("pair_candles", {"columns": ["date", "close"], "data": [["2025", 1.0]]},
         "AdaptiveGrid is not gridkit's strategy"),
        ("show_config", (200, b"<html>"), "answers, but is not freqtrade's REST API"),
        ("show_config", (200, [1]), "answers, but is not freqtrade's REST API"),
        ("show_config", (404, {"detail": "Not Found"}), "refuses: Not Found"),
        ("status", (502, {"error": "Error querying\n/status: x"}), "refuses: Error querying /st"),
        ("whitelist", (503, {"detail": "Bot is not in the correct state."}), "not in the correct"),
    ],
)  # fmt: skip
def test_each_failure_is_one_line_and_status_1(script, capsys, path, answer, problem):
    same = path == "show_config" and isinstance(answer, dict)
    script[path] = {**script[path], **answer} if same else answer
    assert_one_line(why(script), capsys, problem)


def assert_one_line(status: int, capsys: pytest.CaptureFixture[str], problem: str) -> None:
    out = capsys.readouterr()
    assert status == 1
    assert out.out == ""
    assert out.err.startswith("gridkit why: ")
    assert problem in out.err
    assert out.err.count("\n") == 1
    assert "secret" not in out.err


def test_a_wrong_password_is_told_and_not_repeated(script, capsys):
    status = why(script, password="secret_wrong")
    assert_one_line(status, capsys, "does not take this username and password")


def test_an_absent_bot_is_told(capsys):
    assert_one_line(cli.main(["why", "--url", "127.0.0.1:9"]), capsys, "no bot answers at http://")


def test_a_bot_that_hangs_is_told(script, capsys, monkeypatch):
    monkeypatch.setattr(bot_module, "TIMEOUT_SECONDS", 0.05)
    release = threading.Event()
    script["pair_candles"] = lambda _pair: release.wait(20)
    try:
        assert_one_line(why(script), capsys, "gave no answer within 0.05 s")
    finally:
        release.set()


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "http://", "://"])
def test_what_is_no_address_is_told(capsys, url):
    assert_one_line(cli.main(["why", "--url", url]), capsys, "is no URL of a bot")


# -- which bot --------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Write configuration files into an empty folder, which is the working one."""
    monkeypatch.chdir(tmp_path)

    def written(name: str, **server: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"api_server": server} if server else {}))
        return path

    return written


def test_a_configuration_names_the_bot(config):
    path = config(
        "bot.json", enabled=True, listen_ip_address="0.0.0.0", listen_port=8123,
        username="me", password="secret",
    )  # fmt: skip
    assert access_of([path], None, None, None) == Access("http://127.0.0.1:8123", "me", "secret")
    assert access_of([path], "bot:1/api/v1/", "you", "") == Access("http://bot:1", "you", "")


def test_of_several_configurations_the_last_wins_and_the_environment_over_all(config, monkeypatch):
    first = config("a.json", enabled=True, listen_port=1, username="a", password="a")
    second = config("b.json", listen_port=2, username="b")
    monkeypatch.setenv("FREQTRADE__API_SERVER__PASSWORD", "secret")
    assert access_of([first, second], None, None, None) == Access(
        "http://127.0.0.1:2", "b", "secret"
    )


def test_without_options_it_is_the_projects_own_bot(config):
    config("config.json")
    config("user_data/configs/api.json", enabled=True, listen_port=8080)
    assert access_of([], None, None, None).url == "http://127.0.0.1:8080"
    config("config.json", enabled=True, listen_port=9)
    assert access_of([], None, None, None).url == "http://127.0.0.1:9"


def test_a_password_is_in_no_representation():
    assert "secret" not in repr(Access("http://bot", "me", "secret"))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda config: [], "no bot named"),
        (lambda config: [Path("absent.json")], "no such configuration: absent.json"),
        (lambda config: [config("empty.json")], "api_server.enabled is not true"),
        (lambda config: [config("off.json", enabled=False)], "api_server.enabled is not true"),
        (lambda config: [_broken(config("broken.json"))], "broken.json cannot be read: Parse"),
    ],
)
def test_a_configuration_that_names_no_bot_is_told(config, make, problem):
    with pytest.raises(BotError, match=problem) as raised:
        access_of(make(config), None, None, None)
    assert "secret" not in str(raised.value)


def _broken(path: Path) -> Path:
    path.write_text('{"api_server": {"password": "secret",, }')
    return path
