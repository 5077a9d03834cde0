"""Messages: what is said, how often, and that freqtrade's Telegram can send every one of them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.data.dataprovider import DataProvider
from freqtrade.enums import RunMode
from freqtrade.rpc.rpc_manager import RPCManager
from freqtrade.rpc.telegram import Telegram
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid.situation import Block
from gridkit.host.features import Features
from gridkit.host.messages import Ended, Messages, code, duration
from gridkit.host.reasons import Reasons
from gridkit.settings import MessageSettings

NOW = datetime(2025, 1, 2, tzinfo=UTC)
PAIR, OTHER = "ETH/USDT", "BTC/USDT"
ENDED = Ended(PAIR, 12.5, 1.25, -0.5, 7, 93_600.0, "flatten L1-4")
OPEN_ENDED = {"_": "_", "*": "*", "`": "`", "[": "]"}


@dataclass
class Bot:
    """What Messages needs of a context; `sent` is what reached freqtrade."""

    settings: Any = None
    live: bool = True
    now: datetime | None = NOW
    is_futures: bool = False
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = SimpleNamespace(messages=self.settings or MessageSettings())
        self.strategy = SimpleNamespace(dp=self, config={"stake_currency": "USDT"})
        self.features = Features(live=True, seconds=300, clock=lambda: self.now)

    def send_msg(self, message: str, *, always_send: bool = False) -> None:
        assert always_send  # freqtrade's own limit is a candle, and would hide a second alert
        self.sent.append(message)


def spoken(**settings: Any) -> tuple[Bot, Messages]:
    bot = Bot(MessageSettings(**settings))
    return bot, Messages(bot)


def rendered(text: str) -> str:
    """Telegram's Markdown as plain text; ValueError where Telegram would refuse the message.

    By Telegram's rules: a special character begins an entity that must end, in an entity all is
    taken as it stands, and outside one a backslash takes the meaning from a special character.
    """
    plain, position = "", 0
    while position < len(text):
        character = text[position]
        if character == "\\" and text[position + 1 : position + 2] in OPEN_ENDED:
            plain += text[position + 1]
            position += 2
        elif character in OPEN_ENDED:
            end = text.index(OPEN_ENDED[character], position + 1)  # ValueError: it never ends
            plain += text[position + 1 : end]
            position = end + 1
        else:
            plain += character
            position += 1
    return plain


# -- what is said -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (lambda m: m.opened(PAIR, "long", 10, 25.0, 1999.5),
         "ETH/USDT long cycle opened: 10 lines of 25.00 USDT below 1999.5"),
        (lambda m: m.opened(PAIR, "short", 10, 25.0, 1999.5),
         "ETH/USDT short cycle opened: 10 lines of 25.00 USDT above 1999.5"),
        (lambda m: m.closed(ENDED),
         "ETH/USDT cycle closed by flatten L1-4: harvest 12.50 USDT of 7 lots, fees 1.25 USDT, "
         "after 1 d 2 h"),
        (lambda m: m.stuck(PAIR, (2, 3), 7_500.0, 4.5),
         "ETH/USDT stuck for 2 h 5 min: L2, L3, open loss 4.50 USDT"),
        (lambda m: m.recovered(PAIR, "recover L2", 1.5, 8.25),
         "ETH/USDT recovery recover L2: loss 1.50 USDT, budget left 8.25 USDT"),
        (lambda m: m.feature("order_flow", PAIR, "KeyError('a')"),
         "ETH/USDT order_flow is switched off: KeyError('a'); /reload_config switches it on"),
        (lambda m: m.mismatch(PAIR, "wallet has 2, lots are 3"),
         "ETH/USDT wallet has 2, lots are 3"),
    ],
)  # fmt: skip
def test_each_event_is_told_with_its_figures(say, told):
    bot, messages = spoken()
    say(messages)
    assert [rendered(text) for text in bot.sent] == [told]


def test_funding_is_told_where_there_is_any():
    bot, messages = spoken()
    bot.is_futures = True
    messages.closed(ENDED)
    assert "fees 1.25 USDT, funding -0.50 USDT, after" in rendered(bot.sent[0])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3_599, "59 min 59 s"), (3_600, "1 h"),
        (90_000, "1 d 1 h"), (86_400, "1 d"), (-5, "0 s"),
    ],
)  # fmt: skip
def test_a_duration_has_two_units_at_most(seconds, text):
    assert duration(seconds) == text


# -- how often --------------------------------------------------------------------------------


def test_one_kind_of_a_pair_waits_its_time_and_others_do_not():
    bot, messages = spoken(least_seconds=60)
    assert messages.send("cycle", PAIR, "1")
    assert not messages.send("cycle", PAIR, "2")
    assert messages.send("cycle", OTHER, "3")
    assert messages.send("recovery", PAIR, "4")
    bot.now = NOW + timedelta(seconds=59.9)
    assert not messages.send("cycle", PAIR, "5")
    bot.now = NOW + timedelta(seconds=60)
    assert messages.send("cycle", PAIR, "6")


@given(
    waits=st.lists(st.floats(0, 3_000), max_size=60),
    least=st.floats(0, 600),
    most=st.integers(1, 10),
)
def test_no_hour_has_more_messages_than_allowed_and_none_is_too_soon(waits, least, most):
    bot, messages = spoken(least_seconds=least, most_per_hour=most)
    sent = []
    for wait in waits:
        bot.now += timedelta(seconds=wait)
        if messages.send("cycle", PAIR, "."):
            sent.append(bot.now)
    hour = timedelta(hours=1)
    assert all(sum(one <= other < one + hour for other in sent) <= most for one in sent)
    gaps = [(then - one).total_seconds() for one, then in pairwise(sent)]
    assert all(gap >= least for gap in gaps)


def test_an_hour_after_the_first_of_too_many_there_is_room_again():
    bot, messages = spoken(most_per_hour=2, least_seconds=0)
    sent = []
    for minute in (0, 30, 59, 60, 61, 90):
        bot.now = NOW + timedelta(minutes=minute)
        sent.append(messages.send("cycle", PAIR, "."))
    assert sent == [True, True, False, True, False, True]


def test_alerts_are_sent_whatever_was_sent_before():
    bot, messages = spoken(most_per_hour=1, least_seconds=3_600)
    messages.send("cycle", PAIR, "1")
    for _ in range(5):
        assert messages.send("mismatch", PAIR, "2", alert=True)
    messages.stuck(PAIR, (1,), 8_000, 1.0)
    messages.mismatch(PAIR, "wallet")
    assert len(bot.sent) == 8


def test_what_was_held_back_is_counted_in_the_next_message():
    bot, messages = spoken(least_seconds=60)
    for text in ("1", "2", "3"):
        messages.send("cycle", PAIR, text)
    bot.now += timedelta(minutes=1)
    messages.send("cycle", PAIR, "4")
    messages.send("cycle", OTHER, "5")
    assert [rendered(text) for text in bot.sent] == [
        "ETH/USDT 1", "ETH/USDT 4 (2 messages were held back)", "BTC/USDT 5"
    ]  # fmt: skip


@pytest.mark.parametrize(("live", "enabled"), [(False, True), (True, False)])
def test_a_backtest_and_a_bot_told_to_be_silent_send_nothing(live, enabled):
    bot, messages = spoken(enabled=enabled)
    bot.live = live
    assert not messages.closed(ENDED)
    assert not messages.send("mismatch", PAIR, "x", alert=True)
    assert bot.sent == []


# -- a reason that lasts ----------------------------------------------------------------------


def looked(minutes: list[tuple[int, Block | str]], pairs: tuple[str, ...] = (PAIR,)) -> list[str]:
    """What is told when each pair waits for these reasons, from these minutes on."""
    bot, messages = spoken(block_minutes=30, least_seconds=0)
    reasons = Reasons(live=False)
    for minute in range(121):
        bot.now = NOW + timedelta(minutes=minute)
        block = [what for start, what in minutes if start <= minute][-1]
        for pair in pairs:
            reasons.waits(pair, block, bot.now)
        messages.look(reasons.all(), bot.now)
    return [rendered(text) for text in bot.sent]


TREND = Block("trend by ADX", 31.0, 25.0)
CAP = Block("exposure", 900.0, 800.0)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        ([(0, TREND)], ["ETH/USDT: nothing new for 30 min: trend by ADX: 31 against 25"]),
        ([(0, TREND), (29, "")], []),
        ([(0, ""), (10, TREND)], ["ETH/USDT: nothing new for 30 min: trend by ADX: 31 against 25"]),
        ([(0, TREND), (40, CAP), (60, TREND)],
         ["ETH/USDT: nothing new for 30 min: trend by ADX: 31 against 25"]),
        ([(0, TREND), (40, CAP)],
         ["ETH/USDT: nothing new for 30 min: trend by ADX: 31 against 25",
          "ETH/USDT: nothing new for 30 min: exposure: 900 against 800"]),
        ([(0, TREND), (40, ""), (80, TREND)],
         ["ETH/USDT: nothing new for 30 min: trend by ADX: 31 against 25"] * 2),
    ],
)  # fmt: skip
def test_a_reason_is_told_once_when_it_changed_and_lasted(minutes, told):
    assert looked(minutes) == told


def test_pairs_that_wait_for_the_same_are_told_together():
    assert looked([(0, TREND)], (PAIR, OTHER)) == [
        "ETH/USDT, BTC/USDT: nothing new for 30 min: trend by ADX"
    ]


# -- through freqtrade's own Telegram ---------------------------------------------------------


class Chat:
    """Telegram's servers, as far as a text may be refused there."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def send_message(self, chat_id: str, *, text: str, parse_mode: str, **_more: Any) -> None:
        assert (chat_id, parse_mode) == ("1", "Markdown")
        assert 0 < len(text) <= 4_096
        self.shown.append(rendered(text))


@pytest.fixture(scope="module")
def telegram() -> Iterator[tuple[DataProvider, Any]]:
    """Through freqtrade's DataProvider, RPCManager and Telegram into a chat; and what it shows."""
    config = {
        "runmode": RunMode.DRY_RUN, "timeframe": "5m", "stake_currency": "USDT", "dry_run": True,
        "telegram": {"token": "", "chat_id": "1", "allow_custom_messages": True},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Telegram, "_start_thread", lambda _self: None)
        module = Telegram(SimpleNamespace(_freqtrade=None), config)
    chat, loop = Chat(), asyncio.new_event_loop()
    module._app, module._loop = SimpleNamespace(bot=chat), loop
    manager = object.__new__(RPCManager)
    manager.registered_modules = [module]
    provider = DataProvider(config, None)

    def shown() -> list[str]:
        manager.process_msg_queue(provider._msg_queue)
        loop.call_soon(loop.stop)
        loop.run_forever()
        pending = asyncio.all_tasks(loop)
        if pending:
            loop.run_until_complete(asyncio.gather(*pending))
        said, chat.shown = chat.shown, []
        return said

    yield provider, shown
    loop.close()


def speaking_through(provider: DataProvider) -> tuple[Bot, Messages]:
    bot = Bot()
    bot.strategy.dp = provider
    return bot, Messages(bot)


def test_a_message_reaches_the_chat_through_freqtrade(telegram):
    provider, shown = telegram
    _, messages = speaking_through(provider)
    messages.mismatch(PAIR, "wallet has 2, lots are 3")
    assert shown() == ["ETH/USDT wallet has 2, lots are 3"]


@given(name=st.text(alphabet="_*`[]()\\~>#+-=|{}.!a\n é", max_size=40))
def test_no_name_breaks_a_message(telegram, name):
    provider, shown = telegram
    bot, messages = speaking_through(provider)
    messages.mismatch(name, name)
    messages.send("x", PAIR, code(name) or "-", alert=True)
    bot.now += timedelta(hours=2)
    messages.feature(name, name, name)
    bot.now += timedelta(hours=2)
    messages.closed(Ended(name, 1.0, 1.0, 0.0, 1, 1.0, name))
    reasons = Reasons(live=False)
    reasons.waits(name, f"x{name}", NOW)
    bot.now += timedelta(hours=2)
    messages.look(reasons.all(), bot.now)
    told = shown()
    plain = " ".join(name.replace("`", "'").split())
    expected = 5 if plain else 4
    assert len(told) == expected
    assert all(plain in text for text in told)


def test_a_message_that_is_too_long_is_cut(telegram):
    provider, shown = telegram
    _, messages = speaking_through(provider)
    messages.mismatch(PAIR, "x" * 10_000)
    (text,) = shown()
    assert len(text) < 1_000
    assert text.endswith("…")


@pytest.mark.parametrize("broken", ["a_b", "*", "[x", "`", "a`b`c`"])
def test_the_judge_of_these_tests_refuses_what_telegram_refuses(broken):
    with pytest.raises(ValueError, match="substring not found"):
        rendered(broken)


def test_a_message_that_cannot_be_sent_is_no_error_and_alerts_are_tried_again(monkeypatch):
    bot, messages = spoken(least_seconds=0)
    tried = []
    monkeypatch.setattr(Bot, "send_msg", lambda _bot, text, **_: tried.append(text) or 1 / 0)
    for _ in range(4):
        assert not messages.send("x", PAIR, "plain")
        assert not messages.send("y", PAIR, "alert", alert=True)
        bot.now += timedelta(minutes=5)
    assert [text.split()[-1] for text in tried] == ["plain", "alert"] * 3 + ["alert"]
    assert [str(one) for one in bot.features.of(PAIR)] == [
        "messages off since 01-02 00:10: ZeroDivisionError('division by zero')"
    ]
