"""The running bot of the benchmark: what it does, with a copy of the trade and without."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from freqtrade.persistence import Trade

from AdaptiveGrid import TRADE_CALLBACKS
from benchmarks import live_loop
from benchmarks.live_loop import Bot
from gridkit.host.plan_store import PLAN_KEY, STATE_KEY

FILLS = 5


@pytest.fixture(autouse=True)
def _database(tmp_path: Path) -> Iterator[None]:
    with live_loop.database(tmp_path):
        yield


def lived(bot: Bot) -> list[tuple[str, str, float, float]]:
    """Fill whatever rests, a few times; returns the orders that were asked for."""
    before = len(bot.trade.orders)
    for _ in range(FILLS):
        live_loop.fill_resting(bot)
        live_loop.loop(bot, {})
        live_loop.loop(bot, {})
    orders = bot.trade.orders[before:]
    return [(one.ft_order_side, one.ft_order_tag, one.price, one.amount) for one in orders]


def kept(bot: Bot, key: str) -> dict[str, Any]:
    document = bot.trade.get_custom_data(key)
    return {name: value for name, value in document.items() if name != "updated"}


def test_orders_and_what_is_kept_are_the_same_with_a_copy_of_the_trade_and_without(tmp_path):
    found = []
    for number, read_only in enumerate((False, True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with live_loop.database(folder):
            bot = live_loop.opened_bot(10, read_only=read_only)
            found.append((lived(bot), kept(bot, PLAN_KEY), kept(bot, STATE_KEY)))
    assert found[0] == found[1]
    orders, plan, state = found[0]
    assert len(orders) == FILLS
    assert len({tag for _, tag, _, _ in orders}) > 1
    assert plan["lines"]
    assert state["lots"]


def test_no_callback_changes_the_trade_that_it_is_given():
    """freqtrade would write such a change to its database with its own next commit."""
    bot = live_loop.opened_bot(10, read_only=True)
    asked, changed = set(), []
    ask = bot.ask

    def watched(name: str, **arguments: Any) -> Any:
        before = written(bot)
        answer = ask(name, **arguments)
        asked.add(name)
        if Trade.session.dirty or Trade.session.new or written(bot) != before:
            changed.append(name)
        return answer

    bot.ask = watched
    lived(bot)
    assert asked == set(TRADE_CALLBACKS)
    assert changed == []


def written(bot: Bot) -> str:
    rows = [bot.trade, *bot.trade.orders]
    columns = [[getattr(row, one.name) for one in row.__table__.columns] for row in rows]
    return json.dumps(columns, default=str)


def test_what_a_loop_takes_is_told_by_question_and_by_orders():
    report = live_loop.measure((10, 20), rounds=1)
    assert set(report) == {"copied", "own"}
    assert report["copied"].keys() == report["own"].keys()
    for column in report.values():
        assert all(list(costs) == ["10", "20"] for costs in column.values())
        parts = ("bot_loop_start", "check_entry_timeout", "adjust_trade_position")
        quiet = [column[f"{name}, quiet"]["20"] for name in parts]
        assert min(quiet) > 0, "an entry rested, too"
        assert max(quiet) < column["a quiet loop"]["20"] <= sum(quiet) + 1e-9
        assert column["a busy loop"]["20"] > column["adjust_trade_position, busy"]["20"] > 0


def test_the_longer_of_a_quiet_and_a_busy_loop_counts():
    quiet, busy = {"10": 3.0, "20": 5.0}, {"10": 4.0, "20": 1.0}
    report = {"own": {"a quiet loop": quiet, "a busy loop": busy}, "copied": {}}
    longest = [live_loop.seconds_per_loop(report, read_only=True, size=size) for size in (10, 20)]
    assert longest == [4.0, 5.0]
