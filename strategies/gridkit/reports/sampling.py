"""Fewer points for pictures, without losing a high or a low."""

import numpy as np

from gridkit.reports.records import Floats, Ints


def kept_indices(values: Floats, most: int) -> Ints:
    """Choose at most about `most` points: first, low, high and last of each of equal stretches."""
    if len(values) <= most:
        return np.arange(len(values))
    safe = np.where(np.isnan(values), np.inf, values)
    chosen = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), max(1, most // 4)):
        low = part[safe[part].argmin()]
        high = part[np.where(np.isinf(safe[part]), -np.inf, safe[part]).argmax()]
        chosen.update((int(part[0]), int(low), int(high), int(part[-1])))
    return np.array(sorted(chosen), dtype=np.int64)


def spread_evenly(count: int, most: int) -> Ints:
    """Choose at most `most` of `count` things, evenly."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))
