"""Klines: last price on both markets; mark, index and premium on futures."""

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sandbox import candles, timeframes
from sandbox.api.context import Context, Limit, Time, check_interval
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

_MARK_DIGITS = _QUOTE_DIGITS = 8

Klines = list[tuple[object, ...]]


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
        startTime: Time = None,
        endTime: Time = None,
        limit: Limit = 500,
    ) -> Response:
        # Index candles are asked for by pair, all others by symbol.
        instrument = context.instrument(market, symbol or pair)
        window = Window(startTime, endTime, min(limit, _MOST_ROWS[market]))
        timeframe = check_interval(interval)
        now = context.clock.now()
        rows = context.source.candles(market, instrument.symbol, kind, timeframe, window, now)
        write = encode if context.source.rounds_to_tick else encode_exactly
        return reply(write(rows, instrument, timeframe, kind))


def encode(rows: np.ndarray, instrument: Instrument, timeframe: str, kind: Kind) -> Klines:
    """Rows as Binance sends them: twelve fields, all but times and the count as strings."""
    price_digits = instrument.price_decimals if kind == "last" else _MARK_DIGITS
    return _fields(rows, timeframe, price_digits, instrument.lot_decimals)


def encode_exactly(rows: np.ndarray, _instrument: Instrument, timeframe: str, _: Kind) -> Klines:
    """Rows likewise, with every digit that the recording has."""
    return _fields(rows, timeframe, None, None)


def _fields(
    rows: np.ndarray, timeframe: str, price_digits: int | None, lot_digits: int | None
) -> Klines:
    opened = rows[:, candles.TIME].astype(np.int64).tolist()
    prices = range(candles.OPEN, candles.VOLUME)
    return list(
        zip(
            opened,
            *(fixed(rows[:, column], price_digits) for column in prices),
            fixed(rows[:, candles.VOLUME], lot_digits),
            [timeframes.close_of(time, timeframe) - 1 for time in opened],
            fixed(rows[:, candles.QUOTE], _QUOTE_DIGITS),
            rows[:, candles.COUNT].astype(np.int64).tolist(),
            fixed(rows[:, candles.TAKER], lot_digits),
            fixed(rows[:, candles.TAKER_QUOTE], _QUOTE_DIGITS),
            ["0"] * len(rows),
            strict=True,
        )
    )
