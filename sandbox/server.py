"""The server process: takes a listening socket over, reports ready, serves until its owner goes.

Standard input is a pipe that its owner holds open. When the owner ends, by whatever signal, the
pipe closes and the server stops, so none is ever left behind.
"""

import argparse
import copy
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import uvicorn
import uvicorn.config

from sandbox.api import app
from sandbox.api.context import Context
from sandbox.clock import Clock
from sandbox.errors import SandboxError
from sandbox.source import Source

READY = "ready"


class _Server(uvicorn.Server):
    """uvicorn, telling its owner once it accepts requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _tell(READY)


def main(arguments: list[str] | None = None) -> int:
    """Serve on the inherited socket; exit status 2 and one line when the options are wrong."""
    options = _parser().parse_args(arguments)
    try:
        source = make_source(options.data, options.profile, options.seed)
    except SandboxError as error:
        _tell(str(error))
        return 2
    context = Context(source, Clock(options.now))
    # Ctrl-C is for the owner to act on: it closes the pipe once its command has ended.
    config = uvicorn.Config(
        app.build(context),
        log_config=_logging(),
        log_level=None,
        access_log=options.verbose,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    threading.Thread(target=_stop_with_owner, args=(server,), daemon=True).start()
    server.run([socket.socket(fileno=options.fd)])
    return 0


def make_source(data: Path | None, profile: str, seed: int) -> Source:
    """Serve recordings if there is a folder, else simulate; import only what that needs."""
    if data is not None:
        from sandbox.recorded.market import RecordedMarket  # noqa: PLC0415

        return RecordedMarket(data)
    from sandbox.simulation.market import SimulatedMarket  # noqa: PLC0415

    return SimulatedMarket(seed, profile)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", allow_abbrev=False)
    parser.add_argument("--fd", type=int, required=True, help="descriptor of a listening socket")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--profile", default="steady")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--now", type=int)
    parser.add_argument("--verbose", action="store_true")
    return parser


def _logging() -> dict[str, Any]:
    """Send requests (where they are printed) and errors to standard error: output is a pipe."""
    config = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    config["handlers"]["access"]["stream"] = "ext://sys.stderr"
    config["loggers"]["uvicorn"]["level"] = "ERROR"
    config["loggers"]["uvicorn.error"]["level"] = "ERROR"
    return config


def _tell(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def _stop_with_owner(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
