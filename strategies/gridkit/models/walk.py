"""Learners trained window by window, and what they then say of the days after it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from lightgbm.basic import LightGBMError

from gridkit import candles
from gridkit.models.market import Market
from gridkit.models.windows import Window, known_by
from gridkit.prediction import training
from gridkit.prediction.calibration import NEUTRAL
from gridkit.prediction.training import Recipe

LEAST_FILLED = 0.5  # share of a training window's candles that must have all features
REPEATS = 3
# Too little to learn from, or parameters of the configuration that the learner does not take.
REFUSED = (ValueError, TypeError, LightGBMError)
CONSTANT, SHARE = "always 0.5", "share of all"
BASELINES = (CONSTANT, SHARE)

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Walk:
    """What is walked over: windows, markets, and the recipe of each learner by name."""

    windows: Sequence[Window]
    markets: Sequence[Market]
    recipes: Mapping[str, Recipe]
    timeframe: str
    cost_fraction: float
    weight_factor: float = 0.0

    @property
    def step(self) -> int:
        """Seconds of a candle."""
        return candles.seconds_of(self.timeframe)

    @property
    def start(self) -> float:
        """Return when the first candle that is predicted opens, seconds UTC."""
        return self.windows[0].start

    @property
    def candles(self) -> int:
        """Return how many candles are predicted, whether they exist or not."""
        return int(np.ceil((self.windows[-1].end - self.start) / self.step))

    @property
    def learners(self) -> tuple[str, ...]:
        """Return the names of learners and baselines."""
        return (*self.recipes, *BASELINES)

    def places(self, market: Market) -> np.ndarray:
        """Return how many candles after the first predicted one each of a market is. Shape (n,)."""
        return np.round((market.times - self.start) / self.step).astype(int)


@dataclass(frozen=True, slots=True)
class Trained:
    """One training: of which window and pair, on how many rows, and what it took.

    `milliseconds` is one candle's prediction of all horizons.
    """

    learner: str
    pair: str
    window: int
    rows: int
    seconds: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A window that was left out for a pair, for all learners, and why."""

    pair: str
    window: int
    why: str


@dataclass(slots=True)
class Answers:
    """What was predicted, by learner and column (`up_<h>`, `decided_<h>`), and what came.

    Arrays are of shape (candles, pairs), from the first candle predicted on, NaN where unknown.
    """

    predicted: dict[str, dict[str, np.ndarray]]
    moves: dict[str, np.ndarray]
    trained: list[Trained] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def run(walk: Walk, told: Told = lambda _: None) -> Answers:
    """Train every learner on every window of every pair, and keep what it says of the days after.

    A window with too little to learn from is left out for all learners, so that all are judged by
    the same candles. `told` is called with what comes next.
    """
    answers = _empty(walk)
    for place, market in enumerate(walk.markets):
        _keep_moves(answers, walk, place)
        for number in range(len(walk.windows)):
            told(f"{market.pair}, window {number + 1} of {len(walk.windows)}")
            why = _window(answers, walk, place, number)
            if why:
                answers.skipped.append(Skipped(market.pair, number, why))
    return answers


def _empty(walk: Walk) -> Answers:
    shape = walk.candles, len(walk.markets)
    horizons = list(walk.markets[0].moves)
    columns = [f"{name}_{horizon}" for horizon in horizons for name in ("up", "decided")]
    return Answers(
        {one: {column: np.full(shape, np.nan) for column in columns} for one in walk.learners},
        {horizon: np.full(shape, np.nan) for horizon in horizons},
    )


def _keep_moves(answers: Answers, walk: Walk, place: int) -> None:
    market = walk.markets[place]
    places = walk.places(market)
    inside = (places >= 0) & (places < walk.candles)
    for horizon, moves in market.moves.items():
        answers.moves[horizon][places[inside], place] = moves[inside]


def _window(answers: Answers, walk: Walk, place: int, number: int) -> str:
    """Keep all predictions of one window of one pair, or return why there are none."""
    market, window = walk.markets[place], walk.windows[number]
    lesson = _lesson(market, window, walk)
    if isinstance(lesson, str):
        return lesson
    found, trained = {}, []
    for name, recipe in walk.recipes.items():
        try:
            found[name], took = _learned(lesson, market, window, recipe, walk.step)
        except REFUSED as error:
            return f"{name}: {error}"
        trained.append(Trained(name, market.pair, number, len(lesson.features), *took))
    asked = window.asked(market.times)
    found |= {name: _baseline(name, lesson, asked) for name in BASELINES}
    places = walk.places(market)[asked]
    for name, told in found.items():
        for column, kept in answers.predicted[name].items():
            kept[places, place] = told[column].to_numpy("float64")
    answers.trained += trained
    return ""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """The rows of a training window: features, and what came as far as it was known by then."""

    features: pd.DataFrame
    times: np.ndarray
    outcomes: pd.DataFrame
    weights: np.ndarray | None


def _lesson(market: Market, window: Window, walk: Walk) -> _Lesson | str:
    """Return what is to be learned, or why that is too little.

    What came is unknown where it is known only after the window to predict has begun (purge).
    """
    rows, asked = window.taught(market.times), window.asked(market.times)
    times, shown = market.times[rows], market.features.iloc[rows]
    if asked.start == asked.stop:
        return "no candles to predict"
    known = {
        one: known_by(times, window.start, walk.step, candles.seconds_of(one))
        for one in market.moves
    }
    filled = int(np.isfinite(shown.to_numpy()).all(axis=1).sum())
    wanted = round((window.start - window.train) / walk.step)
    if filled < LEAST_FILLED * wanted:
        return f"{filled} of {wanted} candles to learn from have all features"
    outcomes = market.outcomes(rows, known, walk.cost_fraction)
    return _Lesson(shown, times, outcomes, weights(len(times), walk.weight_factor))


def weights(rows: int, factor: float) -> np.ndarray | None:
    """Return how much each row counts, as FreqAI has it: more for later ones; None: all alike."""
    return np.exp(-np.arange(rows) / (factor * rows))[::-1] if factor > 0 else None


def _learned(
    lesson: _Lesson, market: Market, window: Window, recipe: Recipe, step: int
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Return predictions, and what they took: seconds of training, milliseconds of one candle."""
    begun = time.perf_counter()
    taught = lesson.features, lesson.times, lesson.outcomes
    predictor = training.train(*taught, step, recipe, weights=lesson.weights)
    seconds = time.perf_counter() - begun
    asked = window.asked(market.times)
    before = min(predictor.width - 1, asked.start)  # what the first candle is seen together with
    shown = market.features.iloc[asked.start - before : asked.stop]
    told = predictor.predict(shown).iloc[before:]
    last = shown.iloc[-predictor.width :]
    return told, (seconds, 1_000 * min(_taken(lambda: predictor.predict(last))))


def _taken(call: Callable[[], object]) -> Iterator[float]:
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()
        yield time.perf_counter() - begun


def _baseline(name: str, lesson: _Lesson, asked: slice) -> pd.DataFrame:
    """Return the same for every candle: 0.5, or the share of the training window's outcomes."""
    count = asked.stop - asked.start
    told = {}
    for column in lesson.outcomes:
        came = lesson.outcomes[column].to_numpy("float64")
        if column.startswith("up_"):
            came = came[lesson.outcomes[column.replace("up_", "decided_", 1)] == 1]
        came = came[~np.isnan(came)]
        share = float(came.mean()) if len(came) and name == SHARE else NEUTRAL
        told[column] = np.full(count, share)
    return pd.DataFrame(told)
