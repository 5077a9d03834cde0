"""The columns and signals of the directional strategy alone, loaded by freqtrade's resolver."""

from pandas import DataFrame

from AdaptiveGrid import AdaptiveGrid
from gridkit.host.directional import signals


class Entering(AdaptiveGrid):
    """Enters as Confluence does; prices and exits do not matter."""

    def informative_pairs(self) -> list:
        return signals.informative_pairs(self)

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return signals.indicators(dataframe, metadata["pair"], self)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return signals.entries(dataframe, metadata["pair"], self)


class Predicting(Entering):
    """Entering, with a prediction of its own: sure of a rise."""

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return super().populate_indicators(dataframe.assign(prediction_up=0.9), metadata)
