"""Which symbols there are and what their filters demand; the time."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.api.context import Context
from sandbox.api.replies import reply
from sandbox.instruments import Instrument, Market

# Binance's date for "never", which ccxt takes as the mark of a perpetual.
_NEVER_DELIVERED = 4_133_404_800_000
_ONBOARDED = 1_501_545_600_000
_MOST_LOTS = 9_000_000_000  # enough of the cheapest coin for any order
_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
]


def router(context: Context, market: Market) -> APIRouter:
    """Routes of one market."""
    routes = APIRouter()

    @routes.get("/ping")
    async def ping() -> Response:
        return reply({})

    @routes.get("/time")
    async def time() -> Response:
        return reply({"serverTime": context.clock.now()})

    @routes.get("/exchangeInfo")
    async def exchange_info() -> Response:
        describe = _spot if market == "spot" else _perpetual
        symbols = [describe(each) for each in context.source.instruments(market).values()]
        return reply(_exchange_info(context, symbols))

    return routes


def empty_router(context: Context) -> APIRouter:
    """Coin-margined futures: ccxt asks for them at start, and there are none."""
    routes = APIRouter()

    @routes.get("/exchangeInfo")
    async def exchange_info() -> Response:
        return reply(_exchange_info(context, []))

    return routes


def _exchange_info(context: Context, symbols: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "serverTime": context.clock.now(),
        "rateLimits": _LIMITS,
        "exchangeFilters": [],
        "symbols": symbols,
    }


def _spot(instrument: Instrument) -> dict[str, Any]:
    notional = {
        "filterType": "NOTIONAL",
        "minNotional": _text(instrument.min_notional),
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    }
    return {
        **_common(instrument),
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": [*_filters(instrument), notional],
    }


def _perpetual(instrument: Instrument) -> dict[str, Any]:
    return {
        **_common(instrument),
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER_DELIVERED,
        "onboardDate": _ONBOARDED,
        "marginAsset": instrument.quote,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "pricePrecision": instrument.price_decimals,
        "quantityPrecision": instrument.lot_decimals,
        "underlyingType": "COIN",
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": [
            *_filters(instrument),
            {"filterType": "MIN_NOTIONAL", "notional": _text(instrument.min_notional)},
        ],
    }


def _common(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
    }


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, lot = _text(instrument.tick), _text(instrument.lot)
    most = _text(instrument.lot * _MOST_LOTS)
    lots = {"minQty": lot, "maxQty": most, "stepSize": lot}
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", **lots},
        {"filterType": "MARKET_LOT_SIZE", **lots},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200, "limit": 200},
    ]


def _text(value: float) -> str:
    return f"{value:.8f}"
