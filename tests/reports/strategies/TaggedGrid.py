"""A small grid for the tests of the reports: tagged levels, long or short, one line at a time."""

from datetime import datetime
from typing import ClassVar

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

LEVELS = 4
STEP = 0.006
ORDERS_PER_CYCLE = 20


class TaggedGrid(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    can_short = False
    stoploss = -0.99
    minimal_roi: ClassVar = {"0": 100.0}
    position_adjustment_enable = True
    use_exit_signal = True
    startup_candle_count = 5
    order_types: ClassVar = {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }
    leverage_used = 1.0
    unfilledtimeout: ClassVar = {"entry": 30, "exit": 240, "unit": "minutes"}

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        side = "short" if self.can_short else "long"
        dataframe[f"enter_{side}"] = 1
        dataframe["enter_tag"] = "L1"
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def leverage(self, *args, **kwargs) -> float:
        return self.leverage_used

    def _held(self, trade: Trade) -> list[tuple[str, float, float]]:
        held: list[tuple[str, float, float]] = []
        for order in trade.select_filled_orders():
            if order.ft_order_side == trade.entry_side:
                held.append((order.ft_order_tag, order.safe_price, order.safe_amount))
            elif held:
                held.pop()
        return held

    def adjust_trade_position(
        self, trade: Trade, current_time: datetime, current_rate: float, *args, **kwargs
    ) -> tuple[float, str] | None:
        held = self._held(trade)
        if not held or trade.has_open_orders:
            return None
        side = -1 if trade.is_short else 1
        tag, price, amount = held[-1]
        away = side * (current_rate / price - 1)
        if away >= STEP / 2 and len(held) > 1:
            verb = "cover" if trade.is_short else "sell"
            step = 0.00005  # half a step: freqtrade truncates what is asked for
            return -(amount + step) * trade.stake_amount / trade.amount, f"{verb} {tag}"
        if len(held) < LEVELS:
            return 60.0, f"L{len(held) + 1}"
        if away <= -3 * STEP:
            step = 0.00005
            return -(amount + step) * trade.stake_amount / trade.amount, f"stop {tag}"
        return None

    def custom_entry_price(
        self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs
    ):
        if trade is None:
            return proposed_rate
        price = self._held(trade)[-1][1]
        down = 1 - STEP if side == "long" else 1 + STEP
        wanted = price * down
        return min(wanted, proposed_rate) if side == "long" else max(wanted, proposed_rate)

    def custom_exit_price(
        self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs
    ):
        if not (exit_tag or "").startswith(("sell", "cover")):
            return proposed_rate
        price = self._held(trade)[-1][1]
        up = 1 - STEP if trade.is_short else 1 + STEP
        wanted = price * up
        return min(wanted, proposed_rate) if trade.is_short else max(wanted, proposed_rate)

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        held = self._held(trade)
        side = -1 if trade.is_short else 1
        if len(trade.orders) > ORDERS_PER_CYCLE:
            return "flatten cycle"
        if len(held) == 1 and side * (current_rate / held[0][1] - 1) >= STEP:
            return ("cover " if trade.is_short else "sell ") + held[0][0]
        return None


class TaggedGridShort(TaggedGrid):
    can_short = True


class TaggedGridLeveraged(TaggedGrid):
    leverage_used = 3.0
