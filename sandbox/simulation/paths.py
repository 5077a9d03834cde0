"""One day of one coin, second by second, between the midnight prices that the cycle fixes.

Down to the minute, returns are a factor shared by all coins plus the coin's own, each minute
scaled by the day's volatility, the hour's habit, a slow wave within the day and a heavy-tailed
multiplier; now and then a minute jumps. A bridge moves the sum onto the cycle's daily return.
Inside a minute a second bridge draws thirty steps of two seconds. Every step is one trade, so
candles, tape, book and running minute are four views of the same numbers.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sandbox.simulation.cycle import Cycle
from sandbox.simulation.profiles import COINS, Profile
from sandbox.simulation.randomness import COIN_DAY, MARKET_DAY, stream

MINUTES = 1440
STEPS = 30  # per minute: one trade every two seconds
STEP_MS = 60_000 // STEPS
DAY_STEPS = MINUTES * STEPS

_WAVE_NODES = 96  # a quarter of an hour each
_TAIL_FREEDOM = 5.0
_WORST_TAIL = 5.0
_JUMPS_A_DAY = 0.25
_JUMP_SIZE = 14.0  # times the minute's usual deviation
_SWING_PERIODS = ((13.0, 1.0), (29.0, 1.0), (71.0, 0.6))  # seconds, share of the amplitude


@dataclass(frozen=True)
class Path:
    """Log prices of shape (minutes, steps) and each minute's deviation relative to usual."""

    log_price: np.ndarray
    intensity: np.ndarray


def draw(seed: int, profile: Profile, cycle: Cycle, coin: int, day: int) -> Path:
    """Draw the index price of a coin over one day; a pure function of its arguments."""
    rng = stream(seed, COIN_DAY, coin, day)
    factor = market_minutes(seed, day)
    relative = _day_shape(rng, cycle.volatility[coin, day : day + 2]) * factor.shape
    usual = COINS[coin].volatility / np.sqrt(365.0 * MINUTES)
    deviation = relative * cycle.volatility[coin, day] / np.sqrt(MINUTES)
    own = rng.standard_normal(MINUTES) * _tails(rng) * _jumps(rng, _JUMPS_A_DAY / 2)
    loading = COINS[coin].market_correlation
    returns = deviation * (loading * factor.returns + np.sqrt(1 - loading**2) * own)
    start, end = cycle.log_price[coin, day], cycle.log_price[coin, day + 1]
    bridged = returns + (end - start - returns.sum()) * deviation**2 / np.sum(deviation**2)
    nodes = start + np.r_[0.0, np.cumsum(bridged)]
    log_price = _steps(rng, nodes, deviation) + _swing(profile, coin, day)
    return Path(log_price, np.maximum(deviation, np.abs(bridged) / 2) / usual)


@dataclass(frozen=True)
class MarketMinutes:
    """What all coins share on one day: standardised returns and the wave of volatility."""

    returns: np.ndarray
    shape: np.ndarray


@lru_cache(maxsize=64)
def market_minutes(seed: int, day: int) -> MarketMinutes:
    """Draw the factor common to all coins, minute by minute."""
    rng = stream(seed, MARKET_DAY, 0, day)
    returns = rng.standard_normal(MINUTES) * _tails(rng) * _jumps(rng, _JUMPS_A_DAY)
    return MarketMinutes(returns, np.exp(0.35 * _wave(rng)) * _HABIT)


def _hourly_habit() -> np.ndarray:
    """Volatility by time of day: quiet early in Asia, busiest when New York opens."""
    hours = np.arange(MINUTES) / 60.0
    habit = 1.0 + 0.35 * np.exp(-(((hours - 14.5) / 3.0) ** 2)) - 0.2 * np.cos(hours / 12 * np.pi)
    return habit / np.sqrt(np.mean(habit**2))


_HABIT = _hourly_habit()


def _day_shape(rng: np.random.Generator, volatility: np.ndarray) -> np.ndarray:
    """Scale minutes relative to the day: gliding to tomorrow's level, with a wave of its own."""
    glide = np.linspace(1.0, np.sqrt(volatility[1] / volatility[0]), MINUTES)
    return glide * np.exp(0.2 * _wave(rng))


def _wave(rng: np.random.Generator) -> np.ndarray:
    """Smooth noise through a day, zero at both midnights so that days join."""
    walk = np.r_[0.0, np.cumsum(rng.standard_normal(_WAVE_NODES))] / np.sqrt(_WAVE_NODES / 6)
    bridge = walk - np.linspace(0.0, walk[-1], _WAVE_NODES + 1)
    return np.interp(np.arange(MINUTES) * _WAVE_NODES / MINUTES, np.arange(len(bridge)), bridge)


def _tails(rng: np.random.Generator) -> np.ndarray:
    """Multipliers that turn normal returns into Student's t, its worst ones cut off."""
    wide = np.sqrt(_TAIL_FREEDOM / rng.chisquare(_TAIL_FREEDOM, MINUTES))
    return np.minimum(wide, _WORST_TAIL) * np.sqrt(1 - 2 / _TAIL_FREEDOM)


def _jumps(rng: np.random.Generator, per_day: float) -> np.ndarray:
    """One everywhere but in the rare minute that jumps."""
    size = np.ones(MINUTES)
    size[rng.integers(0, MINUTES, rng.poisson(per_day))] = _JUMP_SIZE
    return size


def _steps(rng: np.random.Generator, nodes: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Bridge the minutes: step 0 is the minute's node, the last one falls short of the next."""
    # Single precision is plenty for noise a thousand times smaller than the price.
    noise = rng.standard_normal((MINUTES, STEPS), dtype=np.float32)
    walk = np.cumsum(noise, axis=1)
    share = np.arange(1, STEPS, dtype=np.float32) / STEPS
    log_price = np.empty((MINUTES, STEPS))
    log_price[:, 0] = nodes[:-1]
    bridge = (walk[:, :-1] - share * walk[:, -1:]) * (deviation / np.sqrt(STEPS))[:, None]
    log_price[:, 1:] = nodes[:-1, None] + share * np.diff(nodes)[:, None] + bridge
    return log_price


def _swing(profile: Profile, coin: int, day: int) -> np.ndarray | float:
    """Add the lively profile's oscillation, a function of absolute time: no seam at midnight."""
    if not profile.swing:
        return 0.0
    seconds = (day * DAY_STEPS + np.arange(DAY_STEPS)) * (STEP_MS / 1000)
    waves = [
        share * np.sin(2 * np.pi * ((seconds / period) % 1.0) + coin)
        for period, share in _SWING_PERIODS
    ]
    return profile.swing * np.sum(waves, axis=0).reshape(MINUTES, STEPS)
