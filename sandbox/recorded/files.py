"""freqtrade's data folder: what its file names say, and how each format is read."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import feather, ipc, parquet

from sandbox import candles, timeframes
from sandbox.errors import SandboxError
from sandbox.instruments import Market

SUFFIXES = (".feather", ".parquet", ".json", ".json.gz")
TRADES = "trades"

# BTC_USDT-5m.feather, futures/BTC_USDT_USDT-8h-mark.feather, BTC_USDT-trades.feather
_NAME = re.compile(
    r"^(?P<base>[^_-]+)_(?P<quote>[^_-]+)(?:_(?P<settle>[^_-]+))?"
    r"-(?:(?P<timeframe>\d+[a-zA-Z]{1,2})(?:-(?P<kind>[a-zA-Z_]+))?|(?P<trades>trades))$"
)
_KINDS = {
    "": "last",
    "futures": "last",
    "mark": "mark",
    "index": "index",
    "premiumIndex": "premium",
    "funding_rate": "funding_rate",
    "open_interest": "open_interest",
}
# Columns of each kind of file, by their order in freqtrade's nameless formats.
_CANDLE = ("date", "open", "high", "low", "close", "volume")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "funding_rate": ("date", "funding_rate"),
    "open_interest": ("date", "open_interest_amount", "open_interest_value"),
    TRADES: ("timestamp", "id", "type", "side", "price", "amount", "cost"),
}
_LEGACY = {"funding_rate": "open"}  # older files keep the rate in a candle's open
_READ_ERRORS = (OSError, ValueError, KeyError, pa.ArrowException)


@dataclass(frozen=True)
class Recording:
    """One file: whose, of what kind, and of which timeframe (empty for trades)."""

    path: Path
    market: Market
    base: str
    quote: str
    kind: str
    timeframe: str

    @property
    def symbol(self) -> str:
        """The name in Binance's API."""
        return self.base + self.quote


def scan(folder: Path) -> list[Recording]:
    """List every file of a datadir that can be served; SandboxError if there is none."""
    if not folder.is_dir():
        raise SandboxError(f"--data: {str(folder)!r} is not a folder; give a freqtrade datadir")
    found = list(_recordings(folder))
    if not found:
        raise SandboxError(
            f"--data: {str(folder)!r} has no candle files such as BTC_USDT-5m.feather "
            f"({', '.join(SUFFIXES)}); give a freqtrade datadir{_hint(folder)}"
        )
    for recording in found:
        _check(recording)
    return found


def _recordings(folder: Path) -> Iterator[Recording]:
    for part in (folder, folder / "futures"):
        for path in sorted(part.glob("*")):
            recording = _parse(path)
            if recording is not None and path.is_file():
                yield recording


def _parse(path: Path) -> Recording | None:
    suffix = next((each for each in SUFFIXES if path.name.endswith(each)), None)
    match = _NAME.match(path.name.removesuffix(suffix)) if suffix else None
    if match is None:
        return None
    timeframe = (match["timeframe"] or "").replace("1Mo", "1M").replace("1mo", "1M")
    kind = TRADES if match["trades"] else _KINDS.get(match["kind"] or "")
    if kind is None or (timeframe and timeframe not in timeframes.LENGTH_MS):
        return None
    market: Market = "futures" if match["settle"] else "spot"
    return Recording(path, market, match["base"], match["quote"], kind, timeframe)


def _hint(folder: Path) -> str:
    inside = [each for each in sorted(folder.glob("*")) if each.is_dir()]
    usable = next((each for each in inside if next(_recordings(each), None)), None)
    return f"; did you mean {str(usable)!r}?" if usable else ", e.g. user_data/data/binance"


def _check(recording: Recording) -> None:
    """Look at a file's description of itself, without reading its data."""
    path = recording.path
    try:
        if path.suffix == ".feather":
            names = ipc.open_file(path).schema.names
        elif path.suffix == ".parquet":
            names = parquet.read_schema(path).names
        else:
            names = list(_column_names(recording)) if _json(path) is not None else []
        if _column_names(recording)[0] not in names:
            raise ValueError(f"no column {_column_names(recording)[0]!r}")
    except _READ_ERRORS as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> SandboxError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return SandboxError(
        f"--data: {str(path)!r} cannot be read ({reason}); "
        "remove it or download it again with freqtrade download-data"
    )


def read_candles(recording: Recording) -> np.ndarray:
    """Rows as in `sandbox.candles`. What a file does not hold is estimated or 0.

    Quote volume is volume times the candle's average price; counts and taker volumes are 0.
    """
    table = _table(recording)
    rows = np.zeros((len(table["date"]), candles.COLUMNS))
    for column, name in enumerate(_CANDLE):
        rows[:, column] = table[name]
    average = rows[:, candles.OPEN : candles.VOLUME].mean(axis=1)
    rows[:, candles.QUOTE] = np.nan_to_num(rows[:, candles.VOLUME]) * average
    return rows


def read_columns(recording: Recording) -> np.ndarray:
    """Funding or open interest: the file's columns, the first a time in ms."""
    table = _table(recording)
    return np.column_stack([table[name].astype(float) for name in _column_names(recording)])


def read_trades(recording: Recording) -> dict[str, np.ndarray]:
    """Columns of a file of trades, by name."""
    return _table(recording)


def _column_names(recording: Recording) -> tuple[str, ...]:
    return _COLUMNS.get(recording.kind, _CANDLE)


def _table(recording: Recording) -> dict[str, np.ndarray]:
    """Numpy columns by name; times as whole ms."""
    wanted = _column_names(recording)
    try:
        if recording.path.suffix in (".feather", ".parquet"):
            return _arrow_columns(recording.path, wanted, _LEGACY.get(recording.kind))
        columns = list(zip(*(_json(recording.path) or []), strict=True))
        return {name: np.array(columns[place]) for place, name in enumerate(wanted)}
    except (*_READ_ERRORS, IndexError) as error:
        raise _unreadable(recording.path, error) from None


def _arrow_columns(
    path: Path, wanted: tuple[str, ...], legacy: str | None
) -> dict[str, np.ndarray]:
    read = feather.read_table if path.suffix == ".feather" else parquet.read_table
    table = read(path)
    if legacy and wanted[1] not in table.column_names:
        table = table.rename_columns({legacy: wanted[1]})
    return {name: _numpy(table[name]) for name in wanted if name in table.column_names}


def _numpy(column: Any) -> np.ndarray:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
    return np.asarray(column.to_numpy())


def _json(path: Path) -> list[list[Any]] | None:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    parsed = orjson.loads(content)
    if not isinstance(parsed, list):
        raise ValueError("not a list of candles")
    return parsed
