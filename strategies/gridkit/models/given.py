"""Values as options and configurations give them, checked one by one."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from freqtrade.configuration import TimeRange
from freqtrade.exceptions import ConfigurationError

from gridkit import candles
from gridkit.host import data_files
from gridkit.models.errors import ModelsError
from gridkit.models.market import is_futures

TIMEFRAME = "5m"
TIMEFRAMES = ("5m", "15m", "1h")
MOST_DAYS = 3_650
FREQAI = "freqai"
SHOWN = f"{FREQAI}.feature_parameters"  # what FreqAI shows its model
INCLUDED, CORRELATED = "include_timeframes", "include_corr_pairlist"
WEIGHTS = "weight_factor"
_PAIR = re.compile(r"\w+/\w+(:\w+)?")

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Days:
    """A number of days: an option, or else what FreqAI's section says, or else the usual."""

    option: str
    given: float | None
    name: str
    usual: float

    def of(self, freqai: Config) -> float:
        """Return the days. Raises ModelsError."""
        value = freqai.get(self.name, self.usual)
        told = f"{FREQAI}.{self.name} = {value!r}"
        if self.given is not None:
            value, told = self.given, f"{self.option} {self.given:g}"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value <= MOST_DAYS:
            raise ModelsError(f"{told}: allowed are days, above 0 and up to {MOST_DAYS}")
        return float(value)


def section(config: Config, name: str, before: str = "") -> Config:
    """Return a section of a configuration, empty where there is none. Raises ModelsError."""
    found = config.get(name) or {}
    if not isinstance(found, Mapping):
        raise ModelsError(f"{before}{name} = {found!r}: allowed is a section")
    return found


def parameters(config: Config) -> Config:
    """Return the section of FreqAI that says what is shown."""
    return section(section(config, FREQAI), "feature_parameters", f"{FREQAI}.")


def pairs(given: Sequence[str] | None, config: Config) -> tuple[str, ...]:
    """Return the pairs, each once; all spot or all futures."""
    found = _pairs("--pairs", given or data_files.named_pairs(config))
    if not found:
        raise ModelsError(
            "no pairs: give --pairs, BTC/USDT:USDT say, or a --config that names some"
        )
    if len({is_futures(pair) for pair in found}) > 1:
        raise ModelsError(f"--pairs {' '.join(found)}: allowed are spot pairs or futures, not both")
    return found


def others(given: Sequence[str] | None, config: Config) -> tuple[str, ...]:
    """Return the pairs whose features are shown beside a pair's own."""
    if given is not None:
        return _pairs("--correlated", given)
    return _pairs(f"{SHOWN}.{CORRELATED}", _listed(config, CORRELATED))


def timeframes(base: str | None, given: Sequence[str] | None, config: Config) -> tuple[str, ...]:
    """Return the timeframe whose candles are predicted, and those beside it, shortest first."""
    own = str(base or config.get("timeframe") or TIMEFRAME)
    least = _seconds("--timeframe", own)
    key = "--timeframes" if given else f"{SHOWN}.{INCLUDED}"
    usual = [one for one in TIMEFRAMES if candles.seconds_of(one) > least]
    wanted = {one: _seconds(key, one) for one in given or _listed(config, INCLUDED) or usual}
    low = [one for one, seconds in wanted.items() if seconds < least]
    if low:
        raise ModelsError(f"{key} {' '.join(low)}: allowed is {own}, the timeframe, and longer")
    lengths = {own: least} | wanted
    return tuple(sorted(lengths, key=lengths.__getitem__))


def moments(
    timerange: str | None, since: str | None, until: str | None
) -> tuple[float | None, float | None]:
    """Return beginning and end of what is predicted, seconds UTC; None where it is not bounded."""
    if timerange and (since or until):
        raise ModelsError("--timerange and --from/--to say the same: give one of them")
    if timerange:
        start, end = _of_freqtrade(timerange)
    else:
        start, end = (_moment(*one) for one in (("--from", since), ("--to", until)))
    if start is not None and end is not None and start >= end:
        raise ModelsError(f"{timerange or f'--from {since} --to {until}'}: the end must be later")
    return start, end


def weight_factor(config: Config) -> float:
    """Return how much more later rows count, FreqAI's; 0: all alike. Raises ModelsError."""
    value = parameters(config).get(WEIGHTS) or 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ModelsError(f"{SHOWN}.{WEIGHTS} = {value!r}: allowed is 0 and more")
    return float(value)


def _listed(config: Config, name: str) -> list[str]:
    found = parameters(config).get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ModelsError(f"{SHOWN}.{name} = {found!r}: allowed is a list of texts")
    return found


def _pairs(key: str, given: Sequence[str]) -> tuple[str, ...]:
    for pair in given:
        if not _PAIR.fullmatch(pair):
            raise ModelsError(f"{key} {pair!r}: allowed are pairs as BTC/USDT or BTC/USDT:USDT")
    return tuple(dict.fromkeys(given))


def _seconds(key: str, timeframe: str) -> int:
    try:
        return candles.seconds_of(timeframe)
    except ValueError as error:
        raise ModelsError(f"{key}: {error}") from None


def _of_freqtrade(timerange: str) -> tuple[float | None, float | None]:
    try:
        found = TimeRange.parse_timerange(timerange)
    except (ConfigurationError, ValueError):
        raise ModelsError(f"--timerange {timerange!r}: allowed is 20240101-20240301, say") from None
    start = float(found.startts) if found.starttype else None
    return start, float(found.stopts) if found.stoptype else None


def _moment(key: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ModelsError(f"{key} {text!r}: allowed is a date as 2024-01-31, UTC") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
