"""Perpetuals only: mark price and funding now, funding history, open interest."""

from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.api.context import Context, Limit, Time, check_interval
from sandbox.api.replies import UNKNOWN_ERROR, BinanceError, reply
from sandbox.candles import Window

_MOST_SETTLEMENTS, _MOST_INTEREST_ROWS = 1000, 500
_INTEREST_RATE = "0.00010000"


def router(context: Context) -> APIRouter:
    """Routes below /fapi/v1."""
    routes = APIRouter()
    _add_now(routes, context)

    @routes.get("/fundingRate")
    async def funding_history(
        symbol: str,
        startTime: Time = None,
        endTime: Time = None,
        limit: Limit = 100,
    ) -> Response:
        context.instrument("futures", symbol)
        window = Window(startTime, endTime, min(limit, _MOST_SETTLEMENTS))
        rows = context.source.funding(symbol, window, context.clock.now())
        return reply([_settlement(symbol, row) for row in rows])

    @routes.get("/fundingInfo")
    async def funding_info() -> Response:
        return reply([])

    return routes


def _add_now(routes: APIRouter, context: Context) -> None:
    @routes.get("/premiumIndex")
    async def premium_index(symbol: str = "") -> Response:
        if symbol:
            return reply(_premium(context, symbol))
        listed = context.source.instruments("futures")
        known = [each for each in listed if context.source.premium(each, context.clock.now())]
        return reply([_premium(context, each) for each in known])

    @routes.get("/openInterest")
    async def open_interest(symbol: str) -> Response:
        context.instrument("futures", symbol)
        now = context.clock.now()
        rows = context.source.open_interest(symbol, "5m", Window(None, None, 1), now)
        amount = f"{rows[-1, 1]:.3f}" if len(rows) else "0"
        return reply({"symbol": symbol, "openInterest": amount, "time": now})


def data_router(context: Context) -> APIRouter:
    """Routes below /futures/data."""
    routes = APIRouter()

    @routes.get("/openInterestHist")
    async def open_interest_history(
        symbol: str,
        period: str,
        startTime: Time = None,
        endTime: Time = None,
        limit: Limit = 30,
    ) -> Response:
        context.instrument("futures", symbol)
        window = Window(startTime, endTime, min(limit, _MOST_INTEREST_ROWS))
        now = context.clock.now()
        rows = context.source.open_interest(symbol, check_interval(period), window, now)
        return reply([_interest(symbol, row) for row in rows])

    return routes


def _premium(context: Context, symbol: str) -> dict[str, Any]:
    context.instrument("futures", symbol)
    now = context.clock.now()
    premium = context.source.premium(symbol, now)
    if premium is None:
        raise BinanceError(UNKNOWN_ERROR, f"No candles of {symbol} are recorded.")
    return {
        "symbol": symbol,
        "markPrice": f"{premium.mark:.8f}",
        "indexPrice": f"{premium.index:.8f}",
        "estimatedSettlePrice": f"{premium.index:.8f}",
        "lastFundingRate": f"{premium.funding_rate:.8f}",
        "interestRate": _INTEREST_RATE,
        "nextFundingTime": premium.next_funding_time,
        "time": now,
    }


def _settlement(symbol: str, row: np.ndarray) -> dict[str, Any]:
    time, rate, mark = row.tolist()
    return {
        "symbol": symbol,
        "fundingTime": int(time),
        "fundingRate": f"{rate:.8f}",
        "markPrice": f"{mark:.8f}",
    }


def _interest(symbol: str, row: np.ndarray) -> dict[str, Any]:
    time, amount, value = row.tolist()
    return {
        "symbol": symbol,
        "sumOpenInterest": f"{amount:.8f}",
        "sumOpenInterestValue": f"{value:.8f}",
        "timestamp": int(time),
    }
