"""A comparison of learners: what was asked, how it went, and how good each was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gridkit import candles
from gridkit.models import market, matrix, scored
from gridkit.models.asked import Asked
from gridkit.models.errors import ModelsError
from gridkit.models.market import Market
from gridkit.models.scored import Score, WindowScore
from gridkit.models.walk import Answers, Walk, run
from gridkit.models.windows import walk

DAY = candles.SECONDS_PER_DAY

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out. `windows` are of the main horizon."""

    asked: Asked
    walk: Walk
    answers: Answers
    scores: Sequence[Score]
    windows: Sequence[WindowScore]


def compare(asked: Asked, told: Told = lambda _: None) -> Comparison:
    """Do all of it. Raises ModelsError where candles are missing, or nothing could be learned."""
    told("reading candles")
    markets = _markets(asked, told)
    base = candles.seconds_of(asked.timeframes[0])
    start, end = _bounds(asked, markets)
    windows = walk(start, end, asked.train_days * DAY, asked.test_days * DAY, base)
    if not windows:
        raise ModelsError("there are no candles to predict between the moments asked for")
    walked = Walk(
        windows,
        markets,
        asked.recipes,
        asked.timeframes[0],
        asked.cost_fraction,
        asked.weight_factor,
    )
    answers = run(walked, told)
    if not answers.trained:
        raise ModelsError(f"nothing could be learned: {_first(answers)}")
    told("judging the predictions")
    main = asked.settings.prediction.main_horizon
    return Comparison(
        asked,
        walked,
        answers,
        scored.scores(walked, answers, asked.seed),
        scored.by_window(walked, answers, main, asked.seed),
    )


def _markets(asked: Asked, told: Told) -> list[Market]:
    longest = max(candles.seconds_of(one) for one in asked.settings.prediction.horizons)
    warmup = matrix.warmup_seconds(asked.settings, asked.timeframes)
    first, last = float("-inf"), float("inf")
    if asked.start is not None:
        first = asked.start - asked.train_days * DAY - warmup
    if asked.end is not None:
        last = asked.end + longest
    pairs = dict.fromkeys((*asked.pairs, *asked.correlated))
    frames = market.read(asked.files, pairs, asked.timeframes, first, last)
    found = []
    for pair in asked.pairs:
        told(f"features of {pair}")
        others = {one: frames[one] for one in asked.correlated if one != pair}
        found.append(market.made(pair, frames[pair], others, asked.settings))
    return found


def _bounds(asked: Asked, markets: Sequence[Market]) -> tuple[float, float]:
    """Return from when to when to predict; unless asked for, all there is enough history for."""
    base = candles.seconds_of(asked.timeframes[0])
    known = [one.times for one in markets if len(one.times)]
    if not known:
        raise ModelsError("there are no candles between the moments asked for")
    warmup = matrix.warmup_seconds(asked.settings, asked.timeframes)
    start = asked.start
    if start is None:
        start = min(times[0] for times in known) + warmup + asked.train_days * DAY
    last = max(times[-1] for times in known) + base
    return start, last if asked.end is None else min(asked.end, last)


def _first(answers: Answers) -> str:
    found = [f"{one.pair}, window {one.window + 1}: {one.why}" for one in answers.skipped]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else "no window"
