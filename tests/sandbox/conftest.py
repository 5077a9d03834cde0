import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sandbox.running import RunningExchange, running_exchange

# 2026-03-04 10:11:23 UTC: within a day, within a minute, within a two-second step.
NOW = 1_772_619_083_500


@pytest.fixture(scope="session")
def exchange() -> Iterator[RunningExchange]:
    """A simulated exchange whose clock stands still."""
    with running_exchange(now=NOW) as running:
        yield running


class Client:
    """Asks an exchange over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def refused(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(HTTPError) as caught:
            urlopen(Request(self.url + path, headers=headers), timeout=30)
        with caught.value as error:
            return error.code, json.load(error)


@pytest.fixture(scope="session")
def client(exchange: RunningExchange) -> Client:
    return Client(exchange.url)


@pytest.fixture(scope="session")
def now() -> int:
    return NOW
