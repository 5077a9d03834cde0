"""Confluence at its desk without freqtrade around it: candles, a wallet, markets, trades."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from freqtrade.enums import MarketDirection, RunMode

from Confluence import Confluence
from gridkit.analytics.candidates import Kind, Why
from gridkit.analytics.regime import Regime
from gridkit.host.directional import prepared
from host.desks import NOW, PAIR, Provider, Wallet, order_of, trade_of

__all__ = ["NOW", "PAIR", "closed", "desk_of", "opened", "order_of", "sees", "strategy_of"]

CANDLE = timedelta(minutes=5)
TAG = "trend bull c1.0"
ATR = 2.0


class Quiet(Provider):
    """No candles but those that the strategy is shown."""

    def get_pair_dataframe(self, *_: Any) -> pd.DataFrame:
        return pd.DataFrame()


def strategy_of(
    runmode: RunMode = RunMode.BACKTEST,
    *,
    pairs: tuple[str, ...] = (PAIR,),
    cash: float = 1_000.0,
    minimum: float = 5.0,
    trading_mode: str = "spot",
    **settings: Any,
) -> Confluence:
    config = {
        "runmode": runmode, "stake_currency": "USDT", "timeframe": "5m", "gridkit": settings,
        "exchange": {"name": "binance"}, "trading_mode": trading_mode,
    }  # fmt: skip
    strategy = Confluence(config)
    strategy.dp, strategy.wallets = Quiet(pairs, minimum), Wallet(cash)
    strategy.max_open_trades = len(pairs)
    strategy.market_direction = MarketDirection.NONE
    strategy.desk.context.now = NOW
    for pair in pairs:
        sees(strategy, 100.0, pair=pair)
    return strategy


def desk_of(*args: Any, **kwargs: Any) -> Any:
    return strategy_of(*args, **kwargs).desk


def sees(strategy: Confluence, price: float, *, pair: str = PAIR, **columns: Any) -> None:
    """A day of candles at one price, the last closed at NOW, which offer a long entry."""
    dates = pd.date_range(end=NOW - CANDLE, periods=288, freq=CANDLE)
    frame = pd.DataFrame(
        {
            "date": dates, "open": price, "high": price, "low": price, "close": price,
            "volume": 1.0, "volatility_forecast": 0.5, "regime_code": Regime.TRENDING_BULLISH,
            "regime_adx": 40.0, "regime_side": 1.0, "turns_atr": ATR, "turns_momentum": 0,
            "entry_kind": Kind.TREND, "entry_side": 1, "entry_score": 0.5, "entry_threshold": 0.25,
            "entry_confidence": 1.0, "entry_size": 1.0, "entry_block": Why.ENTERS,
        }
    ).assign(**columns)  # fmt: skip
    prepared.prepare(frame, pair, strategy.desk)


def opened(*exits: Any, amount: float = 1.0, price: float = 100.0, **more: Any) -> Any:
    """An open long position and what left it since, stop 5 below."""
    trade = trade_of(order_of(TAG, price, amount=amount), *exits, **more)
    trade.enter_tag = TAG
    trade.initial_stop_loss_pct = -0.25
    trade.stop_loss = price - 2.5 * ATR
    return trade


def closed(pair: str = PAIR, at: datetime = NOW, number: int = 9) -> Any:
    trade = opened(pair=pair, number=number)
    trade.is_open, trade.close_date = False, at.astimezone(UTC)
    return trade
