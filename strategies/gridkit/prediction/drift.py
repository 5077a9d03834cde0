"""Whether the market still looks like the one a model was trained on, and how old the model is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

BINS = 10
LEAST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """From when a model is not believed any more.

    A feature has drifted when its index is above `most_index` (above 0.25 is the usual reading of
    a large shift). A model goes when more than `most_drifted_fraction` of the known features have,
    or it is older than `most_age_hours`.
    """

    most_index: float = 0.25
    most_drifted_fraction: float = 0.25
    most_age_hours: float = 24.0


def stability_index(training: np.ndarray, now: np.ndarray) -> float:
    """Return the population stability index of one feature: 0 if alike, without an upper end.

    Σ (q - p) ln(q / p) over the tenths of the training values, and below and above all of them; p
    and q are the shares of training and now, each with half a row added to every bin. NaN with
    fewer than a hundred known values in either. By chance alone it is about 9 / rows of each,
    and far more where neighbouring rows are alike: compare days, not hours, and whole days, as the
    time of day is a feature too.
    Source: Siddiqi (2006), Credit Risk Scorecards; Yurdakul (2018), Statistical Properties of
    Population Stability Index.
    """
    before, after = (values[np.isfinite(values)] for values in (training, now))
    if min(len(before), len(after)) < LEAST_ROWS:
        return float("nan")
    edges = np.quantile(before, np.linspace(0, 1, BINS + 1))
    edges[-1] = np.nextafter(edges[-1], np.inf)  # the largest of training belongs to the last bin
    edges = np.unique(edges)
    usual, seen = (_shares(values, edges) for values in (before, after))
    return float(((seen - usual) * np.log(seen / usual)).sum())


def compare(training: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Return the stability index of each column of `training`; `now` has the same columns."""
    columns = training.columns
    values = [
        stability_index(training[name].to_numpy("float64"), now[name].to_numpy("float64"))
        for name in columns
    ]
    return pd.Series(values, index=columns, name="stability_index", dtype="float64")


def objection(indices: pd.Series, age_seconds: float, limits: Limits = Limits()) -> str | None:
    """Return why a model is not to be believed, or None. What is not known is an objection.

    `indices` as `compare` returns them; `age_seconds` since the end of what it was trained on.
    """
    hours, known = age_seconds / 3_600, indices.dropna()
    if not hours <= limits.most_age_hours:
        return f"the model is {hours:.1f} hours old, {limits.most_age_hours:g} are allowed"
    if known.empty:
        return "drift of the features unknown"
    drifted = known[known > limits.most_index]
    if len(drifted) > limits.most_drifted_fraction * len(known):
        return f"{len(drifted)} of {len(known)} features drifted, {drifted.idxmax()} most"
    return None


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of values in each bin, below and above the edges included."""
    bins = np.searchsorted(edges, values, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1) + 0.5
    return counts / counts.sum()
