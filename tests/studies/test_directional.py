"""The study of Confluence: its tables from known trades, its command, and where its figures go."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gridkit.reports.report import build
from gridkit.settings import CONFLUENCE_DEFAULTS, Settings
from reports.runs import fill, run_of, trade
from studies import directional_tables as tables
from studies.directional import main, mark
from studies.directional_cases import AS_IT_COMES, ONE_OTHER

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "results.md"


def tagged(tag: str, profit: float, exit_reason: str):
    fills = [fill(1, 1.0, 100.0, tag), fill(4, 1.0, 103.0, exit_reason, entry=False)]
    return replace(trade(fills), profit=profit, exit_reason=exit_reason)


@pytest.fixture(scope="module")
def report():
    trades = [
        tagged("trend bull c1.0 poc", 2.0, "part 3"),
        tagged("trend bull c0.7", -1.0, "time"),
        tagged("edge range c0.8 val", 4.0, "part 3"),
    ]
    closes = {"AAA/USDT": [100.0, 100.0, 102.0, 101.0, 103.0, 103.0]}
    return build(run_of(closes, trades))


def rows_of(report, what):
    found = {made.title: made for made in tables.by_tag("here", report)}
    return {row[0]: row[1:] for row in found[f"here, by {what}"].rows}


def test_trades_are_grouped_by_what_their_entry_tag_says(report):
    assert rows_of(report, "kind and side") == {
        "edge long": ("1", "100 %", "4.00", "4.00", "4.00", "4.00"),
        "trend long": ("2", "50 %", "1.00", "0.50", "2.00", "-1.00"),
    }
    assert set(rows_of(report, "regime at the entry")) == {"bull", "range"}
    assert set(rows_of(report, "confidence")) == {"c1.0", "c0.7", "c0.8"}
    assert {name: row[0] for name, row in rows_of(report, "key level").items()} == {
        "none near": "1", "poc": "1", "val": "1",
    }  # fmt: skip


def test_trades_are_grouped_by_their_exit(report):
    assert {name: row[2] for name, row in rows_of(report, "exit").items()} == {
        "part 3": "6.00", "time": "-1.00",
    }  # fmt: skip


def test_a_run_stands_beside_buy_and_hold_with_the_figures_of_its_report(report):
    made = tables.beside("here", report)
    ours, held = (dict(zip(made.columns, row, strict=True)) for row in made.rows)
    assert ours["return"] == f"{100 * report.figures['return_fraction']:.2f} %"
    assert ours["trades"] == "3"
    assert held["return"] == f"{100 * report.benchmark_figures['return_fraction']:.2f} %"
    assert held["trades"] == "-"


def test_each_case_differs_from_the_defaults_by_valid_settings():
    usual, *others = (
        Settings.from_config({"gridkit": dict(case.settings)}, CONFLUENCE_DEFAULTS)
        for case in (AS_IT_COMES, *ONE_OTHER)
    )
    assert usual not in others
    assert len({case.name for case in (AS_IT_COMES, *ONE_OTHER)}) == len(ONE_OTHER) + 1


def test_the_results_have_the_command_and_the_figures() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(f"<!-- figures: {mark('overall')} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert text.count("python -m studies.directional --data DATA --only overall\n") == 1
    assert found
    assert {f"by {what}" for what in tables.SAID} <= set(
        re.findall(r"by [a-z ]+(?=\*\*)", found[1])
    )


def test_data_that_is_missing_is_one_clear_line(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "nowhere")]) == 2
    told = capsys.readouterr()
    assert told.err == f"studies.directional: no folder {tmp_path / 'nowhere'}\n"
    assert main(["--data", str(tmp_path), "--only", "overall"]) == 2
