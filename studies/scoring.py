"""How good a forecast of volatility was, and what followed a signal."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_POINTS = 3  # of a line that could miss one


@dataclass(frozen=True, slots=True)
class Quality:
    """Of a forecast against what came.

    `qlike` is the mean of x - ln x - 1, x the variance that came over the one forecast: 0 is
    perfect, and too low costs more than too high (Patton 2011, Journal of Econometrics 160(1)).
    `rmse` and `bias` (forecast less truth) are of annual volatility, fractions; `correlation` is of
    the logarithms.
    """

    hours: int
    qlike: float
    rmse: float
    bias: float
    correlation: float


def quality(forecast: np.ndarray, truth: np.ndarray, rows: np.ndarray) -> Quality:
    """Judge annual volatilities in some rows."""
    said, came = forecast[rows], truth[rows]
    ratio = (came / said) ** 2
    error = said - came
    return Quality(
        int(np.count_nonzero(rows)),
        float(np.mean(ratio - np.log(ratio) - 1)),
        float(np.sqrt(np.mean(error**2))),
        float(np.mean(error)),
        float(np.corrcoef(np.log(said), np.log(came))[0, 1]),
    )


def positive(*columns: np.ndarray) -> np.ndarray:
    """Tell the rows in which all are positive numbers."""
    return np.all([(column > 0) & np.isfinite(column) for column in columns], axis=0)


def explained(cause: np.ndarray, effect: np.ndarray) -> float:
    """R² of a line through the rows both know; NaN where there is nothing to explain."""
    both = np.isfinite(cause) & np.isfinite(effect)
    if np.count_nonzero(both) < LEAST_POINTS or not (
        cause[both].std() > 0 and effect[both].std() > 0
    ):
        return float("nan")
    return float(np.corrcoef(cause[both], effect[both])[0, 1] ** 2)


def forward(close: np.ndarray, steps: int) -> np.ndarray:
    """Log return of the next `steps` candles; NaN for the last of them."""
    logs = np.log(close)
    found = np.full(len(logs), np.nan)
    found[: len(logs) - steps] = logs[steps:] - logs[: len(logs) - steps]
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What followed a signal.

    `share` of all candles, the `mean` log return and the share of `rises` of those that followed.
    `t` is of the mean: over moments a whole horizon apart, all coins of a moment being one
    observation, as they move together. Between -2 and 2 it is not told from chance.
    """

    share: float
    mean: float
    rises: float
    t: float


def outcomes(said: pd.DataFrame, states: Iterable[object], seconds: float) -> list[Outcome]:
    """Judge each of some states: `said` has a row per coin and candle, date, state and forward.

    `forward` is the log return of the `seconds` after the row.
    """
    known = said.dropna(subset=["forward"])
    apart = known["date"].to_numpy("datetime64[s]").astype("int64") % int(seconds) == 0
    return [_outcome(known, (known["state"] == state).to_numpy(), apart) for state in states]


def _outcome(known: pd.DataFrame, rows: np.ndarray, apart: np.ndarray) -> Outcome:
    found = known.loc[rows, "forward"]
    single = known[rows & apart].groupby("date")["forward"].mean()
    spread = float(single.std()) / len(single) ** 0.5 if len(single) > 1 else np.nan
    t = float(single.mean()) / spread if spread > 0 else np.nan
    return Outcome(float(np.mean(rows)), float(found.mean()), float((found > 0).mean()), t)
