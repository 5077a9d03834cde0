"""`gridkit offline`: run any freqtrade command against an exchange on loopback."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.running import RunningExchange

_USAGE_ERROR = 2
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_SIGNAL_BASE = 128
_EXAMPLE = "gridkit offline -- freqtrade list-pairs --quote USDT"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the subcommand and its options."""
    parser = subparsers.add_parser(
        "offline",
        help="run a command against an exchange on this machine, without internet",
        description="Start an exchange on 127.0.0.1, run the command against it, stop it. "
        "The exit status is the command's.",
        epilog=f"example: {_EXAMPLE}",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="serve this freqtrade datadir, not a simulation"
    )
    parser.add_argument(
        "--profile", metavar="NAME", default="steady", help="simulated market: steady, lively, …"
    )
    parser.add_argument("--seed", metavar="N", default="7", help="simulated market's number")
    parser.add_argument("--port", metavar="N", default="0", help="port; 0, the default: a free one")
    parser.add_argument("--serve", action="store_true", help="run no command, serve until Ctrl-C")
    parser.add_argument("--verbose", action="store_true", help="print every request")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command of the parsed options; return its exit status, 128+n for a signal."""
    try:
        from sandbox.errors import SandboxError  # noqa: PLC0415 (absent from a copied folder)
    except ModuleNotFoundError:
        return _fail("gridkit offline needs the sandbox package: pip install the whole project")
    try:
        return _run(options)
    except SandboxError as error:
        return _fail(f"gridkit offline: {error}")
    except KeyboardInterrupt:
        return _SIGNAL_BASE + signal.SIGINT


def _run(options: argparse.Namespace) -> int:
    from sandbox.errors import SandboxError  # noqa: PLC0415
    from sandbox.running import running_exchange  # noqa: PLC0415

    command = _command(options.command)
    if options.serve == bool(command):
        problem = "--serve takes no command" if command else "command: nothing follows `--`"
        raise SandboxError(f"{problem}; give a command, e.g. {_EXAMPLE}, or --serve alone")
    with (
        _unwinding_on_sigterm(),
        running_exchange(
            data=options.data,
            profile=options.profile,
            seed=_whole("--seed", options.seed, 0, 2**32 - 1),
            port=_whole("--port", options.port, 0, 65_535),
            verbose=options.verbose,
        ) as exchange,
    ):
        return _run_against(exchange, command) if command else _serve(exchange)


def _run_against(exchange: "RunningExchange", command: list[str]) -> int:
    from sandbox import commands  # noqa: PLC0415

    pointed = commands.found(commands.pointed_at(command, exchange.config_path))
    variables = commands.environment(dict(os.environ), exchange.url, exchange.config_path)
    try:
        child = subprocess.Popen(pointed, env=variables, process_group=_process_group())
    except FileNotFoundError:
        return _fail(f"gridkit offline: command: {command[0]!r} was not found", _NOT_FOUND)
    except OSError as error:
        reason = f"command: {command[0]!r} cannot be run ({error.strerror})"
        return _fail(f"gridkit offline: {reason}", _NOT_EXECUTABLE)
    with _forwarding(child):
        status = child.wait()
    return status if status >= 0 else _SIGNAL_BASE - status


def _serve(exchange: "RunningExchange") -> int:
    """Say where the exchange is, and wait for Ctrl-C or for the exchange to end."""
    _say(f"exchange: {exchange.url}\nfreqtrade configuration: {exchange.config_path}")
    try:
        exchange.process.wait()
    except KeyboardInterrupt:
        return 0
    return _fail("gridkit offline: the exchange ended; its reason stands above", 1)


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _process_group() -> int | None:
    """Keep the child in the terminal's group; without a terminal in one of its own.

    There a signal to our whole group would reach it twice, once through us.
    """
    return None if _at_terminal() else 0


@contextmanager
def _unwinding_on_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that the exchange is stopped."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_SIGNAL_BASE + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _forwarding(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Leave signals to the child: it ends in its own way, and then so do we."""

    def forward(number: int, _frame: FrameType | None) -> None:
        # A terminal's Ctrl-C reaches the child by itself; twice would end freqtrade unclean.
        if not (number == signal.SIGINT and _at_terminal()):
            child.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _command(words: list[str]) -> list[str]:
    return words[1:] if words[:1] == ["--"] else words


def _whole(name: str, text: str, least: int, most: int) -> int:
    from sandbox.errors import SandboxError  # noqa: PLC0415

    if not text.isdecimal() or not least <= int(text) <= most:
        raise SandboxError(f"{name}: {text!r} is not a whole number from {least} to {most}")
    return int(text)


def _fail(message: str, status: int = _USAGE_ERROR) -> int:
    sys.stderr.write(f"{message}\n")
    return status


def _say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()
