"""At which prices volume changed hands: the trailing volume profile (SPEC H).

A candle says how much traded, not where within it; its volume is spread evenly over its range. So
a profile is blurred by the size of a candle, and more so on coarser ones.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics.profile_kernels import CODES, PRICES, TIE, Rules, Traded, trail
from gridkit.analytics.profile_windows import (
    edges_between,
    empty_sums,
    traded,
    traded_last,
    usable,
    windows,
)
from gridkit.settings import ProfileSettings, Settings


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Volume per price bin. `edges` (prices, ascending) has one element more than `volumes`."""

    edges: np.ndarray
    volumes: np.ndarray

    @property
    def middles(self) -> np.ndarray:
        """Price in the middle of each bin."""
        return (self.edges[:-1] + self.edges[1:]) / 2


@dataclass(frozen=True, slots=True)
class Nodes:
    """Prices at which much (`high`) and little (`low`) changed hands, ascending."""

    high: tuple[float, ...]
    low: tuple[float, ...]


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until a window is covered. At least two: one does not know how long it is."""
    return max(2, math.ceil(_seconds(settings.profile) / timeframe_seconds))


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the levels of each candle's trailing profile, and where its close stands among them.

    Prices (float64, so that a close compares with them as the codes say): `profile_poc`, the middle
    of the bin with the most volume; `profile_vah` and `profile_val`, the ends of the value area;
    `profile_node_above` and `profile_node_below`, the nearest high-volume node beyond the close,
    NaN where there is none. Codes (int8): `profile_bias` 1 above the value area, -1 below, 0
    inside; `profile_low_volume` 1 where the close's bin holds at most `node_low` of the mean of all
    bins; `profile_near` the nearest of the levels within `near`, 1 POC, 2 VAH, 3 VAL, 0 none.

    Unknown means prices NaN and codes 0: until the window is covered, while nothing traded in it,
    and in a candle without prices or volume figure, which is otherwise left out as if it had not
    been. Missing candles count as time without trades.
    """
    candles.check(frame)
    profile, known = settings.profile, usable(frame)
    prices = np.full((len(frame), len(PRICES)), np.nan)
    codes = np.zeros((len(frame), len(CODES)), np.int8)
    if known.any():
        whole = frame[known]
        trades = traded(whole)
        prices[known], codes[known] = trail(
            empty_sums(trades, profile),
            trades,
            windows(whole, _seconds(profile)),
            whole["close"].to_numpy("float64", copy=True),
            Rules(profile.value_area, profile.node_high, profile.node_low, profile.near),
            profile.bins is not None,
        )
    columns = dict(zip(PRICES, prices.T, strict=True)) | dict(zip(CODES, codes.T, strict=True))
    return pd.DataFrame(columns, index=frame.index).add_prefix("profile_")


def histogram(frame: pd.DataFrame, settings: Settings, row: int) -> Histogram | None:
    """Return the profile that `compute` saw at a row (counted from 0); None where it is unknown."""
    candles.check(frame)
    if not 0 <= row < len(frame):
        raise IndexError(f"no row {row} in {len(frame)} candles")
    past = frame.iloc[: row + 1]
    known = usable(past)
    if not known[row]:
        return None
    last = traded_last(past[known], _seconds(settings.profile))
    return None if last is None else _spread(last, settings.profile)


def nodes(histogram: Histogram, settings: Settings) -> Nodes:
    """Return the local maxima and minima of a profile that are high or low enough to be nodes.

    High: at least `node_high` of the largest bin; low: at most `node_low` of the mean bin. The thin
    ends of a profile are no low nodes, as nothing is beyond them.
    """
    volumes, profile = histogram.volumes, settings.profile
    high = _peaks(volumes, profile.node_high * volumes.max())
    low = _peaks(-volumes, -profile.node_low * volumes.mean())
    middles = histogram.middles
    return Nodes(tuple(middles[high].tolist()), tuple(middles[low].tolist()))


def _spread(trades: Traded, profile: ProfileSettings) -> Histogram:
    """Spread the volume of a window's candles evenly over their ranges, all candles at once."""
    inside = trades.volume > 0
    edges = edges_between(trades.low[inside].min(), trades.high[inside].max(), profile)
    ends = edges.copy()
    ends[0], ends[-1] = -np.inf, np.inf
    point = trades.high == trades.low
    reach = np.where(point, 1.0, trades.high - trades.low)
    volumes = np.empty(len(edges) - 1)
    for place in range(len(volumes)):
        low, high = ends[place], ends[place + 1]
        overlap = np.minimum(trades.high, high) - np.maximum(trades.low, low)
        share = np.where(point, (trades.low >= low) & (trades.low < high), overlap / reach)
        volumes[place] = (trades.volume * np.maximum(share, 0.0)).sum()
    return Histogram(edges, volumes)


def _peaks(values: np.ndarray, least: float) -> np.ndarray:
    """Twin of the kernel `peaks`, for one profile at a time: nothing is compiled for it."""
    differs = _exceeds(values[1:], values[:-1]) | _exceeds(values[:-1], values[1:])
    first = np.flatnonzero(np.append(True, differs))
    last = np.append(first[1:], len(values)) - 1
    beside = np.concatenate([[0.0], values, [0.0]])
    found = _exceeds(values[first], beside[first]) & _exceeds(values[last], beside[last + 2])
    found &= values[first] >= least - TIE * abs(least)
    return (first + last)[found] // 2


def _exceeds(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one - other > TIE * np.maximum(np.abs(one), np.abs(other))


def _seconds(profile: ProfileSettings) -> float:
    return profile.days * candles.SECONDS_PER_DAY
