"""How an account is divided among positions: by confidence and inverse volatility (SPEC N)."""

import math
from collections.abc import Sequence

import numpy as np


def weights(confidences: Sequence[float], volatilities: Sequence[float]) -> np.ndarray:
    """Return each one's share, confidence over volatility by the sum of these. They sum to 1.

    Unknown numbers are neutral: as the mean of those known, so none of them shifts the others. A
    volatility of 0 is unknown; a confidence out of 0 … 1 is moved there, and where nobody has any
    confidence all have the same.
    """
    calm = [1 / value if 0 < value < math.inf else math.nan for value in volatilities]
    sure = np.clip(np.asarray(confidences, dtype="float64"), 0.0, 1.0)
    raw = _known(sure) * _known(np.asarray(calm, dtype="float64"))
    if not len(raw):
        return raw
    total = raw.sum()
    return raw / total if total > 0 else np.full(len(raw), 1 / len(raw))


def _known(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    mean = values[finite].mean() if finite.any() else 1.0
    return np.where(finite, values, mean)
