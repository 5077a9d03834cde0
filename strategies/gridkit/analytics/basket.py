"""Volatility of many pairs together, from their hourly candles (SPEC G.3)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import hours as hourly
from gridkit.analytics.estimators import close_to_close
from gridkit.settings import BasketSettings, Settings

Frames = Mapping[str, pd.DataFrame]


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Hourly candles until a pair counts."""
    basket = settings.volatility.basket
    return max(basket.window_hours + 1, basket.volume_hours)


def volatility(frames: Frames, settings: Settings) -> pd.DataFrame:
    """Return `basket_volatility`: the pairs' mean realised volatility by weight, annual, float32.

    One row for each hour from the first candle of any pair to the last, by its open time. NaN where
    no pair has a weight. Weakness: it moves when a pair comes or goes, and follows the past only.
    """
    measured = _volatilities(frames, settings.volatility.basket)
    shares = _weights(frames, measured, settings.volatility.basket)
    together = (measured * shares).sum(axis=1, min_count=1)
    return together.astype("float32").to_frame("basket_volatility")


def weights(frames: Frames, settings: Settings) -> pd.DataFrame:
    """Return each pair's share in each hour, float64; 0: left out. A row's sum is 1.

    A pair's share is its part of the quote volume (close x volume) of the last `volume_hours`. Left
    out are pairs whose volatility in this hour is unknown (so those without a candle), pairs whose
    first price is younger than `volume_hours`, and pairs below `least_share` of what the rest
    traded together with them. Where nothing is left the row is NaN.
    """
    basket = settings.volatility.basket
    return _weights(frames, _volatilities(frames, basket), basket)


def _volatilities(frames: Frames, basket: BasketSettings) -> pd.DataFrame:
    window = basket.window_hours * candles.SECONDS_PER_HOUR
    return hourly.table(
        {
            pair: (
                hourly.of(frame),
                close_to_close(frame["close"].to_numpy("float64"), candles.times(frame), window),
            )
            for pair, frame in frames.items()
        }
    )


def _weights(frames: Frames, measured: pd.DataFrame, basket: BasketSettings) -> pd.DataFrame:
    traded = _quote_volumes(frames, basket.volume_hours).where(measured.notna())
    shares = traded.div(traded.sum(axis=1), axis=0)
    kept = shares.where(shares >= basket.least_share, 0.0)
    return kept.div(kept.sum(axis=1), axis=0)


def _quote_volumes(frames: Frames, window_hours: int) -> pd.DataFrame:
    """Volume in quote currency of each pair's last hours; NaN until its first price is so old."""
    table = hourly.table({pair: _traded(frame) for pair, frame in frames.items()})
    sums = hourly.trailing_sums(table.fillna(0.0).to_numpy(), window_hours)
    since_first = (table.notna().cumsum() > 0).cumsum()
    return pd.DataFrame(sums, table.index, table.columns).where(since_first >= window_hours)


def _traded(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Hours and the quote volume of each, NaN without a price, 0 without a volume."""
    close, volume = (frame[name].to_numpy("float64") for name in ("close", "volume"))
    priced = (close > 0) & (close < np.inf)
    volume = np.where((volume > 0) & (volume < np.inf), volume, 0.0)
    return hourly.of(frame), np.where(priced, np.where(priced, close, 0.0) * volume, np.nan)
