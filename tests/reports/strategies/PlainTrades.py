"""One order in, one order out, without our tags: any other freqtrade strategy."""

from typing import ClassVar

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class PlainTrades(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    stoploss = -0.03
    minimal_roi: ClassVar = {"0": 0.01}
    startup_candle_count = 5

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe
