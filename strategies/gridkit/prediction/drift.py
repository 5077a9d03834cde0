"""Whether the market still looks like the one a model was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

BINS = 10
LEAST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Usual:
    """How one feature was spread in training: edges of its bins, and the share in each.

    `shares` has one more than `edges`, as there is a bin below and one above all of them.
    """

    edges: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True, slots=True)
class Reference:
    """How the features of a training were spread, by name; None for one that was hardly known.

    Small, so that it is kept with a model in the place of the rows it was trained on.
    """

    features: Mapping[str, Usual | None]


def reference(training: pd.DataFrame) -> Reference:
    """Return how each column is spread."""
    return Reference({str(name): _usual(training[name].to_numpy("float64")) for name in training})


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
    return _index(_usual(training), now)


def compare(reference: Reference, now: pd.DataFrame) -> pd.Series:
    """Return the stability index of each feature of the reference; `now` has its columns."""
    values = {
        name: _index(usual, now[name].to_numpy("float64"))
        for name, usual in reference.features.items()
    }
    return pd.Series(values, name="stability_index", dtype="float64")


def drifted(indices: pd.Series, most_index: float) -> float:
    """Return the share of known features whose index is above `most_index`; NaN if none is known.

    `indices` as `compare` returns them.
    """
    known = indices.dropna()
    return float((known > most_index).mean()) if len(known) else float("nan")


def lately(
    reference: Reference, features: pd.DataFrame, rows: int, most_index: float
) -> np.ndarray:
    """Return at each row the share of features that have drifted in the last `rows` rows.

    Shape (n,). As `drifted` of `compare` would say of each; NaN for the first `rows` - 1.
    """
    above, known = np.zeros(len(features)), np.zeros(len(features))
    for name, usual in reference.features.items():
        if usual is not None:
            index = _indices(usual, features[name].to_numpy("float64"), rows)
            above += index > most_index
            known += ~np.isnan(index)
    return np.divide(above, known, out=np.full(len(features), np.nan), where=known > 0)


def _usual(training: np.ndarray) -> Usual | None:
    known = training[np.isfinite(training)]
    if len(known) < LEAST_ROWS:
        return None
    edges = np.quantile(known, np.linspace(0, 1, BINS + 1))
    edges[-1] = np.nextafter(edges[-1], np.inf)  # the largest of training belongs to the last bin
    edges = np.unique(edges)
    return Usual(edges, _shares(_counts(known, edges)))


def _index(usual: Usual | None, now: np.ndarray) -> float:
    known = now[np.isfinite(now)]
    if usual is None or len(known) < LEAST_ROWS:
        return float("nan")
    return float(_distance(usual, _counts(known, usual.edges)))


def _indices(usual: Usual, values: np.ndarray, rows: int) -> np.ndarray:
    """Return the index of the last `rows` values at each of them, shape (n,)."""
    found = np.full(len(values), np.nan)
    if len(values) < rows:
        return found
    bins = np.searchsorted(usual.edges, values, side="right")
    inside = (bins[:, None] == np.arange(len(usual.shares))) & np.isfinite(values)[:, None]
    sums = np.cumsum(np.pad(inside, ((1, 0), (0, 0))), axis=0)
    counts = sums[rows:] - sums[:-rows]
    enough = counts.sum(axis=1) >= LEAST_ROWS
    found[rows - 1 :] = np.where(enough, _distance(usual, counts), np.nan)
    return found


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return how many values are in each bin, below and above the edges included."""
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)


def _shares(counts: np.ndarray) -> np.ndarray:
    whole = counts + 0.5
    return whole / whole.sum(axis=-1, keepdims=True)


def _distance(usual: Usual, counts: np.ndarray) -> np.ndarray:
    """Return the index of counts of shape (…, bins), shape (…)."""
    seen = _shares(counts)
    return ((seen - usual.shares) * np.log(seen / usual.shares)).sum(axis=-1)
