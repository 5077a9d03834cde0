"""Candles, mark prices and funding rates of a run, read with freqtrade's own loaders."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import freqtrade.exchange as exchanges
import numpy as np
import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.data.history import load_data
from freqtrade.enums import CandleType
from freqtrade.exceptions import FreqtradeException
from freqtrade.exchange import MAP_EXCHANGE_CHILDCLASS, Exchange, timeframe_to_seconds

from gridkit.reports.records import Candles, FundingRows, epoch_seconds


class ReportError(Exception):
    """Something the user can put right; the message says what and how."""


@dataclass(frozen=True)
class DataSource:
    """Where the candles of a run lie and which they are."""

    datadir: Path
    data_format: str
    exchange: str
    trading_mode: str
    timerange: str
    futures_funding_rate: float | None = None

    @property
    def candle_type(self) -> CandleType:
        """Which candles the strategy traded on."""
        return CandleType.FUTURES if self.trading_mode == "futures" else CandleType.SPOT


def load_candles(
    source: DataSource, pairs: list[str], timeframe: str, start: int, end: int
) -> dict[str, Candles]:
    """Load the candles of each pair that has any within the run, without invented ones."""
    frames = load_frames(source, pairs, timeframe, start, end)
    return {pair: Candles.from_frame(frame) for pair, frame in frames.items()}


def load_frames(
    source: DataSource, pairs: list[str], timeframe: str, start: int, end: int
) -> dict[str, pd.DataFrame]:
    """Load the same as freqtrade's frames, those that hold anything."""
    with as_report_error(f"the {timeframe} candles in {source.datadir} cannot be read"):
        frames = load_data(
            datadir=source.datadir,
            timeframe=timeframe,
            pairs=pairs,
            timerange=TimeRange("date", "date", start, end + timeframe_to_seconds(timeframe)),
            fill_up_missing=False,
            data_format=source.data_format,
            candle_type=source.candle_type,
        )
    return {pair: frame for pair, frame in frames.items() if len(frame)}


def load_funding(
    source: DataSource, pairs: list[str], start: int, end: int
) -> dict[str, FundingRows]:
    """Load the funding of each pair as freqtrade's backtest puts it together; empty on spot."""
    if source.trading_mode != "futures":
        return {}
    timerange = TimeRange.parse_timerange(source.timerange or None)
    rates = _funding_frames(source, pairs, "funding_fee_timeframe", "funding_rate", timerange)
    marks = _funding_frames(source, pairs, "mark_ohlcv_timeframe", None, timerange)
    return {
        pair: funding_rows(
            rates.get(pair, pd.DataFrame()), marks.get(pair, pd.DataFrame()), source, (start, end)
        )
        for pair in pairs
    }


def _funding_frames(
    source: DataSource, pairs: list[str], step: str, kind: str | None, timerange: TimeRange
) -> dict[str, pd.DataFrame]:
    with as_report_error(f"the funding or mark candles in {source.datadir} cannot be read"):
        return load_data(
            datadir=source.datadir,
            timeframe=exchange_option(source, step),
            pairs=pairs,
            timerange=timerange,
            # As the backtest does: gaps within mark candles are filled, funding rates are not.
            fill_up_missing=kind is None,
            data_format=source.data_format,
            candle_type=CandleType.from_string(kind or exchange_option(source, "mark_ohlcv_price")),
        )


def funding_rows(
    rates: pd.DataFrame, marks: pd.DataFrame, source: DataSource, span: tuple[int, int]
) -> FundingRows:
    """Join rates and marks by freqtrade's own rule; say which known rates found no mark."""
    none, nothing = np.empty(0, np.int64), np.empty(0)
    known = epoch_seconds(rates["date"]) if len(rates) else none
    marked = epoch_seconds(marks["date"]) if len(marks) else none
    column = "funding_rate" if "funding_rate" in rates.columns else "open"
    lost = ~np.isin(known, marked) & (known >= span[0]) & (known <= span[1])
    unmarked = rates[column].to_numpy(dtype="float64")[lost] if len(rates) else nothing
    fallback = source.futures_funding_rate is not None and not len(rates)
    if not len(marks) or not (len(rates) or fallback):
        return FundingRows(none, nothing, known[lost], unmarked)
    joined = Exchange.combine_funding_and_mark(
        rates, marks, cast(int | None, source.futures_funding_rate)
    )
    fees = (joined["open_fund"] * joined["open_mark"]).to_numpy(dtype="float64")
    return FundingRows(epoch_seconds(joined["date"]), fees, known[lost], unmarked, fallback)


def exchange_option(source: DataSource, name: str) -> str:
    """Return one of freqtrade's facts about an exchange, without connecting to it."""
    known = MAP_EXCHANGE_CHILDCLASS.get(source.exchange, source.exchange)
    kind = getattr(exchanges, known.title(), Exchange)
    found: dict[str, Any] = {**Exchange._ft_has_default, **kind._ft_has}
    if source.trading_mode == "futures":
        found.update(kind._ft_has_futures)
    return str(found[name])


@contextmanager
def as_report_error(what: str) -> Iterator[None]:
    """Turn what freqtrade's loaders raise into one sentence."""
    try:
        yield
    except (ValueError, OSError, KeyError, FreqtradeException, zipfile.BadZipFile) as error:
        raise ReportError(f"{what}: {error}") from error
