"""A strategy at its desk without freqtrade around it: candles, a wallet, markets, trades."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from ccxt import TICK_SIZE
from freqtrade.enums import RunMode
from freqtrade.persistence import LocalTrade, Order

from AdaptiveGrid import AdaptiveGrid
from gridkit.analytics.regime import Regime
from gridkit.host import outlook
from gridkit.settings import RegimeSettings

NOW = datetime(2025, 1, 2, tzinfo=UTC)
CANDLE = timedelta(minutes=5)
PAIR = "ETH/USDT"
CALM, STRONG = 10.0, 60.0
RULE = RegimeSettings()


class Provider:
    """Markets of some pairs; `minimum` is the smallest order, the same on each or by pair."""

    def __init__(self, pairs: tuple[str, ...], minimum: float | dict[str, float]) -> None:
        self.pairs, self.minimum = pairs, minimum
        self.sent: list[str] = []

    def send_msg(self, message: str, *, always_send: bool = False) -> None:
        self.sent.append(message)

    def ticker(self, pair: str) -> dict[str, float]:
        return {"bid": 99.99, "ask": 100.01}

    def current_whitelist(self) -> list[str]:
        return list(self.pairs)

    def market(self, pair: str) -> dict[str, Any]:
        least = self.minimum[pair] if isinstance(self.minimum, dict) else self.minimum
        limits = {"cost": {"min": least}, "amount": {"min": 0.0}}
        return {"symbol": pair, "taker": 0.001, "maker": 0.001, "limits": limits}


class Wallet:
    """Free cash, and nothing else."""

    def __init__(self, cash: float) -> None:
        self.cash = cash

    def get_free(self, _currency: str) -> float:
        return self.cash

    get_total = get_free


def strategy_of(
    runmode: RunMode = RunMode.BACKTEST,
    *,
    pairs: tuple[str, ...] = (PAIR,),
    cash: float = 1_000.0,
    minimum: float | dict[str, float] = 5.0,
    **settings: Any,
) -> AdaptiveGrid:
    config = {
        "runmode": runmode, "stake_currency": "USDT", "timeframe": "5m", "gridkit": settings,
        "exchange": {"name": "binance"}, "custom_price_max_distance_ratio": 0.05,
    }  # fmt: skip
    strategy = AdaptiveGrid(config)
    strategy.dp, strategy.wallets = Provider(pairs, minimum), Wallet(cash)
    strategy.max_open_trades = len(pairs)
    for pair in pairs:
        sees(strategy, 100.0, pair=pair)
    strategy.desk.context.now = NOW
    return strategy


def code_of(strength: float, side: float) -> Regime:
    """The regime by ADX and averages alone."""
    if strength >= RULE.adx_strong and side:
        return Regime.TRENDING_BULLISH if side > 0 else Regime.TRENDING_BEARISH
    return Regime.RANGING if strength < RULE.adx_calm else Regime.UNCERTAIN


def candles_at(
    price: float,
    *,
    strength: float = CALM,
    side: float = 1.0,
    volatility: float = 0.02,
    gap_factor: float = 1.0,
    **columns: float,
) -> pd.DataFrame:
    """A day of candles at one price; the last is closed at NOW. All as `indicators` leaves them.

    `columns` are those of modules that are otherwise taken to be switched off.
    """
    dates = pd.date_range(end=NOW - CANDLE, periods=288, freq=CANDLE)
    return pd.DataFrame(
        {
            "date": dates, "open": price, "high": price, "low": price, "close": price,
            "volume": 1.0, "volatility_daily": volatility, "regime_code": code_of(strength, side),
            "regime_adx": strength, "regime_side": side, "stress_gap_factor": gap_factor,
        }
    ).assign(**columns)  # fmt: skip


def sees(strategy: AdaptiveGrid, price: float, *, pair: str = PAIR, **more: float) -> None:
    """The strategy's last closed candle of a pair."""
    desk, frame = strategy.desk, candles_at(price, **more)
    seen = outlook.of_frame(frame, desk.settings, desk.context.seconds)
    desk.context.market.prepare(pair, frame, seen)


def trade_of(*orders: Order, pair: str = PAIR, number: int = 1, is_short: bool = False) -> Any:
    """An open trade with these orders, oldest first."""
    trade = LocalTrade(
        id=number, pair=pair, exchange="binance", open_rate=100.0, amount=0.0, stake_amount=0.0,
        fee_open=0.001, fee_close=0.001, open_date=NOW - 20 * CANDLE, is_open=True,
        is_short=is_short, leverage=1.0, amount_precision=0.001, price_precision=0.01,
        precision_mode=TICK_SIZE, precision_mode_price=TICK_SIZE, contract_size=1.0,
    )  # fmt: skip
    for index, order in enumerate(orders):
        order.ft_pair, order.order_id, order._trade_bt = pair, f"{number}-{index}", trade
        order.order_date = trade.open_date + index * CANDLE
        order.order_filled_date = None if order.ft_is_open else order.order_date
        trade.orders.append(order)
    trade.recalc_trade_from_orders()
    return trade


def order_of(
    tag: str, price: float, *, amount: float = 0.2, side: str = "buy", rests: bool = False
):
    """One order, filled unless it rests."""
    return Order(
        ft_order_side=side, ft_is_open=rests, ft_amount=amount, ft_price=price, ft_order_tag=tag,
        status="open" if rests else "closed", side=side, price=price, average=price,
        amount=amount, filled=0.0 if rests else amount, remaining=amount if rests else 0.0,
        cost=amount * price,
    )  # fmt: skip
