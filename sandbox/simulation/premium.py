"""What a perpetual costs above its index, and the funding and open interest that follow.

The premium is a fraction of the index: a slow part that is high in rising and low in falling
markets, gliding from midnight to midnight, plus a wave within the day. Funding is Binance's
formula over the eight hours before each settlement: average premium plus the interest rate's
distance from it, that distance held within 0.05 %.
"""

import numpy as np

from sandbox.simulation import paths
from sandbox.simulation.cycle import DAYS, EPOCH_MS, Cycle
from sandbox.simulation.profiles import COINS
from sandbox.simulation.randomness import FUTURES_DAY, stream
from sandbox.timeframes import DAY_MS, HOUR_MS

FUNDING_INTERVAL_MS = 8 * HOUR_MS
INTEREST_RATE = 0.0001
FUNDING_CAP = 0.02
_CLAMP = 0.0005
_MOOD_PREMIUM = 0.0009  # fraction of the index in the greediest or most fearful market
_WAVE_PREMIUM = 0.00012
_OPEN_INTEREST_TURNOVER_DAYS = 2.0


def minute_premium(seed: int, cycle: Cycle, coin: int, day: int) -> np.ndarray:
    """Premium at each minute's start of one day and at its end: 1,441 fractions."""
    start, end = (_midnight_premium(seed, cycle, coin, when) for when in (day, day + 1))
    rng = stream(seed, FUTURES_DAY, coin, day)
    knots = np.r_[0.0, np.cumsum(rng.standard_normal(paths.MINUTES))] / np.sqrt(paths.MINUTES)
    bridge = knots - np.linspace(0.0, knots[-1], paths.MINUTES + 1)
    return np.linspace(start, end, paths.MINUTES + 1) + _WAVE_PREMIUM * bridge


def _midnight_premium(seed: int, cycle: Cycle, coin: int, day: int) -> float:
    noise = stream(seed, FUTURES_DAY, coin, DAYS + day).standard_normal()
    return float(_MOOD_PREMIUM * (-cycle.fear[day] + 0.25 * noise) + 0.0001)


def funding_rate(average_premium: float) -> float:
    """Binance's formula: fraction paid by longs to shorts at a settlement."""
    towards_interest = min(max(INTEREST_RATE - average_premium, -_CLAMP), _CLAMP)
    return min(max(average_premium + towards_interest, -FUNDING_CAP), FUNDING_CAP)


def open_interest(cycle: Cycle, coin: int, times: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Open interest in the base coin: builds up in greed, is flushed out in fear."""
    days = (times - EPOCH_MS) / DAY_MS
    fear = np.interp(days, np.arange(DAYS), cycle.fear)
    hourly = 0.03 * np.sin(2 * np.pi * days) + 0.01 * np.sin(37.0 * days + coin)
    dollars = COINS[coin].daily_turnover * _OPEN_INTEREST_TURNOVER_DAYS
    return dollars * np.exp(-0.5 * fear + hourly) / price
