"""What Confluence's callbacks know of a pair beside `host.market_data`: its columns as arrays.

Both are made of the same frame, so that one index serves both.
"""

import numpy as np
import pandas as pd

from gridkit.analytics.candidates import Why
from gridkit.host.market_data import PairSeries
from gridkit.settings import Settings

# Column, and what a frame without it is taken to hold: its module is switched off.
COLUMNS = {
    "turns_atr": np.nan,
    "turns_momentum": 0,
    "entry_kind": 0,
    "entry_side": 0,
    "entry_score": np.nan,
    "entry_threshold": np.nan,
    "entry_confidence": 0.0,
    "entry_size": 0.0,
    "entry_block": int(Why.SCORE_UNKNOWN),
}
SIDES = (1, -1)
AHEAD = 96  # candles


class SignalSeries:
    """Arrays of shape (n,), one number per candle. Prices and ATR in quote currency.

    `against` holds, by the side of a position, how many candles in a row order flow was one-sided
    against it, `confirmed` whether it was one-sided along with it; `rise` how far the mean
    correlation of all pairs is above that of 30 days.
    """

    def __init__(
        self, frame: pd.DataFrame, series: PairSeries, settings: Settings, rise: np.ndarray
    ) -> None:
        self.rise = rise
        self._moments = np.append(series.times + series.seconds, np.inf)  # when each closes
        columns = {name: _column(frame, name, absent) for name, absent in COLUMNS.items()}
        self.atr, self.momentum = columns["turns_atr"], columns["turns_momentum"]
        self.kind, self.side = columns["entry_kind"], columns["entry_side"]
        self.score, self.threshold = columns["entry_score"], columns["entry_threshold"]
        self.confidence, self.size = columns["entry_confidence"], columns["entry_size"]
        self.block = columns["entry_block"]
        self.high, self.low = np.asarray(frame["high"]), np.asarray(frame["low"])
        flow = _column(frame, "orderflow_imbalance", np.nan)
        least = settings.orderflow.one_sided
        self.against = {side: in_a_row(side * flow <= -least) for side in SIDES}
        self.confirmed = {side: side * flow >= least for side in SIDES}
        turned = _changes(series.regime) | _changes(series.side)
        self._calm = {
            side: self._following(turned | (self.momentum == -side) | (self.against[side] > 0))
            for side in SIDES
        }

    def calm_until(self, side: int, index: int) -> float:
        """Return when the first candle closes that says something new of a position, seconds UTC.

        That is another regime, or momentum or order flow against it. Only a backtest knows.
        """
        return float(self._calm[side].item(index))

    def not_reached_until(self, side: int, index: int, price: float) -> float:
        """Return until when no candle of the next hours is at a price, seconds UTC."""
        prices = (self.high if side > 0 else self.low)[index + 1 : index + 1 + AHEAD]
        there = prices >= price if side > 0 else prices <= price
        first = int(there.argmax()) if len(there) else 0
        after = first if len(there) and there[first] else len(there)
        return float(self._moments.item(index + 1 + after))

    def _following(self, news: np.ndarray) -> np.ndarray:
        """Return when the next candle with news after each closes, seconds UTC. (n,)."""
        moments = np.where(news, self._moments[:-1], np.inf)
        return np.append(np.minimum.accumulate(moments[::-1])[::-1][1:], np.inf)


def in_a_row(holds: np.ndarray) -> np.ndarray:
    """Count, at each candle, for how many in a row something has held, that one included. (n,)."""
    moments = np.arange(1, len(holds) + 1)
    return moments - np.maximum.accumulate(np.where(holds, 0, moments))


def _changes(values: np.ndarray) -> np.ndarray:
    """Whether each is another than the one before; NaN always is."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _column(frame: pd.DataFrame, name: str, absent: float) -> np.ndarray:
    return np.broadcast_to(np.asarray(frame.get(name, absent)), len(frame))
