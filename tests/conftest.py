"""What every test shares: hypothesis profiles, no network beyond this machine, the real data."""

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from workers import by_file, place

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("GRIDKIT_REAL_DATA") or ROOT.parent / "shared" / "data")

# The default run decides the same way every time, however busy the machine is. To look for new
# counterexamples: HYPOTHESIS_PROFILE=explore.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}  # a busy machine
settings.register_profile("repeatable", derandomize=True, **_PATIENT)
settings.register_profile("explore", max_examples=2000, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "repeatable")


# Started in the background of a shell, we and so all our children would never hear a Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class NetworkUsed(Exception):
    """A test tried to leave the machine."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share a run with `-n` out by file, in the order collected."""
    return by_file(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; skip what needs the real data where there is none, and say so."""
    items.sort(key=lambda item: place(item.nodeid))
    if REAL_DATA.is_dir():
        return
    absent = pytest.mark.skip(reason=f"no real data in {REAL_DATA} (see tests/README.md)")
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real market data; only for tests marked `real`."""
    return REAL_DATA


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Let tests talk to this machine alone, so that none passes only where there is internet."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex"):
            patch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise NetworkUsed(f"tests use no network, but this one wants {address[0]}")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
