"""Lots against the exchange: what is found, when it counts, and what it stops."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.data.dataprovider import DataProvider
from freqtrade.enums import RunMode
from freqtrade.exceptions import TemporaryError
from freqtrade.exchange import Exchange
from freqtrade.persistence import Order
from freqtrade.wallets import PositionWallet

from gridkit.grid.lots import Fill, Ledger
from gridkit.host import holdings
from gridkit.host.cycle import Cycle
from gridkit.host.orders import TradeBook
from gridkit.host.reconcile import ALERT, EXPLAINED, RESOLVED, Reconciler
from host.desks import NOW, PAIR, order_of, sees, strategy_of, trade_of

LOOP = timedelta(seconds=5)
MINUTES = timedelta(minutes=5)  # the default of reconcile.minutes
FUTURES = "ETH/USDT:USDT"


class Account:
    """What an exchange keeps for all who trade on one account; `broken` fails every request."""

    def __init__(self) -> None:
        self.coins: dict[str, float] = {}
        self.positions: dict[str, PositionWallet] = {}
        self.orders: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.broken = False

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        if self.broken:
            raise TemporaryError("no answer")

    def fetch_open_orders(self, pair: str) -> list[dict[str, Any]]:
        self._answer(f"orders {pair}")
        return [{"id": number} for number in self.orders.get(pair, [])]

    def fetch_orders(self, pair: str, _since: datetime) -> list[dict[str, Any]]:
        self._answer(f"recent orders {pair}")
        return []

    def exchange_has(self, what: str) -> bool:
        return what == "fetchOpenOrders"

    @property
    def _api(self) -> "Account":
        return self


class Wallets:
    """One bot's view of the account: as of its last update."""

    def __init__(self, account: Account, cash: float = 1_000.0) -> None:
        self._account, self._cash = account, cash
        self._coins: dict[str, float] = {}
        self._positions: dict[str, PositionWallet] = {}

    def update(self) -> None:
        self._account._answer("wallet")
        self._coins, self._positions = dict(self._account.coins), dict(self._account.positions)

    def get_total(self, currency: str) -> float:
        return self._cash if currency == "USDT" else self._coins.get(currency, 0.0)

    get_free = get_total

    def get_all_positions(self) -> dict[str, PositionWallet]:
        return self._positions


@dataclass
class Bench:
    """A reconciler at its desk; `said` is what it told."""

    strategy: Any
    account: Account
    trades: list[Any]
    now: datetime = NOW
    said: list[tuple[str, str, str]] = field(default_factory=list)
    reconciler: Any = None

    def __post_init__(self) -> None:
        self.restarted()

    def restarted(self) -> None:
        desk = self.strategy.desk
        desk.cycles.clear()
        self.reconciler = Reconciler(desk.context, desk.cycles, self._tell)

    def _tell(self, kind: str, pair: str, text: str) -> None:
        self.said.append((kind, pair, text))

    def loops(self, number: int = 2) -> None:
        for _ in range(number):
            self.reconciler.look(self.now)
            self.now += LOOP

    def later(self) -> None:
        """Loops of one look later."""
        self.now += MINUTES
        self.loops(2)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.said]

    def blocked(self, pair: str = PAIR) -> str | None:
        block = self.reconciler.block(pair)
        return block.condition if block else None

    def reads(self, trade: Any) -> None:
        """The desk reads the trade's orders."""
        ledger = Ledger(is_short=trade.is_short, amount_step=0.001)
        book = TradeBook(trade.pair, trade.open_date, ledger)
        book.read_on(trade, {})
        self.strategy.desk.cycles[trade.id] = Cycle(book, SimpleNamespace())


@pytest.fixture
def known_orders(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Ids of the orders in the database."""
    known: set[str] = set()
    monkeypatch.setattr(
        Order, "order_by_id", staticmethod(lambda number, _pair=None: number in known or None)
    )
    monkeypatch.setattr("gridkit.host.adoption.Intent.of", lambda _trade: None)
    return known


@pytest.fixture
def bench(open_trades: list[Any], known_orders: set[str]) -> Bench:
    return bench_of(open_trades)


def bench_of(trades: list[Any], *, futures: bool = False, dry: bool = False, **more: Any) -> Bench:
    pair = FUTURES if futures else PAIR
    more.setdefault("pairs", (pair,))
    strategy = strategy_of(RunMode.DRY_RUN if dry else RunMode.LIVE, **more)
    strategy.config["dry_run"] = dry
    strategy.config["trading_mode"] = "futures" if futures else "spot"
    account = Account()
    strategy.wallets = Wallets(account)
    strategy.dp._exchange = account
    return Bench(strategy, account, trades)


def held(*, pair: str = PAIR, is_short: bool = False, fee: float = 0.0, lots: int = 5) -> Any:
    """A trade of one base coin in lots of 0.2; nothing of it was taken as a fee."""
    side = "sell" if is_short else "buy"
    orders = [order_of(f"L{level}", 100.0 - level, side=side) for level in range(1, lots + 1)]
    for order in orders:
        order.ft_fee_base = 0.0
    trade = trade_of(*orders, pair=pair, is_short=is_short)
    trade.fee_open = fee
    return trade


@pytest.fixture
def spot(bench: Bench) -> Bench:
    """One coin in five lots, read by the desk, and one coin in the wallet."""
    trade = held()
    bench.trades.append(trade)
    bench.reads(trade)
    bench.account.coins["ETH"] = 1.0
    return bench


def test_where_all_agree_nothing_is_said_and_nothing_blocked(spot: Bench) -> None:
    spot.loops(3)
    spot.later()
    assert spot.said == []
    assert spot.blocked() is None


def test_coins_that_are_missing_pause_the_pair_and_say_what_to_do(spot: Bench) -> None:
    spot.account.coins["ETH"] = 0.8
    spot.loops()
    assert spot.blocked() == "lots and wallet differ"
    block = spot.reconciler.block(PAIR)
    assert (block.value, block.threshold) == (0.8, pytest.approx(1.0))
    ((kind, pair, text),) = spot.said
    assert (kind, pair) == (ALERT, PAIR)
    assert "0.8 against 1" in text
    assert "/reload_trade 1" in text
    assert "/forceexit 1" in text


def test_one_look_is_not_believed_since_a_fill_may_be_on_its_way(spot: Bench) -> None:
    spot.account.coins["ETH"] = 0.8
    spot.loops(1)
    assert spot.blocked() is None
    spot.account.coins["ETH"] = 1.0
    spot.loops(1)
    assert spot.said == []
    assert spot.blocked() is None


def test_a_difference_that_changes_is_looked_at_until_it_stands(spot: Bench) -> None:
    for amount in (0.8, 0.6):
        spot.account.coins["ETH"] = amount
        spot.loops(1)
        assert spot.blocked() is None
    spot.loops(1)
    assert spot.blocked() == "lots and wallet differ"


def test_the_second_look_comes_in_the_next_loop_the_third_in_minutes(spot: Bench) -> None:
    spot.account.coins["ETH"] = 0.8
    spot.loops(10)
    assert spot.account.asked.count("wallet") == 2
    spot.later()
    assert spot.account.asked.count("wallet") == 3


def test_a_standing_difference_is_said_once_and_its_end_too(spot: Bench) -> None:
    spot.account.coins["ETH"] = 0.8
    spot.loops()
    for _ in range(3):
        spot.later()
    assert spot.kinds() == [ALERT]
    spot.account.coins["ETH"] = 1.0
    spot.later()
    assert spot.kinds() == [ALERT, RESOLVED]
    assert spot.blocked() is None


def test_a_difference_that_grew_is_said_again_and_alerts_no_more(spot: Bench) -> None:
    for amount in (0.8, 0.4):
        spot.account.coins["ETH"] = amount
        spot.later()
    assert spot.kinds() == [ALERT, EXPLAINED]
    assert spot.reconciler.block(PAIR).value == 0.4


@pytest.mark.parametrize(
    ("coins", "fee", "explanation"),
    [
        (0.9995, 0.0, "amount step"),
        (0.999, 0.001, "fees"),
        (0.992, 0.001, "tolerance"),
        (7.0, 0.0, "the user's own"),
    ],
)
def test_small_differences_and_the_users_own_coins_are_explained(
    bench: Bench, coins: float, fee: float, explanation: str
) -> None:
    trade = held(fee=fee)
    bench.trades.append(trade)
    bench.account.coins["ETH"] = coins
    for _ in range(3):
        bench.later()
    ((kind, _, text),) = bench.said
    assert kind == EXPLAINED
    assert explanation in text
    assert bench.blocked() is None


def test_what_a_resting_order_has_filled_so_far_is_no_difference(bench: Bench) -> None:
    """freqtrade's trade has it once the order is closed; the wallet has it at once."""
    bought = order_of("L1", 99.0, amount=0.5)
    bought.ft_fee_base = 0.0
    selling = order_of("sell L1", 101.0, amount=0.5, side="sell", rests=True)
    selling.filled, selling.remaining = 0.3, 0.2
    trade = trade_of(bought, selling)
    bench.trades.append(trade)
    bench.reads(trade)
    bench.account.coins["ETH"] = 0.2
    bench.loops(3)
    assert bench.said == []


def test_before_the_desk_has_read_a_trade_its_own_amount_counts(bench: Bench) -> None:
    bench.trades.append(held())
    bench.account.coins["ETH"] = 0.5
    bench.loops()
    assert bench.blocked() == "lots and wallet differ"


def test_coins_without_a_trade_are_mentioned_and_block_nothing(bench: Bench) -> None:
    bench.account.coins["ETH"] = 3.0
    bench.loops()
    assert bench.kinds() == [EXPLAINED]
    assert bench.blocked() is None


def test_what_comes_and_goes_is_explained_once(spot: Bench) -> None:
    """Another bot opens and closes its trades in the same coin."""
    for amount in (1.6, 1.0, 2.0, 1.0, 1.7):
        spot.account.coins["ETH"] = amount
        spot.later()
    assert spot.kinds() == [EXPLAINED]


def test_coins_too_few_to_be_sold_are_not_mentioned(bench: Bench) -> None:
    bench.account.coins["ETH"] = 0.01  # 1 USDT, and the exchange takes 5
    bench.loops()
    assert bench.said == []


@pytest.mark.parametrize("dry", [True, False])
def test_lots_that_are_not_the_trades_amount_pause(
    open_trades: list[Any], known_orders: set[str], dry: bool
) -> None:
    bench = bench_of(open_trades, dry=dry)
    trade = held()
    bench.trades.append(trade)
    bench.reads(trade)
    bench.account.coins["ETH"] = 1.0
    bench.strategy.desk.cycles[1].book.ledger.apply(Fill(True, (6,), 94.0, 0.2, 0.0))
    bench.loops()
    assert bench.blocked() in ("lots and trade differ", "lots and wallet differ")
    assert any("lots and trade differ: 1 against 1.2" in text for _, _, text in bench.said)


def test_a_figure_that_is_unknown_changes_nothing(spot: Bench) -> None:
    spot.account.coins["ETH"] = 0.8
    spot.loops()
    spot.account.coins["ETH"] = math.nan
    for _ in range(3):
        spot.later()
    assert spot.blocked() == "lots and wallet differ"
    assert spot.kinds() == [ALERT]


def test_lots_that_are_not_read_at_the_moment_keep_their_pause(spot: Bench) -> None:
    """The desk drops its cycles when settings change."""
    spot.strategy.desk.cycles[1].book.ledger.apply(Fill(True, (6,), 94.0, 0.2, 0.0))
    spot.account.coins["ETH"] = 1.2
    spot.loops()
    assert spot.blocked() == "lots and trade differ"
    spot.strategy.desk.cycles.clear()
    spot.account.coins["ETH"] = 1.0
    spot.later()
    assert spot.blocked() == "lots and trade differ"


def test_a_trade_that_closed_takes_its_difference_with_it(spot: Bench) -> None:
    spot.strategy.desk.cycles[1].book.ledger.apply(Fill(True, (6,), 94.0, 0.2, 0.0))
    spot.account.coins["ETH"] = 1.2
    spot.loops()
    assert spot.blocked() == "lots and trade differ"
    spot.trades.clear()
    spot.account.coins.clear()
    spot.later()
    assert spot.blocked() is None


def test_dry_run_asks_the_exchange_nothing(open_trades: list[Any], known_orders: set[str]) -> None:
    bench = bench_of(open_trades, dry=True)
    bench.trades.append(held())
    bench.loops(3)
    bench.later()
    assert bench.account.asked == []
    assert bench.said == []


def test_switched_off_nothing_is_asked_and_nothing_blocked(
    open_trades: list[Any], known_orders: set[str]
) -> None:
    bench = bench_of(open_trades, reconcile={"enabled": False})
    bench.trades.append(held())
    bench.loops(3)
    assert bench.account.asked == []
    assert bench.blocked() is None


def test_the_time_between_two_looks_is_the_settings(
    open_trades: list[Any], known_orders: set[str]
) -> None:
    bench = bench_of(open_trades, reconcile={"minutes": 1})
    bench.loops(1)
    for seconds, expected in ((50, 1), (10, 2)):
        bench.now += timedelta(seconds=seconds - LOOP.seconds)
        bench.loops(1)
        assert bench.account.asked.count("wallet") == expected


@pytest.mark.parametrize("tolerance", [0.0, 0.3])
def test_the_tolerance_is_the_settings(
    open_trades: list[Any], known_orders: set[str], tolerance: float
) -> None:
    bench = bench_of(open_trades, reconcile={"tolerance": tolerance})
    bench.trades.append(held())
    bench.account.coins["ETH"] = 0.75
    bench.loops()
    assert (bench.blocked() is None) == (tolerance > 0.25)


class TestPositions:
    """Futures: the position is ours alone."""

    @pytest.fixture
    def bench(self, open_trades: list[Any], known_orders: set[str]) -> Bench:
        return bench_of(open_trades, futures=True)

    @pytest.mark.parametrize("is_short", [False, True])
    @pytest.mark.parametrize(
        ("amount", "other_side", "blocked"),
        [
            (1.0, False, None),
            (1.005, False, None),
            (0.9, False, "lots and position differ"),
            (1.2, False, "lots and position differ"),
            (1.0, True, "lots and position differ"),
            (0.0, False, "lots and position differ"),
        ],
    )
    def test_a_position_is_the_lots_on_either_side(
        self, bench: Bench, is_short: bool, amount: float, other_side: bool, blocked: str | None
    ) -> None:
        bench.trades.append(held(pair=FUTURES, is_short=is_short))
        side = "short" if is_short != other_side else "long"
        if amount:
            bench.account.positions[FUTURES] = PositionWallet(FUTURES, amount, 1.0, 50.0, side)
        bench.loops()
        assert bench.blocked(FUTURES) == blocked

    def test_a_position_without_a_trade_keeps_the_pair_from_starting(self, bench: Bench) -> None:
        """The database was lost."""
        bench.account.positions[FUTURES] = PositionWallet(FUTURES, 0.5, 1.0, 50.0, "long")
        bench.loops()
        assert bench.blocked(FUTURES) == "position without a trade"
        ((kind, _, text),) = bench.said
        assert kind == ALERT
        assert "database" in text

    def test_positions_of_pairs_that_are_not_ours_are_let_be(self, bench: Bench) -> None:
        other = "BTC/USDT:USDT"
        bench.account.positions[other] = PositionWallet(other, 0.5, 1.0, 50.0, "long")
        bench.loops()
        assert bench.said == []
        assert bench.blocked(other) is None


class TestOrders:
    """Open orders on the exchange that no database knows."""

    def test_at_start_one_look_at_every_pair_is_enough(
        self, open_trades: list[Any], known_orders: set[str]
    ) -> None:
        """In the first loop already, lest the line an unknown order holds be placed again."""
        pairs = (PAIR, "SOL/USDT", "XRP/USDT")
        bench = bench_of(open_trades, pairs=pairs)
        bench.account.orders["XRP/USDT"] = ["4711"]
        bench.loops(1)
        assert bench.blocked("XRP/USDT") == "unknown open orders"
        assert [bench.blocked(pair) for pair in pairs[:2]] == [None, None]
        ((kind, _, text),) = bench.said
        assert kind == ALERT
        assert "4711" in text

    def test_a_pair_that_left_the_whitelist_with_a_trade_is_still_ours(
        self, open_trades: list[Any], known_orders: set[str]
    ) -> None:
        bench = bench_of(open_trades, pairs=("SOL/USDT",))
        bench.trades.append(held())
        bench.account.coins["ETH"] = 1.0
        bench.account.orders[PAIR] = ["4711"]
        bench.loops(1)
        assert bench.blocked() == "unknown open orders"

    def test_orders_of_the_database_are_ours(self, bench: Bench, known_orders: set[str]) -> None:
        known_orders.add("4711")
        bench.account.orders[PAIR] = ["4711"]
        bench.loops(3)
        assert bench.said == []

    def test_later_two_looks_have_to_agree(self, bench: Bench, known_orders: set[str]) -> None:
        bench.loops(1)
        bench.now += MINUTES
        bench.account.orders[PAIR] = ["4711"]
        bench.loops(1)
        assert bench.blocked() is None
        bench.loops(1)
        assert bench.blocked() == "unknown open orders"

    def test_once_it_is_gone_the_pair_goes_on(self, bench: Bench) -> None:
        bench.account.orders[PAIR] = ["4711"]
        bench.loops(1)
        bench.account.orders.clear()
        bench.later()
        assert bench.blocked() is None
        assert bench.kinds() == [ALERT, RESOLVED]

    def test_after_the_start_a_loop_asks_for_one_pairs_orders(
        self, open_trades: list[Any], known_orders: set[str]
    ) -> None:
        pairs = tuple(f"{name}/USDT" for name in ("ETH", "SOL", "XRP", "ADA"))
        bench = bench_of(open_trades, pairs=pairs)
        bench.loops(1)
        assert sorted(bench.account.asked) == ["orders " + pair for pair in sorted(pairs)] + [
            "wallet"
        ]
        bench.now += MINUTES
        asked = []
        for _ in range(6):
            bench.account.asked.clear()
            bench.loops(1)
            asked.append([what for what in bench.account.asked if what != "wallet"])
        assert asked == [[f"orders {pair}"] for pair in pairs] + [[], []]

    def test_an_exchange_that_cannot_list_orders_is_not_asked(self, bench: Bench) -> None:
        bench.account.exchange_has = lambda _what: False
        bench.loops(2)
        assert bench.account.asked == ["wallet"]


class TestFailing:
    """A look that fails stops nothing, and lets nothing go either."""

    def test_it_is_said_once_and_tried_again(
        self, spot: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        spot.account.broken = True
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                spot.later()
        assert spot.blocked() is None
        assert [
            record.message for record in caplog.records if "not to be compared" in record.message
        ] == [
            "wallet: not to be compared, tried again: TemporaryError('no answer')",
            f"open orders of {PAIR}: not to be compared, tried again: TemporaryError('no answer')",
        ]
        assert spot.account.asked.count("wallet") == 3

    def test_it_is_said_again_once_it_had_worked_meanwhile(
        self, spot: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        for broken in (True, False, True):
            spot.account.broken = broken
            spot.later()
        assert caplog.text.count("wallet: not to be compared") == 2

    def test_a_pause_stands_while_nothing_can_be_known(self, spot: Bench) -> None:
        spot.account.coins["ETH"] = 0.8
        spot.account.orders[PAIR] = ["4711"]
        spot.loops()
        spot.account.broken = True
        spot.account.coins["ETH"], spot.account.orders[PAIR] = 1.0, []
        for _ in range(3):
            spot.later()
        assert spot.blocked() == "lots and wallet differ"
        spot.account.broken = False
        spot.later()
        assert spot.blocked() is None

    def test_a_slow_wallet_leaves_no_time_for_orders(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.loops(1)
        bench.now += MINUTES
        bench.account.asked.clear()
        ticks: Iterator[float] = iter([0.0, 2.0, 3.0, 3.5])
        monkeypatch.setattr("gridkit.host.reconcile.time.monotonic", lambda: next(ticks))
        bench.loops(1)
        assert bench.account.asked == ["wallet"]
        bench.loops(1)
        assert bench.account.asked == ["wallet", f"orders {PAIR}"]


def test_what_is_asked_of_freqtrade_is_still_there() -> None:
    """`_exchange` and `_api` are private: a changed freqtrade shall be noticed here."""
    exchange = SimpleNamespace(
        exchange_has=lambda _: True, _api=SimpleNamespace(fetch_open_orders=lambda _: [])
    )
    provider = DataProvider({"runmode": RunMode.LIVE, "timeframe": "5m"}, exchange)
    assert holdings.unknown_orders(provider, PAIR) == []
    assert "_api" in Exchange.__init__.__code__.co_names
    assert callable(Exchange.exchange_has)


class TestTwoBots:
    """Two bots of ours on one account: each has a database, caps and lots of its own."""

    @pytest.fixture
    def pair_of_bots(self, open_trades: list[Any], known_orders: set[str]) -> tuple[Bench, Bench]:
        account, benches = Account(), []
        for most in (100.0, 300.0):
            bench = bench_of(open_trades, caps={"max_margin": most})
            bench.account = account
            bench.strategy.wallets = Wallets(account)
            bench.strategy.dp._exchange = account
            benches.append(bench)
        return benches[0], benches[1]

    def test_neither_takes_the_others_coins_for_its_own(
        self, pair_of_bots: tuple[Bench, Bench], open_trades: list[Any]
    ) -> None:
        account = pair_of_bots[0].account
        account.coins["ETH"] = 1.0 + 0.6
        for bench, trade in zip(pair_of_bots, (held(), held(lots=3)), strict=True):
            open_trades[:] = [trade]
            bench.reads(trade)
            for _ in range(3):
                bench.later()
            assert set(bench.kinds()) <= {EXPLAINED}
            assert bench.blocked() is None

    def test_each_keeps_its_own_cap_whatever_the_other_does(
        self, pair_of_bots: tuple[Bench, Bench], open_trades: list[Any]
    ) -> None:
        rooms = []
        for bench, trade in zip(pair_of_bots, (held(lots=4), held(lots=2)), strict=True):
            open_trades[:] = [trade]
            sees(bench.strategy, 100.0)
            means = bench.strategy.desk.treasury.means(PAIR, trade, NOW)
            rooms.append(float(trade.stake_amount) + means.room)
        assert rooms[0] <= 100.0 + 1e-6
        assert rooms[1] <= 300.0 + 1e-6
        assert rooms[0] == pytest.approx(100.0)
        assert rooms[1] > 100.0
