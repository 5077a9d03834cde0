"""One number to tune, for the hyperopt test; knows nothing of gridkit."""

from typing import ClassVar

from freqtrade.strategy import IntParameter, IStrategy
from pandas import DataFrame


class TunedTrades(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    stoploss = -0.03
    minimal_roi: ClassVar = {"0": 0.01}
    startup_candle_count = 5
    every = IntParameter(1, 20, default=3, space="buy")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["enter_long"] = (dataframe.index % self.every.value == 0).astype("int")
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe
