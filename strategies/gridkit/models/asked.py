"""What is to be compared: options, over what a configuration says, over defaults."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from gridkit.check.markets import FEES
from gridkit.host import config_files
from gridkit.host.config_files import ConfigFilesError
from gridkit.host.pair_rules import costs_of
from gridkit.host.prediction.learning import VALIDATION, recipe
from gridkit.models import given
from gridkit.models.errors import ModelsError
from gridkit.models.given import FREQAI, SHOWN, Config, Days
from gridkit.models.market import Files, is_futures
from gridkit.prediction import learners, targets
from gridkit.prediction.training import Recipe
from gridkit.settings import SECTION, Settings, SettingsError

TRAIN_DAYS, TEST_DAYS = 30.0, 7.0
MOST_SEED = 2**31 - 1
FORMATS = ("feather", "parquet", "json", "jsongz")
SPLIT = "data_split_parameters"
SHIFTED = "include_shifted_candles"


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison. `start` and `end` (seconds UTC) are of what is predicted; None: all there is.

    The first of `timeframes` is the one whose candles are predicted. `weight_factor` is FreqAI's: 0
    has every candle count the same, below 1 later ones count more.
    """

    files: Files
    pairs: tuple[str, ...]
    correlated: tuple[str, ...]
    timeframes: tuple[str, ...]
    start: float | None
    end: float | None
    train_days: float
    test_days: float
    recipes: Mapping[str, Recipe]
    cost_fraction: float
    weight_factor: float
    settings: Settings

    @property
    def seed(self) -> int:
        """Return the seed of learners and of the bootstrap."""
        return self.settings.prediction.seed


def asked(options: argparse.Namespace) -> Asked:
    """Return what the parsed options ask for. Raises ModelsError with one clear sentence."""
    config, settings = configured(options.config, options.seed)
    freqai, shown = given.section(config, FREQAI), given.parameters(config)
    if shown.get(SHIFTED):
        raise ModelsError(f"{SHOWN}.{SHIFTED} = {shown[SHIFTED]!r}: allowed is 0")
    pairs = given.pairs(options.pairs, config)
    timeframes = given.timeframes(options.timeframe, options.timeframes, config)
    _check_horizons(timeframes[0], settings)
    start, end = given.moments(options.timerange, options.since, options.until)
    train = Days("--train-days", options.train_days, "train_period_days", TRAIN_DAYS)
    test = Days("--test-days", options.test_days, "backtest_period_days", TEST_DAYS)
    return Asked(
        files=_files(options.datadir, config),
        pairs=pairs,
        correlated=given.others(options.correlated, config),
        timeframes=timeframes,
        start=start,
        end=end,
        train_days=train.of(freqai),
        test_days=test.of(freqai),
        recipes=recipes(options.learners, config, settings),
        cost_fraction=_cost(pairs, config, settings),
        weight_factor=given.weight_factor(config),
        settings=settings,
    )


def configured(paths: Sequence[Path], seed: int | None = None) -> tuple[Config, Settings]:
    """Return the configuration, empty where there is none, and its settings with that seed."""
    if seed is not None and not 0 <= seed <= MOST_SEED:
        raise ModelsError(f"--seed {seed}: allowed are whole numbers, 0 to {MOST_SEED}")
    try:
        config = config_files.read(paths) if paths else {}
        settings = Settings.from_config(config)
    except (ConfigFilesError, SettingsError) as error:
        raise ModelsError(str(error)) from None
    own = {} if seed is None else {"prediction": {"seed": seed}}
    return config, settings.with_values(own)


def _check_horizons(base: str, settings: Settings) -> None:
    try:
        for horizon in settings.prediction.horizons:
            targets.horizon_candles(horizon, base)
    except ValueError as error:
        raise ModelsError(f"{SECTION}.prediction.horizons: {error}") from None


def recipes(named: Sequence[str] | None, config: Config, settings: Settings) -> dict[str, Recipe]:
    """Return the recipe of each learner asked for, or of those that are installed.

    `model_training_parameters` are of the learner that the settings name, and of no other.
    """
    known = tuple(learners.LEARNERS)
    for name in named or ():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ModelsError(f"--learners {name!r}: allowed are {', '.join(known)}.{hint}")
        if wanting := learners.missing(name):
            raise ModelsError(f"--learners {name}: {wanting}")
    usual = [name for name in known if not learners.missing(name)]
    own = _configured_recipe(config, settings)
    return {
        name: replace(own, learner=name, parameters=own.parameters if name == own.learner else {})
        for name in dict.fromkeys(named or usual)
    }


def _configured_recipe(config: Config, settings: Settings) -> Recipe:
    freqai = dict(given.section(config, FREQAI))
    for name in ("model_training_parameters", SPLIT):
        freqai[name] = given.section(freqai, name, f"{FREQAI}.")
    size = freqai[SPLIT].get("test_size", VALIDATION)
    number = isinstance(size, int | float) and not isinstance(size, bool)
    if not number or not 0 < size < 1:
        key = f"{FREQAI}.{SPLIT}.test_size"
        raise ModelsError(f"{key} = {size!r}: allowed is a share above 0 and below 1")
    return recipe({**config, FREQAI: freqai}, settings)


def _files(folder: Path, config: Config) -> Files:
    if not folder.is_dir():
        raise ModelsError(
            f"--datadir {folder}: there is no such folder; allowed is one with candles"
        )
    form = config.get("dataformat_ohlcv", FORMATS[0])
    if form not in FORMATS:
        raise ModelsError(f"dataformat_ohlcv = {form!r}: allowed are {', '.join(FORMATS)}")
    return Files(folder, form)


def _cost(pairs: Sequence[str], config: Config, settings: Settings) -> float:
    """Return what a round trip costs, a fraction of price: fees and spread of both sides."""
    fee = FEES["futures" if is_futures(pairs[0]) else "spot"]
    costs = costs_of({"taker": fee}, config, settings)
    return float(costs.entry_fee + costs.exit_fee + 2 * costs.half_spread)
