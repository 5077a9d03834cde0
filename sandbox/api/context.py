"""What every route needs: the source, the clock, and the two prefixes of Binance's API."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from sandbox import timeframes
from sandbox.api.replies import BAD_INTERVAL, BAD_SYMBOL, BinanceError
from sandbox.clock import Clock
from sandbox.instruments import Instrument, Market
from sandbox.source import Source

# Query parameters that several routes share; a time is UTC ms.
Limit = Annotated[int, Query(ge=1)]
Time = Annotated[int | None, Query(ge=0, le=10**14)]
TradeId = Annotated[int | None, Query(ge=0, le=10**15)]

PREFIXES: dict[Market, str] = {"spot": "/api/v3", "futures": "/fapi/v1"}


@dataclass(frozen=True)
class Context:
    """The market served and the time it is."""

    source: Source
    clock: Clock

    def instrument(self, market: Market, symbol: str) -> Instrument:
        """Look a symbol up, or refuse as Binance does."""
        listed = self.source.instruments(market)
        if symbol not in listed:
            raise BinanceError(BAD_SYMBOL, "Invalid symbol.")
        return listed[symbol]


def check_interval(interval: str) -> str:
    """Refuse an interval that is not served."""
    if interval not in timeframes.LENGTH_MS:
        raise BinanceError(BAD_INTERVAL, "Invalid interval.")
    return interval
