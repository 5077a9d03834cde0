"""HoldOnly: the least a backtest can do while every pair holds a position."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class HoldOnly(IStrategy):
    """Buys each pair once and never sells. No callback that takes a trade."""

    INTERFACE_VERSION = 3

    timeframe = "5m"
    stoploss = -0.99
    minimal_roi = {}  # noqa: RUF012 (freqtrade's own attribute, read only)
    process_only_new_candles = True
    use_exit_signal = False

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Need none."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Want in at every candle; freqtrade enters once per pair."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Never want out."""
        return dataframe
