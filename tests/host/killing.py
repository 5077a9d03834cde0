"""A bot in this process that can lose power anywhere, and an exchange account that outlives it.

freqtrade trades for real here (`dry_run` false), through ccxt's own Binance class whose private
methods answer from a `Venue`; markets and candles come from the sandbox. So orders, partial fills,
cancels and the update of open orders at start take freqtrade's live path.
"""

import json
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import ccxt
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Order, Trade, WalletHistory
from freqtrade.persistence.custom_data import _CustomData
from freqtrade.persistence.key_value_store import _KeyValueStoreModel
from freqtrade.persistence.pairlock import PairLock
from freqtrade.resolvers import ExchangeResolver

from backtests import runs
from gridkit.host.desk import GridDesk
from sandbox.running import RunningExchange, running_exchange

PAIR, BASE, QUOTE = "ETH/USDT", "ETH", "USDT"
FEE = 0.001
SPREAD = 0.0001  # of the price, between bid and ask


class Killed(BaseException):
    """The power went out. No handler of an Exception stops it."""


@dataclass
class Venue:
    """An account on an exchange: one price, orders that fill when it crosses them, balances.

    Fees are taken in stake currency, or a buy's in the coin, as Binance does.
    """

    price: float
    fee_in_coin: bool = False
    balances: dict[str, float] = field(default_factory=lambda: {QUOTE: 1_000.0, BASE: 0.0})
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: int = 0

    def moves(self, price: float) -> None:
        """Let the price jump; what it reaches or crosses is filled at the order's own price."""
        self.price = price
        for order in self.open_orders():
            if self._crosses(order):
                self.fills(order, order["remaining"])

    def fills(self, order: dict[str, Any], amount: float) -> None:
        """Fill some of an order."""
        side, price = order["side"], order["price"]
        order["filled"] = round(order["filled"] + amount, 8)
        order["remaining"] = round(order["amount"] - order["filled"], 8)
        order["cost"], order["average"] = order["filled"] * price, price
        sign = 1 if side == "buy" else -1
        self.balances[BASE] += sign * amount
        self.balances[QUOTE] -= sign * amount * price
        if self.fee_in_coin and side == "buy":
            self.balances[BASE] -= amount * FEE
            order["fee"] = {"cost": order["filled"] * FEE, "currency": BASE, "rate": FEE}
        else:
            self.balances[QUOTE] -= amount * price * FEE
            order["fee"] = {"cost": order["cost"] * FEE, "currency": QUOTE, "rate": FEE}
        if order["remaining"] <= 0:
            order["status"] = "closed"

    def fills_by_hand(self, side: str, amount: float) -> None:
        """Let the user trade at market, past the bot."""
        self.create_order(f"{BASE}/{QUOTE}", "market", side, amount, None)

    def open_orders(self) -> list[dict[str, Any]]:
        return [order for order in self.orders.values() if order["status"] == "open"]

    def _crosses(self, order: dict[str, Any]) -> bool:
        away = order["price"] - self.price
        return away >= 0 if order["side"] == "buy" else away <= 0

    # ccxt's methods, as freqtrade calls them

    def create_order(
        self, symbol: str, kind: str, side: str, amount: float, price: float | None, _: Any = None
    ) -> dict[str, Any]:
        self.clock += 1
        number = f"{1000 + self.clock}"
        order = {
            "id": number, "clientOrderId": number, "symbol": symbol, "type": kind, "side": side,
            "price": price or self.price, "amount": amount, "filled": 0.0, "remaining": amount,
            "cost": 0.0, "average": None, "status": "open", "fee": None, "trades": [], "info": {},
            "timestamp": ccxt.Exchange.milliseconds(), "datetime": None,
            "lastTradeTimestamp": ccxt.Exchange.milliseconds(),
        }  # fmt: skip
        self.orders[number] = order
        if kind == "market" or self._crosses(order):
            self.fills(order, amount)
        return deepcopy(order)

    def cancel_order(self, number: str, *_: Any, **__: Any) -> dict[str, Any]:
        order = self.orders[number]
        if order["status"] == "open":
            order["status"] = "canceled"
        return deepcopy(order)

    def fetch_order(self, number: str, *_: Any, **__: Any) -> dict[str, Any]:
        if number not in self.orders:
            raise ccxt.OrderNotFound(number)
        return deepcopy(self.orders[number])

    def fetch_orders(self, symbol: str, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [deepcopy(one) for one in self.orders.values() if one["symbol"] == symbol]

    def fetch_open_orders(self, symbol: str, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [deepcopy(one) for one in self.open_orders() if one["symbol"] == symbol]

    def fetch_my_trades(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return []

    def fetch_balance(self, *_: Any, **__: Any) -> dict[str, Any]:
        used = {QUOTE: 0.0, BASE: 0.0}
        for order in self.open_orders():
            buys = order["side"] == "buy"
            used[QUOTE if buys else BASE] += order["remaining"] * (order["price"] if buys else 1.0)
        return {
            currency: {"free": total - used[currency], "used": used[currency], "total": total}
            for currency, total in self.balances.items()
        }

    def fetch_l2_order_book(self, symbol: str, *_: Any, **__: Any) -> dict[str, Any]:
        bid, ask = self.price * (1 - SPREAD / 2), self.price * (1 + SPREAD / 2)
        return {"symbol": symbol, "bids": [[bid, 1e6]], "asks": [[ask, 1e6]], "timestamp": None}

    def fetch_ticker(self, symbol: str, *_: Any, **__: Any) -> dict[str, Any]:
        book = self.fetch_l2_order_book(symbol)
        return {
            "symbol": symbol, "last": self.price, "bid": book["bids"][0][0],
            "ask": book["asks"][0][0], "quoteVolume": 1e9,
        }  # fmt: skip


METHODS = (
    "create_order", "cancel_order", "fetch_order", "fetch_orders", "fetch_open_orders",
    "fetch_my_trades", "fetch_balance", "fetch_l2_order_book", "fetch_ticker",
)  # fmt: skip


MODELS = (Trade, Order, PairLock, WalletHistory, _CustomData, _KeyValueStoreModel)


@dataclass(frozen=True)
class Snapshot:
    """All that outlives a bot: the account and the database, as they were at one moment."""

    when: str
    step: int
    account: Venue
    database: bytes
    settings: dict[str, Any]
    matters: list[Any]

    def trades(self) -> list[Any]:
        """Return the rows of the trades."""
        return self.matters[1]

    def is_like(self, other: "Snapshot") -> bool:
        """Whether a bot would find the same."""
        return (self.account, self.matters) == (other.account, other.matters)


# Of the database, what a bot that starts reads and does not work out anew.
MATTERS = (
    "select order_id, status, filled, ft_is_open, ft_fee_base, ft_order_tag, ft_cancel_reason "
    "from orders",
    "select id, is_open, amount, stake_amount, fee_open_currency, open_rate from trades",
    "select ft_trade_id, cd_key, cd_value from trade_custom_data",
)


class Market:
    """The sandbox, and freqtrade's exchange object on it, which all worlds share: it is slow."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.config_path, self._url = exchange.config_path, exchange.url
        self._loaded: Any = None

    def load(self, load: Callable[..., Any]) -> Callable[..., Any]:
        """Return freqtrade's way of building an exchange, gone once."""

        def loaded(*arguments: Any, **named: Any) -> Any:
            if self._loaded is None:
                self._loaded = load(*arguments, **named)
            return self._loaded

        return loaded

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
        self._loaded = None

    def price(self) -> float:
        with urlopen(f"{self._url}/api/v3/ticker/price?symbol=ETHUSDT") as answer:
            return float(json.load(answer)["price"])


@contextmanager
def running_market() -> Iterator[Market]:
    """Run a sandbox whose clock runs: freqtrade trades on no candles of yesterday."""
    with running_exchange() as running:
        market = Market(running)
        yield market
        market.close()


class World:
    """One account, one database, and the bots that live on them one after the other."""

    def __init__(self, folder: Path, market: Market, **settings: Any) -> None:
        self.database = folder / "trades.sqlite"
        self.folder, self._market, self._settings = folder, market, settings
        self.account = Venue(0.0)
        self.start = 0.0
        self.bot: FreqtradeBot | None = None
        self._lives = 0
        self.watch: Callable[[str], None] = lambda _: None

    @contextmanager
    def open(self, at: float | None = None) -> Iterator["World"]:
        """Have ccxt's Binance ask the account, and freqtrade build its exchange once.

        The price starts where the sandbox has it, or `at` another.
        """
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # freqtrade's own
            for model in MODELS:  # freqtrade gives them a session; it must not outlive the test
                patch.setattr(model, "session", None, raising=False)
                delattr(model, "session")
            for name in METHODS:
                patch.setattr(ccxt.binance, name, self._asking(name))
            load = self._market.load(ExchangeResolver.load_exchange)
            patch.setattr(ExchangeResolver, "load_exchange", staticmethod(load))
            for owner, name in ((Trade, "commit"), (Trade, "set_custom_data")):
                patch.setattr(owner, name, self._watched(owner, name))
            self.account.price = self.start = at or self._market.price()
            yield self
            self.forget()

    def starts(self, **settings: Any) -> FreqtradeBot:
        """Start a bot on what there is; whatever lived before is forgotten, not shut down."""
        self._settings = {**self._settings, **settings}
        self.forget()
        self.bot = FreqtradeBot(self._config())
        self.bot.startup()
        return self.bot

    def reloads(self, **settings: Any) -> FreqtradeBot:
        """Do what freqtrade's worker does on /reload_config."""
        assert self.bot is not None
        self.bot.cleanup()
        self._market.close()
        return self.starts(**settings)

    @property
    def desk(self) -> GridDesk:
        assert self.bot is not None
        return self.bot.strategy.desk

    def forget(self) -> None:
        """Drop all that is in memory, the database's session with it."""
        self.bot = None
        if hasattr(Trade, "session"):
            Trade.rollback()
            Trade.session.remove()
            Trade.session.get_bind().dispose()

    def loses_the_database(self) -> None:
        self.forget()
        self._lives += 1
        self.database = self.folder / f"trades{self._lives}.sqlite"

    def loops(self, number: int) -> None:
        for _ in range(number):
            self.bot.process()

    def dies(self, name: str, number: int, step: Callable[[], None]) -> None:
        """Take a step, in which the power goes out at the `number`-th `name` (from 1)."""
        counted = count(1)

        def fuse(when: str) -> None:
            if when == name and next(counted) == number:
                raise Killed(when)

        self.watch = fuse
        with pytest.raises(Killed):
            step()
        self.watch = lambda _: None

    def keep(self, when: str, step: int) -> Snapshot:
        with closing(sqlite3.connect(self.database)) as connection:
            committed = connection.serialize()
            matters = [connection.execute(query).fetchall() for query in MATTERS]
        return Snapshot(when, step, deepcopy(self.account), committed, self._settings, matters)

    def restore(self, snapshot: Snapshot) -> None:
        """Put account and database back to a moment."""
        self.account, self._settings = deepcopy(snapshot.account), snapshot.settings
        self._lives += 1
        self.database = self.folder / f"trades{self._lives}.sqlite"
        self.database.write_bytes(snapshot.database)

    def _config(self) -> dict[str, Any]:
        own = self.folder / "own.json"
        own.write_text(json.dumps({
            "dry_run": False, "max_open_trades": 1, "exchange": {"pair_whitelist": [PAIR]},
            "strategy_path": str(runs.STRATEGIES), "gridkit": self._settings,
        }))  # fmt: skip
        (self.folder / "user_data").mkdir(exist_ok=True)
        files = [runs.CONFIG, self._market.config_path, own]
        arguments = {
            "config": [str(file) for file in files], "db_url": f"sqlite:///{self.database}",
            "user_data_dir": str(self.folder / "user_data"),
        }  # fmt: skip
        return Configuration(arguments, RunMode.LIVE).get_config()

    def _asking(self, name: str) -> Callable[..., Any]:
        def ask(_binance: ccxt.binance, *arguments: Any, **named: Any) -> Any:
            self.watch(f"before {name}")
            answer = getattr(self.account, name)(*arguments, **named)
            self.watch(f"after {name}")
            return answer

        return ask

    def _watched(self, owner: Any, name: str) -> Any:
        original = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self.watch(f"before {name}")
            answer = original(*arguments, **named)
            self.watch(f"after {name}")
            return answer

        return staticmethod(watched) if name == "commit" else watched
