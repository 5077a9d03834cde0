"""From a learner's score to the share of times in which such a score came true."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from gridkit.prediction import NEUTRAL

LEAST_ROWS = 100  # of which either outcome must be there
_LEAST_SCORE = 1e-6

Method = Literal["sigmoid", "isotonic"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Says 0.5 whatever the score: what is taken where there is nothing to learn from, see `why`.

    `rows` is how many independent ones it was fitted to. A probability is never nearer to 0 or 1
    than one in `rows` + 2, as so few outcomes cannot tell (Laplace's rule).
    """

    rows: int = 0
    why: str = ""

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Return a probability for each score, 0 … 1, shape as given; NaN for NaN.

        Scores are a learner's own probabilities; beyond 0 … 1 they count as 0 or 1. A higher score
        never gets a lower probability.
        """
        asked = np.clip(np.asarray(scores, dtype="float64"), _LEAST_SCORE, 1 - _LEAST_SCORE)
        least = 1 / (self.rows + 2)
        return np.where(np.isnan(asked), np.nan, np.clip(self._mapped(asked), least, 1 - least))

    def _mapped(self, scores: np.ndarray) -> np.ndarray:
        return np.full(scores.shape, NEUTRAL)


@dataclass(frozen=True, slots=True)
class Sigmoid(Calibration):
    """1 / (1 + exp(-(slope · logit(score) + intercept))); the slope is never below 0."""

    slope: float = 1.0
    intercept: float = 0.0

    def _mapped(self, scores: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(self.slope * _logit(scores) + self.intercept)))


@dataclass(frozen=True, slots=True)
class Isotonic(Calibration):
    """A line that never falls, through `probabilities` at `scores`, level beyond the ends."""

    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def _mapped(self, scores: np.ndarray) -> np.ndarray:
        return np.interp(scores, self.scores, self.probabilities)


def fit(
    scores: np.ndarray,
    outcomes: np.ndarray,
    method: Method = "sigmoid",
    least_rows: int = LEAST_ROWS,
    overlap: float = 1.0,
) -> Calibration:
    """Fit to scores on rows the learner was not trained on, and what became of them.

    `outcomes`: 1 where it came true, 0 where not, NaN where unknown or not to be counted (within
    the dead zone, say); all of shape (n,). Scores that say nothing, or the opposite, get the share
    of all. Fewer than `least_rows` rows, or outcomes of one kind, get 0.5.
    Where `overlap` neighbouring rows ask about the same time, so many fewer are independent: the
    sigmoid's two numbers can be told from few, and are drawn towards those of 0.5 the more the
    fewer they are; the isotonic's many steps want a thousand.
    Source: Platt (1999), Advances in Large Margin Classifiers; Zadrozny & Elkan (2002), KDD;
    Thompson (1968), Journal of the American Statistical Association 63(321).
    """
    known = np.isfinite(scores) & np.isfinite(outcomes)
    asked = np.clip(scores[known], _LEAST_SCORE, 1 - _LEAST_SCORE)
    happened = outcomes[known] > NEUTRAL
    if len(asked) < least_rows:
        return Calibration(why=f"{len(asked)} rows to calibrate on, {least_rows} are needed")
    if happened.all() or not happened.any():
        return Calibration(why="all rows to calibrate on have the same outcome")
    independent = max(1.0, len(asked) / overlap)
    return (_sigmoid if method == "sigmoid" else _isotonic)(asked, happened, independent)


def _sigmoid(scores: np.ndarray, happened: np.ndarray, independent: float) -> Calibration:
    """Logistic regression on the score's log odds, brought to one scale before."""
    odds, share, rows = _logit(scores), happened.mean(), round(independent)
    middle, spread = odds.mean(), odds.std()
    noise = 1 / (independent * share * (1 - share))  # variance of either number, near 0
    if spread > _LEAST_SCORE:
        fitted = LogisticRegression().fit(((odds - middle) / spread)[:, None], happened)
        slope = _believed(float(fitted.coef_[0, 0]), noise) / spread
        if slope > 0:
            level = _believed(float(fitted.intercept_[0]), noise)
            return Sigmoid(rows, "", slope, level - slope * middle)
    return Sigmoid(rows, "the scores say nothing", 0.0, _believed(float(_logit(share)), noise))


def _believed(found: float, noise: float) -> float:
    """Return what is left of a number that was found with a noise of this variance (Thompson)."""
    return found * found**2 / (found**2 + noise)


def _isotonic(scores: np.ndarray, happened: np.ndarray, independent: float) -> Calibration:
    fitted = IsotonicRegression(y_min=0, y_max=1).fit(scores, happened)
    places, shares = fitted.X_thresholds_, fitted.y_thresholds_
    why = "the scores say nothing" if shares[0] == shares[-1] else ""
    return Isotonic(round(independent), why, tuple(map(float, places)), tuple(map(float, shares)))


def _logit(probability: np.ndarray) -> np.ndarray:
    return np.log(probability / (1 - probability))
