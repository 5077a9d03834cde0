"""What the option market expects: a volatility index as it was known at a time (SPEC G.3)."""

from dataclasses import dataclass

import numpy as np

from gridkit import candles

# Over 30 days ten large coins were between 0.9 and 5.2 times as volatile as BTC in 2022 and 2023.
LEAST_RATIO, MOST_RATIO = 0.25, 5.0


@dataclass(frozen=True, slots=True, eq=False)
class VolatilityIndex:
    """Annual volatilities (fractions) and from when each was known (seconds UTC), shape (n,).

    Both in order of time. A value known later than the one after it is never used.
    """

    known_from: np.ndarray
    annual: np.ndarray


def known_at(index: VolatilityIndex, moments: np.ndarray, max_age_days: float) -> np.ndarray:
    """Return the latest value known at each moment, shape of `moments`.

    `moments` are seconds UTC at which a decision may be taken: for a candle that is its close,
    `candles.times(frame)` plus the timeframe's seconds. NaN before the first value, and once the
    latest has been known for more than `max_age_days`.
    Weakness: an index such as Deribit's DVOL speaks of the next 30 days, includes what sellers of
    options ask for their risk, and comes once a day.
    """
    since = np.minimum.accumulate(index.known_from[::-1])[::-1]
    latest = np.searchsorted(since, moments, side="right")
    values = np.concatenate([[np.nan], index.annual])[latest]
    age = moments - np.concatenate([[np.nan], since])[latest]
    return np.where(age <= max_age_days * candles.SECONDS_PER_DAY, values, np.nan)


def scaled(implied: np.ndarray, own: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return the implied volatility of a coin that has no index, from that of a base coin.

    `implied` times the coin's realised volatility (`own`) over that of the index's coin (`base`),
    all annual and of shape (n,). The ratio is held within 0.25 and 5, as one wild or one standing
    day says little about the coming month; over windows of a week and more it seldom is. NaN where
    one of the three is unknown, and where one of the two realised ones is zero.
    """
    known = (own > 0) & (base > 0)
    ratio = np.divide(own, base, out=np.full(np.shape(own), np.nan), where=known)
    return implied * np.clip(ratio, LEAST_RATIO, MOST_RATIO)
