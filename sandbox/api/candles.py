"""Klines: last price on both markets; mark, index and premium on futures."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from fastapi.responses import Response

from sandbox import candles, timeframes
from sandbox.api.context import Context, check_interval
from sandbox.api.replies import fixed, reply
from sandbox.candles import Window
from sandbox.instruments import Instrument, Market
from sandbox.source import Kind

_MOST_ROWS: dict[Market, int] = {"spot": 1000, "futures": 1500}
_PRICE_ROUTES: dict[str, Kind] = {
    "/markPriceKlines": "mark",
    "/indexPriceKlines": "index",
    "/premiumIndexKlines": "premium",
}

Limit = Annotated[int, Query(ge=1)]


def router(context: Context, market: Market) -> APIRouter:
    """Routes of one market."""
    routes = APIRouter()
    _add(routes, "/klines", context, market, "last")
    if market == "futures":
        for path, kind in _PRICE_ROUTES.items():
            _add(routes, path, context, market, kind)
    return routes


def _add(routes: APIRouter, path: str, context: Context, market: Market, kind: Kind) -> None:
    @routes.get(path)
    async def klines(
        interval: str,
        symbol: str = "",
        pair: str = "",
        startTime: int | None = None,  # noqa: N803 (Binance's name)
        endTime: int | None = None,  # noqa: N803
        limit: Limit = 500,
    ) -> Response:
        # Index candles are asked for by pair, all others by symbol.
        instrument = context.instrument(market, symbol or pair)
        window = Window(startTime, endTime, min(limit, _MOST_ROWS[market]))
        timeframe = check_interval(interval)
        now = context.clock.now()
        rows = context.source.candles(market, instrument.symbol, kind, timeframe, window, now)
        return reply(encode(rows, instrument, timeframe, kind))


def encode(
    rows: np.ndarray, instrument: Instrument, timeframe: str, kind: Kind
) -> list[tuple[object, ...]]:
    """Rows as Binance sends them: twelve fields, all but times and the count as strings."""
    prices = instrument.price_decimals if kind == "last" else 8
    opened = rows[:, candles.TIME].astype(np.int64).tolist()
    return list(
        zip(
            opened,
            *(fixed(rows[:, column], prices) for column in range(candles.OPEN, candles.VOLUME)),
            fixed(rows[:, candles.VOLUME], instrument.lot_decimals),
            [timeframes.close_of(time, timeframe) - 1 for time in opened],
            fixed(rows[:, candles.QUOTE], 8),
            rows[:, candles.COUNT].astype(np.int64).tolist(),
            fixed(rows[:, candles.TAKER], instrument.lot_decimals),
            fixed(rows[:, candles.TAKER_QUOTE], 8),
            ["0"] * len(rows),
            strict=True,
        )
    )
