"""What a backtest leaves behind, as plain values: trades with their fills, candles, funding rows.

Times are whole seconds UTC. A candle and everything in it carry the candle's *opening* time, as
freqtrade's orders do. No freqtrade here: `result.py` fills these in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OrderFill:
    """One filled order. `amount` in base currency, `fee` in stake currency, both positive."""

    is_entry: bool
    is_buy: bool
    price: float
    amount: float
    seconds: int
    fee: float
    tag: str

    @property
    def signed_amount(self) -> float:
        """What the fill adds to the position: positive when bought."""
        return self.amount if self.is_buy else -self.amount

    @property
    def cash_flow(self) -> float:
        """Stake currency received (negative: paid), fee included."""
        return -self.signed_amount * self.price - self.fee


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One trade of the export; `profit` and `funding` are freqtrade's own, in stake currency."""

    pair: str
    is_short: bool
    leverage: float
    fills: tuple[OrderFill, ...]
    profit: float
    funding: float
    exit_reason: str


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one pair, oldest first; gaps and NaN allowed."""

    seconds: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> "Candles":
        """Read freqtrade's OHLCV columns (`date`, `open`, ...)."""
        prices = (
            frame[name].to_numpy(dtype="float64") for name in ("open", "high", "low", "close")
        )
        return cls(epoch_seconds(frame["date"]), *prices)


@dataclass(frozen=True, slots=True)
class FundingRows:
    """Funding of one pair.

    `fee_per_unit` is rate x mark price at each time freqtrade can charge; `unmarked_seconds` are
    the times at which the rate is known and the mark candle is not, so that it charges nothing,
    with their `unmarked_rates`.
    """

    seconds: Ints
    fee_per_unit: Floats
    unmarked_seconds: Ints
    unmarked_rates: Floats
    rates_are_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """Until when a pair was not to open, and why.

    Since when is not known: freqtrade notes the clock on the wall, in a backtest too.
    """

    pair: str
    until: int
    reason: str


@dataclass(frozen=True)
class Run:
    """One backtest of one strategy, with all the data its report is computed from.

    `start` and `end` are the first and the last candle; `step` and `fill_step` are the lengths in
    seconds of the strategy's candles and of those in which orders were filled (the detail
    timeframe, where one was used). `final_balance` is freqtrade's own, None where it gave none, and
    so are `locks`. `stops` are the prices of the stops the trades were entered with, in the order
    of the trades, NaN unknown; None where the strategy says nothing of them.
    """

    strategy: str
    stake_currency: str
    trading_mode: str
    starting_balance: float
    final_balance: float | None
    start: int
    end: int
    step: int
    fill_step: int
    pairs: tuple[str, ...]
    trades: tuple[TradeRecord, ...]
    candles: Mapping[str, Candles]
    fill_candles: Mapping[str, Candles]
    funding: Mapping[str, FundingRows] = field(default_factory=dict)
    funding_step: int = 3600
    fee_fraction: float = 0.0
    warnings: tuple[str, ...] = ()
    locks: tuple[Lock, ...] | None = None
    stops: tuple[float, ...] | None = None

    @property
    def is_futures(self) -> bool:
        """Whether positions pay and receive funding."""
        return self.trading_mode == "futures"


def epoch_seconds(dates: pd.Series) -> Ints:
    """Whole seconds since 1970 of a column of UTC dates, whatever its resolution."""
    return dates.dt.as_unit("s").astype("int64").to_numpy()


def trade_records(trades: Iterable[Mapping[str, Any]]) -> tuple[TradeRecord, ...]:
    """Read trades as freqtrade exports them (or the rows of its results frame)."""
    return tuple(_trade_record(trade) for trade in trades)


def _trade_record(trade: Mapping[str, Any]) -> TradeRecord:
    filled = [order for order in trade["orders"] if _is_filled(order)]
    # Stable: fills of one candle keep the order in which freqtrade did them.
    filled.sort(key=lambda order: order["order_filled_timestamp"])
    return TradeRecord(
        pair=trade["pair"],
        is_short=bool(trade["is_short"]),
        leverage=float(trade.get("leverage") or 1.0),
        fills=tuple(_order_fill(order, trade) for order in filled),
        profit=float(trade.get("profit_abs") or 0.0),
        funding=float(trade.get("funding_fees") or 0.0),
        exit_reason=str(trade.get("exit_reason") or ""),
    )


def _is_filled(order: Mapping[str, Any]) -> bool:
    return order.get("order_filled_timestamp") is not None and order["amount"] > 0


def _order_fill(order: Mapping[str, Any], trade: Mapping[str, Any]) -> OrderFill:
    rate = trade["fee_open"] if order["ft_is_entry"] else trade["fee_close"]
    return OrderFill(
        is_entry=bool(order["ft_is_entry"]),
        is_buy=order["ft_order_side"] == "buy",
        price=float(order["safe_price"]),
        amount=float(order["amount"]),
        seconds=int(order["order_filled_timestamp"]) // 1000,
        fee=order["amount"] * order["safe_price"] * float(rate or 0.0),
        tag=str(order.get("ft_order_tag") or ""),
    )
