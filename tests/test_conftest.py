"""The tests' own guards."""

import socket
import warnings

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "exchange.example", "2001:db8::1"])
def test_a_test_that_leaves_the_machine_fails(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(1)
        with pytest.raises(Exception, match=f"this one wants {host}"):
            client.connect((host, 80))


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="silent"):
        warnings.warn("silent", stacklevel=1)
