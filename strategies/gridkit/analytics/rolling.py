"""Where a value stands among those before it."""

import numpy as np
import pandas as pd


def percentile(values: np.ndarray, window: int) -> np.ndarray:
    """Return each value's percentile among the last `window` values, itself included, 0 … 100.

    0 is the smallest of them, 100 the largest; equal values share the mean of their places, so a
    constant series stands at 50. `values` has shape (n,), as has the result. NaN where the value is
    unknown, until `window` values have passed since the first known one, and while fewer than half
    of the window (or fewer than two) are known.
    """
    series = pd.Series(values, dtype="float64")
    if window < 2 or not series.notna().any():  # noqa: PLR2004 (one value has no place)
        return np.full(len(series), np.nan)
    rolling = series.rolling(window, min_periods=max(2, -(-window // 2)))
    places, counts = rolling.rank().to_numpy(), rolling.count().to_numpy()
    with np.errstate(invalid="ignore"):
        result = 100.0 * (places - 1.0) / (counts - 1.0)
    first = int(np.argmax(series.notna().to_numpy()))
    result[: first + window - 1] = np.nan
    result[series.isna().to_numpy()] = np.nan
    return result
