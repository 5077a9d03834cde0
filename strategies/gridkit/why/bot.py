"""A running bot, asked over its REST API with freqtrade's own client; every failure in one line."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from freqtrade_client import FtRestClient  # type: ignore[import-untyped]

from gridkit.host import config_files

TIMEOUT_SECONDS = 10.0
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # listened to, but not to be called
API_PATH = "/api/v1"
# Where no bot is named: the project's own, of which the later file wins.
DEFAULT_CONFIGS = (Path("user_data/configs/api.json"), Path("config.json"))


class BotError(Exception):
    """Why a bot cannot be asked; the message is for people, and names no password."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where a bot's REST API is, and who asks."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)


def access_of(
    configs: Sequence[Path], url: str | None, username: str | None, password: str | None
) -> Access:
    """Return what configuration files and FREQTRADE__ variables say, where options do not."""
    if not configs and url is None:
        configs = [path for path in DEFAULT_CONFIGS if path.is_file()]
        if not configs:
            raise BotError("no bot named: give -c with the bot's configuration, or --url")
    server = _api_server(configs)
    if url is None:
        url = _listens_at(server)
    return Access(
        _whole(url),
        username if username is not None else str(server.get("username") or ""),
        password if password is not None else str(server.get("password") or ""),
    )


def _api_server(configs: Sequence[Path]) -> Mapping[str, Any]:
    try:
        config = config_files.read(configs)
    except config_files.ConfigFilesError as error:
        raise BotError(str(error)) from None
    server = config.get("api_server")
    return server if isinstance(server, dict) else {}


def _listens_at(server: Mapping[str, Any]) -> str:
    if not server.get("enabled"):
        raise BotError(
            "api_server.enabled is not true in this configuration: the bot cannot answer"
        )
    address = str(server.get("listen_ip_address") or "127.0.0.1")
    return f"http://{EVERY_ADDRESS.get(address, address)}:{server.get('listen_port') or 8080}"


def _whole(url: str) -> str:
    """Return a URL with a scheme and without the API's own path."""
    whole = url.strip() if "://" in url else f"http://{url.strip()}"
    whole = whole.rstrip("/").removesuffix(API_PATH)
    parts = urlsplit(whole)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BotError(f"{url!r} is no URL of a bot, as http://127.0.0.1:8080 is")
    return whole


class Bot:
    """Answers of one bot. Every method raises BotError."""

    def __init__(self, access: Access) -> None:
        self.url = access.url
        self._client = FtRestClient(
            access.url, access.username, access.password, timeout=TIMEOUT_SECONDS
        )
        # An absent bot is told once, by BotError.
        logging.getLogger("ft_rest_client").setLevel(logging.CRITICAL)

    def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of freqtrade's client and return the JSON document."""
        try:
            answer = getattr(self._client, method)(*arguments, **options)
        except requests.exceptions.Timeout:
            raise BotError(f"{self.url} gave no answer within {TIMEOUT_SECONDS:g} s") from None
        except requests.exceptions.JSONDecodeError:
            raise BotError(f"{self.url} answers, but is not freqtrade's REST API") from None
        except requests.exceptions.RequestException as error:
            raise BotError(f"{self.url} cannot be asked: {_short(error)}") from None
        if answer is None:
            raise BotError(f"no bot answers at {self.url}: does it run, with api_server enabled?")
        if isinstance(answer, dict):
            _refused(answer, self.url)
        return answer


def _refused(answer: Mapping[str, Any], url: str) -> None:
    """Raise what a bot answered instead of what was asked for."""
    said = answer.get("detail") or answer.get("error")
    if said == "Unauthorized":
        raise BotError(f"{url} does not take this username and password")
    if said:
        raise BotError(f"{url} refuses: {' '.join(str(said).split())}")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
