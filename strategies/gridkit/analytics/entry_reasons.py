"""Why Confluence does not enter at a candle: the first reason that holds."""

from enum import IntEnum


class Why(IntEnum):
    """Reasons in the order they are asked. Kept in files: never give a number another meaning."""

    ENTERS = 0
    NO_PRICE = 1
    REGIME_UNKNOWN = 2
    REGIME = 3
    SWITCHED_OFF = 4
    NO_LEVEL = 5
    SCORE_UNKNOWN = 6
    NOT_ALIGNED = 7
    SCORE = 8
    DIRECTION = 9
    ATR_UNKNOWN = 10
    SHOCK = 11
    FLOW = 12
    PREDICTION = 13
    HOURS = 14

    @property
    def text(self) -> str:
        """Return the reason in words."""
        return _TEXTS[self]


_TEXTS = {
    Why.ENTERS: "enters",
    Why.NO_PRICE: "the candle has no price or no volume",
    Why.REGIME_UNKNOWN: "market regime unknown",
    Why.REGIME: "no entries in this market regime",
    Why.SWITCHED_OFF: "entries of this kind are switched off",
    Why.NO_LEVEL: "a range, and the price is at neither edge of the value area nor the POC",
    Why.SCORE_UNKNOWN: "confluence unknown",
    Why.NOT_ALIGNED: "too few timeframes agree on the side",
    Why.SCORE: "score below the threshold",
    Why.DIRECTION: "this side is not traded (direction)",
    Why.ATR_UNKNOWN: "ATR unknown, so there is no stop",
    Why.SHOCK: "a breaker of the market is up",
    Why.FLOW: "one-sided order flow against the entry",
    Why.PREDICTION: "the prediction speaks against the entry",
    Why.HOURS: "illiquid hours",
}
