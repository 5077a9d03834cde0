"""Candles of one hour, of one pair or of many side by side."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridkit import candles


def of(frame: pd.DataFrame) -> np.ndarray:
    """Open times in whole hours since 1970, int64, shape (n,).

    Raises ValueError for what is no frame of candles, and for candles between the hours.
    """
    candles.check(frame)
    hours = candles.times(frame) / candles.SECONDS_PER_HOUR
    if not (hours == np.floor(hours)).all():
        raise ValueError("not hourly candles: some begin between the hours")
    return hours.astype("int64")


def log_returns(close: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """Return each hour's log return, shape (n,).

    NaN where this price or that of one hour before is unknown: no return spans a gap.
    """
    known = (close > 0) & np.isfinite(close)
    both = np.diff(hours, prepend=hours[:1]) == 1
    both &= known & np.concatenate([[False], known])[:-1]
    found = np.full(len(close), np.nan)
    now = np.flatnonzero(both)
    found[now] = np.log(close[now] / close[now - 1])
    return found


def table(columns: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Pairs side by side: every hour from the first of any to the last of any, NaN where unknown.

    `columns`: of each pair the hours (since 1970, ascending) and a value for each. The index is
    the hours' open times, UTC.
    """
    series = {name: pd.Series(values, index=hours) for name, (hours, values) in columns.items()}
    known = [hours for hours, _ in columns.values() if len(hours)]
    first = min((hours[0] for hours in known), default=0)
    last = max((hours[-1] for hours in known), default=-1)
    every = np.arange(first, last + 1)
    index = pd.DatetimeIndex((every * candles.SECONDS_PER_HOUR).astype("datetime64[s]"), tz="UTC")
    side_by_side = pd.DataFrame(series, index=every, columns=list(columns), dtype="float64")
    return side_by_side.set_axis(index.as_unit("ns").rename("date"))


def trailing_sums(values: np.ndarray, hours: int) -> np.ndarray:
    """Sum of each row and the `hours` - 1 before it, per column; `values` has shape (n, k).

    Before the first row there is nothing to add. A window is the end of one block of rows and the
    beginning of the next, so nothing is ever subtracted: of a huge value that has left the window
    no rounding stays behind.
    """
    rows, columns = values.shape
    count = -(-rows // hours)
    padded = np.zeros((count * hours, columns))
    padded[:rows] = values
    blocks = padded.reshape(count, hours, columns)
    sums = np.cumsum(blocks, axis=1).reshape(padded.shape)[:rows]
    remaining = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1].reshape(padded.shape)
    crossing = np.flatnonzero((np.arange(rows) + 1) % hours)
    crossing = crossing[crossing >= hours]
    sums[crossing] += remaining[crossing - hours + 1]
    return sums
