from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pressroom import networks
from pressroom.outgoing import client, resolving
from pressroom.outgoing.client import Client
from pressroom.outgoing.resolving import resolver
from pressroom.pushing.call import Answer, Call, Forbidden, NotNow, Unreachable
from tests.certificates import self_signed
from tests.name_server import NameServer
from tests.pushing.subscriber import Subscriber

AGENT = "Pressroom (+https://press.example.org/)"


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """One that speaks as it is told to; its address as a URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        serve(connection)
                    except OSError:
                        continue

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def private(**more: object) -> Client:
    return Client(AGENT, private=True, **more)  # type: ignore[arg-type]


def test_a_request_says_who_we_are_and_keeps_the_query() -> None:
    with Subscriber() as there:
        answer = private()(Call("POST", there.callback("x?a=%20b&c"), {"Content-Type": "text/plain"}, "ێک".encode()))
        (told,) = there.delivered
    assert answer == Answer(204)
    assert told.path == "/x?a=%20b&c" and told.body.decode() == "ێک"
    assert told.headers["User-Agent"] == AGENT and told.headers["Host"] == f"127.0.0.1:{there.port}"


def test_redirects_are_answers_and_never_followed() -> None:
    with Subscriber() as private_host, Subscriber() as there:
        there.answers = [(307, {"Location": private_host.callback()})]
        assert private()(Call("POST", there.callback())).status == 307
        assert private_host.delivered == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/"],
)
def test_private_addresses_are_not_connected_to(url: str) -> None:
    with Subscriber() as there, pytest.raises(Forbidden):
        Client(AGENT)(Call("POST", url.format(port=there.port)))
    assert there.delivered == []


@pytest.mark.parametrize(
    "records",
    [
        {"A": ["127.0.0.1"]},
        {"A": ["8.8.8.8", "127.0.0.1"]},
        {"A": ["8.8.8.8"], "AAAA": ["::1"]},
        {"AAAA": ["::ffff:8.8.8.8"]},
    ],
    ids=["private", "mixed", "mixed kinds", "mapped"],
)
def test_a_name_that_leads_into_a_private_network_is_not_connected_to(
    names: NameServer, records: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, values in records.items():
        names.know("reader.example.net", kind, values)

    def connect(*_: object) -> socket.socket:
        raise AssertionError("it connected")

    monkeypatch.setattr(client.socket, "create_connection", connect)
    with pytest.raises(Forbidden):
        Client(AGENT, resolve=resolver(names.address, private=False))(Call("POST", "http://reader.example.net:8080/"))


def test_a_name_that_answers_differently_the_second_time_changes_nothing(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what was checked is what is connected to. Here 127.0.0.1 stands for a public address."""
    monkeypatch.setattr(resolving, "is_public", lambda one: one == "127.0.0.1" or networks.is_public(one))
    names.know("reader.example.net", "A", ["127.0.0.1"])
    ask = names.answer

    def rebind(data: bytes):
        response = ask(data)
        names.know("reader.example.net", "A", ["127.0.0.2"])
        return response

    names.answer = rebind  # type: ignore[method-assign]
    with Subscriber("127.0.0.1") as there:
        victim = Subscriber("127.0.0.2")
        caller = Client(AGENT, resolve=resolver(names.address, private=False))
        assert caller(Call("POST", f"http://reader.example.net:{there.port}/")).status == 204
        assert names.asked["reader.example.net", "A"] == 1
        assert there.delivered[0].headers["Host"] == f"reader.example.net:{there.port}"
        with pytest.raises(Forbidden):
            caller(Call("POST", f"http://reader.example.net:{there.port}/"))
    assert victim.delivered == []


def test_names_that_do_not_exist_or_do_not_answer_are_unreachable(names: NameServer) -> None:
    names.keep_silent("silent.example.net")
    names.fail("failing.example.net")
    for name in ("silent", "failing", "unknown"):
        with pytest.raises(Unreachable):
            Client(AGENT, resolve=resolver(names.address, private=False), seconds=0.3)(
                Call("GET", f"http://{name}.example.net/")
            )


def test_whoever_may_not_be_asked_now_is_not_connected_to() -> None:
    seen: list[str] = []
    with Subscriber() as there, pytest.raises(NotNow):
        private()(Call("POST", there.callback(), permit=lambda address: bool(seen.append(address))))
    assert seen == ["127.0.0.1"] and there.delivered == []


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    with Subscriber() as there:
        assert private()(Call("POST", there.callback())).status == 204


def trickle_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Slow: 1\r\n")
        threading.Event().wait(0.05)


def trickle_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.05)


def say_nothing(connection: socket.socket) -> None:
    threading.Event().wait(30)


def speak_no_http(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.net ESMTP\r\n")


def endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Long: " + b"y" * 1000 + b"\r\n")


@pytest.mark.parametrize("serve", [trickle_head, trickle_body, say_nothing, speak_no_http, endless_head])
def test_whoever_answers_one_byte_at_a_time_or_nonsense_ends_with_the_time(
    serve: Callable[[socket.socket], None],
) -> None:
    with raw_server(serve) as url, pytest.raises(Unreachable):
        private(seconds=0.5)(Call("GET", url, reads=4096))


def test_whoever_does_not_take_what_is_sent_ends_with_the_time() -> None:
    with raw_server(say_nothing) as url, pytest.raises(Unreachable):
        private(seconds=0.5)(Call("POST", url, body=b"x" * 20_000_000))


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(flood) as url:
        for length in (4096, 65536):
            assert private()(Call("GET", url, reads=length)) == Answer(200, b"x" * length)
        assert private()(Call("POST", url)) == Answer(200), "of a push the answer's text is not read at all"


@pytest.mark.parametrize(("said", "read"), [("120", 120), ("99999999", 86_400), ("soon", None), ("-1", None)])
def test_retry_after_is_read_in_seconds(said: str, read: int | None) -> None:
    with Subscriber() as there:
        there.answers = [(503, {"Retry-After": said})]
        assert private()(Call("POST", there.callback())) == Answer(503, retry_after=read)


def test_a_certificate_is_verified_for_the_name(tmp_path: Path, names: NameServer) -> None:
    context = self_signed(tmp_path, "reader.example.net")
    for name in ("reader", "other"):
        names.know(f"{name}.example.net", "A", ["127.0.0.1"])

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    resolve = resolver(names.address, private=True)
    with raw_server(serve) as url:
        port = url.rstrip("/").rpartition(":")[2]
        call = Call("GET", f"https://reader.example.net:{port}/")
        assert private(resolve=resolve, tls=trusting)(call) == Answer(204)
        with pytest.raises(Unreachable):
            private(resolve=resolve)(call)
        with pytest.raises(Unreachable):
            private(resolve=resolve, tls=trusting)(Call("GET", f"https://other.example.net:{port}/"))
