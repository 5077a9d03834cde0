"""How unlike the training window the last days are, once a day: at midnight UTC, of whole days."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.prediction import drift
from gridkit.prediction.training import Predictor
from gridkit.settings import DriftSettings

UNKNOWN = float("nan")


class Drifts:
    """Of one model object. What was found of a day is kept: live each candle asks again."""

    def __init__(self, rule: DriftSettings, seconds: float) -> None:
        self._rule = rule
        self._rows = round(rule.days * candles.SECONDS_PER_DAY / seconds)
        self._known: dict[tuple[int, float], float] = {}

    def remember(self, predictor: Predictor, frame: pd.DataFrame, names: list[str]) -> None:
        """Leave with a predictor what training was like, and the days before its first answer."""
        if not self._rule.enabled:
            return
        shown, times = frame[names].astype("float32"), candles.times(frame)
        predictor.reference = drift.reference(shown)
        predictor.tail = shown.iloc[-self._rows :].assign(opened=times[-self._rows :])

    def of(self, predictor: Predictor, frame: pd.DataFrame) -> np.ndarray:
        """Return the share of features that had shifted at each candle's day, (n,); NaN unknown."""
        if not self._rule.enabled or predictor.tail is None or not len(frame):
            return np.full(len(frame), UNKNOWN)
        times = candles.times(frame)
        days = np.floor(times / candles.SECONDS_PER_DAY) * candles.SECONDS_PER_DAY
        before = predictor.tail[predictor.tail["opened"] < times[0]]
        names = [name for name in before.columns if name != "opened"]
        opened = np.concatenate([before["opened"].to_numpy(), times])
        shown = pd.concat([before[names], frame[names]], ignore_index=True)
        found = {day: self._of_day(predictor, day, opened, shown) for day in np.unique(days)}
        return np.array([found[day] for day in days])

    def _of_day(
        self, predictor: Predictor, day: float, opened: np.ndarray, shown: pd.DataFrame
    ) -> float:
        key = (id(predictor), day)
        if key not in self._known:
            since = day - self._rule.days * candles.SECONDS_PER_DAY
            rows = shown[(opened >= since) & (opened < day)]
            self._known[key] = self._shifted(predictor, rows)
        return self._known[key]

    def _shifted(self, predictor: Predictor, rows: pd.DataFrame) -> float:
        """Return the share of shifted features; unknown while fewer than half of the rows are."""
        if len(rows) < self._rows / 2:
            return UNKNOWN
        indices = drift.compare(predictor.reference, rows).dropna()
        if indices.empty:
            return UNKNOWN
        return float((indices > self._rule.most_index).mean())
