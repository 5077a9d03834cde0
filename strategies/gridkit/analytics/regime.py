"""Which kind of market it is: trending, ranging, volatile, or not certainly any (SPEC I)."""

import math
from enum import IntEnum

import numpy as np
import pandas as pd
import talib

from gridkit import candles
from gridkit.analytics import regime_composite, rolling, trend
from gridkit.settings import RegimeParameters, RegimeSettings, Settings


class Regime(IntEnum):
    """The kinds of market. Their numbers are kept in files: never give one another meaning."""

    UNCERTAIN = 0
    TRENDING_BULLISH = 1
    TRENDING_BEARISH = 2
    RANGING = 3
    VOLATILE = 4
    VOLATILE_TRENDING = 5
    VOLATILE_RANGING = 6
    TIGHT_RANGING = 7


NAMES = {one.value: one.name.lower().replace("_", " ") for one in Regime}


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until everything is known. Percentiles count candles of `settings.regime`'s."""
    regime = settings.regime
    window = _window(regime)
    hours = settings.volatility.window_hours
    return max(
        2 * regime.adx_period,
        trend.SETTLED * regime.ema_slow,
        regime.atr_period + window,
        regime.bollinger_period - 1 + window,
        math.ceil(hours * candles.SECONDS_PER_HOUR / timeframe_seconds) + 1,
    )


def compute(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the regime of each candle and the numbers it was read from.

    `frame` has candles of `settings.regime.timeframe`. `regime_code` (int8) is a `Regime`, never
    unknown: where a number it takes is unknown it is UNCERTAIN, as it is before the history is long
    enough and in a candle without prices. It is what this candle alone says; see `settled`.

    The numbers are float32, NaN where unknown. `regime_adx` 0 … 100; `regime_side` 1 where the
    fast average is above the slow one, -1 below, 0 where equal; `regime_atr_percentile` and
    `regime_width_percentile`, 0 … 100, place the ATR (as a fraction of price) and the width of the
    Bollinger bands among those of the last `window_days`; `regime_distance` is the close over the
    slow average, minus 1; the rest is `regime_composite`'s.
    Windows count candles with prices: where some are missing they reach further back.
    """
    candles.check(frame)
    known = trend.has_prices(frame)
    numbers = _numbers(trend.priced(frame), candles.times(frame)[known], settings)
    values = np.full((len(frame), numbers.shape[1]), np.nan, dtype="float32")
    values[known] = numbers
    columns = pd.DataFrame(values, index=frame.index, columns=numbers.columns)
    columns.insert(0, "code", classify(columns, settings.regime))
    return columns.add_prefix("regime_")


def classify(numbers: pd.DataFrame, settings: RegimeSettings) -> np.ndarray:
    """Return the regime of each row by `settings.method`, int8.

    `numbers` has the columns of `compute` without their prefix.

    adx: the first that holds of a trend (ADX from `adx_strong` on, the averages apart), VOLATILE
    (either percentile from its bound on), RANGING (ADX below `adx_calm`, bands narrower than
    `ranging_width_percentile`). What is neither is UNCERTAIN. So is what may be a trend: no other
    is said while ADX or averages are unknown. A trend needs no percentiles.

    composite: the first that holds of volatile (above `volatile_above`; trending from the strength
    `trend_cut` on), a trend (score beyond ±`trend_score`, confidence above `trend_confidence`),
    TIGHT_RANGING (below `tight_below`), RANGING. UNCERTAIN only where a number is unknown.
    """
    rules = _by_composite if settings.method == "composite" else _by_adx
    return rules(numbers, settings).astype("int8")


def settled(codes: np.ndarray, times: np.ndarray, seconds: float) -> np.ndarray:
    """Return the regime that counts at each moment: the last one that held for `seconds` unchanged.

    `codes` (n,) is the regime as it was known at `times` (n,) (seconds UTC, ascending): for a
    candle that is its close, not its open. UNCERTAIN until one has held so long for the first time;
    so what lasts less never shows, and every change shows `seconds` late. int8, shape (n,).
    """
    if not len(codes):
        return np.zeros(0, dtype="int8")
    moments = np.arange(len(codes))
    begins = np.append(True, codes[1:] != codes[:-1])
    since = np.maximum.accumulate(np.where(begins, moments, 0))
    holds = times - times[since] >= seconds
    last = np.maximum.accumulate(np.where(holds, moments, -1))
    return np.where(last >= 0, codes[last], Regime.UNCERTAIN).astype("int8")


def parameters(code: int, settings: RegimeSettings) -> RegimeParameters:
    """Return what a regime means for stops, thresholds, stakes and new cycles."""
    if code not in _PARAMETERS:
        raise ValueError(f"{code} is no market regime")
    found: RegimeParameters = getattr(settings, _PARAMETERS[code])
    return found


def direction(code: int, side: float) -> int:
    """Return 1 where the regime stands for a rising market, -1 for a falling one, else 0.

    `side` (`regime_side`) decides a volatile trend, which is named without its direction.
    """
    if code == _VOLATILE_TRENDING:
        return int(side > 0) - int(side < 0)
    return _DIRECTIONS.get(code, 0)


def directions(codes: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Vectorised twin of `direction`: 1, -1 or 0 of each, shape (n,). An unknown side is 0."""
    table = np.array([[direction(one, side) for side in (-1, 0, 1)] for one in Regime])
    return table[codes, np.sign(np.nan_to_num(sides)).astype(int) + 1]


def changes(columns: pd.DataFrame, settings: RegimeSettings) -> pd.Series:
    """Return in words how the regime changed, of those candles in which it did (Series, str).

    `columns` as `compute` returns them; before the first candle the regime is UNCERTAIN.
    """
    codes = columns["regime_code"].to_numpy()
    rows = np.flatnonzero(np.diff(codes, prepend=codes.dtype.type(Regime.UNCERTAIN)))
    before = np.concatenate([[Regime.UNCERTAIN], codes])[rows]
    said = [
        f"market regime {NAMES[old]} -> {NAMES[codes[row]]}{_by(columns.iloc[row], settings)}"
        for old, row in zip(before, rows, strict=True)
    ]
    return pd.Series(said, index=columns.index[rows], dtype="str")


def _by(row: pd.Series, settings: RegimeSettings) -> str:
    """Name what decided: the ADX and the averages' order; of several scores, nothing."""
    if settings.method != "adx" or math.isnan(row["regime_adx"]):
        return ""
    order = {1: "above", -1: "below"}.get(row["regime_side"], "equal to")
    return (
        f": ADX {row['regime_adx']:.1f}, average of {settings.ema_fast} candles {order} that of "
        f"{settings.ema_slow}"
    )


# Plain numbers: a grid asks at every candle of every pair.
_PARAMETERS = {
    int(Regime.TRENDING_BULLISH): "bullish",
    int(Regime.TRENDING_BEARISH): "bearish",
    int(Regime.RANGING): "ranging",
    int(Regime.TIGHT_RANGING): "ranging",
    int(Regime.VOLATILE): "volatile",
    int(Regime.VOLATILE_TRENDING): "volatile",
    int(Regime.VOLATILE_RANGING): "volatile",
    int(Regime.UNCERTAIN): "uncertain",
}
_VOLATILE_TRENDING = int(Regime.VOLATILE_TRENDING)
_DIRECTIONS = {int(Regime.TRENDING_BULLISH): 1, int(Regime.TRENDING_BEARISH): -1}


def _numbers(prices: pd.DataFrame, times: np.ndarray, settings: Settings) -> pd.DataFrame:
    """Return the numbers of the candles with prices, of which `times` are the times."""
    regime = settings.regime
    window = _window(regime)
    widths = _width(prices["close"].to_numpy(), regime.bollinger_period)
    own = {
        "adx": trend.strength(prices, regime.adx_period),
        "side": trend.side(prices, regime.ema_fast, regime.ema_slow),
        "atr_percentile": _place(_atr_percent(prices, regime.atr_period), window),
        "width_percentile": _place(widths, window),
        "distance": _distance(prices, regime.ema_slow),
    }
    composite = regime_composite.measure(prices, times, settings)
    return pd.concat([pd.DataFrame(own, index=prices.index), composite], axis=1)


def _atr_percent(prices: pd.DataFrame, period: int) -> np.ndarray:
    high, low, close = (prices[name].to_numpy() for name in ("high", "low", "close"))
    return talib.NATR(high, low, close, timeperiod=period)


def _distance(prices: pd.DataFrame, span: int) -> np.ndarray:
    """Return the close over its exponential average, minus 1; NaN until that has settled."""
    average = prices["close"].ewm(span=span, adjust=False).mean()
    return trend.unsettled_as_nan((prices["close"] / average - 1.0).to_numpy(), span)


def _width(close: np.ndarray, period: int) -> np.ndarray:
    """Return the standard deviation of the last `period` closes over their mean.

    The width of Bollinger's bands, but for a constant factor. NaN until so many are known.
    """
    width = np.full(len(close), np.nan)
    if len(close) >= period:
        windows = np.lib.stride_tricks.sliding_window_view(close, period)
        # From each window's first price, so that prices that stand still have no width at all.
        away = windows - windows[:, :1]
        width[period - 1 :] = away.std(axis=1) / windows.mean(axis=1)
    return width


def _place(values: np.ndarray, window: int) -> np.ndarray:
    """Return percentiles in which what differs by rounding alone is equal: hence the float32."""
    return rolling.percentile(values.astype("float32"), window)


def _window(regime: RegimeSettings) -> int:
    """Return the percentiles' window in candles."""
    seconds = regime.window_days * candles.SECONDS_PER_DAY
    return max(2, round(seconds / candles.seconds_of(regime.timeframe)))


def _by_adx(numbers: pd.DataFrame, regime: RegimeSettings) -> np.ndarray:
    adx, side = numbers["adx"], numbers["side"]
    strong = adx >= regime.adx_strong
    wide = numbers["width_percentile"] >= regime.volatile_width_percentile
    wild = numbers["atr_percentile"] >= regime.volatile_atr_percentile
    narrow = numbers["width_percentile"] < regime.ranging_width_percentile
    return np.select(
        [
            strong & (side > 0),
            strong & (side < 0),
            (wild | wide) & adx.notna() & side.notna(),
            (adx < regime.adx_calm) & narrow & side.notna(),
        ],
        [Regime.TRENDING_BULLISH, Regime.TRENDING_BEARISH, Regime.VOLATILE, Regime.RANGING],
        default=Regime.UNCERTAIN,
    )


def _by_composite(numbers: pd.DataFrame, regime: RegimeSettings) -> np.ndarray:
    unknown = numbers[["volatility", "strength", "score", "confidence"]].isna().any(axis=1)
    volatile = numbers["volatility"] > regime.volatile_above
    sure = numbers["confidence"] > regime.trend_confidence
    return np.select(
        [
            unknown,
            volatile & (numbers["strength"] >= regime.trend_cut),
            volatile,
            sure & (numbers["score"] > regime.trend_score),
            sure & (numbers["score"] < -regime.trend_score),
            numbers["volatility"] < regime.tight_below,
        ],
        [
            Regime.UNCERTAIN,
            Regime.VOLATILE_TRENDING,
            Regime.VOLATILE_RANGING,
            Regime.TRENDING_BULLISH,
            Regime.TRENDING_BEARISH,
            Regime.TIGHT_RANGING,
        ],
        default=Regime.RANGING,
    )
