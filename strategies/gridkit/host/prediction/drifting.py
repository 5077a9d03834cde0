"""How unlike the training window the last days of a pair's own candles are."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.prediction import drift
from gridkit.prediction.training import Predictor
from gridkit.settings import DriftSettings

OPENED = "opened"


class Drifts:
    """Of one model object."""

    def __init__(self, rule: DriftSettings, seconds: float) -> None:
        self._rule = rule
        self._rows = round(rule.days * candles.SECONDS_PER_DAY / seconds)

    def remember(self, predictor: Predictor, frame: pd.DataFrame, names: list[str]) -> None:
        """Leave with a predictor what training was like, and the days before its first answer."""
        if not self._rule.enabled:
            return
        shown, times = frame[names].astype("float32"), candles.times(frame)
        predictor.reference = drift.reference(shown)
        predictor.tail = shown.iloc[-self._rows :].assign(**{OPENED: times[-self._rows :]})

    def of(self, predictor: Predictor, frame: pd.DataFrame, last: int) -> np.ndarray:
        """Return, at each of the last candles, the share of features that have shifted by then.

        NaN where fewer days than are compared are known. Shape (last,).
        """
        tail = predictor.tail
        if not self._rule.enabled or tail is None or not len(frame):
            return np.full(last, np.nan)
        names = [name for name in tail if name != OPENED]
        seen = _warm(frame.iloc[-(self._rows + last) :], names, last)
        before = tail.loc[tail[OPENED] < candles.times(seen)[0], names]
        shown = pd.concat([before, seen[names]], ignore_index=True)
        index = self._rule.most_index
        return drift.lately(predictor.reference, shown, self._rows, index)[-last:]


def _warm(frame: pd.DataFrame, names: list[str], last: int) -> pd.DataFrame:
    """Return the candles from the first with a feature on, the last ones at least.

    Those before, of a frame that begins with what features need, are better known from training.
    """
    known = np.flatnonzero(frame[names].notna().any(axis=1))
    return frame.iloc[min(known[0] if len(known) else len(frame), len(frame) - last) :]
