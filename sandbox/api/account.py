"""Private routes, and any other that is not served: an error that says which and why."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.api.replies import BAD_KEY, BAD_PATH, error_reply

_METHODS = ["GET", "POST", "PUT", "DELETE"]
_PRIVATE_PREFIXES = ("/sapi", "/papi", "/eapi")


def router() -> APIRouter:
    """Catch all that the routers before this one did not serve."""
    routes = APIRouter()

    @routes.api_route("/{path:path}", methods=_METHODS, include_in_schema=False)
    async def not_served(request: Request) -> Response:
        path = request.url.path
        signed = "x-mbx-apikey" in request.headers or "signature" in request.query_params
        if signed or path.startswith(_PRIVATE_PREFIXES):
            text = f"{path} is private: this exchange serves market data, so use dry_run: true."
            return error_reply(BAD_KEY, text, 401)
        return error_reply(BAD_PATH, f"Path {path}, Method {request.method} is invalid", 404)

    return routes
