"""How good each learner's predictions were, all on the same candles."""

from dataclasses import dataclass

import numpy as np

from gridkit import candles
from gridkit.models.walk import Answers, Walk
from gridkit.prediction import accuracy, targets
from gridkit.prediction.accuracy import Accuracy, Measured

SIDE = 1.0  # of a question that is put as a move: 1 came true, -1 did not


@dataclass(frozen=True, slots=True)
class Score:
    """One learner on one horizon. `decided_brier` is P(decided)'s, over all known outcomes."""

    learner: str
    horizon: str
    figures: Accuracy
    decided_brier: Measured


@dataclass(frozen=True, slots=True)
class WindowScore:
    """One learner in one window, on the main horizon: the share on the right side."""

    learner: str
    window: int
    outcomes: int
    accuracy: Measured


def scores(walk: Walk, answers: Answers, seed: int) -> list[Score]:
    """Judge every learner and baseline, horizon by horizon."""
    found = []
    for horizon in answers.moves:
        same = _same(walk, answers, horizon)
        found += [_score(walk, answers, name, horizon, same, seed) for name in walk.learners]
    return found


def by_window(walk: Walk, answers: Answers, horizon: str, seed: int) -> list[WindowScore]:
    """Judge every learner in every window that has any prediction, baselines left out."""
    same, block = _same(walk, answers, horizon), _block(walk, horizon)
    found = []
    for name in walk.recipes:
        up = np.where(same, answers.predicted[name][f"up_{horizon}"], np.nan)
        for number, rows in enumerate(_rows(walk)):
            if not same[rows].any():
                continue
            told = accuracy.measure(
                up[rows].ravel(),
                answers.moves[horizon][rows].ravel(),
                walk.cost_fraction,
                block,
                seed,
            )
            found.append(WindowScore(name, number, told.outcomes, told.accuracy))
    return found


def _same(walk: Walk, answers: Answers, horizon: str) -> np.ndarray:
    """Tell which candles every learner has answered about. Shape (candles, pairs)."""
    known = [~np.isnan(answers.predicted[one][f"up_{horizon}"]) for one in walk.learners]
    return np.logical_and.reduce(known)


def _score(
    walk: Walk, answers: Answers, name: str, horizon: str, same: np.ndarray, seed: int
) -> Score:
    """Judge one learner; pairs stand beside each other, moment by moment.

    So a block of the bootstrap holds the same moments of all pairs, which move together, and what
    is effective counts them as one.
    """
    move, block = answers.moves[horizon].ravel(), _block(walk, horizon)
    told = {
        kind: np.where(same, answers.predicted[name][f"{kind}_{horizon}"], np.nan).ravel()
        for kind in ("up", "decided")
    }
    figures = accuracy.measure(told["up"], move, walk.cost_fraction, block, seed)
    came = np.where(targets.decided(move, walk.cost_fraction), SIDE, -SIDE)
    came = np.where(np.isnan(move), np.nan, came)
    decided = accuracy.measure(told["decided"], came, 0.0, block, seed)
    return Score(name, horizon, figures, decided.brier)


def _block(walk: Walk, horizon: str) -> int:
    return targets.horizon_candles(horizon, walk.timeframe) * len(walk.markets)


def _rows(walk: Walk) -> list[slice]:
    step = candles.seconds_of(walk.timeframe)
    ends = [(round((one.start - walk.start) / step), one.end) for one in walk.windows]
    return [slice(first, round((end - walk.start) / step)) for first, end in ends]
