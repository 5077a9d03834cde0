"""From a day's smooth prices to trades: on ticks, in lots, each with a side."""

from dataclasses import dataclass

import numpy as np

from sandbox import candles
from sandbox.instruments import Instrument, Market
from sandbox.simulation.paths import MINUTES, STEPS
from sandbox.simulation.profiles import COINS
from sandbox.simulation.randomness import COIN_DAY, stream
from sandbox.timeframes import MINUTE_MS

_SIZE_STREAMS = {"spot": 1 << 20, "futures": 2 << 20}  # beyond any day's number
_TURNOVER_SHARE = {"spot": 1.0, "futures": 3.0}


@dataclass(frozen=True)
class Day:
    """Every trade of a symbol on one day; arrays of shape (minutes, steps)."""

    instrument: Instrument
    ticks: np.ndarray
    lots: np.ndarray
    sold: np.ndarray

    def minutes(self, start: int) -> np.ndarray:
        """All 1,440 minute candles, the first opening at `start` ms."""
        return self._rows(start, 0, MINUTES, STEPS)

    def running(self, start: int, minute: int, steps: int) -> np.ndarray:
        """One minute as it looks after its first `steps` trades."""
        return self._rows(start, minute, minute + 1, steps)

    def tape(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Prices, amounts in base and sides of trades `first` to `last` of the day."""
        cut = slice(first, last + 1)
        prices = self.ticks.ravel()[cut] * self.instrument.tick
        amounts = self.lots.ravel()[cut] * self.instrument.lot
        return prices, amounts, self.sold.ravel()[cut]

    def _rows(self, start: int, first: int, after: int, steps: int) -> np.ndarray:
        ticks, lots = self.ticks[first:after, :steps], self.lots[first:after, :steps]
        bought = np.where(self.sold[first:after, :steps], 0, lots)
        tick, lot = self.instrument.tick, self.instrument.lot
        rows = np.empty((after - first, candles.COLUMNS))
        rows[:, candles.TIME] = start + np.arange(first, after) * MINUTE_MS
        rows[:, candles.OPEN], rows[:, candles.CLOSE] = ticks[:, 0] * tick, ticks[:, -1] * tick
        rows[:, candles.HIGH] = ticks.max(axis=1) * tick
        rows[:, candles.LOW] = ticks.min(axis=1) * tick
        rows[:, candles.VOLUME] = lots.sum(axis=1) * lot
        rows[:, candles.TAKER] = bought.sum(axis=1) * lot
        rows[:, candles.QUOTE] = np.einsum("ij,ij->i", ticks, lots) * (tick * lot)
        rows[:, candles.TAKER_QUOTE] = np.einsum("ij,ij->i", ticks, bought) * (tick * lot)
        rows[:, candles.COUNT] = steps
        return rows


def trade_day(
    seed: int,
    coin: int,
    day: int,
    log_price: np.ndarray,
    intensity: np.ndarray,
    instrument: Instrument,
    market: Market,
) -> Day:
    """Trades on ticks and in lots; volume rises with the minute's volatility (`intensity`)."""
    rng = stream(seed, COIN_DAY, coin, _SIZE_STREAMS[market] + day)
    price = np.exp(log_price)
    ticks = np.maximum(1, np.rint(price / instrument.tick)).astype(np.int64)
    turnover = COINS[coin].daily_turnover / MINUTES * _TURNOVER_SHARE[market]
    busy = rng.lognormal(-0.06, 0.35, MINUTES) * np.minimum(intensity, 40.0)
    wanted = turnover * busy / price[:, 0] / instrument.lot
    share = rng.standard_exponential((MINUTES, STEPS), dtype=np.float32)
    lots = np.maximum(1, wanted[:, None] * share / STEPS).astype(np.int64)
    return Day(instrument, ticks, lots, _sold(ticks, lots))


def _sold(ticks: np.ndarray, lots: np.ndarray) -> np.ndarray:
    """Read sides off prices: a fall means a seller took the bid; no change leaves it to chance."""
    moves = np.diff(ticks.ravel(), prepend=ticks.flat[0]).reshape(ticks.shape)
    return np.where(moves == 0, lots % 2 == 0, moves < 0)
