from __future__ import annotations

import socket

import pytest

from pressroom.errors import ConfigError
from pressroom.supervising import ports


def test_a_port_that_another_shares_freely_still_counts_as_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        with pytest.raises(ConfigError, match="is in use"):
            ports.claim("127.0.0.1", other.getsockname()[1])


def test_a_port_whose_connections_are_still_closing_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = listener.accept()
    served.close()
    client.close()
    assert ports.claim("127.0.0.1", port) == ("127.0.0.1", port)


def test_port_0_picks_a_free_one() -> None:
    host, port = ports.claim("localhost", 0)
    assert host in ("127.0.0.1", "::1")
    assert port > 0


def test_an_unknown_host_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"cannot be listened on .*--host.*\.$"):
        ports.claim("nowhere.invalid", 8000)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fd00::1", "http://[fd00::1]:80"),
    ],
)
def test_an_address_can_be_opened_from_this_machine(host: str, address: str) -> None:
    assert ports.address(host, 80) == address
