"""What must be so of FreqAI's section before it starts, and the folder it is given."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.host.prediction import identifier, section
from gridkit.host.prediction.engineering import TIME
from gridkit.prediction import context, features, targets
from gridkit.settings import SECTION, Settings
from gridkit.settings.prediction import FAMILIES

logger = logging.getLogger(__name__)

MODEL = "DirectionModel"
LEAST_VALIDATION, MOST_VALIDATION = 0.05, 0.5


def settle(strategy: Any, config: dict[str, Any], settings: Settings, timeframe: str) -> None:
    """Raise OperationalException with all that is wrong, warn, and settle the identifier.

    Nothing happens where FreqAI is off.
    """
    if not section.is_on(config):
        return
    found = [*wrong(config, settings, timeframe)]
    if found:
        raise OperationalException("; ".join(found))
    for warning in cautions(config["freqai"], settings):
        logger.warning(warning)
    identifier.settle(strategy, config, settings, timeframe)


def wrong(config: Mapping[str, Any], settings: Settings, timeframe: str) -> Iterator[str]:
    """Yield each condition of FreqAI's section and ours that does not hold."""
    freqai, rule = config["freqai"], settings.prediction
    if config.get("freqaimodel") != MODEL:
        yield f"freqaimodel = {config.get('freqaimodel')!r}: must be {MODEL!r}"
    yield from _of_split(freqai.get("data_split_parameters", {}))
    periods = freqai.get("feature_parameters", {}).get("indicator_periods_candles")
    if not periods:
        yield (
            f"freqai.feature_parameters.indicator_periods_candles = {periods!r}: FreqAI wants one "
            "at least, as [14], which changes nothing here"
        )
    if freqai.get("fit_live_predictions_candles", 0):
        yield (
            f"freqai.fit_live_predictions_candles = {freqai['fit_live_predictions_candles']}: must "
            "be 0, as probabilities need no mean and deviation"
        )
    yield from _of_families(config, settings)
    for horizon in rule.horizons:
        try:
            targets.horizon_candles(horizon, timeframe)
        except ValueError as error:
            yield f"{SECTION}.prediction.horizons: {error}"
    from gridkit.prediction import learners  # noqa: PLC0415 (loads LightGBM, which few want)

    missing = learners.missing(rule.learner)
    if missing:
        yield f"{SECTION}.prediction.learner: {missing}"


def _of_families(config: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    chosen = settings.prediction.families
    is_futures = config.get("trading_mode") == "futures"
    if not features.names(chosen) and not context.active(settings, is_futures=is_futures):
        yield (
            f"{SECTION}.prediction.families = {list(chosen)}: none of them has a feature here, as "
            f"their modules are off; allowed are {', '.join(FAMILIES)}"
        )


def _of_split(split: Mapping[str, Any]) -> Iterator[str]:
    if split.get("shuffle", False):
        yield (
            "freqai.data_split_parameters.shuffle = True: must be false, as validation has to come "
            "after training"
        )
    share = split.get("test_size", LEAST_VALIDATION)
    if not LEAST_VALIDATION <= share <= MOST_VALIDATION:
        yield (
            f"freqai.data_split_parameters.test_size = {share}: the share of rows that calibrate, "
            f"allowed is {LEAST_VALIDATION} to {MOST_VALIDATION}"
        )


def cautions(freqai: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Yield what is allowed and switches predictions off for a part of the time."""
    oldest = settings.prediction.gate.max_age_hours
    hours = (
        freqai.get("backtest_period_days", 7) * candles.SECONDS_PER_DAY / candles.SECONDS_PER_HOUR
    )
    if hours > oldest:
        yield (
            f"freqai.backtest_period_days is {hours:g} hours, and a model is heeded for {oldest:g} "
            f"({SECTION}.prediction.gate.max_age_hours): after that predictions change nothing"
        )
    yield from _of_drift(freqai.get("train_period_days", 0), settings)
    yield from _of_gate(settings)
    if freqai.get("live_retrain_hours", 0) > oldest:
        yield (
            f"freqai.live_retrain_hours = {freqai['live_retrain_hours']}: a model is heeded for "
            f"{oldest:g} hours ({SECTION}.prediction.gate.max_age_hours)"
        )


def _of_drift(days: float, settings: Settings) -> Iterator[str]:
    rule = settings.prediction
    if not rule.drift.enabled:
        return
    if rule.drift.days > days:
        yield (
            f"{SECTION}.prediction.drift.days = {rule.drift.days:g}: a model is trained on "
            f"{days:g} (freqai.train_period_days), so that drift is not known at first, and "
            "predictions change nothing until it is"
        )
    if not features.names([one for one in rule.families if one != TIME]):
        yield (
            f"{SECTION}.prediction.families = {list(rule.families)}: none is made of candles, of "
            f"which drift is told; predictions change nothing unless {SECTION}.prediction.drift."
            "enabled is false"
        )


def _of_gate(settings: Settings) -> Iterator[str]:
    rule, gate = settings.prediction, settings.prediction.gate
    most = gate.window_days * candles.SECONDS_PER_DAY / candles.seconds_of(rule.main_horizon)
    if most < gate.least_outcomes:
        yield (
            f"{SECTION}.prediction.gate.least_outcomes = {gate.least_outcomes:g}: of "
            f"{rule.main_horizon} there are at most {most:g} in {gate.window_days:g} days "
            f"({SECTION}.prediction.gate.window_days): predictions never change anything"
        )
