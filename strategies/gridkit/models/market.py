"""A pair as learners see it: candles on disk, the features of each, and what came after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from freqtrade.enums import CandleType
from pandas import DataFrame

from gridkit import candles
from gridkit.host import data_files
from gridkit.models import matrix
from gridkit.models.errors import ModelsError
from gridkit.prediction import targets
from gridkit.settings import Settings


@dataclass(frozen=True, slots=True)
class Files:
    """Where candles lie, as freqtrade stores them; those of perpetuals where pairs have a colon."""

    datadir: Path
    form: str = "feather"


@dataclass(frozen=True, slots=True)
class Market:
    """One pair, row by row of its candles. `moves` by horizon, fractions of price, NaN unknown."""

    pair: str
    times: np.ndarray
    features: DataFrame
    moves: Mapping[str, np.ndarray]

    def outcomes(self, rows: slice, known: Mapping[str, np.ndarray], cost: float) -> DataFrame:
        """Return `up_<h>` and `decided_<h>` of these rows: 1 or 0, NaN where not `known`."""
        found = {}
        for horizon, moves in self.moves.items():
            move = np.where(known[horizon], moves[rows], np.nan)
            here = ~np.isnan(move)
            found[f"up_{horizon}"] = np.where(here, move > 0, np.nan)
            found[f"decided_{horizon}"] = np.where(here, targets.decided(move, cost), np.nan)
        return DataFrame(found, index=self.features.index[rows])


def read(
    files: Files, pairs: Iterable[str], timeframes: Sequence[str], first: float, last: float
) -> dict[str, dict[str, DataFrame]]:
    """Return candles by pair and timeframe that opened between two moments, seconds UTC.

    Raises ModelsError with every file that is missing, empty or unreadable.
    """
    wanted = [(pair, each) for pair in pairs for each in timeframes]
    wrong = [said for pair, each in wanted if (said := _problem(files, pair, each))]
    if wrong:
        raise ModelsError("; ".join(wrong))
    found: dict[str, dict[str, DataFrame]] = {}
    for pair, each in wanted:
        found.setdefault(pair, {})[each] = _between(_read(files, pair, each), first, last)
    return found


def made(
    pair: str,
    frames: matrix.Frames,
    others: Mapping[str, matrix.Frames],
    settings: Settings,
) -> Market:
    """Return a pair with its features and what came of each candle."""
    own = next(iter(frames.values()))
    moves = {one: targets.moves(own, one) for one in settings.prediction.horizons}
    return Market(pair, candles.times(own), matrix.compute(frames, settings, others), moves)


def is_futures(pair: str) -> bool:
    """Tell whether a pair is a perpetual's, by its name."""
    return ":" in pair


def _problem(files: Files, pair: str, timeframe: str) -> str | None:
    return data_files.problem(files.datadir, pair, timeframe, _kind(pair), files.form)


def _read(files: Files, pair: str, timeframe: str) -> DataFrame:
    return data_files.read(files.datadir, pair, timeframe, _kind(pair), files.form)


def _kind(pair: str) -> CandleType:
    return CandleType.FUTURES if is_futures(pair) else CandleType.SPOT


def _between(frame: pd.DataFrame, first: float, last: float) -> pd.DataFrame:
    times = candles.times(frame)
    return frame[(times >= first) & (times <= last)].reset_index(drop=True)
