from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pressroom import smtp
from pressroom.mailing.wire import Answer, Envelope, Lines, Outcome
from tests.conftest import MakeConfig
from tests.sink import Sink

DATA = b"Message-ID: <1@example.org>\r\nSubject: x\r\n\r\ntext\r\n"
FOREVER = float("inf")


@pytest.fixture
def open_lines(make_config: MakeConfig, smtp_sink: Sink) -> Iterator[list[Lines]]:
    opened: list[Lines] = []
    yield opened
    for one in opened:
        one.close()


def _lines(opened: list[Lines], config: MakeConfig, sink: Sink, connections: int, spare: int = 0) -> Lines:
    lines = smtp.open_lines(config(mail_server=sink.host, mail_port=sink.port))(connections, spare)
    opened.append(lines)
    return lines


def _hand_over(lines: Lines, number: int, recipient: str = "", deadline: float = FOREVER) -> None:
    envelope = Envelope("press@example.org", recipient or f"person{number}@example.org", DATA)
    lines.hand_over(number, envelope, deadline)


def _all(lines: Lines, seconds: float = 10) -> dict[int, Answer]:
    found: dict[int, Answer] = {}
    until = time.monotonic() + seconds
    while lines.busy and time.monotonic() < until:
        found.update(lines.answers(0.2))
    return found | dict(lines.answers(0))


def test_as_many_connections_as_messages_at_once_and_no_more(
    open_lines: list[Lines], make_config: MakeConfig, smtp_sink: Sink
) -> None:
    lines = _lines(open_lines, make_config, smtp_sink, 3)
    for round_ in range(4):
        assert lines.free == 3
        for number in range(3):
            _hand_over(lines, round_ * 3 + number)
        assert lines.free == 0
        assert {one.outcome for one in _all(lines).values()} == {Outcome.SENT}
    assert (len(smtp_sink.received), smtp_sink.connections) == (12, 3)


def test_slow_answers_hold_up_nobody_while_there_are_spare_connections(
    open_lines: list[Lines], make_config: MakeConfig, smtp_sink: Sink
) -> None:
    smtp_sink.rule("dot", "slow@example.org", delay=3.0)
    lines = _lines(open_lines, make_config, smtp_sink, 1, spare=2)
    answered: dict[int, Answer] = {}
    for number in range(2):
        _hand_over(lines, number, "slow@example.org")
        until = time.monotonic() + 2
        while not lines.free and time.monotonic() < until:
            answered.update(lines.answers(0.1))
    assert not answered and lines.free == 1 and lines.waits_long
    for number in range(10, 20):
        _hand_over(lines, number)
        while not lines.free:
            answered.update(lines.answers(0.1))
    assert set(answered) == set(range(10, 20)), "they overtook the slow ones"
    answered.update(_all(lines))
    assert {one.outcome for one in answered.values()} == {Outcome.SENT} and len(answered) == 12
    assert smtp_sink.connections == 3


def test_what_is_long_depends_on_how_long_answers_take(
    open_lines: list[Lines], make_config: MakeConfig, smtp_sink: Sink
) -> None:
    smtp_sink.rule("dot", "slow@example.org", delay=0.4)
    lines = _lines(open_lines, make_config, smtp_sink, 1, spare=1)
    for number in range(400):
        _hand_over(lines, number)
        _all(lines)
    _hand_over(lines, 400, "slow@example.org")
    assert lines.answers(10) == [], "it came back for the room that there is, not for an answer"
    assert lines.free == 1 and lines.waits_long
    _hand_over(lines, 401)
    assert [delivery_id for delivery_id, _ in lines.answers(10)] == [401]
    assert set(_all(lines)) == {400}


def test_there_are_never_more_than_the_spare_ones(
    open_lines: list[Lines], make_config: MakeConfig, smtp_sink: Sink
) -> None:
    smtp_sink.delay(1.5)
    lines = _lines(open_lines, make_config, smtp_sink, 1, spare=1)
    handed = 0
    until = time.monotonic() + 1.2
    while time.monotonic() < until:
        if lines.free:
            _hand_over(lines, handed)
            handed += 1
        lines.answers(0.05)
    assert (handed, lines.busy) == (2, 2)
    _all(lines)


def test_a_connection_that_the_server_closed_while_it_was_idle_costs_nothing(
    open_lines: list[Lines], make_config: MakeConfig
) -> None:
    server = _Closing()
    lines = smtp.open_lines(make_config(mail_server="127.0.0.1", mail_port=server.port))(1, 0)
    open_lines.append(lines)
    for number in range(3):
        _hand_over(lines, number)
        assert _all(lines)[number].outcome is Outcome.SENT
        time.sleep(0.1)
    assert server.connections == 3


def test_nothing_is_begun_once_the_lease_may_be_anothers(
    open_lines: list[Lines], make_config: MakeConfig, smtp_sink: Sink
) -> None:
    lines = _lines(open_lines, make_config, smtp_sink, 1)
    _hand_over(lines, 1, deadline=time.monotonic() - 1)
    assert _all(lines)[1].outcome is Outcome.FENCED
    smtp_sink.rule("data", delay=0.6)
    _hand_over(lines, 2, deadline=time.monotonic() + 0.3)
    assert _all(lines)[2].outcome is Outcome.FENCED, "granted too late: the text was not sent"
    assert smtp_sink.received == []


def test_a_relay_with_two_addresses_is_reached_at_the_one_that_answers(
    open_lines: list[Lines], make_config: MakeConfig, smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        dead = other.getsockname()[1]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **kinds: [*real(host, dead, **kinds), *real(host, port, **kinds)],
    )
    lines = _lines(open_lines, make_config, smtp_sink, 1)
    _hand_over(lines, 1)
    assert _all(lines)[1].outcome is Outcome.SENT


class _Closing(threading.Thread):
    """A mail server that closes each connection a moment after it has taken a message."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.start()

    def run(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.connections += 1
            with connection, connection.makefile("rb") as said:
                connection.sendall(b"220 closing.example\r\n")
                in_text = False
                for line in said:
                    if in_text:
                        if line == b".\r\n":
                            connection.sendall(b"250 kept\r\n")
                            break
                        continue
                    in_text = line.startswith(b"DATA")
                    connection.sendall(b"354 go\r\n" if in_text else b"250 ok\r\n")
