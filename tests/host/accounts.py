"""An account around a Fortune and its Breakers: trades, candles and a wallet, without freqtrade."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
from ccxt import TICK_SIZE
from freqtrade.persistence import LocalTrade, Order, Trade

from gridkit.analytics import shocks
from gridkit.host.breakers import Breakers
from gridkit.host.context import Context
from gridkit.host.fortune import Fortune
from gridkit.host.market_data import MarketData
from gridkit.host.outlook import SHOCK
from gridkit.settings import Settings

NOW = datetime(2025, 1, 2, tzinfo=UTC)
CANDLE = timedelta(minutes=5)
CASH = 1_000.0
FEE = 0.001
PAIR, OTHER = "ETH/USDT", "SOL/USDT"


class Wallet:
    """freqtrade's own wallet of a dry-run or backtest, and what the user pays in or takes out."""

    def __init__(self) -> None:
        self.paid_in = CASH

    def get_free(self, _currency: str) -> float:
        open_trades = Trade.get_trades_proxy(is_open=True)
        closed = Trade.get_trades_proxy(is_open=False)
        made = sum(trade.close_profit_abs for trade in closed)
        made += sum(trade.realized_profit for trade in open_trades)
        return self.paid_in + made - sum(trade.stake_amount for trade in open_trades)


class Account:
    """One bot's account at one moment; `now` moves by `wait`."""

    def __init__(self, *, live: bool, settings: dict[str, Any] | None = None, **config: Any):
        self.wallet, self.locks, self.said = Wallet(), [], []
        self.number = 0
        self.config = {"stake_currency": "USDT", "dry_run": True, **config}
        self.pairs = [PAIR, OTHER]
        strategy = SimpleNamespace(
            config=self.config,
            wallets=self.wallet,
            dp=SimpleNamespace(current_whitelist=lambda: self.pairs),
            errors_are_fatal=not live,
            lock_pair=lambda pair, until, reason: self.locks.append((pair, until, reason)),
            get_strategy_name=lambda: "AdaptiveGrid",
        )
        made = Settings.model_validate(settings or {})
        hourly = MarketData(3_600)
        self.context: Any = Context(strategy, made, live, 300, MarketData(300), hourly)
        self.cycles: dict[int, Any] = {}
        self.starts(NOW)

    def starts(self, now: datetime) -> None:
        """A new process on the same database: nothing but that is known."""
        self.fortune = Fortune(self.context, self.cycles)
        self.breakers = Breakers(self.context, self.fortune)
        self.breakers.tell = lambda kind, text: self.said.append(f"{kind}: {text}")
        self.now = now
        for pair in (PAIR, OTHER):
            self.price(100.0, pair)

    def price(self, price: float, pair: str = PAIR, **columns: Any) -> None:
        """The close of all candles of a pair up to now."""
        self.closes([price] * 3, pair, **columns)

    def closes(self, closes: list[float], pair: str = PAIR, **columns: Any) -> None:
        dates = pd.date_range(end=self.now - CANDLE, periods=len(closes), freq=CANDLE)
        frame = pd.DataFrame({"date": dates, "close": closes, "volume": 1.0, "regime_code": 0})
        for name in ("open", "high", "low"):
            frame[name] = frame["close"]
        frame = frame.assign(**columns)
        frame = frame.join(shocks.tripping(frame, self.context.settings))
        shocked = shocks.tripped(frame, self.context.settings) != 0
        seen = dict.fromkeys((1, -1), (SHOCK * shocked).astype("uint8"))
        self.context.market.prepare(pair, frame, seen)

    def look(self) -> "Account":
        self.context.now = self.now
        self.fortune.look(self.now)
        self.breakers.look(self.now)
        return self

    def wait(self, time: timedelta = CANDLE) -> "Account":
        """Let time pass at the same prices, and look."""
        self.now += time
        for pair, series in list(self.context.market.series.items()):
            self.closes(list(series.close), pair)
        return self.look()

    def opens(self, price: float, amount: float, tag: str = "L1", **changes: Any) -> Any:
        """A trade with one filled entry."""
        self.number += 1
        kind = Trade if self.context.live else LocalTrade
        given = {
            "pair": PAIR, "exchange": "binance", "open_rate": price, "amount": 0.0,
            "stake_amount": 0.0, "fee_open": FEE, "fee_close": FEE, "open_date": self.now,
            "is_open": True, "is_short": False, "leverage": 1.0, "amount_precision": 1e-6,
            "price_precision": 1e-6, "precision_mode": TICK_SIZE, "realized_profit": 0.0,
            "precision_mode_price": TICK_SIZE, "contract_size": 1.0, "strategy": "AdaptiveGrid",
        }  # fmt: skip
        trade = kind(**{**given, **({} if self.context.live else {"id": self.number}), **changes})
        if self.context.live:
            Trade.session.add(trade)
            Trade.session.flush()
        else:
            LocalTrade.add_bt_trade(trade)
        self.fills(trade, tag, price, amount, entry=True)
        return trade

    def fills(
        self, trade: Any, tag: str, price: float, amount: float, *, entry: bool = False
    ) -> None:
        """One order that was placed and filled now; the trade closes with its last coin."""
        side = trade.entry_side if entry else trade.exit_side
        order = Order(
            ft_trade_id=trade.id, ft_pair=trade.pair, order_id=f"{trade.id}-{len(trade.orders)}",
            ft_order_side=side, side=side, ft_is_open=False, ft_amount=amount, ft_price=price,
            ft_order_tag=tag, status="closed", price=price, average=price, amount=amount,
            filled=amount, remaining=0.0, cost=amount * price, order_date=self.now,
            order_filled_date=self.now, symbol=trade.pair,
        )  # fmt: skip
        if not self.context.live:
            order._trade_bt = trade
        trade.orders.append(order)
        left = trade.amount - amount
        trade.recalc_trade_from_orders(is_closing=not entry and left < 1e-9)
        if not entry and left < 1e-9:
            trade.is_open, trade.close_date, trade.amount = False, self.now, 0.0
            if not self.context.live:
                LocalTrade.close_bt_trade(trade)
        if self.context.live:
            Trade.commit()

    def sells(self, trade: Any, price: float, tag: str = "sell L1", amount: float = 0.0) -> None:
        self.fills(trade, tag, price, amount or trade.amount)
