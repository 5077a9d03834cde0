"""Public trades: who bought, who sold, which of them were large, what the last ones say."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from gridkit.analytics.compiled import Compiled
from gridkit.settings import Settings

COLUMNS = ("timestamp", "side", "price", "amount")
MS_PER_SECOND = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades in ascending order of time; all arrays have shape (n,)."""

    times_ms: np.ndarray  # UTC, int64
    price: np.ndarray
    amount: np.ndarray  # of the base currency
    sign: np.ndarray  # int8: 1 the taker bought, -1 the taker sold, 0 nobody knows

    def __len__(self) -> int:
        return len(self.times_ms)

    def part(self, begin: int, end: int) -> Self:
        """Return the trades of these positions."""
        arrays = (self.times_ms, self.price, self.amount, self.sign)
        return type(self)(*(array[begin:end] for array in arrays))


@dataclass(frozen=True, slots=True)
class Tape:
    """What the trades of the last minutes say; shares are of the amount, NaN is not known."""

    delta: float  # amount that takers bought less the amount they sold
    buy_pressure: float  # bought of what was bought or sold, 0 … 1
    imbalance: float  # delta of what was bought or sold, -1 … 1
    trades: int
    vwap_deviation: float  # last price against the average paid, a fraction
    whale_share: float  # whales' delta of all that was traded, -1 … 1
    unknown_share: float  # traded by nobody knows whom, 0 … 1
    age_seconds: float  # since the last trade


def read(frame: pd.DataFrame) -> Trades:
    """Read freqtrade's frame of trades.

    A side other than "buy" and "sell" is unknown. Raises ValueError, which names the column, for
    what cannot be: columns missing, trades in descending order (several may share a millisecond),
    a price that is no positive number, an amount that is none or negative.
    """
    _check_columns(frame)
    return Trades(
        times_ms=_times(frame),
        price=_prices(frame),
        amount=_numbers(frame, "amount"),
        sign=_signs(frame),
    )


def between(frame: pd.DataFrame, begin_ms: float, end_ms: float, before: int = 0) -> Trades:
    """Read the trades from `begin_ms` on and before `end_ms`, and so many `before` those.

    Costs what these trades cost, however long the frame is: the others' prices are not looked at.
    """
    _check_columns(frame)
    begin, end = np.searchsorted(_times(frame), (begin_ms, end_ms))
    return read(frame.iloc[max(0, begin - before) : end])


def tape(frame: pd.DataFrame, now_ms: int, settings: Settings) -> Tape | None:
    """Sum up the trades of the last `tape_seconds` up to `now_ms`; None where there are none.

    `frame` is freqtrade's; trades after `now_ms` do not count. `whale_share` is NaN until
    `whale_trades` trades are known before the first of them.
    """
    orderflow = settings.orderflow
    begin_ms = now_ms - orderflow.tape_seconds * MS_PER_SECOND
    found = between(frame, begin_ms, now_ms + 1, before=orderflow.whale_trades)
    # The trade of this moment is in, one that is a whole window old is out.
    first = int(np.searchsorted(found.times_ms, begin_ms, side="right"))
    if first == len(found):
        return None
    whale = whales(found.amount, orderflow.whale_quantile, orderflow.whale_trades)[first:]
    return _summed_up(found.part(first, len(found)), whale, now_ms)


def whales(amount: np.ndarray, quantile: float, count: int) -> np.ndarray:
    """Return 1.0 for each trade larger than the `quantile` of the `count` trades before it.

    0.0 for the others, NaN for the first `count`; float32, shape (n,). The trade itself does not
    count, so a whale cannot hide behind its own size. The quantile is the smallest of the sizes
    that at least this share of them does not exceed (Hyndman and Fan 1996, definition 1). Weak
    where an exchange reports one order as many trades, one per order it met.
    """
    larger = count - int(np.ceil(quantile * count))
    found = np.full(len(amount), np.nan, dtype="float32")
    _mark_larger(np.ascontiguousarray(amount, dtype="float64"), count, larger, found)
    return found


@Compiled
def _mark_larger(amount: np.ndarray, count: int, larger: int, found: np.ndarray) -> None:
    """Count back from each trade, until too many are found that are as large: that is soon."""
    for now in range(count, len(amount)):
        as_large, back = 0, now - 1
        while back >= now - count and as_large <= larger:
            as_large += amount[back] >= amount[now]
            back -= 1
        found[now] = as_large <= larger


def _summed_up(last: Trades, whale: np.ndarray, now_ms: int) -> Tape:
    bought = float(last.amount[last.sign > 0].sum())
    sold = float(last.amount[last.sign < 0].sum())
    unknown = float(last.amount[last.sign == 0].sum())
    known, traded = bought + sold, bought + sold + unknown
    whale_delta = float((last.sign * last.amount * whale).sum())
    average = _ratio(float((last.price * last.amount).sum()), traded)
    return Tape(
        delta=bought - sold,
        buy_pressure=_ratio(bought, known),
        imbalance=_ratio(bought - sold, known),
        trades=len(last),
        vwap_deviation=_ratio(float(last.price[-1]) - average, average),
        whale_share=_ratio(whale_delta, traded),
        unknown_share=_ratio(unknown, traded),
        age_seconds=(now_ms - int(last.times_ms[-1])) / MS_PER_SECOND,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _check_columns(frame: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise ValueError(f"not a frame of trades: no column {', '.join(missing)}")


def _times(frame: pd.DataFrame) -> np.ndarray:
    if frame["timestamp"].isna().any():
        raise ValueError("trades: timestamp is not known everywhere")
    times = frame["timestamp"].to_numpy(dtype="int64")
    if (times[1:] < times[:-1]).any():
        raise ValueError("trades: timestamp must be ascending")
    return times


def _prices(frame: pd.DataFrame) -> np.ndarray:
    prices = _numbers(frame, "price")
    if not (prices > 0).all():
        raise ValueError("trades: price must be above 0")
    return prices


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    numbers = frame[column].to_numpy(dtype="float64", na_value=np.nan)
    if not ((numbers >= 0) & (numbers < np.inf)).all():
        raise ValueError(f"trades: {column} must be a number everywhere, and none below 0")
    return numbers


def _signs(frame: pd.DataFrame) -> np.ndarray:
    """Compare whole columns: freqtrade's is of strings, an older file's may be of objects."""
    bought, sold = (
        (frame["side"] == side).to_numpy(dtype="bool", na_value=False) for side in ("buy", "sell")
    )
    return bought.astype("int8") - sold.astype("int8")
