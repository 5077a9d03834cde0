"""How far the scores of several timeframes agree."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import scores_parts
from gridkit.settings import Settings

ALL, MOST = 1.0, 0.7  # confidence when all timeframes agree, and when most of them do
MOST_SHARE = 0.75
LEAST_ALIGNED = 3  # timeframes; fewer give no signal, whatever their weight
COUNTED = 4  # timeframes of a set in which each counts alike
MOST_TIMEFRAMES = 7  # as many as the bits of `confluence_excluded`
ROUNDING = 1e-6  # scores are float32: a sum that cancels to less has no sign


def seen_from(
    base: pd.DataFrame, base_seconds: float, higher: pd.DataFrame, seconds: float, score: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Return a timeframe's score as known when each base candle closes, and its age in seconds.

    `score` belongs to the candles `higher`, `seconds` long; `base` may be the same. The age is the
    time since the candle closed whose score it is: of an unknown score the one before stands, and
    ages. Both answers have the length of `base`; NaN before the first known score.
    """
    closes = candles.times(higher) + seconds
    return scores_parts.latest(
        closes, score.to_numpy("float64"), candles.times(base) + base_seconds
    )


def combine(
    scores: pd.DataFrame,
    ages_seconds: pd.DataFrame,
    weights: Mapping[str, float],
    settings: Settings,
) -> pd.DataFrame:
    """Return the four columns of confluence on the index of `scores`.

    Both frames have a column per timeframe ("5m"), aligned on the base candles as by `seen_from`;
    `weights` names the timeframes that ought to be there. One that has no column, is unknown, or is
    older than `confluence.stale_candles` of its candles is left out of the score. It never counts
    as agreeing, and still weighs in the whole it would have to agree with.

    - confluence_score, -1 … 1, float32: mean by weight of the timeframes known; NaN without any;
    - confluence_confidence: 1.0 where all agree with the score's sign, 0.7 where three quarters do,
      else 0. Of four timeframes they are counted, else weighed; fewer than three are never enough.
      float64, as no float32 is 0.7;
    - confluence_direction, int8: 1 or -1, and 0 where the confidence is 0;
    - confluence_excluded, int8: bit i is set where the i-th timeframe of `weights` is left out.

    Weakness: a timeframe that would contradict is missed, like any other, when it is absent.
    """
    _check(scores, ages_seconds, weights)
    names = list(weights)
    shares = np.array([weights[name] for name in names])
    known = _fresh(ages_seconds, names, settings) & scores.reindex(columns=names).notna().to_numpy()
    values = scores.reindex(columns=names).to_numpy("float64").T
    values = np.where(known.T, values, np.nan)
    score = scores_parts.mean_of_known(list(values), shares.tolist())
    side = np.where(np.abs(score) > ROUNDING, np.sign(score), 0.0)
    agrees = (values * side > 0) & (np.abs(values) >= settings.confluence.neutral_below)
    confidence = _confidence(agrees, shares)
    return pd.DataFrame(
        {
            "confluence_score": score.astype("float32"),
            "confluence_confidence": confidence,
            "confluence_direction": np.where(confidence > 0, side, 0.0).astype("int8"),
            "confluence_excluded": (~known @ (1 << np.arange(len(names)))).astype("int8"),
        },
        index=scores.index,
    )


def excluded_names(mask: int, weights: Mapping[str, float]) -> tuple[str, ...]:
    """Name the timeframes that a value of `confluence_excluded` says were left out."""
    return tuple(name for place, name in enumerate(weights) if int(mask) >> place & 1)


def _fresh(ages_seconds: pd.DataFrame, names: list[str], settings: Settings) -> np.ndarray:
    """Shape (n, timeframes); an unknown age is not fresh."""
    lengths = np.array([candles.seconds_of(name) for name in names])
    ages = ages_seconds.reindex(columns=names).to_numpy("float64")
    return ages <= settings.confluence.stale_candles * lengths


def _confidence(agrees: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """`agrees` has shape (timeframes, n)."""
    if len(shares) == COUNTED:
        shares = np.ones(COUNTED)
    agreed = shares @ agrees / shares.sum()
    enough = (agrees.sum(axis=0) >= LEAST_ALIGNED) & (agreed >= MOST_SHARE - ROUNDING)
    return np.where(enough, np.where(agrees.all(axis=0), ALL, MOST), 0.0)


def _check(scores: pd.DataFrame, ages_seconds: pd.DataFrame, weights: Mapping[str, float]) -> None:
    if not 1 <= len(weights) <= MOST_TIMEFRAMES:
        raise ValueError(f"confluence is of 1 to {MOST_TIMEFRAMES} timeframes, not {len(weights)}")
    if not scores.index.equals(ages_seconds.index):
        raise ValueError("scores and ages are not of the same candles")
    if (ages_seconds < 0).any(axis=None):
        raise ValueError("a score from a candle that had not closed yet")
