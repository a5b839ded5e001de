"""The web server's own connections, by raw bytes over real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Response, request

from pressroom.config import Config
from pressroom.db import Database
from pressroom.supervising import web
from pressroom.web import connection, documents
from pressroom.web.documents import Keep
from tests.makers import make_newsroom, make_release
from tests.supervising.running import until
from tests.web.public import Site

FEED = "/river/ckb/feed.atom"


class Server:
    """The site behind the web server, in a thread. `/slow`, `/many`, `/echo` are the test's own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.go_on = threading.Event()
        app = site.app
        app.add_url_rule("/test/slow", "slow", self._slow)
        app.add_url_rule("/test/large", "large", lambda: b"x" * 8_000_000)
        app.add_url_rule("/test/echo", "echo", self._echo, methods=["POST"])
        app.add_url_rule("/test/seen", "seen", lambda: repr(sorted(request.headers.items())))
        app.config["WTF_CSRF_ENABLED"] = False
        listener = web.listen("127.0.0.1", 0)
        self.address = listener.getsockname()
        self._server = web.server(app)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        until(lambda: self._server.started, "the server has started")

    def _slow(self) -> str:
        self.go_on.wait(10)
        return "slow"

    @staticmethod
    def _echo() -> Response:
        return Response(request.get_data(), mimetype="text/plain")

    def connect(self) -> Client:
        return Client(self.address)

    def stop(self) -> None:
        self.go_on.set()
        self._server.should_exit = True
        self._thread.join(15)
        assert not self._thread.is_alive()


class Client:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=20)
        self._rest = b""

    def send(self, target: str, *lines: str, method: str = "GET", body: bytes = b"") -> None:
        self.socket.sendall(raw(target, *lines, method=method) + body)

    def answer(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """The next answer. Raises EOFError where the connection ends instead."""
        while b"\r\n\r\n" not in self._rest:
            self._read()
        head, self._rest = self._rest.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", 0)) if body else 0
        while len(self._rest) < length:
            self._read()
        said, self._rest = self._rest[:length], self._rest[length:]
        return int(status.split()[1]), headers, said

    def ask(
        self, target: str, *lines: str, method: str = "GET", body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        self.send(target, *lines, method=method, body=body)
        return self.answer(body=method != "HEAD")

    def all(self) -> bytes:
        """What comes until the server ends the connection."""
        with contextlib.suppress(EOFError):
            while True:
                self._read()
        return self._rest

    def is_closed(self, within: float) -> bool:
        """Whether the server ends the connection before `within` seconds have passed."""
        self.socket.settimeout(within)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def _read(self) -> None:
        more = self.socket.recv(65536)
        if not more:
            raise EOFError
        self._rest += more


def raw(target: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: news.example.org", *lines, "", ""]).encode("latin-1")


@pytest.fixture
def server(config: Config, database: Database) -> Iterator[Server]:
    make_release(database, make_newsroom(database))
    site = Site(config, database, every=0.5)
    server = Server(site)
    server.connect().ask(FEED)
    yield server
    server.stop()
    site.close()


def at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The requests that are answered from memory from now on."""
    seen: list[bytes] = []
    say, received = connection.Connection._say, connection.Connection.data_received
    last: list[bytes] = [b""]

    def note(self: connection.Connection, data: bytes) -> None:
        last[0] = data
        received(self, data)

    def spy(self: connection.Connection, *said: object) -> None:
        seen.append(last[0])
        say(self, *said)  # type: ignore[arg-type]

    monkeypatch.setattr(connection.Connection, "data_received", note)
    monkeypatch.setattr(connection.Connection, "_say", spy)
    return seen


def test_one_connection_answers_many_ways_in_turn(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = at_once(server, monkeypatch)
    client = server.connect()

    def feed(*lines: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        # An answer of the application has an end of its own, after the last byte that the client waits for.
        until(lambda: all(one._is_free() for one in connections(server, client)), "all is answered")
        return client.ask(FEED, *lines, method=method)

    status, headers, body = feed()
    assert status == 200 and body.startswith(b"<?xml") and "date" in headers
    assert client.ask("/test/seen")[0] == 200
    assert feed(method="HEAD")[::2] == (200, b"")
    assert client.ask("/nowhere/")[0] == 404
    assert feed(f"If-None-Match: {headers['etag']}")[::2] == (304, b"")
    assert client.ask("/test/echo", "Content-Length: 5", method="POST", body=b"words")[2] == b"words"
    assert feed()[2] == body
    assert len(quick) >= 3, "from memory, but for one at most that came when the database had to be asked"


def test_a_request_may_come_in_any_pieces(server: Server) -> None:
    client = server.connect()
    whole = raw(FEED)
    body = client.ask(FEED)[2]
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for cut in range(1, len(whole), 3):
        client.socket.sendall(whole[:cut])
        time.sleep(0.003)
        client.socket.sendall(whole[cut:])
        assert client.answer()[2] == body


def test_requests_sent_ahead_are_answered_in_order(server: Server) -> None:
    client = server.connect()
    client.socket.sendall(raw("/test/slow") + raw(FEED) + raw("/nowhere/") + raw(FEED, method="HEAD"))
    time.sleep(0.1)
    client.send(FEED)
    server.go_on.set()
    assert client.answer()[2] == b"slow"
    assert client.answer()[2].startswith(b"<?xml")
    assert client.answer()[0] == 404
    assert client.answer(body=False)[0] == 200
    assert client.answer()[2].startswith(b"<?xml")


def test_a_slow_answer_keeps_nobody_from_what_is_in_memory(server: Server) -> None:
    waiting = [server.connect() for _ in range(40)]
    for client in waiting:
        client.send("/test/slow")
    until(lambda: server.connect().ask(FEED)[0] == 200, "the feed is answered")
    server.go_on.set()
    assert [client.answer()[2] for client in waiting] == [b"slow"] * 40


def test_the_end_of_a_connection_is_asked_for_and_told(server: Server) -> None:
    client = server.connect()
    _, headers, body = client.ask(FEED, "Connection: close")
    assert body.startswith(b"<?xml") and headers["connection"] == "close"
    assert client.is_closed(5)
    old = server.connect()
    old.socket.sendall(f"GET {FEED} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    assert old.answer()[2] == body
    assert old.is_closed(5)


def test_an_upload_waits_for_the_word_to_go_on(server: Server) -> None:
    client = server.connect()
    client.send("/test/echo", "Content-Length: 5", "Expect: 100-continue", method="POST")
    assert client.answer()[0] == 100
    client.socket.sendall(b"words")
    assert client.answer()[::2] == (200, b"words")


def test_a_large_upload_comes_whole(server: Server) -> None:
    sent = bytes(range(256)) * 40_000
    assert server.connect().ask("/test/echo", f"Content-Length: {len(sent)}", method="POST", body=sent)[2] == sent


def test_an_offer_of_another_protocol_is_passed_over(server: Server) -> None:
    client = server.connect()
    status, _, body = client.ask(FEED, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: A")
    assert (status, body[:5]) == (200, b"<?xml")


def test_a_header_with_an_underscore_is_not_taken_for_one_with_a_hyphen(server: Server) -> None:
    client = server.connect()
    said = client.ask("/test/seen", "X_Forwarded_For: 192.0.2.1", "X-Other: yes")[2].decode()
    assert "X-Other" in said and "192.0.2.1" not in said


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_what_is_no_request_is_refused(server: Server, data: bytes) -> None:
    client = server.connect()
    client.socket.sendall(data)
    assert client.answer()[0] == 400
    assert client.is_closed(5)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(connection, "_LOOK_EVERY", 0.05)
    for name in ("_HEAD_WITHIN", "_SILENT", "IDLE"):
        monkeypatch.setattr(connection, name, 1)


@pytest.mark.usefixtures("hasty")
def test_who_says_nothing_is_let_go(server: Server) -> None:
    assert server.connect().is_closed(5)


@pytest.mark.usefixtures("hasty")
def test_who_never_ends_a_head_is_let_go_however_often_they_write(server: Server) -> None:
    client = server.connect()
    client.socket.sendall(b"GET / HTTP/1.1\r\n")
    with pytest.raises(ConnectionError):
        for number in range(200):
            client.socket.sendall(b"X-%d: y\r\n" % number)
            time.sleep(0.05)


@pytest.mark.usefixtures("hasty")
def test_who_stops_in_the_middle_of_a_body_is_let_go(server: Server) -> None:
    client = server.connect()
    client.send("/test/echo", "Content-Length: 10000", method="POST", body=b"some")
    assert client.is_closed(5)


@pytest.mark.usefixtures("hasty")
def test_a_body_that_comes_slowly_but_steadily_is_waited_for(server: Server) -> None:
    client = server.connect()
    client.send("/test/echo", "Content-Length: 15", method="POST")
    for _ in range(15):
        client.socket.sendall(b"x")
        time.sleep(0.2)
    assert client.answer()[2] == b"x" * 15


@pytest.mark.usefixtures("hasty")
def test_who_takes_nothing_of_an_answer_is_let_go(server: Server) -> None:
    client = server.connect()
    client.send("/test/large")
    until(lambda: not connections(server, client), "the connection is gone")


@pytest.mark.usefixtures("hasty")
def test_an_answer_that_is_taken_slowly_is_given_to_its_end(server: Server) -> None:
    client = server.connect()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.send("/test/large")
    taken = 0
    while taken < 8_000_000:
        taken += len(client.socket.recv(400_000))
        time.sleep(0.05)
    assert taken >= 8_000_000


@pytest.mark.usefixtures("hasty")
def test_who_waits_for_us_is_not_let_go(server: Server) -> None:
    client = server.connect()
    client.send("/test/slow")
    time.sleep(2)
    server.go_on.set()
    assert client.answer()[2] == b"slow"


@pytest.mark.usefixtures("hasty")
def test_who_asks_now_and_then_is_kept_and_who_stopped_is_not(server: Server) -> None:
    client = server.connect()
    assert client.ask("/test/seen")[0] == 200
    for _ in range(8):
        assert client.ask(FEED)[0] == 200
        time.sleep(0.2)
    assert client.is_closed(5)


def test_a_head_without_end_is_refused(server: Server) -> None:
    client = server.connect()
    with contextlib.suppress(ConnectionError):
        client.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        for number in range(2000):
            client.socket.sendall(b"X-%d: %s\r\n" % (number, b"y" * 100))
    assert client.is_closed(5)


def test_one_connection_too_many_is_closed_and_the_others_live(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST", 5)
    until(lambda: not server._server.server_state.connections, "earlier connections are gone")
    kept = [server.connect() for _ in range(5)]
    assert [client.ask(FEED)[0] for client in kept] == [200] * 5
    assert server.connect().is_closed(5)
    kept.pop().socket.close()
    until(lambda: len(server._server.server_state.connections) == 4, "one has left")
    assert server.connect().ask(FEED)[0] == 200


def test_who_takes_nothing_cannot_fill_the_memory_with_answers(server: Server) -> None:
    library = server.site.app.extensions["pressroom.library"]
    library.get("/large", None, lambda _: documents.make(b"x" * 4_000_000, "image/png", Keep.FILE))
    client = server.connect()
    server.connect().ask(FEED)
    for _ in range(15):
        # Apart, for what is read together is not answered from memory.
        client.send("/large")
        time.sleep(0.05)
    [held] = connections(server, client)
    assert held.transport.get_write_buffer_size() < 20_000_000
    for _ in range(15):
        assert len(client.answer()[2]) == 4_000_000


def test_what_belongs_to_a_body_that_nobody_read_is_no_request(server: Server) -> None:
    client = server.connect()
    hidden = raw(FEED)
    client.send(FEED, f"Content-Length: {len(hidden)}")
    assert client.answer()[0] == 200
    server.connect().ask(FEED)
    client.socket.sendall(hidden)
    time.sleep(0.1)
    client.send(FEED, "Connection: close", method="HEAD")
    said = client.all()
    assert said.count(b"HTTP/1.1") == 1 and b"<?xml" not in said


def test_a_stop_waits_for_the_answers_that_are_being_made(server: Server) -> None:
    client, idle = server.connect(), server.connect()
    assert idle.ask(FEED)[0] == 200
    client.send("/test/slow")
    time.sleep(0.1)
    server._server.should_exit = True
    assert idle.is_closed(5)
    server.go_on.set()
    assert client.answer()[2] == b"slow"


def connections(server: Server, client: Client) -> list[connection.Connection]:
    port = client.socket.getsockname()[1]
    known = list(server._server.server_state.connections)
    return [one for one in known if isinstance(one, connection.Connection) and one.client and one.client[1] == port]
