"""Every figure is shown, and described in docs/reports.md."""

import re
from pathlib import Path

import pytest

from gridkit.reports.catalogue import HEADLINE, LABELS, SECTIONS, shown
from gridkit.reports.report import build
from reports.runs import fill, run_of, trade

DOCS = Path(__file__).parents[2] / "docs" / "reports.md"


@pytest.fixture(scope="module")
def report():
    one = trade([fill(0, 1.0, 100.0, "L1"), fill(1, 1.0, 101.0, "sell L1", entry=False)])
    return build(run_of({"AAA/USDT": [100.0, 101.0, 102.0]}, [one]))


def test_every_computed_figure_is_shown_once_and_nothing_else_is(report):
    keys = [key for section in SECTIONS for key, _ in section.figures]
    assert sorted(keys) == sorted(report.figures)
    assert set(HEADLINE) <= set(keys)


def test_the_win_rate_comes_last():
    assert list(LABELS)[-1] == "win_rate_fraction"


def test_the_documentation_describes_every_figure_and_no_other(report):
    lines = [line for line in DOCS.read_text().split("## Figures")[1].splitlines() if "`" in line]
    described = {key for line in lines for key in re.findall(r"`(\w+)`", line.split(" | ")[0])}
    table = {key for key in described if key in report.figures}
    assert table == set(report.figures)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("return_fraction", -0.12345, "-12.35%"),
        ("final_stake", 1234.5, "1,234.50 USDT"),
        ("final_stake", -0.0001, "0.00 USDT"),
        ("holding_max_hours", 30.25, "30.2 h"),
        ("longest_under_water_days", 3.0, "3.0 days"),
        ("fills_count", 12345, "12,345"),
        ("calmar", 1.5, "1.50"),
        ("calmar", None, "not available"),
    ],
)
def test_a_value_is_written_with_its_unit(key, value, text):
    assert shown(key, value, "USDT") == text
