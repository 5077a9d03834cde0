"""What the parts of the host share: the strategy, its settings, the candles, the time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gridkit.host.features import Features
from gridkit.host.market_data import MarketData, Reading
from gridkit.host.reasons import Reasons

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy
    from pandas import DataFrame

    from gridkit.settings import Settings


@dataclass(slots=True)
class Context:
    """`live` is trade mode, dry-run included; `seconds` is one candle; `reasons` says why, by pair.

    `features` knows which of them failed, live. `hourly` holds the hourly candles where they were
    loaded, for statistics over many days.
    """

    strategy: "IStrategy"
    settings: "Settings"
    live: bool
    seconds: int
    market: MarketData
    hourly: MarketData
    reasons: Reasons = field(init=False)
    features: Features = field(init=False)
    now: datetime | None = None
    capital_failed: bool = False

    def __post_init__(self) -> None:
        self.reasons = Reasons(live=self.live)
        self.features = Features(live=self.live, seconds=self.seconds, clock=lambda: self.now)

    def write(self, frame: "DataFrame", pair: str) -> None:
        """Put into a frame's last row why its pair waits, and which features failed on it; live."""
        self.reasons.write(frame, pair)
        self.features.write(frame, pair)

    @property
    def is_futures(self) -> bool:
        """Whether this bot trades futures."""
        return self.strategy.config.get("trading_mode") == "futures"

    @property
    def leverage(self) -> float:
        """Leverage of a new position."""
        return self.settings.leverage if self.is_futures else 1.0

    def mark(self, pair: str) -> float | None:
        """Close of the last closed candle; None when there is none."""
        series = self.market.series.get(pair)
        if series is None or self.now is None:
            return None
        index = series.index_at(self.now.timestamp())
        return series.close.item(index) if index >= 0 else None

    def reading(self, pair: str) -> Reading | None:
        """Return the last closed candle; None when there is none."""
        return self.market.at(pair, self.now) if self.now else None

    def lock(self, pair: str, until: datetime, reason: str) -> None:
        """Keep a pair from opening; seen in /locks."""
        self.strategy.lock_pair(pair, until, reason=f"gridkit {reason}")
