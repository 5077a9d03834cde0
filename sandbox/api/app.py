"""The application: every router under the path at which Binance has it."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from sandbox.api import account, books, candles, futures, markets
from sandbox.api.context import PREFIXES, Context
from sandbox.api.replies import (
    BinanceError,
    on_bad_parameter,
    on_binance_error,
    on_sandbox_error,
    reply,
)
from sandbox.errors import SandboxError


def build(context: Context) -> FastAPI:
    """Assemble the exchange."""
    app = FastAPI(title="gridkit sandbox", openapi_url=None)
    app.add_exception_handler(SandboxError, on_sandbox_error)
    app.add_exception_handler(BinanceError, on_binance_error)
    app.add_exception_handler(RequestValidationError, on_bad_parameter)
    for market, prefix in PREFIXES.items():
        for routes in (markets.router, candles.router, books.router, books.price_router):
            app.include_router(routes(context, market), prefix=prefix)
    app.include_router(futures.router(context), prefix=PREFIXES["futures"])
    app.include_router(books.price_router(context, "futures"), prefix="/fapi/v2")
    app.include_router(futures.data_router(context), prefix="/futures/data")
    app.include_router(markets.empty_router(context), prefix="/dapi/v1")

    @app.get("/sandbox")
    async def sandbox() -> Response:
        return reply(context.source.describe(context.clock.now()))

    app.include_router(account.router())
    return app
