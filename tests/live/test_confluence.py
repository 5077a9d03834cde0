"""Confluence lives: it enters, sells a part, is killed, goes on, and is forced out twice."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from live.bot import Bot, running, until
from live.evidence import first
from sandbox.running import running_exchange

pytestmark = pytest.mark.slow

COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LTC", "AVAX", "LINK", "DOT")
PAIRS = tuple(f"{coin}/USDT" for coin in COINS)
SECONDS = 600.0  # a market that falls everywhere lets a spot bot wait
LOOPS = 3
# Short windows, as the sandbox makes every candle from minutes; entries whenever most agree.
SETTINGS = {
    "regime": {"enabled": False},
    "profile": {"enabled": False},
    "thresholds": {"enabled": False},
    "correlation": {"enabled": False},
    "volatility": {"method": "realised", "window_hours": 4},
    "spacing": {"method": "fixed"},
    "density": {"enabled": False},
    "volume_lines": {"enabled": False},
    "confluence": {
        "timeframes": {"1m": 0.3, "3m": 0.3, "5m": 0.4},
        "neutral_below": 0.0,
        "periods": {
            "averages": [3, 5, 10], "smooth": 4, "oscillator": 4, "macd": [3, 5, 3], "window": 5,
        },
    },
    "entries": {"threshold": 0.02, "most_per_hour": 100, "least_reward": 0},
    "exits": {
        "timeframe": "1m", "targets": [0.05, 40.0, 50.0], "reversal_enabled": False,
    },
    "breakers": {"market": False},
    "brakes": {"illiquid": "ignore"},
}  # fmt: skip
CONFIG = {
    "timeframe": "1m",
    "fee": 0.0002,
    "max_open_trades": 3,
    "internals": {"process_throttle_secs": 1},
    "order_types": {
        "entry": "limit", "exit": "limit", "emergency_exit": "market", "force_exit": "market",
        "stoploss": "limit", "stoploss_on_exchange": True,
    },
    "exchange": {"pair_whitelist": list(PAIRS)},
    "gridkit": SETTINGS,
}  # fmt: skip


@dataclass
class Story:
    """What was seen. `sold` is the trade once a part of it left, later ones are the same trade."""

    sold: dict[str, Any] = field(default_factory=dict)
    after_kill: dict[str, Any] = field(default_factory=dict)
    after_manual: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] = field(default_factory=dict)
    entered: dict[str, Any] = field(default_factory=dict)
    chart: dict[str, Any] = field(default_factory=dict)
    closed: dict[str, Any] = field(default_factory=dict)
    locks: list[dict[str, Any]] = field(default_factory=list)
    reopened: bool = True
    log: str = ""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with running_exchange(profile="lively") as exchange:
        folder = tmp_path_factory.mktemp("confluence")
        bot = Bot(folder, exchange.config_path, (), CONFIG, strategy="Confluence")
        yield lived(bot)


def lived(bot: Bot) -> Story:
    story = Story()
    with running(bot):
        trade = until("a part that left", SECONDS, lambda: first(bot.get("status"), sold), bot)
        number = trade["trade_id"]
        let_it_loop(bot)  # the loop that saw the fill is over, with what it tells
        story.sold = trade_of(bot, number)
    with running(bot):
        let_it_loop(bot)
        story.after_kill = trade_of(bot, number)
        half = story.after_kill["amount"] / 2
        bot.post("forceexit", {"tradeid": str(number), "amount": half, "ordertype": "market"})
        until(
            "the manual exit", 60.0, lambda: trade_of(bot, number)["amount"] < 0.6 * half * 2, bot
        )
        let_it_loop(bot)
        story.after_manual = trade_of(bot, number)
        documents = bot.grid(number)
        story.entered = documents["confluenceentry"]["value"]
        story.published = documents["confluencestate"]["value"]
        pair = story.sold["pair"]
        story.chart = bot.get("pair_candles", pair=pair, timeframe="1m", limit=50)
        bot.post("forceexit", {"tradeid": str(number)})
        until("the forced exit", 60.0, lambda: not trade_of(bot, number), bot)
        let_it_loop(bot)
        story.reopened = any(trade["pair"] == pair for trade in bot.get("status"))
        trades = bot.get("trades")["trades"]
        story.closed = first(trades, lambda trade: trade["trade_id"] == number) or {}
        story.locks = [one for one in bot.get("locks")["locks"] if one["pair"] == pair]
    story.log = bot.log.read_text()
    return story


def sold(trade: dict[str, Any]) -> bool:
    return "part 1" in tags_of(trade) and not any(order["is_open"] for order in sales(trade))


def sales(trade: dict[str, Any]) -> list[dict[str, Any]]:
    return [order for order in trade["orders"] if order["ft_order_side"] == "sell"]


def tags_of(trade: dict[str, Any]) -> list[str]:
    return [order["ft_order_tag"] for order in sales(trade) if order["filled"]]


def trade_of(bot: Bot, number: int) -> dict[str, Any]:
    found: Callable[[dict[str, Any]], bool] = lambda trade: trade["trade_id"] == number  # noqa: E731
    return first(bot.get("status"), found) or {}


def let_it_loop(bot: Bot) -> None:
    for _ in range(LOOPS):
        await_loop_after(last_loop(bot), bot)


def await_loop_after(done: int, bot: Bot) -> None:
    until("the next loop", 60.0, lambda: last_loop(bot) > done, bot)


def last_loop(bot: Bot) -> int:
    return bot.get("health")["last_process_ts"] or 0


def test_it_enters_by_its_own_signal_and_sells_a_third_at_the_first_target(story: Story) -> None:
    trade = story.sold
    assert trade["enter_tag"].startswith("trend any c")
    bought, part = trade["orders"][0]["filled"], sales(trade)[0]["filled"]
    assert part == pytest.approx(0.33 * bought, rel=0.1)


def test_after_a_kill_no_part_leaves_again(story: Story) -> None:
    assert tags_of(story.after_kill) == tags_of(story.sold) == ["part 1"]
    assert story.after_kill["amount"] == story.sold["amount"]


def test_after_a_manual_exit_of_a_part_no_part_leaves_again(story: Story) -> None:
    assert tags_of(story.after_manual) == ["part 1", "force_exit"]


def test_the_stop_rests_on_the_exchange_with_what_is_left(story: Story) -> None:
    resting = [
        order
        for order in story.after_manual["orders"]
        if order["ft_order_side"] == "stoploss" and order["is_open"]
    ]
    assert [order["amount"] for order in resting] == [story.after_manual["amount"]]


def test_custom_data_tell_targets_stop_and_portfolio(story: Story) -> None:
    trade, state = story.after_manual, story.published
    atr = story.entered["atr"]
    assert [one["price"] for one in state["targets"]] == pytest.approx(
        [trade["open_rate"] + multiple * atr for multiple in SETTINGS["exits"]["targets"]]
    )
    assert [one["sold"] for one in state["targets"]] == [True, False, False]
    # Never looser; freqtrade rounds it to the price's step, and anew where a part has left.
    stop = trade["open_rate"] - 2 * atr
    assert stop * (1 - 1e-3) <= state["stop"] <= min(stop * 1.01, trade["open_rate"])
    assert state["stop_rule"].startswith("stop 2 x ATR")
    assert state["held"] == trade["amount"]
    assert state["entered"] == trade["orders"][0]["filled"]
    assert state["portfolio"]["risk_used"] > 0
    assert set(state["portfolio"]["pairs"]) <= set(PAIRS)


def test_the_chart_shows_entry_targets_and_stop(story: Story) -> None:
    drawn = {line["label"]: line["y_start"] for line in story.chart["annotations"]}
    assert drawn["part 2, 40 ATR"] == story.published["targets"][1]["price"]
    assert "part 1, 0.05 ATR" not in drawn
    assert any(label.startswith("stop: stop 2 x ATR") for label in drawn)
    assert {"entry_score", "entry_block", "why"} <= set(story.chart["columns"])


def test_a_forced_exit_ends_flat_and_the_pair_stays_out(story: Story) -> None:
    assert story.closed["exit_reason"] == "force_exit"
    assert not story.reopened
    assert any("forceexit" in lock["reason"] for lock in story.locks)


def test_people_are_told_of_entry_part_and_end(story: Story) -> None:
    sent = "\n".join(line for line in story.log.splitlines() if "strategy_msg" in line)
    pair = re.escape(story.sold["pair"])
    assert re.search(rf"`{pair}` long opened: [\d.,]+ `USDT` at", sent)
    assert re.search(rf"`{pair}` `part 1` sold: .* realised so far", sent)
    assert re.search(rf"`{pair}` closed by `force_exit`: -?[\d.,]+ `USDT` after", sent)


def test_every_exit_is_logged_with_its_numbers(story: Story) -> None:
    assert re.search(r"part 1: [\d.e+-]+ is at target 1, [\d.e+-]+ \(0\.05 ATR from", story.log)


def test_the_log_tells_of_no_error(story: Story) -> None:
    bad = re.compile(r" - (ERROR|CRITICAL) - |Traceback|Strategy caused|Unexpected error")
    assert [line for line in story.log.splitlines() if bad.search(line)] == []
