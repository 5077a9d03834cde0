"""Candles on disk, looked at before freqtrade reads them.

It goes on without a pair whose file is missing, empty or unreadable, and a backtest of fewer pairs
than were asked for looks like any other.
"""

import itertools
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.data.converter import trim_dataframe
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.exceptions import OperationalException
from freqtrade.misc import pair_to_filename
from freqtrade.plugins.pairlist.pairlist_helpers import expand_pairlist

from gridkit import candles
from gridkit.host.prediction import section
from gridkit.settings import Settings

_LITERAL_PAIR = re.compile(r"\w+/\w+(:\w+)?")
_ENDINGS = {"jsongz": "json.gz"}


def check(
    config: Mapping[str, Any], timeframe: str, settings: Settings, also: Iterable[str] = ()
) -> None:
    """Raise OperationalException with every file a backtest of these pairs cannot do without.

    `also` names timeframes the strategy trades on beside its own and the regime's.
    """
    if config.get("runmode") not in (RunMode.BACKTEST, RunMode.HYPEROPT):
        return
    higher = [one for one in also if _is_higher(one, timeframe)]
    wanted = list(dict.fromkeys([*_timeframes(config, timeframe, settings), *higher]))
    pairs = named_pairs(config)
    needed = [*itertools.product(pairs, wanted), *_of_freqai(config, timeframe, pairs)]
    found = [
        _problem(config, pair, one, in_range=pair in pairs and one == timeframe)
        for pair, one in dict.fromkeys(needed)
    ]
    wrong = [problem for problem in found if problem]
    if wrong:
        raise OperationalException("; ".join(wrong))


def _of_freqai(
    config: Mapping[str, Any], timeframe: str, pairs: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield pairs and timeframes without which FreqAI trains nothing, and says so in the log."""
    if not section.is_on(config) or not pairs:
        return
    asked = config["freqai"].get("feature_parameters", {})
    timeframes = dict.fromkeys([timeframe, *asked.get("include_timeframes", [])])
    yield from itertools.product([*pairs, *asked.get("include_corr_pairlist", [])], timeframes)


def _timeframes(config: Mapping[str, Any], timeframe: str, settings: Settings) -> list[str]:
    found = [timeframe]
    if config.get("timeframe_detail"):
        found.append(config["timeframe_detail"])
    if settings.regime.enabled and _is_higher(settings.regime.timeframe, timeframe):
        found.append(settings.regime.timeframe)
    return found


def _is_higher(other: str, timeframe: str) -> bool:
    """Leave it to the start of the bot to say what is wrong with a timeframe's name."""
    try:
        return candles.seconds_of(other) > candles.seconds_of(timeframe)
    except ValueError:
        return False


def named_pairs(config: Mapping[str, Any]) -> list[str]:
    """Return pairs written out in the whitelist; what filters or patterns choose is freqtrade's."""
    methods = [one.get("method") for one in config.get("pairlists", [])]
    if methods[:1] != ["StaticPairList"]:
        return []
    exchange = config["exchange"]
    whitelist = exchange.get("pair_whitelist", [])
    try:
        expand_pairlist(whitelist, [])
        refused = expand_pairlist(exchange.get("pair_blacklist", []), whitelist)
    except ValueError:  # a pattern that is none: freqtrade takes no pair at all then, and says why
        return []
    return [pair for pair in whitelist if _LITERAL_PAIR.fullmatch(pair) and pair not in refused]


def problem(
    folder: Path, pair: str, timeframe: str, kind: CandleType, form: str = "feather"
) -> str | None:
    """Return why a pair has no candles of a timeframe, and how to get them; None where it has."""
    path = _path(folder, pair, timeframe, kind, form)
    download = _download(pair, timeframe)
    if not path.is_file():
        return (
            f"{pair}: no {timeframe} candles, as there is no file {path}. Download them: {download}"
        )
    if read(folder, pair, timeframe, kind, form).empty:
        return f"{pair}: no {timeframe} candles can be read from {path}. {_ANEW} {download}"
    return None


def read(
    folder: Path, pair: str, timeframe: str, kind: CandleType, form: str = "feather"
) -> pd.DataFrame:
    """Return what freqtrade will read; no rows where it logs an error or fails over the file."""
    files = get_datahandler(folder, form)
    with _silent_reading():
        try:
            return files.ohlcv_load(pair, timeframe, kind, fill_missing=False, warn_no_data=False)
        except Exception:  # whatever a spoilt file makes its reader raise
            return pd.DataFrame()


def _problem(config: Mapping[str, Any], pair: str, timeframe: str, *, in_range: bool) -> str | None:
    folder, form = Path(config["datadir"]), config.get("dataformat_ohlcv", "feather")
    kind, wanted = config.get("candle_type_def", CandleType.SPOT), config.get("timerange")
    found = problem(folder, pair, timeframe, kind, form)
    if found or not in_range:
        return found
    frame = read(folder, pair, timeframe, kind, form)
    if trim_dataframe(frame, TimeRange.parse_timerange(wanted)).empty:
        path = _path(folder, pair, timeframe, kind, form)
        return f"{pair}: no {timeframe} candles in {wanted} in {path}: {_download(pair, timeframe)}"
    return None


def _download(pair: str, timeframe: str) -> str:
    return f"freqtrade download-data --pairs {pair} --timeframes {timeframe}"


_ANEW = "Delete the file and download it again:"


def _path(folder: Path, pair: str, timeframe: str, kind: CandleType, form: str) -> Path:
    name, ending = f"{pair_to_filename(pair)}-{timeframe}", _ENDINGS.get(form, form)
    if kind == CandleType.SPOT:
        return folder / f"{name}.{ending}"
    return folder / "futures" / f"{name}-{kind}.{ending}"


@contextmanager
def _silent_reading() -> Iterator[None]:
    """Keep freqtrade's traceback of a spoilt file back: the refusal names that file."""
    readers = logging.getLogger("freqtrade.data")
    before = readers.level
    readers.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        readers.setLevel(before)
