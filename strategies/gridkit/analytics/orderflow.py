"""Order flow by candle: who bought, who sold, at what price, and what the large traders did."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics.compiled import Compiled
from gridkit.analytics.trades import MS_PER_SECOND, Trades, read, whales
from gridkit.settings import Settings

SUMS = ("bid", "ask", "unknown", "trades", "turnover", "whale")  # added up by candle, in order
AMOUNTS = ("bid", "ask", "delta", "cvd")  # float64, because they must add up
FREQTRADES = {"bid": "bid", "ask": "ask", "total_trades": "trades"}


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles until everything is known, where the trades reach far enough back.

    `orderflow_whale` needs `whale_trades` trades besides, however few candles that takes.
    """
    return settings.orderflow.lookback_candles


def compute(
    frame: pd.DataFrame,
    trades: pd.DataFrame,
    settings: Settings,
    timeframe_seconds: float,
    complete_until: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Return order flow for each candle of `frame` from freqtrade's frame of `trades`.

    Of the candle itself: `orderflow_bid` (sold by takers, base currency), `orderflow_ask` (bought),
    `orderflow_delta` (bought less sold), `orderflow_trades` (count), `orderflow_buy_pressure`
    (bought of bought and sold, 0 … 1), `orderflow_unknown` (share by nobody knows whom, 0 … 1).

    Of the last `lookback_candles`: `orderflow_cvd` (sum of the deltas; it starts with the window,
    so it does not depend on where the frame begins), `orderflow_imbalance` (cvd of bought and sold,
    -1 … 1), `orderflow_vwap_deviation` (close against the average price paid, a fraction),
    `orderflow_whale` (the whales' delta of all that was traded, -1 … 1).

    NaN in a candle without prices, which otherwise counts as missing; before the first trade and
    after the last one, unless the trades are `complete_until` a later time. A candle between them
    without a trade is a quiet one: its amounts are 0, its shares NaN. So a later trade makes
    candles known that were not, but changes no number. Of the lookback also: until the frame and
    the trades cover it, while fewer than half of its candles are there, and for `orderflow_whale`
    while one of its trades has fewer than `whale_trades` before it.

    Weak in the candles of the first and last trade, which may be known in part only, and where the
    trades have a hole: they look quiet there.
    """
    candles.check(frame)
    found = read(trades)
    starts, length_ms = _starts(frame, timeframe_seconds), _length(timeframe_seconds)
    covered = _covered(found.times_ms, starts, starts + length_ms, complete_until)
    sums = _by_candle(found, starts, length_ms, settings)
    return _columns(frame, sums, covered, settings, timeframe_seconds)


def from_freqtrade(
    frame: pd.DataFrame, settings: Settings, timeframe_seconds: float
) -> pd.DataFrame:
    """Return the same columns from those of freqtrade's order flow, where a user has it computed.

    It has neither prices nor sizes of trades: `orderflow_vwap_deviation`, `orderflow_whale` and
    `orderflow_unknown` are NaN. So is everything before the first candle that freqtrade filled and
    after the last. Weak where it left one empty between them: that looks quiet, but freqtrade never
    fills a candle whose trades arrived late.
    """
    candles.check(frame)
    missing = [column for column in FREQTRADES if column not in frame.columns]
    if missing:
        raise ValueError(f"not freqtrade's order flow: no column {', '.join(missing)}")
    sums = np.full((len(frame), len(SUMS)), np.nan)
    for theirs, ours in FREQTRADES.items():
        sums[:, SUMS.index(ours)] = frame[theirs].fillna(0.0)
    filled = np.flatnonzero(frame["total_trades"] > 0)
    covered = np.zeros(len(frame), dtype=bool)
    if len(filled):
        covered[filled[0] : filled[-1] + 1] = True
    return _columns(frame, sums, covered, settings, timeframe_seconds)


def _starts(frame: pd.DataFrame, timeframe_seconds: float) -> np.ndarray:
    """Open times in milliseconds UTC."""
    starts = frame["date"].to_numpy(dtype="datetime64[ms]").astype("int64")
    if (np.diff(starts) < _length(timeframe_seconds)).any():
        raise ValueError(f"candles are closer together than {timeframe_seconds} seconds")
    return starts


def _length(timeframe_seconds: float) -> int:
    return round(timeframe_seconds * MS_PER_SECOND)


def _covered(
    times_ms: np.ndarray, starts: np.ndarray, ends: np.ndarray, until: pd.Timestamp | None
) -> np.ndarray:
    """Whether the trades tell what happened in a candle, if only that nothing did."""
    if not len(times_ms):
        return np.zeros(len(starts), dtype=bool)
    complete = starts <= times_ms[-1]
    if until is not None:
        complete |= ends <= until.timestamp() * MS_PER_SECOND
    return complete & (ends > times_ms[0])


def _by_candle(
    trades: Trades, starts: np.ndarray, length_ms: int, settings: Settings
) -> np.ndarray:
    orderflow = settings.orderflow
    whale = whales(trades.amount, orderflow.whale_quantile, orderflow.whale_trades)
    begin = np.searchsorted(trades.times_ms, starts)
    end = np.searchsorted(trades.times_ms, starts + length_ms)
    return _added_up(begin, end, trades.price, trades.amount, trades.sign, whale)


@Compiled
def _added_up(
    begin: np.ndarray,
    end: np.ndarray,
    price: np.ndarray,
    amount: np.ndarray,
    sign: np.ndarray,
    whale: np.ndarray,
) -> np.ndarray:
    """Add up the trades from `begin` on and before `end` of each candle: columns as in SUMS."""
    sums = np.zeros((len(begin), 6))
    for candle in range(len(begin)):
        row = sums[candle]
        for trade in range(begin[candle], end[candle]):
            side = 0 if sign[trade] < 0 else 1 if sign[trade] > 0 else 2
            row[side] += amount[trade]
            row[3] += 1.0
            row[4] += price[trade] * amount[trade]
            row[5] += sign[trade] * amount[trade] * whale[trade]
    return sums


def _columns(
    frame: pd.DataFrame,
    sums: np.ndarray,
    covered: np.ndarray,
    settings: Settings,
    timeframe_seconds: float,
) -> pd.DataFrame:
    """Turn what was added up by candle into the columns; what is not `covered` is not known."""
    lookback = settings.orderflow.lookback_candles
    starts, length_ms = _starts(frame, timeframe_seconds), _length(timeframe_seconds)
    prices = frame[["open", "high", "low", "close"]].to_numpy("float64")
    known = covered & (prices > 0).all(axis=1)
    first = np.searchsorted(starts, starts - lookback * length_ms, side="right")
    # Before the first known candle there is nothing, so the window must not reach that far back.
    begins = starts[known].min(initial=np.iinfo("int64").max)
    usable = known & (starts - (lookback - 1) * length_ms >= begins)
    candle = _named(np.where(known[:, None], sums, np.nan))
    window = _named(_window(sums, known, usable, first, -(-lookback // 2)))
    columns = {**_of_candle(candle), **_of_window(window, close=prices[:, -1])}
    return pd.DataFrame(
        {
            f"orderflow_{name}": column if name in AMOUNTS else column.astype("float32")
            for name, column in columns.items()
        },
        index=frame.index,
    )


def _named(sums: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(SUMS, sums.T, strict=True))


@Compiled
def _window(
    sums: np.ndarray, known: np.ndarray, usable: np.ndarray, first: np.ndarray, least: int
) -> np.ndarray:
    """Add up the known candles from `first` to each; NaN where they are fewer than `least`.

    Afresh for each, so that nothing of a candle that has left the window stays behind.
    """
    found = np.full(sums.shape, np.nan)
    for now in np.flatnonzero(usable):
        count = known[first[now] : now + 1].sum()
        if count < least:
            continue
        for column in range(sums.shape[1]):
            total = 0.0
            for candle in range(first[now], now + 1):
                if known[candle]:
                    total += sums[candle, column]
            found[now, column] = total
    return found


def _of_candle(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    bid, ask = sums["bid"], sums["ask"]
    return {
        "bid": bid,
        "ask": ask,
        "delta": ask - bid,
        "trades": sums["trades"],
        "buy_pressure": _share(ask, ask + bid),
        "unknown": _share(sums["unknown"], ask + bid + sums["unknown"]),
    }


def _of_window(sums: dict[str, np.ndarray], close: np.ndarray) -> dict[str, np.ndarray]:
    bid, ask = sums["bid"], sums["ask"]
    volume = ask + bid + sums["unknown"]
    average = _share(sums["turnover"], volume)
    return {
        "cvd": ask - bid,
        "imbalance": _share(ask - bid, ask + bid),
        "vwap_deviation": _share(close - average, average),
        "whale": _share(sums["whale"], volume),
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where there is nothing to have a share of."""
    unknown = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=unknown, where=whole > 0)
