"""What a bot says of itself to `gridkit why`, and in its log to `gridkit fills`."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridkit.grid import tags
from gridkit.reports.fill_log import LoggedFill, read
from gridkit.reports.fills import figures
from gridkit.why.rows import Row
from live.session import Record

pytestmark = pytest.mark.slow

FILLED = """
    SELECT o.ft_trade_id, o.id, o.ft_order_tag, o.ft_order_side, o.filled, o.average, o.price
    FROM orders o WHERE o.filled > 0 AND NOT o.ft_is_open
"""


@pytest.fixture
def rows(record: Record) -> dict[str, Row]:
    assert record.why is not None
    return {row.pair: row for row in record.why.rows}


def test_every_pair_has_a_row_with_an_order_or_a_reason(
    record: Record, rows: dict[str, Row]
) -> None:
    assert set(rows) == set(record.venue.pairs)
    assert [row for row in rows.values() if not (row.order or row.reason or row.detail)] == []
    assert record.why is not None
    assert (record.why.strategy, record.why.state) == ("AdaptiveGrid", "running")


def test_every_reason_is_of_this_bot_and_began_before_it_was_last_looked_at(
    record: Record, rows: dict[str, Row]
) -> None:
    started = datetime.fromtimestamp(record.restarted, UTC) - timedelta(minutes=1)
    for row in rows.values():
        assert row.since is not None
        assert row.updated is not None
        assert started <= row.since <= row.updated


def test_an_open_cycle_has_lots_and_an_order_near_the_market(rows: dict[str, Row]) -> None:
    cycles = [row for row in rows.values() if row.state == "open" and row.order]
    assert cycles
    for row in cycles:
        assert row.lots > 0
        assert tags.levels_of(row.order) or row.order == "force_exit"
        assert row.distance is None or abs(row.distance) < 0.1
    assert any(row.resting and row.price for row in cycles)


def test_a_wrong_password_is_refused_in_one_line(record: Record) -> None:
    assert record.why_refused.endswith("does not take this username and password")


@pytest.fixture
def logged(record: Record, tmp_path: Path) -> dict[tuple[int, int], LoggedFill]:
    """The fills in the log of both of the bot's lives, by trade and order."""
    path = tmp_path / "freqtrade.log"
    path.write_text(record.log)
    log = read([path])
    assert (log.repeated, log.broken) == (0, ())
    found = {(fill.trade, fill.order): fill for fill in log.fills}
    assert len(found) == len(log.fills) == record.log.count("GRID_FILL ")
    return found


@pytest.fixture
def filled(record: Record) -> dict[tuple[int, int], sqlite3.Row]:
    """The filled orders in freqtrade's database, likewise."""
    with closing(sqlite3.connect(f"file:{record.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows: Iterator[sqlite3.Row] = connection.execute(FILLED)
        return {(row["ft_trade_id"], row["id"]): row for row in rows}


def test_every_fill_is_logged_once_over_a_kill_and_a_restart(logged, filled) -> None:
    assert len(filled) > 10
    assert logged.keys() <= filled.keys()
    missing = filled.keys() - logged.keys()
    assert {order for order in missing if order in _told_of(filled)} == set()


def _told_of(filled) -> set[tuple[int, int]]:
    """All but each trade's last order: the bot may have been killed before it could speak."""
    last = {trade: max(o for t, o in filled if t == trade) for trade, _ in filled}
    return {(trade, order) for trade, order in filled if order != last[trade]}


def test_what_is_logged_of_a_fill_is_what_freqtrade_booked(logged, filled) -> None:
    for key, fill in logged.items():
        order = filled[key]
        assert fill.size == pytest.approx(order["filled"], rel=2e-3)  # a fee in the base coin
        price = fill.entry if fill.exit is None else fill.exit
        assert price == pytest.approx(order["average"] or order["price"], rel=1e-9)
        verb = tags.verb_of(order["ft_order_tag"])
        assert fill.action == (verb or order["ft_order_tag"] if fill.exit else fill.action)


def test_sales_at_targets_earned_something(logged) -> None:
    found = figures(list(logged.values()))
    assert found.lots > 0
    assert found.harvest > 0
    assert found.fees > 0


def test_the_log_says_what_pairs_wait_for_and_repeats_no_line_at_once(record: Record) -> None:
    said = re.compile(r" - gridkit\.host\.reasons - INFO - (\S+): (.*)")
    last: dict[str, str] = {}
    lines = [match.groups() for line in record.log.splitlines() if (match := said.search(line))]
    assert lines
    for pair, text in lines:
        assert last.get(pair) != text
        last[pair] = text
