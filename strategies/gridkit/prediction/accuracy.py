"""How good predictions were, over decided outcomes, and how sure that is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit.prediction import NEUTRAL, targets

CONFIDENCE = 0.90
SAMPLES = 500
BINS = 10
_LEAST = float(np.finfo("float64").eps)  # a certain prediction that failed costs 36, not infinity


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the interval that holds it in nine of ten resampled histories."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Figures of predictions over decided outcomes; NaN where there were none.

    `outcomes` are candles with a prediction and a decided outcome, `effective` how many of those do
    not overlap. `accuracy` is the share on the right side, `brier` the mean squared error
    (0.25 for a constant 0.5), `log_loss` in nats (0.693 for it). `calibration_error` is the
    expected one: how far the mean prediction of each tenth of the probability is from the share
    that rose, weighed by its outcomes; luck alone puts it above 0. `table`: of each bin of the
    probability `least`, `most`, `outcomes`, the mean `predicted`, the share that `rose` and its
    interval `low`, `high`.
    """

    outcomes: int
    effective: float
    accuracy: Measured
    brier: Measured
    log_loss: Measured
    calibration_error: Measured
    table: pd.DataFrame


def right(probability: np.ndarray, move: np.ndarray) -> np.ndarray:
    """Return 1 where the likelier side came, 0 where the other did, 0.5 where none was likelier."""
    return np.where(probability == NEUTRAL, 0.5, (probability > NEUTRAL) == (move > 0))


def measure(
    probability: np.ndarray,
    move: np.ndarray,
    cost_fraction: float,
    horizon_candles: int,
    seed: int = 0,
    samples: int = SAMPLES,
) -> Accuracy:
    """Measure P(up | decided) of consecutive candles against the moves that came.

    Shapes (n,); a NaN in either is not counted. The intervals are of a circular block bootstrap:
    histories are put together of blocks one horizon long, as outcomes nearer than that overlap. A
    predictor that errs for longer than a horizon at a time is less certain than they say.
    Source: Politis & Romano (1992), in Exploring the Limits of Bootstrap; of the calibration error
    Naeini, Cooper & Hauskrecht (2015), AAAI.
    """
    counted = targets.decided(move, cost_fraction) & ~np.isnan(probability)
    figures = _figures(np.where(counted, probability, NEUTRAL), move > 0, right(probability, move))
    bins = np.clip((np.where(counted, probability, 0) * BINS).astype(int), 0, BINS - 1)
    masks = np.vstack([counted, (bins == np.arange(BINS)[:, None]) & counted])
    weights = np.vstack([masks[[0, 0, 0]], masks[1:], masks[1:], masks[[0] * BINS]])
    predicted, rose = figures[[3] * BINS], figures[[4] * BINS]
    values = np.vstack([figures[:3], predicted, rose, (predicted - rose) * masks[1:]])
    weighed = values * weights, weights.astype("float64")
    whole, means = _resampled(*weighed, horizon_candles, seed, samples)
    share, brier, log_loss, *binned = _measured(whole[:-BINS], means[:, :-BINS])
    error = _gap(whole[-BINS:], means[:, -BINS:])
    table = _table(masks[1:].sum(axis=1), binned[:BINS], binned[BINS:])
    outcomes = int(counted.sum())
    return Accuracy(outcomes, outcomes / horizon_candles, share, brier, log_loss, error, table)


def _figures(probability: np.ndarray, rose: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Return accuracy, Brier, log loss, prediction and outcome of each candle, shape (5, n)."""
    likely = np.clip(np.where(rose, probability, 1 - probability), _LEAST, 1.0)
    return np.stack([hits, (probability - rose) ** 2, -np.log(likely), probability, rose])


def _resampled(
    values: np.ndarray, weights: np.ndarray, block: int, seed: int, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean of each row, shape (k,), and those of histories, (samples, k).

    `values` come weighted, shape (k, n).
    """
    whole = _ratio(values.sum(axis=1), weights.sum(axis=1))
    count, means = values.shape[1], np.full((samples, len(values)), np.nan)
    if not count:
        return whole, means
    sums = np.vstack([_blocks(values, block), _blocks(weights, block)])
    draw = np.random.default_rng(seed)
    for sample in means:
        starts = draw.integers(0, count, -(-count // block))
        sample[:] = _ratio(*np.split(sums[:, starts].sum(axis=1), 2))
    return whole, means


def _measured(whole: np.ndarray, means: np.ndarray) -> list[Measured]:
    return [
        Measured(float(value), *_quantiles(column))
        for value, column in zip(whole, means.T, strict=True)
    ]


def _gap(whole: np.ndarray, means: np.ndarray) -> Measured:
    """Return the expected calibration error, of how far each bin is off as a share of all.

    Luck only ever adds to it, and a resampled history has more than the real one. So the interval
    is the figure and as much to both sides as nine of ten histories are off from the real one; it
    holds the true error at least that often (the triangle inequality), and is not below 0.
    """
    value = float(np.abs(whole).sum())
    off = np.abs(means - whole).sum(axis=1)
    off = off[~np.isnan(off)]
    reach = float(np.quantile(off, CONFIDENCE)) if len(off) else np.nan
    return Measured(value, float(np.maximum(value - reach, 0)), value + reach)


def _blocks(values: np.ndarray, block: int) -> np.ndarray:
    """Sum of the block that begins at each candle; one that passes the end goes on at the start."""
    count = values.shape[1]
    turns = np.tile(values, -(-block // count) + 1)[:, : count + block]
    sums = np.cumsum(np.pad(turns, ((0, 0), (1, 0))), axis=1)
    return sums[:, block : count + block] - sums[:, :count]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _quantiles(values: np.ndarray) -> tuple[float, float]:
    tail, values = (1 - CONFIDENCE) / 2, values[~np.isnan(values)]
    low, high = np.quantile(values, [tail, 1 - tail]) if len(values) else (np.nan, np.nan)
    return float(low), float(high)


def _table(counts: np.ndarray, predicted: list[Measured], rose: list[Measured]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "least": np.arange(BINS) / BINS,
            "most": np.arange(1, BINS + 1) / BINS,
            "outcomes": counts,
            "predicted": [one.value for one in predicted],
            "rose": [one.value for one in rose],
            "low": [one.low for one in rose],
            "high": [one.high for one in rose],
        }
    )
