"""Reads a volatility index from a file, such as Deribit's DVOL (SPEC G.3)."""

from pathlib import Path

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics.implied import VolatilityIndex
from gridkit.settings import SECTION, SettingsError

KEY = f"{SECTION}.volatility.implied.file"
COLUMNS = ["date", "close"]
# No coin's index was ever outside; fractions in place of percents are.
LEAST_PERCENT, MOST_PERCENT = 2.0, 1_000.0


def read(file: str | Path) -> VolatilityIndex:
    """Read a CSV with the columns `date` (UTC unless it says otherwise) and `close` (percent).

    A close is known from its period's end on. A row at most an hour after the one before it is of
    an hour, any other of a day, so the first is of a day, as is the first after a hole in an hourly
    file: it may be known later than was needed, never earlier. Raises SettingsError for a file that
    cannot be read so.
    """
    table = _table(Path(file))
    dates, closes = _dates(table["date"], file), _closes(table["close"], file)
    hourly = np.diff(dates, prepend=-np.inf) <= candles.SECONDS_PER_HOUR
    known_from = dates + np.where(hourly, candles.SECONDS_PER_HOUR, candles.SECONDS_PER_DAY)
    return VolatilityIndex(known_from, closes / 100.0)


def _table(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except OSError as error:
        raise _wrong(file, f"cannot be read ({error.strerror})", "a CSV file") from None
    except ValueError:  # pandas' own errors and those of decoding are of this kind
        raise _wrong(file, "is no table", "a CSV file") from None
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise _wrong(file, f"has no column {', '.join(missing)}", "date and close in its first row")
    if table.empty:
        raise _wrong(file, "has no rows", "at least one")
    return table


def _dates(texts: pd.Series, file: str | Path) -> np.ndarray:
    dates = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
    _refuse(texts, dates.isna(), file, "dates such as 2024-01-31 or 2024-01-31 08:00:00+00:00")
    seconds = dates.to_numpy("datetime64[ns]").astype("int64") / 1e9
    backwards = np.diff(seconds, prepend=-np.inf) <= 0
    _refuse(texts, pd.Series(backwards), file, "dates in ascending order, each once")
    return seconds


def _closes(texts: pd.Series, file: str | Path) -> np.ndarray:
    closes = pd.to_numeric(texts, errors="coerce").astype("float64")
    allowed = f"percents from {LEAST_PERCENT:g} to {MOST_PERCENT:g} (56.7 is 56.7 % a year)"
    _refuse(texts, ~closes.between(LEAST_PERCENT, MOST_PERCENT), file, allowed)
    return closes.to_numpy()


def _refuse(texts: pd.Series, wrong: pd.Series, file: str | Path, allowed: str) -> None:
    """Complain of the first wrong cell; the file's first line is its header."""
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise _wrong(file, f"line {row + 2} has {texts.iloc[row]!r} as {texts.name}", allowed)


def _wrong(file: str | Path, problem: str, allowed: str) -> SettingsError:
    return SettingsError(f"{KEY} = {str(file)!r}: {problem}; allowed is {allowed}")
