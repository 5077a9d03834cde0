"""Answers in Binance's shape: JSON bodies, numbers as strings, errors as code and message."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

# Binance's numbers for what can be wrong with a request for public data.
UNKNOWN_ERROR, MALFORMED, BAD_INTERVAL, BAD_SYMBOL = -1000, -1102, -1120, -1121
BAD_KEY, BAD_PATH = -2014, -5000


class BinanceError(Exception):
    """An error as Binance reports it: a negative code and a message."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def reply(content: Any, status: int = 200) -> Response:
    """Send `content` as JSON; numpy arrays and scalars may be part of it."""
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json")


def error_reply(code: int, message: str, status: int = 400) -> Response:
    """Send an error as Binance words it."""
    return reply({"code": code, "msg": message}, status)


def on_binance_error(_request: Request, error: Exception) -> Response:
    """Report what a route refused."""
    assert isinstance(error, BinanceError)
    return error_reply(error.code, error.message, error.status)


def on_sandbox_error(_request: Request, error: Exception) -> Response:
    """Report a data file that turned out to be unreadable."""
    return error_reply(UNKNOWN_ERROR, str(error))


def on_bad_parameter(_request: Request, error: Exception) -> Response:
    """Report a missing or misshapen query parameter."""
    assert isinstance(error, RequestValidationError)
    name = error.errors()[0]["loc"][-1]
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return error_reply(MALFORMED, text)


def fixed(values: np.ndarray | Iterable[float], digits: int | None) -> list[str]:
    """Write numbers with so many digits after the point; None writes all that they have."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    if digits is None:
        return [repr(value) for value in plain]
    template = f"%.{digits}f"
    return [template % value for value in plain]
