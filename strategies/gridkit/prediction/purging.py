"""How a training window is split, so that no training outcome reaches into what judges it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of the training window to train on, and later ones to validate and calibrate on."""

    train: np.ndarray
    validation: np.ndarray


def split(
    times: np.ndarray,
    horizon_seconds: float,
    validation_fraction: float = 0.2,
    embargo_seconds: float = 0.0,
) -> Split:
    """Return the last share of the rows as validation, and the rows before it to train on.

    Purged are rows whose outcome is known only after the first validation row: they would be
    trained on what validation asks. The embargo leaves out so many seconds more, as neighbouring
    rows are alike even where their outcomes do not overlap. Either side may come out empty.
    `times` are seconds UTC, ascending, shape (n,).
    Source: López de Prado (2018), Advances in Financial Machine Learning, section 7.4.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction {validation_fraction} must be between 0 and 1")
    if horizon_seconds <= 0 or embargo_seconds < 0:
        raise ValueError("the horizon must be above 0, the embargo must not be below")
    first = len(times) - round(len(times) * validation_fraction)
    rows = np.arange(len(times))
    if first == len(times):
        return Split(rows, rows[:0])
    known = times + horizon_seconds + embargo_seconds
    return Split(np.flatnonzero(known <= times[first]), rows[first:])
