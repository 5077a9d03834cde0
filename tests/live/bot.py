"""A freqtrade bot in a process of its own: start it, ask it over REST, kill it like a power cut."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGS = ROOT / "user_data" / "configs"
POLL_SECONDS = 0.4
START_SECONDS = 120.0
REQUEST_SECONDS = 20.0
USER = "gridkit"
WIDE = "2000"  # columns, so that freqtrade does not break the lines of its log


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TimedOut(Exception):
    """What was waited for did not come."""


def until(what: str, seconds: float, ask: Callable[[], Any], bot: "Bot | None" = None) -> Any:
    """Ask until the answer is true; TimedOut, with the end of the log, when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if bot is not None and bot.has_ended():
            raise TimedOut(f"the bot ended while waiting for {what}:\n{bot.last_words()}")
        if time.monotonic() > deadline:
            said = bot.last_words() if bot else ""
            raise TimedOut(f"{what}: not within {seconds:.0f} s\n{said}")
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Answer:
    """What the REST API said: the HTTP status and the JSON document."""

    status: int
    body: Any


@dataclass
class Bot:
    """`freqtrade trade --dry-run` on one database, which outlives its processes."""

    folder: Path
    exchange_config: Path
    overlays: tuple[str, ...]
    settings: dict[str, Any]
    strategy: str = "AdaptiveGrid"
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def database(self) -> Path:
        return self.folder / "trades.sqlite"

    @property
    def log(self) -> Path:
        return self.folder / "freqtrade.log"

    def start(self) -> None:
        """Start and wait until the REST API says that the bot is running."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "user_data").mkdir(exist_ok=True)
        own = self.folder / "own.json"
        own.write_text(json.dumps(self._own_config()))
        files = [ROOT / "config.json", *(CONFIGS / name for name in self.overlays)]
        files += [CONFIGS / "api.json", self.exchange_config, own]
        command = [
            sys.executable,
            "-m",
            "freqtrade",
            "trade",
            "--dry-run",
            f"--strategy={self.strategy}",
        ]
        command += [f"--strategy-path={ROOT / 'strategies'}", f"--db-url=sqlite:///{self.database}"]
        command += [f"--userdir={self.folder / 'user_data'}"]
        command += [argument for path in files for argument in ("-c", str(path))]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "COLUMNS": WIDE},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until("the bot to run", START_SECONDS, self._is_running, self)

    def kill(self) -> None:
        """End the whole process group at once, without a chance to tidy up."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def last_words(self, lines: int = 25) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self._ask("GET", path + (f"?{urlencode(parameters)}" if parameters else ""))
        assert answer.status == 200, (path, answer)
        return answer.body

    def grid(self, trade: int) -> dict[str, Any]:
        """Return a trade's custom data by key; freqtrade answers 404 when there is none.

        `/trades/open/custom-data` does so already when only the first open trade has none.
        """
        answer = self._ask("GET", f"trades/{trade}/custom-data")
        found = answer.body[0]["custom_data"] if answer.status == 200 else []
        return {data["key"]: data for data in found}

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, data: bytes | None = None) -> Answer:
        token = base64.b64encode(f"{USER}:{USER}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        request = Request(url, data=data, headers=headers, method=method)
        try:
            with urlopen(request, timeout=REQUEST_SECONDS) as reply:
                return Answer(reply.status, json.load(reply))
        except HTTPError as error:
            with error:
                return Answer(error.code, json.load(error))

    def _is_running(self) -> bool:
        try:
            return bool(self.get("show_config")["state"] == "running")
        except (URLError, ConnectionError, TimeoutError, AssertionError):
            return False

    def _own_config(self) -> dict[str, Any]:
        server = {"listen_port": self.port, "jwt_secret_key": os.urandom(32).hex()}
        return {"api_server": server, **self.settings}


@contextmanager
def running(bot: Bot) -> Iterator[Bot]:
    """Start the bot; however the block ends, nothing of it is left."""
    try:
        bot.start()
        yield bot
    finally:
        bot.kill()
