"""The benchmark's candles: the sandbox's simulated market, the same in every run.

They are what `freqtrade download-data` gets from the sandbox (a test compares them), written
straight from the simulation, which takes seconds instead of minutes.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from freqtrade.data.history.datahandlers import get_datahandler
from freqtrade.enums import CandleType

from sandbox.api.candles import encode
from sandbox.candles import Window
from sandbox.simulation.market import SimulatedMarket

START = datetime(2025, 1, 1, tzinfo=UTC)
SEED = 7
PROFILE = "steady"
# Days before the first one: GARCH wants 97 of hours, confluence 134 of four hours.
HISTORY_DAYS = {"5m": 10, "15m": 10, "1h": 100, "4h": 140}
DAYS_AFTER = 1  # so that freqtrade does not warn of data ending before the period does
COLUMNS = ["date", "open", "high", "low", "close", "volume"]

_CHUNK_DAYS = 30  # what the simulation remembers of one coin


@dataclass(frozen=True)
class Dataset:
    """Where candles lie, what they cover, and a hash of their values."""

    folder: Path
    pairs: tuple[str, ...]
    days: int
    fingerprint: str

    def timerange(self, days: int) -> str:
        """Name the last so many days, as freqtrade's `--timerange`."""
        end = START + timedelta(days=self.days)
        return f"{end - timedelta(days=days):%Y%m%d}-{end:%Y%m%d}"


def write(folder: Path, pairs: Sequence[str], days: int) -> Dataset:
    """Write the candles of these pairs from the start date, with the history before it."""
    simulated = SimulatedMarket(SEED, PROFILE)
    handler = get_datahandler(folder, "feather")
    digest = hashlib.sha256()
    for pair in pairs:
        for timeframe, frame in candles_of(simulated, pair, START, days).items():
            handler.ohlcv_store(pair, timeframe, frame, CandleType.SPOT)
            _add(digest, f"{pair} {timeframe}", frame)
    return Dataset(folder, tuple(pairs), days, digest.hexdigest()[:16])


def candles_of(
    simulated: SimulatedMarket,
    pair: str,
    start: datetime,
    days: int,
    history: Mapping[str, int] = HISTORY_DAYS,
) -> dict[str, pd.DataFrame]:
    """Return a frame per timeframe, in the columns freqtrade stores."""
    chunks: dict[str, list[pd.DataFrame]] = {timeframe: [] for timeframe in history}
    end = start + timedelta(days=days + DAYS_AFTER)
    for since, after in _chunks(start - timedelta(days=max(history.values())), end):
        for timeframe, before in history.items():
            first = max(since, _milliseconds(start - timedelta(days=before)))
            if first < after:
                chunks[timeframe].append(_frame(simulated, pair, timeframe, first, after))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in chunks.items()}


def _chunks(first: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    while first < end:
        after = min(end, first + timedelta(days=_CHUNK_DAYS))
        yield _milliseconds(first), _milliseconds(after)
        first = after


def _frame(
    simulated: SimulatedMarket, pair: str, timeframe: str, first: int, after: int
) -> pd.DataFrame:
    """Go through the API's own text, so that the floats are those a download ends with."""
    symbol = pair.replace("/", "")
    window = Window(first, after - 1, limit=after - first)
    rows = simulated.candles("spot", symbol, "last", timeframe, window, after)
    listed = simulated.instruments("spot")[symbol]
    fields = encode(rows, listed, timeframe, "last")
    values = np.array([row[1:6] for row in fields], dtype="float64")
    frame = pd.DataFrame(values, columns=COLUMNS[1:])
    times = pd.to_datetime([row[0] for row in fields], unit="ms", utc=True)
    frame.insert(0, "date", times.as_unit("ms"))
    return frame


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _add(digest: "hashlib._Hash", name: str, frame: pd.DataFrame) -> None:
    digest.update(name.encode())
    digest.update(frame["date"].astype("int64").to_numpy().tobytes())
    digest.update(frame[COLUMNS[1:]].to_numpy(dtype="float64").tobytes())
