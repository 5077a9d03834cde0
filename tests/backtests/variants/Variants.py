"""AdaptiveGrid with something planted in it, loaded by freqtrade's own resolver."""

from copy import deepcopy
from typing import Any, ClassVar

import numpy as np
from freqtrade.persistence import LocalTrade
from pandas import DataFrame

from AdaptiveGrid import TRADE_CALLBACKS, AdaptiveGrid
from Confluence import TRADE_CALLBACKS as DIRECTIONAL_CALLBACKS
from Confluence import Confluence

UNCOPIED = "IStrategy."


class Leaking(AdaptiveGrid):
    """Its volatility is that of some candles later."""

    candles_ahead = 3

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        frame = super().populate_indicators(dataframe, metadata)
        frame["volatility_daily"] = frame["volatility_daily"].shift(-self.candles_ahead)
        return frame


class LeakingOne(Leaking):
    candles_ahead = 1


class LeakingRegime(AdaptiveGrid):
    """Its gate knows tomorrow's regime."""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        frame = super().populate_indicators(dataframe, metadata)
        for name in ("regime_code", "regime_adx", "regime_side"):
            frame[name] = frame[name].shift(-288).fillna(0).astype(frame[name].dtype)
        return frame


class Predicted(AdaptiveGrid):
    """Its predictions come and go over the hours, and a fifth of them is not heeded."""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        frame = super().populate_indicators(dataframe, metadata)
        return frame.assign(prediction_up=self.predictions(frame))

    def predictions(self, frame: DataFrame) -> np.ndarray:
        candle = np.arange(len(frame))
        waves = 0.5 + 0.45 * np.sin(candle / 30)
        return np.where(candle // 20 % 5 == 0, np.nan, waves).astype("float32")


class PredictedNothing(Predicted):
    """Its gate stays off."""

    def predictions(self, frame: DataFrame) -> np.ndarray:
        return np.full(len(frame), np.nan, dtype="float32")


class PredictedByCloses(Predicted):
    """Predicts that the last hour goes on."""

    candles_ahead = 0

    def predictions(self, frame: DataFrame) -> np.ndarray:
        move = frame["close"].pct_change(12).shift(-self.candles_ahead).to_numpy()
        return np.where(np.isnan(move), np.nan, np.where(move > 0, 0.9, 0.1)).astype("float32")


class LeakingPrediction(PredictedByCloses):
    """Knows the next hour."""

    candles_ahead = 12


class Comparing(AdaptiveGrid):
    """Compares, whenever it is asked about a pair, its arrays with freqtrade's own frame."""

    def __init__(self, config: dict) -> None:
        super().__init__(config)
        self.compared: list[str] = []
        self.different: list[tuple] = []
        for name in (*TRADE_CALLBACKS, "custom_stake_amount", "confirm_trade_entry"):
            setattr(self, name, self._comparing(name, getattr(self, name)))

    def _comparing(self, name: str, callback: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            trade = kwargs.get("trade")
            self._compare(name, trade.pair if trade else kwargs["pair"], kwargs["current_time"])
            return callback(*args, **kwargs)

        call.__qualname__ = UNCOPIED + name
        return call

    def _compare(self, name: str, pair: str, now: Any) -> None:
        frame, _ = self.dp.get_analyzed_dataframe(pair, self.timeframe)
        last = frame.iloc[-1]
        reading = self.desk.context.market.at(pair, now)
        expected = (
            last["date"].timestamp(), last["close"], last["volatility_daily"],
            last["regime_code"], last["regime_adx"], last["regime_side"],
        )  # fmt: skip
        found = (
            reading.opened, reading.close, reading.volatility,
            reading.regime, reading.adx, reading.side,
        )  # fmt: skip
        self.compared.append(name)
        # repr: NaN equals NaN, and nothing is rounded.
        if repr([float(one) for one in expected]) != repr([float(one) for one in found]):
            self.different.append((name, pair, now, expected, found))


class OneCandleLate(Comparing):
    """Reads the candle before the last one."""

    def _compare(self, name: str, pair: str, now: Any) -> None:
        series = self.desk.context.market.series[pair]
        series.index_at = lambda at: int((at - series.times[0]) // series.seconds) - 2
        super()._compare(name, pair, now)


class Watching:
    """Notes every callback that leaves a trade, or an order, other than it found it."""

    watched: ClassVar[tuple[str, ...]] = TRADE_CALLBACKS

    def __init__(self, config: dict) -> None:
        super().__init__(config)
        self.calls: dict[str, int] = dict.fromkeys(self.watched, 0)
        self.changes: list[tuple] = []
        self.foreign: list[str] = []
        for name in self.watched:
            setattr(self, name, self._watched(name, getattr(self, name)))

    def _watched(self, name: str, callback: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            before = _all_trades()
            trade = kwargs.get("trade")
            if trade is not None and not any(trade is one for one in LocalTrade.bt_trades_open):
                self.foreign.append(name)
            answer = callback(*args, **kwargs)
            after = _all_trades()
            self.calls[name] += 1
            if before != after:
                self.changes.append((name, before, after))
            return answer

        call.__qualname__ = UNCOPIED + name
        return call


class Watched(Watching, AdaptiveGrid):
    """AdaptiveGrid, looked at."""


class WatchedConfluence(Watching, Confluence):
    """Confluence, looked at."""

    watched = DIRECTIONAL_CALLBACKS


class LeakingConfluence(Confluence):
    """Its ATR is a share of the close of the candle that is not over."""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        frame = super().populate_indicators(dataframe, metadata)
        frame["turns_atr"] = 0.01 * frame["close"].shift(-1).ffill()
        return frame


class CopiedConfluence(Confluence):
    """Confluence with callbacks as freqtrade calls them by itself."""

    received_copies: ClassVar[list[bool]] = []

    def __init__(self, config: dict) -> None:
        super().__init__(config)
        self.received_copies.clear()
        for name in DIRECTIONAL_CALLBACKS:
            delattr(self, name)

    def custom_exit(self, pair: str, trade: Any, *args: Any, **kwargs: Any) -> Any:
        own = any(trade is one for one in LocalTrade.bt_trades_open)
        self.received_copies.append(not own)
        return super().custom_exit(pair, trade, *args, **kwargs)


class Meddling(Watched):
    """A callback that changes an order."""

    def __init__(self, config: dict) -> None:
        super().__init__(config)
        honest = self.adjust_trade_position
        self.adjust_trade_position = self._watched("adjust_trade_position", _meddle(honest))


def _meddle(callback: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs["trade"].orders[-1].ft_order_tag += "!"
        return callback(*args, **kwargs)

    return call


class Copied(AdaptiveGrid):
    """Callbacks as freqtrade calls them by itself: with a deep copy of the trade."""

    received_copies: ClassVar[list[bool]] = []

    def __init__(self, config: dict) -> None:
        super().__init__(config)
        self.received_copies.clear()
        for name in TRADE_CALLBACKS:
            delattr(self, name)

    def adjust_trade_position(self, trade: Any, *args: Any, **kwargs: Any) -> Any:
        own = any(trade is one for one in LocalTrade.bt_trades_open)
        self.received_copies.append(not own)
        return super().adjust_trade_position(trade, *args, **kwargs)


def _all_trades() -> list[dict[str, Any]]:
    """Everything in the open trades and their orders, copied deep."""
    return [_content(trade) for trade in LocalTrade.bt_trades_open]


def _content(thing: Any) -> dict[str, Any]:
    kept = {}
    for name, value in vars(thing).items():
        if name == "orders":
            kept[name] = [_content(order) for order in value]
        elif name not in ("_sa_instance_state", "_trade_bt"):
            kept[name] = deepcopy(value)
    return kept
