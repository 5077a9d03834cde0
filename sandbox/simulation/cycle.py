"""The long run: which regime rules each day, how rough it is, and every coin's price at midnight.

The market's log level follows the regime's drift plus a volatile shock, pulled weakly towards
zero; each coin adds a shock of its own. A fall makes uptrends likelier and a rise makes
downtrends likelier, so prices neither vanish nor explode over decades, while single trends run
for weeks. Volatility is regime times the exponential of a slow and a fast autoregression: rough
days follow rough days. All of it is drawn once, from the seed alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sandbox.simulation.profiles import COINS, DRAWN_TOGETHER, REGIMES, Profile, Regime
from sandbox.simulation.randomness import CYCLE, OWN_PRICE, OWN_VOLATILITY, stream
from sandbox.timeframes import DAY_MS

EPOCH_MS = 1_501_545_600_000  # 2017-08-01, about when Binance opened
DAYS = 10_600  # until 2046

_DAYS_A_YEAR = 365.0
_COIN_RECOVERY = 0.6  # a coin's own shocks fade faster than the market's, by this factor
_PULL_STRENGTH = 2.0
_ROUGH = 1.5  # times the usual volatility
_TAIL_FREEDOM = 6.0  # of Student's t, for daily shocks


@dataclass(frozen=True)
class Spell:
    """One regime's stay: days counted from the epoch, the last one excluded."""

    regime: Regime
    first: int
    after: int
    daily_return: float

    def as_text(self) -> tuple[str, int, int]:
        """Name, first ms, first ms after."""
        return self.regime.name, EPOCH_MS + self.first * DAY_MS, EPOCH_MS + self.after * DAY_MS


@dataclass(frozen=True)
class Cycle:
    """Per coin and day: log price at midnight and daily volatility (fractions, shape coin, day).

    `fear` is positive in falling and rough markets, negative in rising ones, about -1 to 1.
    """

    spells: tuple[Spell, ...]
    log_price: np.ndarray
    volatility: np.ndarray
    fear: np.ndarray


def build(seed: int, profile: Profile) -> Cycle:
    """Draw the whole calendar."""
    rng = stream(seed, CYCLE)
    spells = tuple(_spells(rng, profile))
    lengths = [spell.after - spell.first for spell in spells]
    drift = np.repeat([spell.daily_return for spell in spells], lengths)[:DAYS]
    roughness = np.repeat([spell.regime.volatility for spell in spells], lengths)[:DAYS]
    volatility = _volatility(rng, seed, roughness * profile.volatility)
    log_price = _log_prices(rng, seed, drift, volatility, profile.recovery_days)
    return Cycle(spells, log_price, volatility, _fear(drift, roughness))


def _spells(rng: np.random.Generator, profile: Profile) -> Iterator[Spell]:
    """Regimes one after another; the chance of each answers to the level reached so far."""
    day, level, before = 0, 0.0, ""
    chances = dict(profile.regimes)
    base = np.array([chances.get(regime.name, regime.chance) for regime in REGIMES])
    pull = np.array([regime.pull for regime in REGIMES])
    while day < DAYS:
        weights = base * np.exp(-_PULL_STRENGTH * pull * level)
        weights[[regime.name == before for regime in REGIMES]] = 0.0
        regime = REGIMES[rng.choice(len(REGIMES), p=weights / weights.sum())]
        length = int(rng.integers(regime.days[0], regime.days[1], endpoint=True))
        total = rng.uniform(*regime.total_return)
        yield Spell(regime, day, day + length, total / length)
        day, before = day + length, regime.name
        level = level * np.exp(-length / profile.recovery_days) + total


def _volatility(rng: np.random.Generator, seed: int, roughness: np.ndarray) -> np.ndarray:
    """Daily volatility of each coin: mostly the market's, partly its own."""
    slow, fast = (rng.standard_normal((DAYS, 1)) for _ in range(2))
    common = _autoregression(slow, 0.97, 0.22) + _autoregression(fast, 0.65, 0.15)
    own = _autoregression(_own_shocks(rng, seed, OWN_VOLATILITY), 0.90, 0.12)
    usual = np.array([coin.volatility for coin in COINS])[:, None] / np.sqrt(_DAYS_A_YEAR)
    return usual * roughness * np.exp(common + own)


def _own_shocks(rng: np.random.Generator, seed: int, purpose: int) -> np.ndarray:
    """Each coin's standard normal shocks, shape (days, coins); a further coin changes no other."""
    together = rng.standard_normal((DAYS, DRAWN_TOGETHER))
    alone = range(DRAWN_TOGETHER, len(COINS))
    later = [stream(seed, purpose, coin).standard_normal(DAYS) for coin in alone]
    return np.column_stack([together, *later])


def _autoregression(shocks: np.ndarray, memory: float, deviation: float) -> np.ndarray:
    """Stationary AR(1) paths of the given deviation from shocks (days, rows), one path a row."""
    scaled = shocks * deviation * np.sqrt(1 - memory**2)
    path = np.empty_like(scaled)
    value = np.zeros(scaled.shape[1])
    for day in range(DAYS):
        value = memory * value + scaled[day]
        path[day] = value
    return path.T


def _log_prices(
    rng: np.random.Generator,
    seed: int,
    drift: np.ndarray,
    volatility: np.ndarray,
    recovery_days: float,
) -> np.ndarray:
    """Log price of each coin at the start of each day, shape (coins, days)."""
    correlation = np.array([coin.market_correlation for coin in COINS])
    usual = np.array([coin.volatility for coin in COINS])
    beta = (usual / usual[0]) ** 0.5
    tail = np.sqrt(_TAIL_FREEDOM / rng.chisquare(_TAIL_FREEDOM, DAYS) * (1 - 2 / _TAIL_FREEDOM))
    common = rng.standard_normal(DAYS) * tail
    own = _own_shocks(rng, seed, OWN_PRICE) * np.sqrt(1 - correlation**2)
    path = np.empty((DAYS, len(COINS)))
    shared, single, level = np.zeros(len(COINS)), np.zeros(len(COINS)), 0.0
    for day in range(DAYS):
        path[day] = beta * level + shared + single
        level += drift[day] - level / recovery_days
        shared += volatility[:, day] * correlation * common[day] - shared / recovery_days
        single += volatility[:, day] * own[day] - single / (recovery_days * _COIN_RECOVERY)
    return path.T + np.log([coin.price for coin in COINS])[:, None]


def _fear(drift: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """Remember a week of falling prices and rough days; the futures premium looks at it."""
    raw = np.tanh(-60.0 * drift) + 0.3 * (roughness > _ROUGH)
    weights = np.exp(-np.arange(21) / 5.0)
    return np.convolve(raw, weights / weights.sum())[:DAYS]
