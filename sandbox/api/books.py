"""The order book, the tape, and tickers drawn from both."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sandbox import candles
from sandbox.api.context import Context, Limit, Time, TradeId
from sandbox.api.replies import MALFORMED, UNKNOWN_ERROR, BinanceError, fixed, reply
from sandbox.candles import Window
from sandbox.instruments import Instrument, Market
from sandbox.source import Tape

Fields = dict[str, Any]
Ticker = Callable[[Context, Market, Instrument, int], Fields]
_MOST_TRADES = 1000
_MOST_LEVELS: dict[Market, int] = {"spot": 5000, "futures": 1000}


def router(context: Context, market: Market) -> APIRouter:
    """Routes of one market."""
    routes = APIRouter()
    _add_book(routes, context, market)
    _add_tape(routes, context, market)
    _add_tickers(routes, context, market)
    return routes


def _add_book(routes: APIRouter, context: Context, market: Market) -> None:
    @routes.get("/depth")
    async def depth(symbol: str, limit: Limit = 100) -> Response:
        instrument = context.instrument(market, symbol)
        now = context.clock.now()
        book = context.source.book(market, symbol, min(limit, _MOST_LEVELS[market]), now)
        if book is None:
            _refuse_without_price(symbol)
        times = {"E": now, "T": now} if market == "futures" else {}
        sides = {"bids": _levels(book.bids, instrument), "asks": _levels(book.asks, instrument)}
        return reply({"lastUpdateId": now, **times, **sides})


def _add_tape(routes: APIRouter, context: Context, market: Market) -> None:
    @routes.get("/aggTrades")
    async def aggregate_trades(
        symbol: str,
        fromId: TradeId = None,
        startTime: Time = None,
        endTime: Time = None,
        limit: Limit = 500,
    ) -> Response:
        instrument = context.instrument(market, symbol)
        window = Window(startTime, endTime, min(limit, _MOST_TRADES))
        tape = context.source.trades(market, symbol, window, fromId, context.clock.now())
        return reply([_aggregate(*trade) for trade in _texts(tape, instrument)])

    @routes.get("/trades")
    async def trades(symbol: str, limit: Limit = 500) -> Response:
        instrument = context.instrument(market, symbol)
        window = Window(None, None, min(limit, _MOST_TRADES))
        tape = context.source.trades(market, symbol, window, None, context.clock.now())
        return reply([_single(*trade) for trade in _texts(tape, instrument)])


def _add_tickers(routes: APIRouter, context: Context, market: Market) -> None:
    @routes.get("/ticker/24hr")
    async def day(symbol: str = "", symbols: str = "") -> Response:
        return _for_each(context, market, symbol, symbols, _day_ticker)

    @routes.get("/ticker/bookTicker")
    async def best(symbol: str = "", symbols: str = "") -> Response:
        return _for_each(context, market, symbol, symbols, _best_prices)


def price_router(context: Context, market: Market) -> APIRouter:
    """Last prices: on futures, ccxt asks for them under version 2 of the API."""
    routes = APIRouter()

    @routes.get("/ticker/price")
    async def price(symbol: str = "", symbols: str = "") -> Response:
        return _for_each(context, market, symbol, symbols, _last_price)

    return routes


def _for_each(
    context: Context, market: Market, symbol: str, symbols: str, ticker: Ticker
) -> Response:
    """One ticker for `symbol`, a list for `symbols` (a JSON list) or for everything."""
    now = context.clock.now()
    if symbol:
        found = ticker(context, market, context.instrument(market, symbol), now)
        return reply(found or _refuse_without_price(symbol))
    wanted = _parsed(symbols) if symbols else list(context.source.instruments(market))
    listed = (context.instrument(market, each) for each in wanted)
    tickers = (ticker(context, market, each, now) for each in listed)
    return reply([each for each in tickers if each])


def _refuse_without_price(symbol: str) -> NoReturn:
    raise BinanceError(UNKNOWN_ERROR, f"No candles of {symbol} are recorded.")


def _parsed(symbols: str) -> list[str]:
    try:
        return [str(each) for each in json.loads(symbols)]
    except (ValueError, TypeError):
        raise BinanceError(MALFORMED, "Parameter 'symbols' must be a JSON list.") from None


def _day_ticker(context: Context, market: Market, instrument: Instrument, now: int) -> Fields:
    """Sum up the last 24 hours; on spot with the best prices of the book as well."""
    rows = context.source.day(market, instrument.symbol, now)
    if not len(rows):
        return {}
    best = _best_prices(context, market, instrument, now) if market == "spot" else {}
    return {**best, **_summary(rows, instrument), "closeTime": now}


def _summary(rows: np.ndarray, instrument: Instrument) -> Fields:
    opened, last = rows[0, candles.OPEN], rows[-1, candles.CLOSE]
    volume, quote = rows[:, candles.VOLUME].sum(), rows[:, candles.QUOTE].sum()
    prices = {
        "priceChange": last - opened,
        "weightedAvgPrice": quote / volume if volume else last,
        "lastPrice": last,
        "openPrice": opened,
        "highPrice": rows[:, candles.HIGH].max(),
        "lowPrice": rows[:, candles.LOW].min(),
    }
    return {
        "symbol": instrument.symbol,
        **{name: _text(value, instrument.price_decimals) for name, value in prices.items()},
        "priceChangePercent": f"{100 * (last / opened - 1):.3f}",
        "volume": _text(volume, instrument.lot_decimals),
        "quoteVolume": _text(quote, 8),
        "openTime": int(rows[0, candles.TIME]),
        "count": int(rows[:, candles.COUNT].sum()),
    }


def _best_prices(context: Context, market: Market, instrument: Instrument, now: int) -> Fields:
    book = context.source.book(market, instrument.symbol, 1, now)
    if book is None:
        return {}
    (bid, bid_lots), (ask, ask_lots) = (
        _levels(side, instrument)[0] for side in (book.bids, book.asks)
    )
    time = {"time": now} if market == "futures" else {}
    sides = {"bidPrice": bid, "bidQty": bid_lots, "askPrice": ask, "askQty": ask_lots}
    return {"symbol": instrument.symbol, **sides, **time}


def _last_price(context: Context, market: Market, instrument: Instrument, now: int) -> Fields:
    rows = context.source.day(market, instrument.symbol, now)
    if not len(rows):
        return {}
    price = _text(rows[-1, candles.CLOSE], instrument.price_decimals)
    time = {"time": now} if market == "futures" else {}
    return {"symbol": instrument.symbol, "price": price, **time}


def _levels(side: np.ndarray, instrument: Instrument) -> list[tuple[str, str]]:
    prices = fixed(side[:, 0], instrument.price_decimals)
    return list(zip(prices, fixed(side[:, 1], instrument.lot_decimals), strict=True))


def _texts(tape: Tape, instrument: Instrument) -> Iterator[tuple[int, int, str, str, bool]]:
    return zip(
        tape.ids.tolist(),
        tape.times.tolist(),
        fixed(tape.prices, instrument.price_decimals),
        fixed(tape.amounts, instrument.lot_decimals),
        tape.sold.tolist(),
        strict=True,
    )


def _aggregate(number: int, time: int, price: str, amount: str, sold: bool) -> Fields:
    return {
        "a": number,
        "p": price,
        "q": amount,
        "f": number,
        "l": number,
        "T": time,
        "m": sold,
        "M": True,
    }


def _single(number: int, time: int, price: str, amount: str, sold: bool) -> Fields:
    return {
        "id": number,
        "price": price,
        "qty": amount,
        "quoteQty": f"{float(price) * float(amount):.8f}",
        "time": time,
        "isBuyerMaker": sold,
        "isBestMatch": True,
    }


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"
