"""DirectionModel: how likely price rises over each horizon, given that it moves enough."""

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from freqtrade.configuration import TimeRange
from freqtrade.freqai.data_kitchen import FreqaiDataKitchen
from freqtrade.freqai.freqai_interface import IFreqaiModel
from freqtrade.strategy import IStrategy
from numpy import ndarray
from pandas import DataFrame

# Copied folders: the library lies beside this one.
if find_spec("gridkit") is None:
    sys.path.append(str(Path(__file__).resolve().parent.parent / "strategies"))

from gridkit.host.prediction import keeping
from gridkit.host.prediction.learning import Learning
from gridkit.prediction.training import Predictor


class DirectionModel(IFreqaiModel):
    """FreqAI's questions, answered by gridkit's learners."""

    def __init__(self, config: dict, **kwargs) -> None:
        keeping.set_aside_unreadable(config)
        super().__init__(config=config, **kwargs)
        keeping.write_in_turn(self.dd)
        self.learning = Learning(self, config)
        self.CONV_WIDTH = self.learning.width

    def start(self, dataframe: DataFrame, metadata: dict, strategy: IStrategy) -> DataFrame:
        """Return the frame with predictions."""
        ask = partial(super().start, dataframe, metadata, strategy)
        return self.learning.started(ask, metadata["pair"])

    def extract_data_and_train_model(
        self,
        new_trained_timerange: TimeRange,
        pair: str,
        strategy: IStrategy,
        dk: FreqaiDataKitchen,
        data_load_timerange: TimeRange,
    ) -> None:
        """Train a pair beside trading."""
        timeranges = (new_trained_timerange, pair, strategy, dk, data_load_timerange)
        train = partial(super().extract_data_and_train_model, *timeranges)
        self.learning.trained_in_time(train, pair, strategy)

    def build_strategy_return_arrays(
        self, dataframe: DataFrame, dk: FreqaiDataKitchen, pair: str, trained_timestamp: int
    ) -> None:
        """Keep the whole frame for a moment: `predict` is given its last rows alone."""
        self.learning.recent[pair] = dataframe
        super().build_strategy_return_arrays(dataframe, dk, pair, trained_timestamp)

    def _append_null_backtesting_predictions(
        self, dk: FreqaiDataKitchen, dataframe_backtest: DataFrame
    ) -> None:
        """Leave days whose training failed unknown; FreqAI would read that again for ever."""
        super()._append_null_backtesting_predictions(dk, dataframe_backtest)
        dk.backtesting_results_path.unlink()

    def train(
        self, unfiltered_df: DataFrame, pair: str, dk: FreqaiDataKitchen, **kwargs: Any
    ) -> Predictor:
        """Train on a window of candles with features and labels."""
        return self.learning.train(unfiltered_df, pair, dk)

    def fit(self, data_dictionary: dict, dk: FreqaiDataKitchen, **kwargs: Any) -> Predictor:
        """Let the learners learn."""
        return self.learning.fit(data_dictionary, dk)

    def predict(
        self, unfiltered_df: DataFrame, dk: FreqaiDataKitchen, **kwargs: Any
    ) -> tuple[DataFrame, ndarray]:
        """Predict for candles with features."""
        return self.learning.predict(unfiltered_df, self.model, dk)
