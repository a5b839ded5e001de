from __future__ import annotations

import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink as DiscardingHandler
from flask_mail import Message, email_dispatched

from pressroom.config import Config
from pressroom.errors import ConfigError, TryLater
from pressroom.mailing.wire import Envelope, Outcome
from pressroom.smtp.face import Mail
from pressroom.supervising.ports import free_port
from tests.certificates import self_signed
from tests.conftest import MakeConfig
from tests.sink import Sink

DATA = b"Message-ID: <1@example.org>\r\nSubject: x\r\n\r\n.leading dot\r\n..two\r\n"


@pytest.fixture
def settings(make_config: MakeConfig, smtp_sink: Sink) -> Config:
    return make_config(mail_server=smtp_sink.host, mail_port=smtp_sink.port)


def _envelope(recipient: str = "hawar@example.org", data: bytes = DATA) -> Envelope:
    return Envelope("press@example.org", recipient, data)


def test_what_arrives_is_what_was_sent_dots_included(settings: Config, smtp_sink: Sink) -> None:
    with Mail(settings).connect() as line:
        assert Outcome.SENT is line.send(_envelope()).outcome
    assert [one.data for one in smtp_sink.received] == [DATA]


def test_one_connection_carries_many(settings: Config, smtp_sink: Sink) -> None:
    with Mail(settings).connect() as line:
        for number in range(5):
            assert Outcome.SENT is line.send(_envelope(f"p{number}@example.org")).outcome
    assert (len(smtp_sink.received), smtp_sink.connections) == (5, 1)


def test_a_server_without_pipelining_is_spoken_to_in_turn(
    settings: Config, smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_sink, "extensions", ("8BITMIME",))
    smtp_sink.refuse("gone@example.org")
    with Mail(settings).connect() as line:
        assert Outcome.BOUNCED is line.send(_envelope("gone@example.org")).outcome
        assert Outcome.SENT is line.send(_envelope()).outcome


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("450 4.2.0 Greylisted", Outcome.WAIT),
        ("421 4.3.2 Closing", Outcome.BUSY),
        ("451 4.7.1 Too fast", Outcome.BUSY),
        ("550 5.1.1 No such user", Outcome.BOUNCED),
        ("552 5.2.2 Mailbox full", Outcome.WAIT),
        ("550 5.7.26 Not authenticated", Outcome.POLICY),
        ("550 No", Outcome.FAILED),
        ("554 5.0.0 Quota or block", Outcome.FAILED),
    ],
)
@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_a_refusal_is_sorted_and_the_line_goes_on(
    settings: Config, smtp_sink: Sink, reply: str, outcome: Outcome, stage: str
) -> None:
    smtp_sink.rule(stage, "odd@example.org", reply=reply)  # type: ignore[arg-type]
    with Mail(settings).connect() as line:
        assert outcome is line.send(_envelope("odd@example.org")).outcome
        assert Outcome.SENT is line.send(_envelope()).outcome
    assert list(smtp_sink.recipients()) == ["hawar@example.org"]


def test_a_refused_recipient_whose_data_was_granted_is_sent_nothing(settings: Config, smtp_sink: Sink) -> None:
    smtp_sink.rule("mail", reply="550 5.7.1 Not you", times=1)
    with Mail(settings).connect() as line:
        assert Outcome.POLICY is line.send(_envelope()).outcome
        assert Outcome.SENT is line.send(_envelope()).outcome
    assert len(smtp_sink.received) == 1


def test_a_connection_lost_after_the_final_dot_is_a_doubt(settings: Config, smtp_sink: Sink) -> None:
    smtp_sink.drop_after_accepting(times=1)
    with Mail(settings).connect() as line:
        assert Outcome.DOUBT is line.send(_envelope()).outcome
        assert Outcome.SENT is line.send(_envelope()).outcome, "it opens a new connection"


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_a_connection_lost_before_the_final_dot_is_no_doubt(settings: Config, smtp_sink: Sink, stage: str) -> None:
    smtp_sink.rule(stage, drop=True, times=1)  # type: ignore[arg-type]
    with Mail(settings).connect() as line:
        assert Outcome.UNSENT is line.send(_envelope()).outcome


def test_a_server_that_is_away_is_unsent(make_config: MakeConfig) -> None:
    with Mail(make_config(mail_server="127.0.0.1", mail_port=free_port())).connect() as line:
        assert Outcome.UNSENT is line.send(_envelope()).outcome


def test_without_a_server_no_mail_can_leave(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="MAIL_SERVER"):
        Mail(make_config())


def test_a_flask_mail_message_is_sent_whole_and_announced(settings: Config, smtp_sink: Sink) -> None:
    message = Message(
        subject="Ji kerema xwe piştrast bike",
        recipients=["hawar@example.org"],
        body="Silav\n",
        html="<p>Silav</p>",
        sender="Yekîtî <press@example.org>",
        extra_headers={
            "Message-ID": "<2@example.org>",
            "Date": "Sun, 22 Nov 2026 09:30:00 +0000",
            "Content-Language": "kmr",
            "Auto-Submitted": "auto-generated",
        },
    )
    announced = []
    with email_dispatched.connected_to(lambda sent, **_: announced.append(sent)), Mail(settings).connect() as line:
        line.send(message)
    parsed = email.message_from_bytes(smtp_sink.received[0].data, policy=email.policy.default)
    assert (parsed["Subject"], parsed["Auto-Submitted"]) == ("Ji kerema xwe piştrast bike", "auto-generated")
    assert [message] == announced


def test_an_account_letter_is_tried_again_only_where_that_helps(settings: Config, smtp_sink: Sink) -> None:
    message = Message(
        subject="x",
        recipients=["hawar@example.org"],
        body="x",
        sender="press@example.org",
        extra_headers={"Message-ID": "<2@example.org>", "Date": "Sun, 22 Nov 2026 09:30:00 +0000"},
    )
    smtp_sink.defer(times=1)
    smtp_sink.refuse(times=1)
    smtp_sink.drop_after_accepting(times=1)
    with Mail(settings).connect() as line:
        with pytest.raises(TryLater) as refused:
            line.send(message)
        assert "hawar" not in str(refused.value)
        assert line.send(message).outcome is Outcome.BOUNCED
        assert line.send(message).outcome is Outcome.DOUBT


class _Scripted(threading.Thread):
    """A mail server that answers each group of commands with prepared words, then closes."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._answers = answers
        self.start()

    def run(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.sendall(b"220 hostile.example\r\n")
            connection.recv(65536)
            connection.sendall(b"250-hostile.example\r\n250 PIPELINING\r\n")
            for answer in self._answers:
                connection.recv(65536)
                connection.sendall(answer)
        self._listener.close()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((b"250 ok\r\n550 5.1.1 gone\r\n",), Outcome.BOUNCED),
        ((b"550 5.7.1 not you\r\n",), Outcome.POLICY),
        ((b"421 4.3.2 closing\r\n",), Outcome.BUSY),
        ((b"250 ok\r\n550 5.1.1 gone\r\n554 no\r\n",), Outcome.BOUNCED),
        ((b"250 ok\r\n250 ok\r\n354 go\r\n", b"354 again\r\n"), Outcome.DOUBT),
        ((b"250 ok\r\n250 ok\r\n",), Outcome.UNSENT),
    ],
)
def test_a_refusal_that_was_read_holds_though_the_server_closes(
    make_config: MakeConfig, answers: tuple[bytes, ...], outcome: Outcome
) -> None:
    server = _Scripted(*answers)
    with Mail(make_config(mail_server="127.0.0.1", mail_port=server.port)).connect() as line:
        assert line.send(_envelope()).outcome is outcome


@pytest.fixture
def unknown_authority(tmp_path: Path) -> Iterator[int]:
    """A mail server with STARTTLS whose certificate nobody vouches for."""
    controller = Controller(
        DiscardingHandler(), hostname="127.0.0.1", port=free_port(), tls_context=self_signed(tmp_path)
    )
    controller.start()
    yield controller.port
    controller.stop()


def test_a_certificate_that_nobody_vouches_for_ends_the_connection(
    make_config: MakeConfig, unknown_authority: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_config(mail_server="localhost", mail_port=unknown_authority, mail_use_tls=True)
    with Mail(settings).connect() as line:
        answer = line.send(_envelope())
    assert (answer.outcome, answer.text) == (Outcome.UNSENT, "SSLCertVerificationError")
    with Mail(replace(settings, mail_use_tls=False)).connect() as line:
        assert Outcome.SENT is line.send(_envelope()).outcome, "it was the certificate and nothing else"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with Mail(settings).connect() as line:
        assert Outcome.SENT is line.send(_envelope()).outcome, "with its authority known it is trusted"
