"""FreqUI's chart of a pair: lines, lots, targets, next order, as `/pair_candles` sends them."""

from typing import Any

import pytest

from live.session import Record

pytestmark = pytest.mark.slow


@pytest.fixture
def drawn(record: Record) -> dict[str, float]:
    """Price of each horizontal line in the chart, by its label."""
    lines = record.chart["annotations"]
    assert all(line["type"] == "line" and line["y_start"] == line["y_end"] for line in lines)
    return {line["label"]: line["y_start"] for line in lines}


def value(record: Record, key: str) -> Any:
    return record.charted[key]["value"]


def test_every_free_line_is_drawn_at_its_price(drawn: dict[str, float], record: Record) -> None:
    held = {lot["level"] for lot in value(record, "gridstate")["lots"]}
    free = {
        f"L{line['level']}": line["price"]
        for line in value(record, "gridplan")["lines"]
        if line["level"] not in held
    }
    assert free
    assert {label: price for label, price in drawn.items() if label in free} == free


def test_every_lot_is_drawn_at_its_entry_and_its_target(
    drawn: dict[str, float], record: Record
) -> None:
    targets = {line["level"]: line["target"] for line in value(record, "gridplan")["lines"]}
    for lot in value(record, "gridstate")["lots"]:
        holds = f"L{lot['level']} holds {lot['amount']:.6g}"
        assert drawn[holds] == lot["price"]
        assert drawn[f"target of L{lot['level']}"] == targets[lot["level"]]


def test_the_next_order_is_drawn_at_its_price(drawn: dict[str, float], record: Record) -> None:
    order = value(record, "gridstate")["next"]
    assert (order["price"] or drawn[f"next: {order['tag']}"]) == drawn[f"next: {order['tag']}"]


def test_lines_span_the_chart(record: Record) -> None:
    spans = {(line["start"], line["end"]) for line in record.chart["annotations"]}
    dates = [row[record.chart["columns"].index("date")] for row in record.chart["data"]]
    assert spans == {(dates[0], dates[-1])}


def test_the_charts_volatility_is_known(record: Record) -> None:
    column = record.chart["columns"].index("volatility_daily")
    assert all(row[column] > 0 for row in record.chart["data"])
