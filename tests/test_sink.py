"""The sink is what the tests of mail believe: so it is tested itself, with the standard library's client."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable

import pytest

from tests.sink import Sink

MESSAGE = b"Message-ID: <%d@example.org>\r\nSubject: x\r\n\r\n.a dot\r\n"


def send(sink: Sink, *recipients: str, number: int = 1) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP(sink.host, sink.port, timeout=10) as client:
        return client.sendmail("press@example.org", recipients, MESSAGE % number)


def test_it_counts_by_message_id_and_recipient(smtp_sink: Sink) -> None:
    send(smtp_sink, "a@example.net", "b@example.net")
    send(smtp_sink, "a@example.net")
    send(smtp_sink, "a@example.net", number=2)
    one, two = "<1@example.org>", "<2@example.org>"
    assert smtp_sink.counts() == {(one, "a@example.net"): 2, (one, "b@example.net"): 1, (two, "a@example.net"): 1}
    assert smtp_sink.received[0].data == MESSAGE % 1
    assert len(smtp_sink.wait_for(4)) == 4


def test_it_refuses_and_defers_whom_it_is_told_to(smtp_sink: Sink) -> None:
    smtp_sink.refuse("@gone.example")
    smtp_sink.defer("slow@example.net", times=1)
    refused = send(smtp_sink, "a@gone.example", "slow@example.net", "ok@example.net")
    assert {who: code for who, (code, _) in refused.items()} == {"a@gone.example": 550, "slow@example.net": 451}
    assert send(smtp_sink, "slow@example.net") == {}
    assert smtp_sink.recipients() == {"ok@example.net": 1, "slow@example.net": 1}


@pytest.mark.parametrize("counted", [True, False])
def test_a_connection_dropped_after_the_dot_counts_as_told(smtp_sink: Sink, counted: bool) -> None:
    if counted:
        smtp_sink.drop_after_accepting(times=1)
    else:
        smtp_sink.rule("dot", drop=True, times=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp_sink, "a@example.net")
    assert len(smtp_sink.received) == int(counted)
    send(smtp_sink, "b@example.net")
    assert smtp_sink.recipients()["b@example.net"] == 1


@pytest.mark.parametrize(
    "tell",
    [
        lambda sink: sink.rule("dot", reply="452 4.3.1 Full", times=1),
        lambda sink: sink.rule("data", reply="451 4.3.0 Later", times=1),
        lambda sink: sink.rule("mail", reply="421 4.7.0 Too fast", times=1),
    ],
)
def test_a_message_answered_with_a_refusal_does_not_count(smtp_sink: Sink, tell: Callable[[Sink], None]) -> None:
    tell(smtp_sink)
    with pytest.raises(smtplib.SMTPException):
        send(smtp_sink, "a@example.net")
    assert smtp_sink.received == []
    smtp_sink.behave()
    assert send(smtp_sink, "a@example.net") == {}


def test_it_answers_pipelined_commands_in_order(smtp_sink: Sink) -> None:
    with socket.create_connection((smtp_sink.host, smtp_sink.port), timeout=10) as client:
        commands = b"EHLO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nRCPT TO:<c@y.org>\r\nDATA\r\n"
        client.sendall(commands + MESSAGE.replace(b".a", b"..a") % 1 + b".\r\nQUIT\r\n")
        said = client.makefile("rb").read().splitlines()
    codes = [line[:3] for line in said if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert smtp_sink.received[0].data == MESSAGE % 1
