"""How a simulated market behaves: its coins, its regimes and how rough it is."""

from dataclasses import dataclass

from sandbox.errors import unknown
from sandbox.instruments import Market


@dataclass(frozen=True)
class Coin:
    """One coin against USDT. Volatility is annual, as a fraction; turnover is USDT a day.

    A perpetual of a very cheap coin is one of `bundle` coins, as Binance's 1000PEPE is.
    """

    name: str
    price: float
    volatility: float
    market_correlation: float
    daily_turnover: float
    bundle: int = 1

    def base(self, market: Market) -> str:
        """Name in the symbols of a market."""
        bundled = market == "futures" and self.bundle > 1
        return f"{self.bundle}{self.name}" if bundled else self.name


COINS = (
    Coin("BTC", 60_000.0, 0.50, 0.90, 1.5e9),
    Coin("ETH", 3_000.0, 0.65, 0.90, 8e8),
    Coin("SOL", 150.0, 0.85, 0.82, 3e8),
    Coin("XRP", 0.60, 0.80, 0.74, 2e8),
    Coin("ADA", 0.50, 0.80, 0.82, 8e7),
    Coin("DOGE", 0.12, 0.90, 0.78, 1e8),
    Coin("BNB", 500.0, 0.55, 0.80, 1.5e8),
    Coin("AVAX", 30.0, 0.90, 0.82, 5e7),
    Coin("LINK", 15.0, 0.80, 0.80, 5e7),
    Coin("LTC", 80.0, 0.70, 0.80, 4e7),
    # Coins from here on have streams of random numbers of their own: append, and no price changes.
    Coin("DOT", 6.0, 0.80, 0.82, 3e7),
    Coin("SUI", 2.5, 0.95, 0.78, 1e8),
    Coin("PEPE", 0.000012, 1.0, 0.74, 1e8, bundle=1000),
)
DRAWN_TOGETHER = 10


@dataclass(frozen=True)
class Regime:
    """A spell of one character: length in days, total log return of the market, roughness.

    `volatility` multiplies the usual one. `pull` says how the regime's chance answers to the
    market's level: 1 makes it likelier when prices are low, -1 when they are high.
    """

    name: str
    days: tuple[int, int]
    total_return: tuple[float, float]
    volatility: float
    chance: float
    pull: int = 0


REGIMES = (
    Regime("range", (20, 50), (-0.08, 0.08), 1.0, 3.0),
    Regime("quiet", (10, 30), (-0.03, 0.03), 0.4, 1.5),
    Regime("uptrend", (20, 60), (0.25, 0.60), 0.9, 2.0, pull=1),
    Regime("downtrend", (18, 45), (-0.60, -0.30), 1.1, 1.6, pull=-1),
    Regime("crash", (2, 5), (-0.45, -0.22), 2.2, 0.8, pull=-1),
)


@dataclass(frozen=True)
class Profile:
    """One character of market.

    `swing` is the amplitude, as a fraction, of an oscillation with periods between 13 and 71
    seconds laid over the price; `regimes` overrides the chance of a regime by its name.
    `recovery_days` is the time constant at which prices return to their usual level.
    """

    name: str
    meaning: str
    volatility: float = 1.0
    swing: float = 0.0
    recovery_days: float = 200.0
    regimes: tuple[tuple[str, float], ...] = ()


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("steady", "an ordinary crypto market: every regime, trends in which a grid loses"),
        Profile("lively", "steady, swinging by 1 % several times a minute, for tests", 1.0, 0.004),
        Profile(
            "flat",
            "ranges and quiet spells only: a market in which grids earn",
            0.9,
            recovery_days=10.0,
            regimes=(("uptrend", 0.0), ("downtrend", 0.0), ("crash", 0.0)),
        ),
    )
}


def profile_named(name: str) -> Profile:
    """Look a profile up, or say which there are."""
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return PROFILES[name]
