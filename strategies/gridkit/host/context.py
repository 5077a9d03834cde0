"""What the parts of the host share: the strategy, its settings, the candles, the time."""

import logging
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gridkit.host.market_data import MarketData, Reading

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

    from gridkit.settings import Settings


logger = logging.getLogger(__name__)

_NUMBER = re.compile(r"(?<=\s)-?\d[\d.e+-]*")  # levels of a tag follow a letter, or a comma


def _condition(note: str | None) -> str:
    """Return a note without its numbers, which change in every loop."""
    return _NUMBER.sub("", note or "")


@dataclass(slots=True)
class Context:
    """`live` is trade mode, dry-run included; `seconds` is one candle; `notes` says per pair why.

    `hourly` holds the hourly candles where they were loaded, for statistics over many days.
    """

    strategy: "IStrategy"
    settings: "Settings"
    live: bool
    seconds: int
    market: MarketData
    hourly: MarketData
    notes: dict[str, str] = field(default_factory=dict)
    now: datetime | None = None

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
        return float(series.close[index]) if index >= 0 else None

    def reading(self, pair: str) -> Reading | None:
        """Return the last closed candle; None when there is none."""
        return self.market.at(pair, self.now) if self.now else None

    def note(self, pair: str, text: str) -> None:
        """Keep why a pair does or does not act; live, log it when the condition changed."""
        if self.live and _condition(self.notes.get(pair)) != _condition(text):
            logger.info("%s: %s", pair, text)
        self.notes[pair] = text

    def lock(self, pair: str, until: datetime, reason: str) -> None:
        """Keep a pair from opening; seen in /locks."""
        self.strategy.lock_pair(pair, until, reason=f"gridkit {reason}")
