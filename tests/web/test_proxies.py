from __future__ import annotations

from collections.abc import Sequence

import pytest

from pressroom.web.proxies import Proxies


def seen(trusted: Sequence[str], peer: str, forwarded: str | None = None, proto: str | None = None) -> tuple[str, str]:
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    if proto is not None:
        environ["HTTP_X_FORWARDED_PROTO"] = proto
    list(Proxies(lambda *_: [], trusted)(environ, lambda *_: None))
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "127.0.0.1", "198.51.100.7", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "198.51.100.7", "198.51.100.7"),
        (("127.0.0.1/32",), "203.0.113.5", "198.51.100.7", "203.0.113.5"),
        (("127.0.0.1/32", "10.0.0.0/8"), "127.0.0.1", "192.0.2.66, 198.51.100.7, 10.2.3.4", "198.51.100.7"),
        (("127.0.0.1/32",), "127.0.0.1", "198.51.100.7, nonsense", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        (("127.0.0.1/32",), "::ffff:127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        (("10.0.0.0/8",), "10.0.0.1", "10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_client_is_the_last_address_no_trusted_proxy_has(
    trusted: Sequence[str], peer: str, forwarded: str, client: str
) -> None:
    assert seen(trusted, peer, forwarded)[0] == client


def test_the_scheme_is_believed_from_a_trusted_proxy_only() -> None:
    assert seen(("127.0.0.1/32",), "127.0.0.1", proto="https")[1] == "https"
    assert seen(("127.0.0.1/32",), "203.0.113.5", proto="https")[1] == "http"
    assert seen(("127.0.0.1/32",), "127.0.0.1", proto="gopher")[1] == "http"
