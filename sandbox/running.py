"""Start an exchange, use it, stop it: for tests, tools and `gridkit offline`."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.overlay import freqtrade_config

HOST = "127.0.0.1"
_READY = "ready"
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_BACKLOG = 512


@dataclass(frozen=True)
class RunningExchange:
    """Where an exchange listens, and freqtrade's configuration for it, also as a file."""

    url: str
    config: dict[str, Any]
    config_path: Path
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def running_exchange(
    data: Path | str | None = None,
    profile: str = "steady",
    seed: int = 7,
    port: int = 0,
    now: int | None = None,
    verbose: bool = False,
) -> Iterator[RunningExchange]:
    """Run an exchange on loopback for as long as the block lasts.

    `port` 0 takes a free one. `data` serves a freqtrade datadir instead of the simulated market.
    `now` (UTC ms) stops the exchange's clock. SandboxError tells what is wrong with an argument.
    """
    listener = _listen(port)
    options = _options(data, profile, seed, now, verbose)
    with listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        process = _spawn(listener, options)
    try:
        _await_ready(process)
        with tempfile.TemporaryDirectory(prefix="gridkit-offline-") as folder:
            config, path = freqtrade_config(url), Path(folder) / "offline.json"
            path.write_text(json.dumps(config, indent=2))
            yield RunningExchange(url, config, path, process)
    finally:
        _stop(process)


def _listen(port: int) -> socket.socket:
    """Bind before starting anything, so that a taken port is known at once."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "not a port number"
        raise SandboxError(
            f"port: {port} cannot be used on {HOST} ({reason}); "
            "give a free one between 1024 and 65535, or 0 to have one chosen"
        ) from None
    return listener


def _options(
    data: Path | str | None, profile: str, seed: int, now: int | None, verbose: bool
) -> list[str]:
    options = [f"--profile={profile}", f"--seed={seed}"]
    options += [f"--data={Path(data).absolute()}"] if data is not None else []
    options += [f"--now={now}"] if now is not None else []
    return options + (["--verbose"] if verbose else [])


def _spawn(listener: socket.socket, options: list[str]) -> "subprocess.Popen[bytes]":
    """Hand the socket to a server in a session of its own, out of reach of Ctrl-C."""
    descriptor = listener.fileno()
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.server", f"--fd={descriptor}", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[descriptor],
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _await_ready(process: "subprocess.Popen[bytes]") -> None:
    """Read the server's one line: ready, or what is wrong."""
    assert process.stdout is not None
    deadline, said = time.monotonic() + _START_SECONDS, b""
    while not said.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise SandboxError(f"the exchange was not ready after {_START_SECONDS:.0f} seconds")
        chunk = os.read(process.stdout.fileno(), 4096)
        if not chunk:
            raise SandboxError("the exchange ended before it was ready; its reason stands above")
        said += chunk
    line = said.decode().strip()
    if line != _READY:
        raise SandboxError(line)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Close the pipe the server lives by; end it by force if it does not follow."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
