"""What a learner is shown of each candle: features of every timeframe, and of correlated pairs."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from gridkit import candles
from gridkit.host import timeframes as clocks
from gridkit.prediction import features
from gridkit.settings import Settings

TIME = "time"  # the family that says the same on every timeframe and pair

Frames = Mapping[str, pd.DataFrame]  # candles by timeframe, the strategy's own first


def columns(
    families: Sequence[str], timeframes: Sequence[str], correlated: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the names of the columns of `compute`, in its order."""
    own = _apart(families)
    named = [
        _named(one, pair, each) for pair, each in _sources(timeframes, correlated) for one in own
    ]
    return (*named, *_times(families))


def compute(
    frames: Frames, settings: Settings, correlated: Mapping[str, Frames] | None = None
) -> pd.DataFrame:
    """Return the features of `prediction.families` beside the candles of the first timeframe.

    A column is a feature's name, the coin of a correlated pair, and the timeframe; those of the
    time have the name alone. What a higher timeframe says is that of its last closed candle. NaN
    where unknown, float32, on the index of the first frame.
    """
    others = correlated or {}
    families, base = settings.prediction.families, next(iter(frames))
    parts = [
        _beside(
            frames[base], base, (others[pair] if pair else frames)[each], each, settings
        ).set_axis([_named(one, pair, each) for one in _apart(families)], axis=1)
        for pair, each in _sources(list(frames), list(others))
    ]
    times = features.compute(frames[base], settings, _times(families))
    return pd.concat([*parts, times.set_axis(_times(families), axis=1)], axis=1)


def warmup_seconds(settings: Settings, timeframes: Sequence[str]) -> float:
    """Return how long it takes until every feature of every timeframe is known."""
    lengths = [candles.seconds_of(each) for each in timeframes]
    return float(max(features.warmup(settings, one) * one for one in lengths))


def _beside(
    base: pd.DataFrame, timeframe: str, other: pd.DataFrame, each: str, settings: Settings
) -> pd.DataFrame:
    """Return the features of other candles as far as they had closed with each of the base."""
    made = features.compute(other, settings, _apart(settings.prediction.families))
    lengths = [candles.seconds_of(one) for one in (timeframe, each)]
    found = clocks.last_closed(base, lengths[0], other, lengths[1])
    return clocks.taken(made, found, base.index)


def _sources(timeframes: Sequence[str], correlated: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pair ("" is the own one) and timeframe, in the order of the columns."""
    for pair in ("", *correlated):
        for each in timeframes:
            yield pair, each


def _apart(families: Sequence[str]) -> tuple[str, ...]:
    return features.names([one for one in families if one != TIME])


def _times(families: Sequence[str]) -> tuple[str, ...]:
    return features.names([one for one in families if one == TIME])


def _named(feature: str, pair: str, timeframe: str) -> str:
    return "_".join(filter(None, [feature, pair.partition("/")[0], timeframe]))
