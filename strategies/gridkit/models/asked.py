"""What is to be compared: options, over what a configuration says, over defaults."""

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from freqtrade.configuration import TimeRange
from freqtrade.exceptions import ConfigurationError

from gridkit import candles
from gridkit.check.markets import FEES
from gridkit.host import config_files, data_files
from gridkit.host.config_files import ConfigFilesError
from gridkit.host.pair_rules import costs_of
from gridkit.host.prediction.learning import recipe
from gridkit.models.errors import ModelsError
from gridkit.models.market import Files, is_futures
from gridkit.prediction import learners, targets
from gridkit.prediction.training import Recipe
from gridkit.settings import SECTION, Settings, SettingsError

TIMEFRAME = "5m"
TIMEFRAMES = ("5m", "15m", "1h")
TRAIN_DAYS, TEST_DAYS = 30.0, 7.0
MOST_DAYS = 3_650
MOST_SEED = 2**31 - 1
FREQAI = "freqai"
INCLUDED, CORRELATED = "include_timeframes", "include_corr_pairlist"
SHIFTED, WEIGHTS = "include_shifted_candles", "weight_factor"
_PAIR = re.compile(r"\w+/\w+(:\w+)?")

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Days:
    """A number of days: an option, or else what FreqAI's section says, or else the usual."""

    option: str
    given: float | None
    name: str
    usual: float

    def of(self, freqai: Config) -> float:
        """Return the days. Raises ModelsError."""
        value = freqai.get(self.name, self.usual)
        told = f"{FREQAI}.{self.name} = {value!r}"
        if self.given is not None:
            value, told = self.given, f"{self.option} {self.given:g}"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value <= MOST_DAYS:
            raise ModelsError(f"{told}: allowed are days, above 0 and up to {MOST_DAYS}")
        return float(value)


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
    freqai, shown = _section(config, FREQAI), parameters(config)
    if shown.get(SHIFTED):
        raise ModelsError(
            f"{FREQAI}.feature_parameters.{SHIFTED} = {shown[SHIFTED]!r}: allowed is 0"
        )
    pairs = some_pairs(options.pairs, config)
    frames = timeframes(timeframe(options, config), options.timeframes, shown)
    _check_horizons(frames[0], settings)
    start, end = moments(options.timerange, options.since, options.until)
    train = Days("--train-days", options.train_days, "train_period_days", TRAIN_DAYS)
    test = Days("--test-days", options.test_days, "backtest_period_days", TEST_DAYS)
    return Asked(
        files=Files(_folder(options.datadir), config.get("dataformat_ohlcv", "feather")),
        pairs=pairs,
        correlated=others(options.correlated, shown),
        timeframes=frames,
        start=start,
        end=end,
        train_days=train.of(freqai),
        test_days=test.of(freqai),
        recipes=recipes(options.learners, config, settings),
        cost_fraction=_cost(pairs, config, settings),
        weight_factor=_weight_factor(shown),
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


def some_pairs(given: Sequence[str] | None, config: Config) -> tuple[str, ...]:
    """Return the pairs, each once; all spot or all futures."""
    pairs = _pairs("--pairs", given or data_files.named_pairs(config))
    if not pairs:
        raise ModelsError(
            "no pairs: give --pairs, BTC/USDT:USDT say, or a --config that names some"
        )
    if len({is_futures(pair) for pair in pairs}) > 1:
        raise ModelsError(f"--pairs {' '.join(pairs)}: allowed are spot pairs or futures, not both")
    return pairs


def others(given: Sequence[str] | None, shown: Config) -> tuple[str, ...]:
    """Return the pairs whose features are shown beside a pair's own."""
    if given is not None:
        return _pairs("--correlated", given)
    return _pairs(f"{FREQAI}.feature_parameters.{CORRELATED}", shown.get(CORRELATED) or ())


def parameters(config: Config) -> Config:
    """Return the section of FreqAI that says what is shown."""
    return _section(_section(config, FREQAI), "feature_parameters", f"{FREQAI}.")


def timeframe(options: argparse.Namespace, config: Config) -> str:
    """Return the timeframe whose candles are predicted."""
    return str(options.timeframe or config.get("timeframe") or TIMEFRAME)


def timeframes(base: str, given: Sequence[str] | None, shown: Config) -> tuple[str, ...]:
    """Return the timeframe whose candles are predicted, and those beside it, shortest first."""
    least = _seconds("--timeframe", base)
    key = "--timeframes" if given else f"{FREQAI}.feature_parameters.{INCLUDED}"
    usual = [one for one in TIMEFRAMES if candles.seconds_of(one) > least]
    wanted = {one: _seconds(key, one) for one in given or shown.get(INCLUDED) or usual}
    low = [one for one, seconds in wanted.items() if seconds < least]
    if low:
        raise ModelsError(f"{key} {' '.join(low)}: allowed is {base}, the timeframe, and longer")
    lengths = {base: least} | wanted
    return tuple(sorted(lengths, key=lengths.__getitem__))


def _check_horizons(base: str, settings: Settings) -> None:
    try:
        for horizon in settings.prediction.horizons:
            targets.horizon_candles(horizon, base)
    except ValueError as error:
        raise ModelsError(f"{SECTION}.prediction.horizons: {error}") from None


def moments(
    timerange: str | None, since: str | None, until: str | None
) -> tuple[float | None, float | None]:
    """Return beginning and end of what is predicted, seconds UTC; None where it is not bounded."""
    if timerange and (since or until):
        raise ModelsError("--timerange and --from/--to say the same: give one of them")
    if timerange:
        start, end = _of_freqtrade(timerange)
    else:
        start, end = (_moment(*one) for one in (("--from", since), ("--to", until)))
    if start is not None and end is not None and start >= end:
        raise ModelsError(f"{timerange or f'--from {since} --to {until}'}: the end must be later")
    return start, end


def recipes(given: Sequence[str] | None, config: Config, settings: Settings) -> dict[str, Recipe]:
    """Return the recipe of each learner asked for, or of those that are installed.

    `model_training_parameters` are of the learner that the settings name, and of no other.
    """
    known = tuple(learners.LEARNERS)
    for name in given or ():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ModelsError(f"--learners {name!r}: allowed are {', '.join(known)}.{hint}")
        if wanting := learners.missing(name):
            raise ModelsError(f"--learners {name}: {wanting}")
    usual = [name for name in known if not learners.missing(name)]
    own = recipe({**config, FREQAI: _section(config, FREQAI)}, settings)
    return {
        name: replace(own, learner=name, parameters=own.parameters if name == own.learner else {})
        for name in dict.fromkeys(given or usual)
    }


def _section(config: Config, name: str, before: str = "") -> Config:
    found = config.get(name) or {}
    if not isinstance(found, Mapping):
        raise ModelsError(f"{before}{name} = {found!r}: allowed is a section")
    return found


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ModelsError(f"--datadir {path}: there is no such folder; allowed is one with candles")
    return path


def _pairs(key: str, given: Sequence[str]) -> tuple[str, ...]:
    for pair in given:
        if not _PAIR.fullmatch(pair):
            raise ModelsError(f"{key} {pair!r}: allowed are pairs as BTC/USDT or BTC/USDT:USDT")
    return tuple(dict.fromkeys(given))


def _seconds(key: str, timeframe: str) -> int:
    try:
        return candles.seconds_of(timeframe)
    except ValueError as error:
        raise ModelsError(f"{key}: {error}") from None


def _of_freqtrade(timerange: str) -> tuple[float | None, float | None]:
    try:
        found = TimeRange.parse_timerange(timerange)
    except (ConfigurationError, ValueError):
        raise ModelsError(f"--timerange {timerange!r}: allowed is 20240101-20240301, say") from None
    start = float(found.startts) if found.starttype else None
    return start, float(found.stopts) if found.stoptype else None


def _moment(key: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ModelsError(f"{key} {text!r}: allowed is a date as 2024-01-31, UTC") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _cost(pairs: Sequence[str], config: Config, settings: Settings) -> float:
    """Return what a round trip costs, a fraction of price: fees and spread of both sides."""
    fee = FEES["futures" if is_futures(pairs[0]) else "spot"]
    costs = costs_of({"taker": fee}, config, settings)
    return float(costs.entry_fee + costs.exit_fee + 2 * costs.half_spread)


def _weight_factor(shown: Config) -> float:
    value = shown.get(WEIGHTS) or 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ModelsError(
            f"{FREQAI}.feature_parameters.{WEIGHTS} = {value!r}: allowed is 0 and more"
        )
    return float(value)
