"""What a predictor is shown of a candle: twenty numbers without a unit, of six families."""

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import scores, scores_momentum, scores_trend, scores_volume
from gridkit.analytics import scores_parts as parts
from gridkit.settings import Settings
from gridkit.settings.market import ConfluencePeriods

SATURDAY = 5  # days since Monday
_DAYS_TO_THURSDAY = 3  # the first of January 1970 was one


class Feature(NamedTuple):
    """A feature's name, the family it belongs to, and what it says in one line."""

    name: str
    family: str
    meaning: str


FEATURES = (
    Feature("price_return", "price", "log return of the candle, in sigmas"),
    Feature("price_move", "price", "log return of `oscillator` candles, in sigmas of as many"),
    Feature("price_close", "price", "place of the close in the candle's own range, -1 … 1"),
    Feature("price_place", "price", "place of the close in the range of `window` candles, -1 … 1"),
    Feature("volume_relative", "volume", "volume v against its mean m: (v - m) / (v + m), -1 … 1"),
    Feature("volume_vwap", "volume", "distance from the VWAP of `window` candles, -1 … 1"),
    Feature("volume_obv", "volume", "slope of the on-balance volume, -1 … 1"),
    Feature("volume_flow", "volume", "Chaikin's money flow of `window` candles, -1 … 1"),
    Feature("volatility_level", "volatility", "sigma: root mean square return of the slow span"),
    Feature("volatility_short", "volatility", "sigma of `oscillator` candles against it, -1 … 1"),
    Feature("volatility_range", "volatility", "the candle's range against the ATR, -1 … 1"),
    Feature("momentum_rsi", "momentum", "RSI/50 - 1, -1 … 1"),
    Feature("momentum_macd", "momentum", "MACD less its signal line, -1 … 1"),
    Feature("momentum_stochastic", "momentum", "slow %K made symmetric, -1 … 1"),
    Feature("trend_fast", "trend", "price against the fast average, -1 … 1"),
    Feature("trend_middle", "trend", "fast average against the middle one, -1 … 1"),
    Feature("trend_slow", "trend", "middle average against the slow one, -1 … 1"),
    Feature("time_day_sine", "time", "sine of the hour of the day, UTC"),
    Feature("time_day_cosine", "time", "cosine of the hour of the day, UTC"),
    Feature("time_weekend", "time", "1 on Saturday and Sunday, UTC, else 0"),
)


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until all are known: those of the scores, of whose parts they are made."""
    return scores.warmup(settings, timeframe_seconds)


def names(families: Collection[str]) -> tuple[str, ...]:
    """Return the names of the features of these families, in the order of FEATURES."""
    return tuple(feature.name for feature in FEATURES if feature.family in families)


def compute(
    frame: pd.DataFrame, settings: Settings, wanted: Collection[str] | None = None
) -> pd.DataFrame:
    """Return one column `features_<name>` for each of FEATURES, in that order, float32.

    `wanted` are names of features: the others are left out. Raises ValueError for what is none.
    Windows and spans are `confluence.periods`'. NaN until `warmup` candles with prices have been
    seen, where nothing moved or was traded for a whole window, and in a candle without prices or a
    volume, which is left out as if it had not been. A return across missing candles counts as one
    candle's. Most are made from the same closes: they are far from twenty independent facts.
    """
    candles.check(frame)
    chosen = _chosen(wanted)
    kept = parts.whole(frame)
    made = parts.bars(frame, kept)
    found = _families(made, candles.times(frame)[kept], settings.confluence.periods, chosen)
    known = np.flatnonzero(kept)[warmup(settings, 0) - 1 :]
    placed = np.full((len(chosen), len(frame)), np.nan, dtype="float32")
    for row, feature in zip(placed, chosen, strict=True):
        row[known] = found[feature.name][len(made.close) - len(known) :]
    columns = [f"features_{feature.name}" for feature in chosen]
    return pd.DataFrame(dict(zip(columns, placed, strict=True)), index=frame.index)


def _chosen(wanted: Collection[str] | None) -> list[Feature]:
    if wanted is None:
        return list(FEATURES)
    unknown = sorted(set(wanted) - {feature.name for feature in FEATURES})
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no features of candles")
    return [feature for feature in FEATURES if feature.name in wanted]


def _families(
    made: parts.Bars,
    times: np.ndarray,
    periods: ConfluencePeriods,
    chosen: Collection[Feature],
) -> dict[str, np.ndarray]:
    """Every feature of the families that are asked for."""
    families: dict[str, Callable[[], dict[str, np.ndarray]]] = {
        "price": lambda: _price(made, periods),
        "volume": lambda: _volume(made, periods),
        "volatility": lambda: _volatility(made, periods),
        "momentum": lambda: _scores("momentum", scores_momentum.components(made, periods)),
        "trend": lambda: _scores("trend", scores_trend.components(made, periods)),
        "time": lambda: _time(times),
    }
    asked = {feature.family for feature in chosen}
    made_of = [compute_family() for name, compute_family in families.items() if name in asked]
    return {name: values for one in made_of for name, values in one.items()}


def _scores(family: str, components: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{family}_{name}": values for name, values in components.items()}


def _price(made: parts.Bars, periods: ConfluencePeriods) -> dict[str, np.ndarray]:
    usual, steps = parts.sigma(made.close, periods.averages[-1]), periods.oscillator
    span = made.high - made.low
    own = parts.ratio(2 * made.close - made.high - made.low, span)
    highest, lowest = parts.extremes(made, periods.window)
    place = parts.ratio(2 * made.close - highest - lowest, highest - lowest)
    return {
        "price_return": parts.ratio(parts.change(made.close), usual),
        "price_move": parts.ratio(parts.change(made.close, steps), usual * np.sqrt(steps)),
        "price_close": np.clip(np.where(span > parts.FLAT, own, 0.0), -1, 1),
        "price_place": np.clip(place, -1, 1),
    }


def _volume(made: parts.Bars, periods: ConfluencePeriods) -> dict[str, np.ndarray]:
    flows = scores_volume.components(made, None, periods)
    mean = parts.total(made.volume, periods.window) / periods.window
    return {
        "volume_relative": _against(made.volume, mean, least=0.0),
        "volume_vwap": flows["vwap"],
        "volume_obv": flows["obv"],
        "volume_flow": flows["cmf"],
    }


def _volatility(made: parts.Bars, periods: ConfluencePeriods) -> dict[str, np.ndarray]:
    usual = parts.sigma(made.close, periods.averages[-1])
    lately = parts.sigma(made.close, periods.oscillator)
    return {
        "volatility_level": usual,
        "volatility_short": _against(lately, usual),
        "volatility_range": _against(made.high - made.low, parts.atr(made, periods.oscillator)),
    }


def _time(times: np.ndarray) -> dict[str, np.ndarray]:
    """Of when a candle opened, in seconds UTC."""
    days, seconds = np.divmod(times, candles.SECONDS_PER_DAY)
    angle = 2 * np.pi * seconds / candles.SECONDS_PER_DAY
    weekday = (days + _DAYS_TO_THURSDAY) % 7
    return {
        "time_day_sine": np.sin(angle),
        "time_day_cosine": np.cos(angle),
        "time_weekend": (weekday >= SATURDAY).astype("float64"),
    }


def _against(value: np.ndarray, usual: np.ndarray, least: float = parts.FLAT) -> np.ndarray:
    """Return (value - usual) / (value + usual) of two that are not negative: -1 … 1, 0 if equal."""
    return parts.ratio(value - usual, value + usual, least)
