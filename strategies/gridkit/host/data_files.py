"""Candles on disk, looked at before freqtrade reads them.

It goes on without a pair whose file is missing, empty or unreadable, and a backtest of fewer pairs
than were asked for looks like any other.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.enums import CandleType, RunMode
from freqtrade.exceptions import OperationalException
from freqtrade.misc import pair_to_filename

from gridkit import candles
from gridkit.settings import Settings

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "feather": pd.read_feather,
    "parquet": pd.read_parquet,
}
_LITERAL_PAIR = re.compile(r"\w+/\w+(:\w+)?")


def check(config: Mapping[str, Any], timeframe: str, settings: Settings) -> None:
    """Raise OperationalException with every file a backtest of these pairs cannot do without."""
    if config.get("runmode") not in (RunMode.BACKTEST, RunMode.HYPEROPT):
        return
    wanted = _timeframes(config, timeframe, settings)
    wrong = [
        problem
        for pair in _pairs(config)
        for problem in (_problem(config, pair, one, in_range=one == timeframe) for one in wanted)
        if problem
    ]
    if wrong:
        raise OperationalException("; ".join(wrong))


def _timeframes(config: Mapping[str, Any], timeframe: str, settings: Settings) -> list[str]:
    found = [timeframe]
    if config.get("timeframe_detail"):
        found.append(config["timeframe_detail"])
    if settings.trend.enabled and _is_higher(settings.trend.timeframe, timeframe):
        found.append(settings.trend.timeframe)
    return found


def _is_higher(trend: str, timeframe: str) -> bool:
    """Leave it to the start of the bot to say what is wrong with a timeframe's name."""
    try:
        return candles.seconds_of(trend) > candles.seconds_of(timeframe)
    except ValueError:
        return False


def _pairs(config: Mapping[str, Any]) -> Iterator[str]:
    """Pairs written out in the whitelist; those that filters or patterns choose are freqtrade's."""
    methods = [one.get("method") for one in config.get("pairlists", [])]
    if methods[:1] != ["StaticPairList"]:
        return
    exchange = config["exchange"]
    refused = exchange.get("pair_blacklist", [])
    for pair in exchange.get("pair_whitelist", []):
        if _LITERAL_PAIR.fullmatch(pair) and not any(re.fullmatch(one, pair) for one in refused):
            yield pair


def _problem(config: Mapping[str, Any], pair: str, timeframe: str, *, in_range: bool) -> str | None:
    form = config.get("dataformat_ohlcv", "feather")
    if form not in READERS:
        return None
    path = _path(config, pair, timeframe, form)
    download = f"freqtrade download-data --pairs {pair} --timeframes {timeframe}"
    if not path.is_file():
        return (
            f"{pair}: no {timeframe} candles, as there is no file {path}. Download them: {download}"
        )
    try:
        dates = READERS[form](path)["date"]
    except Exception as error:  # whatever a spoilt file makes its reader raise
        reason = str(error).partition("\n")[0]
        return (
            f"{pair}: {timeframe} candles in {path} cannot be read ({reason}). {_ANEW} {download}"
        )
    if in_range and not _within(dates, config.get("timerange")):
        return f"{pair}: no {timeframe} candles in {config['timerange']} in {path}: {download}"
    return None


_ANEW = "Delete the file and download it again:"


def _path(config: Mapping[str, Any], pair: str, timeframe: str, form: str) -> Path:
    kind = config.get("candle_type_def", CandleType.SPOT)
    name = f"{pair_to_filename(pair)}-{timeframe}"
    if kind == CandleType.SPOT:
        return Path(config["datadir"]) / f"{name}.{form}"
    return Path(config["datadir"]) / "futures" / f"{name}-{kind}.{form}"


def _within(dates: pd.Series, timerange: str | None) -> bool:
    wanted = TimeRange.parse_timerange(timerange)
    inside = pd.Series(True, index=dates.index)
    if wanted.startdt:
        inside &= dates >= wanted.startdt
    if wanted.stopdt:
        inside &= dates <= wanted.stopdt
    return bool(inside.any())
