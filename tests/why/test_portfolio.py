"""`gridkit portfolio` against an API that answers as a script says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gridkit import cli
from why.scripted import Script, answering

ETH, BTC, XRP = "ETH/USDT:USDT", "BTC/USDT:USDT", "XRP/USDT:USDT"


def figures(used: float) -> dict[str, Any]:
    return {
        "profits": {}, "total_profit": 0.0, "diversification_ratio": 1.25, "risk_used": used,
        "risk_left": 21.5, "exposures": {ETH: 0.125, BTC: 0.25}, "correlation_risen": True,
        "groups": [{"pairs": [ETH, BTC], "exposure": 0.375}, {"pairs": [XRP], "exposure": 0.0}],
        "pairs": [ETH, BTC], "correlations": [[1.0, 0.8125], [0.8125, None]],
    }  # fmt: skip


class Asked(Script):
    """What a bot of Confluence answers: two positions, one of them short, and a closed trade."""

    def __init__(self) -> None:
        super().__init__()
        self["show_config"] = {
            "state": "running", "strategy": "Confluence", "timeframe": "5m", "runmode": "dry_run",
            "bot_name": "two_[sides]", "stake_currency": "USDT",
        }  # fmt: skip
        self["status"] = [
            {"trade_id": 7, "pair": ETH, "is_short": False, "stake_amount": 125.0,
             "profit_abs": 4.0, "realized_profit": 1.5},
            {"trade_id": 8, "pair": BTC, "is_short": True, "stake_amount": 250.0,
             "profit_abs": -2.0, "realized_profit": None},
        ]  # fmt: skip
        self["performance"] = [{"pair": ETH, "profit_abs": 10.0}, {"pair": XRP, "profit_abs": -3.0}]
        self.publish(7, {"stop": 98.5, "portfolio": figures(9.0), "updated": "2026-03-04T10:00:00"})
        self.publish(8, {"stop": None, "portfolio": figures(8.5), "updated": "2026-03-04T10:01:00"})

    def publish(self, trade: int, state: dict[str, Any]) -> None:
        answer = [{"trade_id": trade, "custom_data": [{"value": state}]}]
        self[f"trades/{trade}/custom-data"] = answer


@pytest.fixture
def script() -> Iterator[Script]:
    with answering(Asked()) as script:
        yield script


def asked(script: Script, *more: str) -> int:
    named = ["--url", script.url, "--username", "gridkit", "--password", "secret_*"]
    return cli.main(["portfolio", *named, *more])


def document(script: Script, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert asked(script, "--json") == 0
    return json.loads(capsys.readouterr().out)


def cells_of(text: str) -> list[list[str]]:
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    return [row for row in rows if row]


def test_the_table_says_of_each_pair_what_it_holds_and_came_to(script, capsys):
    assert asked(script) == 0
    text = capsys.readouterr().out
    assert cells_of(text) == [
        [ETH, "long", "125.00", "12.5%", "+4.00", "+15.50", "98.5"],
        [BTC, "short", "250.00", "25.0%", "-2.00", "-2.00", ""],
        [XRP, "none", "", "", "", "-3.00", ""],
        [ETH, "1.00", "0.81"],
        [BTC, "0.81", "-"],
    ]
    assert "two_[sides]: profit 10.50 USDT in all" in text
    assert "diversification ratio 1.25" in text
    assert "risk to the stops 8.50, 21.50 may be added" in text
    assert f"moving together: {ETH}, {BTC}: 37.5% of capital" in text
    assert f"together: {XRP}" not in text
    assert "the limits are cut" in text


def test_the_figures_are_those_of_the_latest_look(script, capsys):
    script.publish(7, {"portfolio": figures(7.0), "updated": "2026-03-04T10:02:00"})
    assert document(script, capsys)["figures"]["risk_used"] == 7.0


def test_json_has_everything_the_table_has(script, capsys):
    found = document(script, capsys)
    assert found["total_profit"] == 10.5
    assert {one["pair"]: one["profit"] for one in found["positions"]} == {
        ETH: 15.5, BTC: -2.0, XRP: -3.0,
    }  # fmt: skip
    assert found["figures"]["correlations"] == [[1.0, 0.8125], [0.8125, None]]


def test_what_is_predicted_of_a_position_is_told_where_something_is(script, capsys):
    predicted = {"told": "prediction on: a rise with 72%", "gate": "on"}
    script.publish(7, {"prediction": predicted, "portfolio": figures(9.0), "updated": "2027"})
    assert asked(script) == 0
    text = capsys.readouterr().out
    assert f"{ETH}: prediction on: a rise with 72%" in text
    assert f"{BTC}: prediction" not in text
    told = {one["pair"]: one["prediction"] for one in document(script, capsys)["positions"]}
    assert told == {ETH: predicted, BTC: None, XRP: None}


def test_without_a_position_closed_trades_are_told_and_that_nothing_binds(script, capsys):
    script["status"] = []
    assert asked(script) == 0
    text = capsys.readouterr().out
    assert [row[0] for row in cells_of(text)] == [ETH, XRP]
    assert "no position is open, so nothing binds" in text


def test_a_figure_that_is_unknown_is_called_so(script, capsys):
    unknown = {**figures(1.0), "diversification_ratio": None, "risk_left": None}
    unknown["groups"] = [{"pairs": [ETH, BTC], "exposure": None}]
    script.publish(8, {"portfolio": unknown, "updated": "2026-03-04T11:00:00"})
    assert asked(script) == 0
    text = capsys.readouterr().out
    assert "diversification ratio unknown" in text
    assert "1.00, unknown may be added" in text
    assert f"{BTC}: unknown" in text


def test_another_strategy_is_one_clear_line(script, capsys):
    script["show_config"]["strategy"] = "AdaptiveGrid"
    del script["trades/7/custom-data"], script["trades/8/custom-data"]
    assert asked(script) == 1
    told = capsys.readouterr()
    assert told.err == ("gridkit portfolio: AdaptiveGrid publishes no portfolio: Confluence does\n")
    assert not told.out


def test_a_bot_that_is_stopped_is_one_clear_line(script, capsys):
    script["show_config"]["state"] = "stopped"
    assert asked(script) == 1
    assert "the bot is stopped" in capsys.readouterr().err
