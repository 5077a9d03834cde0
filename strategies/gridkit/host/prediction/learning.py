"""What FreqAI's model class does: train on FreqAI's frames, predict, outlive failures."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.enums import RunMode
from freqtrade.exceptions import DependencyException

from gridkit import candles
from gridkit.host.prediction import drifting, keeping
from gridkit.host.prediction.section import ANSWERS, DRIFTED, LABEL, SHIFT, TRAINED
from gridkit.host.prediction.training_times import TrainingTimes
from gridkit.prediction import learners, training
from gridkit.prediction.training import Predictor, Recipe
from gridkit.settings import Settings

if TYPE_CHECKING:
    from freqtrade.freqai.data_kitchen import FreqaiDataKitchen
    from freqtrade.freqai.freqai_interface import IFreqaiModel

logger = logging.getLogger(__name__)

TRADING = (RunMode.LIVE, RunMode.DRY_RUN)
TIMES = "opened"  # travels with the labels, as FreqAI's pipeline may drop rows
PAUSE_SECONDS = 20  # of the training thread, which would ask again at once
VALIDATION = 0.2


class Learning:
    """Of one FreqAI model object. `told` says why a pair has no prediction, where it has none."""

    def __init__(self, model: "IFreqaiModel", config: dict[str, Any]) -> None:
        self.model = model
        self.settings = Settings.from_config(config)
        self.recipe = recipe(config, self.settings)
        self.width = learners.named(self.recipe.learner).width(self.recipe.parameters)
        self.seconds = candles.seconds_of(config["timeframe"])
        self.timeframe = str(config["timeframe"])
        self.live = config.get("runmode") in TRADING
        self.told: dict[str, str] = {}
        self.recent: dict[str, pd.DataFrame] = {}
        self.saver = keeping.Saver()
        self.drifts = drifting.Drifts(self.settings.prediction.drift, self.seconds)
        hours = float(config["freqai"].get("live_retrain_hours", 0))
        self.times = TrainingTimes(hours, self.settings.prediction.retrain_budget)

    def started(self, start: Callable[[], pd.DataFrame], pair: str) -> pd.DataFrame:
        """Return FreqAI's answer. Live, a pair for which that fails is trained anew."""
        if not self.live:
            with _to_the_end(self.model.config, self.seconds):
                return start()
        try:
            answer = start()
        except Exception as error:
            keeping.give_up(self.model, pair)
            self.told[pair] = f"the model cannot be used and is made anew: {error!r}"
            raise
        keeping.even_dates(self.model.dd)
        self.saver.look(self.model.dd)
        return answer

    def trained_in_time(self, train: Callable[[], None], pair: str, strategy: Any) -> None:
        """Train a pair, unless that failed lately; warn where training takes longer than it may."""
        if self.times.rests(pair):
            self.model._stop_event.wait(PAUSE_SECONDS)
            return
        try:
            with self.times.measured(pair):
                train()
        except Exception as error:
            self.told[pair] = f"training failed: {error}"
            raise
        self.told.pop(pair, None)
        warning = self.times.warning(len(strategy.dp.current_whitelist()))
        if warning:
            logger.warning(warning)
            strategy.dp.send_msg(f"gridkit: {warning}")

    def train(self, frame: pd.DataFrame, pair: str, dk: "FreqaiDataKitchen") -> Predictor:
        """Train on FreqAI's window, and leave in its kitchen what it saves with a model.

        Raises DependencyException where there is too little to learn from.
        """
        self.told[pair] = "training"
        names, labels = dk.training_features_list, dk.label_list
        kept = frame[_whole(frame[[*names, *labels]])]
        if kept.empty:
            raise DependencyException(f"{pair}: no candle has all {len(names)} features and labels")
        answers = kept[labels].assign(**{TIMES: candles.times(kept)})
        dk.feature_pipeline = self.model.define_data_pipeline(threads=dk.thread_count)
        learned, answers, weights = dk.feature_pipeline.fit_transform(
            kept[names].astype("float64"), answers, self._weights(len(kept), dk)
        )
        dd = {"train_features": learned, "train_labels": answers, "train_weights": weights}
        predictor = self.model.fit(dd, dk)
        predictor.trained = float(candles.times(frame)[-1]) + self.seconds
        self.drifts.remember(predictor, frame, self._own(names, pair))
        # Backtests forget a model they do not save; live, FreqAI puts it there with its pipeline.
        if self.model.continual_learning and not self.live:
            self.model.dd.model_dictionary[pair] = predictor
        self._leave(predictor, dd, kept, dk)
        self.told.pop(pair, None)
        return predictor

    def fit(self, dd: dict[str, Any], dk: "FreqaiDataKitchen") -> Predictor:
        """Let the learners learn; where learning is continual, from where the last model stands."""
        answers = dd["train_labels"]
        outcomes = answers.drop(columns=TIMES).rename(columns=lambda one: one.removeprefix(LABEL))
        before = self.model.get_init_model(dk.pair)
        try:
            return training.train(
                dd["train_features"],
                answers[TIMES].to_numpy("float64"),
                outcomes,
                self.seconds,
                self.recipe,
                weights=dd["train_weights"],
                before=before,
            )
        except ValueError as error:
            raise DependencyException(f"{dk.pair}: {error}") from None

    def predict(
        self, frame: pd.DataFrame, predictor: Predictor, dk: "FreqaiDataKitchen"
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Return predictions of each candle, and 1 where they count: all features were known."""
        dk.find_features(frame)
        if frame.empty:  # of a window that begins after the last candle
            dk.do_predict = dk.DI_values = np.zeros(0)
            return pd.DataFrame(columns=_outputs(predictor), dtype="float64"), dk.do_predict
        shown = frame[dk.training_features_list].astype("float64")
        known = _whole(shown)
        filled = pd.DataFrame(np.where(known[:, None], shown, 0.0), columns=shown.columns)
        seen, inside, _ = dk.feature_pipeline.transform(filled, outlier_check=True)
        dk.DI_values = _dissimilarity(dk, len(frame))
        dk.do_predict = np.where(known, inside, 0).astype(int)
        # A learner that looks back must not take what was filled for candles.
        seen = np.where(known[:, None], seen, np.nan)
        shown = pd.DataFrame(seen, columns=predictor.names)
        found = predictor.predict(shown).add_prefix(LABEL)
        whole = self.recent.pop(dk.pair, frame)
        found[DRIFTED] = SHIFT + self.drifts.of(predictor, whole, len(frame))
        return found, dk.do_predict

    def _weights(self, rows: int, dk: "FreqaiDataKitchen") -> Any:
        recent = dk.freqai_config["feature_parameters"].get("weight_factor", 0) > 0
        return dk.set_weights_higher_recent(rows) if recent else np.ones(rows)

    def _own(self, names: list[str], pair: str) -> list[str]:
        """Name the features of the pair's own candles, which alone tell a drift from a trend."""
        ending = f"_{pair.replace(':', '')}_{self.timeframe}"
        return [name for name in names if name.endswith(ending)]

    def _leave(
        self, predictor: Predictor, dd: dict[str, Any], kept: pd.DataFrame, dk: "FreqaiDataKitchen"
    ) -> None:
        """Leave what FreqAI saves: of the rows none, as they take more room than all models."""
        dk.data_dictionary = {**dd, "train_features": dd["train_features"].iloc[:0]}
        dk.data_dictionary["train_dates"] = kept["date"].iloc[:0]
        outputs = _outputs(predictor)
        # Live, FreqAI wants a mean and a deviation of each; nobody reads them.
        dk.data["labels_mean"] = dict.fromkeys(outputs, 0) if self.live else {}
        dk.data["labels_std"] = dict.fromkeys(outputs, 0) if self.live else {}
        dk.data["extra_returns_per_train"] = {TRAINED: predictor.trained}


@contextmanager
def _to_the_end(config: dict[str, Any], seconds: int) -> Iterator[None]:
    """In a bias analysis, let FreqAI predict the candle that opens when the timerange ends, too.

    freqtrade's frames have it, and compare it with what longer runs say of it.
    """
    if config.get("runmode") != RunMode.UTIL_NO_EXCHANGE:
        yield
        return
    given = config["timerange"]
    longer = TimeRange.parse_timerange(given)
    longer.stopts += seconds
    config["timerange"] = longer.timerange_str
    try:
        yield
    finally:
        config["timerange"] = given


def recipe(config: dict[str, Any], settings: Settings) -> Recipe:
    """Return how learners are trained, of our settings and FreqAI's section."""
    freqai, rule = config["freqai"], settings.prediction
    split = freqai.get("data_split_parameters", {})
    return Recipe(
        learner=rule.learner,
        calibration=rule.calibration,
        seed=rule.seed,
        members=rule.members,
        validation_fraction=float(split.get("test_size", VALIDATION)),
        embargo_seconds=rule.embargo_minutes * 60,
        # One by default: trading goes on beside, and on small windows more are hardly faster.
        threads=int(freqai.get("data_kitchen_thread_count", 0)) or 1,
        parameters=dict(freqai.get("model_training_parameters", {})),
    )


def _outputs(predictor: Predictor) -> list[str]:
    """Name the columns of its predictions."""
    asked = [f"{LABEL}{what}_{one}" for one in predictor.horizons for what in ANSWERS]
    return [*asked, DRIFTED]


def _whole(frame: pd.DataFrame) -> np.ndarray:
    """Tell the rows in which everything is a finite number. Shape (n,)."""
    return np.isfinite(frame.to_numpy("float64")).all(axis=1)


def _dissimilarity(dk: "FreqaiDataKitchen", rows: int) -> np.ndarray:
    index = dict(dk.feature_pipeline.steps).get("di")
    return np.zeros(rows) if index is None else index.di_values
