"""What a running bot is told of its cycles, on a real database, once each and over restarts."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import Trade, init_db

from gridkit.grid.plan import Line, Plan
from gridkit.grid.situation import Stuck
from gridkit.host import orders, plan_store
from gridkit.host.announcer import Announcer
from gridkit.host.cycle import Cycle
from gridkit.host.reconcile import ALERT, EXPLAINED
from gridkit.host.recovery import RecoveryDesk
from gridkit.reports.fill_log import parsed
from host.accounts import CANDLE, FEE, OTHER, PAIR, Account
from host.desks import strategy_of

PLAN = Plan(1, 101.0, 0.01, tuple(Line(n, 100.0, 102.0) for n in (1, 2, 3)), 20.0, 0.0, 0.02)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'trades.sqlite'}"
    init_db(url)
    yield url
    Trade.session.remove()


@pytest.fixture
def lines(caplog):
    """The `GRID_FILL` lines of the log so far, parsed."""
    caplog.set_level(logging.INFO, logger="gridkit")

    def found():
        texts = (record.getMessage() for record in caplog.records)
        return [parsed(one.removeprefix("GRID_FILL")) for one in texts if "GRID_FILL" in one]

    return found


class Bot(Account):
    """An account, and the bot that speaks of it; `heard` is what reached Telegram."""

    def __init__(self, **given: Any) -> None:
        self.heard: list[str] = []
        super().__init__(live=True, **given)
        dp = self.context.strategy.dp
        dp.send_msg = lambda text, **_: self.heard.append(text)
        dp.market = lambda pair: {
            "symbol": pair, "taker": FEE, "maker": FEE,
            "limits": {"cost": {"min": 5.0}, "amount": {"min": 0.0}},
        }  # fmt: skip
        self.look()

    def starts(self, now):
        super().starts(now)
        self.cycles.clear()
        self.recovery = RecoveryDesk(self.context, self.cycles, self.fortune)
        self.announcer = Announcer(self.context, self.recovery)

    def is_killed(self, url, after=CANDLE):
        Trade.session.rollback()
        Trade.session.remove()
        init_db(url)
        self.starts(self.now + after)
        self.look()

    def cycle_of(self, trade):
        """The cycle of a trade, read up to now as the desk does, with its plan kept."""
        cycle = self.cycles.get(trade.id)
        if cycle is None:
            plan_store.save(trade, PLAN)
            cycle = self.cycles[trade.id] = Cycle(orders.new_book(trade), PLAN)
        cycle.book.read_on(trade, {}, self.announcer.teller(trade))
        return cycle

    def ends(self, trade):
        """What the desk does once it sees that a trade is closed."""
        self.announcer.closed(trade.id, self.cycles.pop(trade.id))

    def tells(self):
        self.context.now = self.now
        self.announcer.look(self.cycles, self.now)
        return [text for text in self.heard if "stuck" in text]


# -- a cycle ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_short", "side", "where"), [(False, "long", "below"), (True, "short", "above")]
)
def test_an_opened_cycle_says_its_side_lines_stake_and_first_price(is_short, side, where):
    bot = Bot()
    trade = bot.opens(100.0, 1.0, is_short=is_short)
    bot.announcer.opened(bot.cycle_of(trade), trade)
    assert bot.heard == [f"`{PAIR}` {side} cycle opened: 3 lines of 20.00 `USDT` {where} 100"]


def test_a_closed_cycle_says_harvest_and_fees_of_all_its_orders(lines):
    bot = Bot()
    trade = bot.opens(100.0, 2.0)
    bot.cycle_of(trade)
    bot.wait(HOUR)
    bot.sells(trade, 110.0)
    trade.exit_reason = "sell L1"
    bot.ends(trade)
    harvest, fees = 2 * 10.0 - 0.2 - 0.22, 0.2 + 0.22
    assert bot.heard == [
        f"`{PAIR}` cycle closed by `sell`: harvest {harvest:.2f} `USDT` of 1 lots, "
        f"fees {fees:.2f} `USDT`, after 1 h"
    ]
    assert sum(line.fee for line in lines()) == pytest.approx(fees)
    assert lines()[-1].pnl == pytest.approx(harvest)


def test_fees_taken_in_coins_are_said_at_what_they_were_and_not_at_the_rate(lines):
    """The coin paid 1 %, ten times the rate freqtrade knows: the message says what the log says."""
    bot = Bot()
    trade = bot.opens(100.0, 2.0)
    trade.orders[0].ft_fee_base = 0.02
    bot.cycle_of(trade)
    bot.sells(trade, 110.0)
    bot.ends(trade)
    fees = 0.02 * 100.0 + 2.0 * 110.0 * FEE
    assert sum(line.fee for line in lines()) == pytest.approx(fees)
    assert f"fees {fees:.2f} `USDT`" in bot.heard[-1]


@pytest.mark.parametrize(("mode", "said"), [("futures", True), ("spot", False)])
def test_funding_is_said_where_there_is_some(mode, said):
    bot = Bot(trading_mode=mode)
    trade = bot.opens(100.0, 1.0)
    bot.cycle_of(trade)
    trade.orders[0].funding_fee = -1.25
    bot.sells(trade, 110.0)
    bot.ends(trade)
    assert ("funding -1.25 `USDT`" in bot.heard[-1]) is said


def test_a_trade_deleted_by_the_user_ends_without_a_word():
    bot = Bot()
    trade = bot.opens(100.0, 1.0)
    bot.cycle_of(trade)
    number, cycle = trade.id, bot.cycles.pop(trade.id)
    trade.delete()
    bot.announcer.closed(number, cycle)
    assert bot.heard == []


# -- recovery ---------------------------------------------------------------------------------


def test_each_recovery_is_told_with_its_loss_and_what_is_left_of_the_budget(lines):
    """Thirds of a lot: the loss of the one just read is taken off the budget once."""
    bot = Bot()
    trade = bot.opens(100.0, 3.0)
    cycle = bot.cycle_of(trade)
    lost = 0.0
    assert bot.recovery.budget() == pytest.approx(20.0)  # 2 % of capital
    for price in (98.0, 97.0):
        bot.wait()
        bot.sells(trade, price, "recover L1", 1.0)
        bot.cycle_of(trade)
        bot.fortune.take(trade, cycle.book.ledger)  # as the desk does after it has read
        loss = 100.0 - price + 0.1 + price * FEE
        lost += loss
        assert bot.heard.pop() == (
            f"`{PAIR}` recovery `recover L1`: loss {loss:.2f} `USDT`, "
            f"budget left {bot.recovery.budget() - lost:.2f} `USDT`"
        )
    assert [line.action for line in lines()] == ["buy", "recover", "recover"]
    assert bot.heard == []


def test_other_exits_are_no_recovery():
    bot = Bot()
    trade = bot.opens(100.0, 3.0)
    bot.sells(trade, 98.0, "stop L1", 1.0)
    bot.cycle_of(trade)
    assert bot.heard == []


# -- stuck lots -------------------------------------------------------------------------------


def stuck_bot(*levels, prices=None, **given):
    """A bot whose lots of some levels became stuck now, at 95; they were bought at 100."""
    bot = Bot(**given)
    bot.price(95.0)
    trade = bot.opens(100.0, 1.0)
    for level in levels[1:]:
        bot.fills(trade, f"L{level}", 100.0, 1.0, entry=True)
    bot.cycle_of(trade)
    for level in levels:
        sticks(bot, trade, level)
    return bot, trade


def sticks(bot, trade, level):
    bot.cycles[trade.id].stuck[level] = Stuck(95.0, bot.now.timestamp(), 1.0)


def later(bot, time):
    bot.now += time
    bot.price(95.0)
    return bot.tells()


def test_lots_stuck_for_two_hours_are_told_once_and_together():
    bot, _ = stuck_bot(1, 2)
    assert later(bot, 2 * HOUR - timedelta(seconds=1)) == []
    told = f"`{PAIR}` stuck for 2 h: L1, L2, open loss 10.00 `USDT`"
    assert later(bot, timedelta(seconds=1)) == [told]
    for _ in range(30):
        assert later(bot, HOUR) == [told]


def test_lots_that_get_late_within_an_hour_wait_for_one_message():
    bot, trade = stuck_bot(1)
    later(bot, 2 * HOUR)
    bot.heard.clear()
    for level in (2, 3):
        bot.fills(trade, f"L{level}", 100.0, 1.0, entry=True)
        bot.cycle_of(trade)
        sticks(bot, trade, level)
        bot.cycles[trade.id].stuck[level] = Stuck(95.0, (bot.now - 2 * HOUR).timestamp(), 1.0)
        assert later(bot, timedelta(minutes=10)) == []
    assert later(bot, timedelta(minutes=39)) == []
    assert later(bot, timedelta(minutes=1)) == [
        f"`{PAIR}` stuck for 3 h: L2, L3, open loss 10.00 `USDT`"
    ]


def test_a_restart_repeats_no_alert_and_a_lot_stuck_anew_gets_another(url):
    bot, trade = stuck_bot(1)
    later(bot, 2 * HOUR)
    since = bot.cycles[trade.id].stuck[1]
    number = trade.id
    for _ in range(2):
        bot.is_killed(url, HOUR)
        trade = Trade.get_trades([Trade.id == number]).one()
        bot.cycle_of(trade).stuck[1] = since
        later(bot, HOUR)
    assert len(bot.tells()) == 1
    sticks(bot, trade, 1)
    later(bot, 2 * HOUR)
    assert len(bot.tells()) == 2


def test_a_short_that_is_stuck_says_its_loss_too_and_a_profit_is_none():
    for side, loss in ((1, "5.00"), (-1, "0.00")):
        bot, trade = stuck_bot(1)
        cycle = bot.cycles[trade.id]
        cycle.plan = Plan(side, 101.0, 0.01, PLAN.lines, 20.0, 0.0, 0.02)
        assert f"open loss {loss} " in later(bot, 2 * HOUR)[0]


def test_each_trade_is_alerted_of_by_itself_and_without_a_price_nobody_is():
    bot, _ = stuck_bot(1)
    other = bot.opens(100.0, 1.0, pair=OTHER)
    bot.cycle_of(other)
    sticks(bot, other, 1)
    del bot.context.market.series[OTHER]
    assert len(later(bot, 2 * HOUR)) == 1
    bot.price(95.0, OTHER)
    assert len(bot.tells()) == 2


# -- what came while no bot looked on ---------------------------------------------------------


def left_behind(url, *, sold="sell L1", away=CANDLE, told=True, strategy="AdaptiveGrid"):
    """A bot that starts after its cycle's last exit was filled while none ran."""
    bot = Bot()
    trade = bot.opens(100.0, 2.0, strategy=strategy)
    if told:
        bot.cycle_of(trade)
    Trade.commit()
    bot.now += CANDLE
    bot.sells(trade, 110.0, sold)
    bot.is_killed(url, away)
    bot.heard.clear()
    return bot


def test_a_cycle_that_ended_while_no_bot_ran_is_told_at_the_next_start_and_only_then(url, lines):
    bot = left_behind(url)
    assert [line.action for line in lines()] == ["buy"]
    bot.announcer.catch_up(bot.now)
    assert [line.action for line in lines()] == ["buy", "sell"]
    assert lines()[-1].pnl == pytest.approx(19.58)
    assert len(bot.heard) == 1
    assert "cycle closed: harvest 19.58 `USDT` of 1 lots" in bot.heard[0]
    bot.announcer.catch_up(bot.now)
    bot.is_killed(url)
    bot.announcer.catch_up(bot.now)
    assert (len(lines()), len(bot.heard)) == (2, 1)


@pytest.mark.parametrize(
    "unknown",
    [{"strategy": "Another"}, {"away": 2 * DAY}, {"told": False}],
    ids=["another strategy's", "long ago", "never told of"],
)
def test_nothing_is_told_of_trades_that_are_not_ours_or_old_or_were_never_told_of(
    url, lines, unknown
):
    bot = left_behind(url, **unknown)
    before = len(lines())
    bot.announcer.catch_up(bot.now)
    assert (len(lines()), bot.heard) == (before, [])


def test_a_cycle_that_was_told_to_its_end_is_not_told_again_at_a_start(url, lines):
    bot = Bot()
    trade = bot.opens(100.0, 2.0)
    bot.cycle_of(trade)
    bot.sells(trade, 110.0)
    bot.ends(trade)
    bot.is_killed(url)
    bot.announcer.catch_up(bot.now)
    assert (len(lines()), len(bot.heard)) == (2, 1)


def test_of_what_ended_nothing_stays_in_memory(url):
    bot = left_behind(url)
    bot.announcer.catch_up(bot.now)
    trade = bot.opens(100.0, 2.0)
    cycle = bot.cycle_of(trade)
    cycle.stuck[1] = Stuck(95.0, (bot.now - 3 * HOUR).timestamp(), 1.0)
    bot.tells()
    announcer = bot.announcer
    kept = (announcer.fills._told, announcer._told, announcer._last_alert)
    assert [list(one) for one in kept] == [[trade.id]] * 3
    bot.sells(trade, 110.0)
    bot.ends(trade)
    assert [dict(one) for one in kept] == [{}] * 3


# -- features, breakers, differences ----------------------------------------------------------


def test_the_desk_tells_of_features_breakers_and_differences_through_its_announcer():
    desk = strategy_of(RunMode.DRY_RUN).desk
    announcer, sent = desk.announcer, desk.context.strategy.dp.sent
    assert desk.context.features.tell == announcer.messages.feature
    desk.breakers.tell("breaker", "breaker up: drawdown")
    desk.breakers.markets.tell("market", f"{PAIR}: shock")
    assert sent == ["`breaker up: drawdown`", f"`{PAIR}: shock`"]
    assert desk.breakers.markets.books == desk.flow.book


def test_alerts_of_the_account_pass_the_limits_and_those_of_markets_do_not(caplog):
    caplog.set_level(logging.INFO, logger="gridkit")
    bot = Bot(settings={"messages": {"most_per_hour": 2}})
    pairs = [f"C{number}/USDT" for number in range(5)]
    for pair in pairs:
        bot.announcer.market("market breaker", f"{pair}: move")
    assert bot.heard == ["`C0/USDT: move`", "`C1/USDT: move`"]
    for _ in range(3):
        bot.announcer.breaker("breaker", "breaker up: drawdown")
    assert len(bot.heard) == 5
    assert "(3 messages were held back)" in bot.heard[2]
    logged = [record.getMessage() for record in caplog.records]
    assert [f"{pair}: move" in logged for pair in pairs] == [True] * 5, "the log has them all"


def test_one_market_that_flaps_is_told_of_once_in_a_while_and_others_are_not_hushed_by_it():
    bot = Bot()
    for _ in range(3):
        bot.announcer.market("market breaker", f"{PAIR}: move")
    bot.announcer.market("market breaker", f"{OTHER}: move")
    assert bot.heard == [f"`{PAIR}: move`", f"`{OTHER}: move` (2 messages were held back)"]


@pytest.mark.parametrize("holds", [True, False])
def test_a_difference_is_an_alert_and_an_explained_one_a_message_where_no_trade_is(holds):
    bot = Bot(settings={"messages": {"most_per_hour": 1}})
    if holds:
        bot.opens(100.0, 1.0)
    bot.announcer.mismatch(ALERT, PAIR, "2 against 3")
    bot.announcer.mismatch(EXPLAINED, PAIR, "coins beside the lots")
    first = f"`{PAIR}` `2 against 3`"
    second = f"`{PAIR}` `coins beside the lots`"
    assert bot.heard == ([first] if holds else [first, second])
    bot.announcer.mismatch(EXPLAINED, OTHER, "coins beside the lots")
    assert len(bot.heard) == 2, "a message, for which the limits hold"
