from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from pressroom.supervising import ports
from pressroom.supervising.mailbox import Maildir
from tests.supervising.running import clean_environment, until

TEXT = "سڵاو\r\n.dot\r\n"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    chosen = ports.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pressroom.supervising.mailbox"],
        env=clean_environment(tmp_path, PRESSROOM_MAILBOX_PORT=str(chosen)),
    )

    def listens() -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", chosen)) == 0

    until(listens, "the mailbox listens")
    yield chosen
    process.terminate()
    assert process.wait(10) == 0


def kept(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((tmp_path / "mailbox" / "new").iterdir())]


def test_a_message_is_kept_byte_for_byte_below_its_envelope(port: int, tmp_path: Path) -> None:
    body = f"Subject: =?utf-8?q?x?=\r\n\r\n{TEXT}".encode()
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("press@example.org", ["journalist@example.net"], body, mail_options=["BODY=8BITMIME"])
    [message] = kept(tmp_path)
    head, _, rest = message.partition(b"Subject:")
    assert head == b"Return-Path: <press@example.org>\r\nDelivered-To: journalist@example.net\r\n"
    assert b"Subject:" + rest == body


def test_it_offers_what_the_sender_uses(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        for extension in ("pipelining", "8bitmime", "smtputf8", "size"):
            assert client.has_extn(extension)


def test_pipelined_commands_are_answered_in_order(port: int, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, client.makefile("rb") as answers:
        client.sendall(b"EHLO test\r\n")
        while not answers.readline().startswith((b"220 ", b"250 ")) or not _ended(answers):
            continue
        text = b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 600
        for _ in range(2):
            client.sendall(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
            assert [answers.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
            client.sendall(text + b".\r\nNOOP\r\n")
            assert [answers.readline()[:3] for _ in range(2)] == [b"250", b"250"]
    assert [message.partition(b"Subject")[2] for message in kept(tmp_path)] == [text.partition(b"Subject")[2]] * 2


def _ended(answers: object) -> bool:
    line = answers.readline()  # type: ignore[attr-defined]
    while line[3:4] == b"-":
        line = answers.readline()  # type: ignore[attr-defined]
    return True


def test_what_cannot_be_kept_is_not_acknowledged(port: int, tmp_path: Path) -> None:
    until(lambda: (tmp_path / "mailbox" / "tmp").is_dir(), "the Maildir is there")
    (tmp_path / "mailbox" / "new").rmdir()
    with smtplib.SMTP("127.0.0.1", port) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("a@example.org", ["b@example.net"], b"Subject: x\r\n\r\nx\r\n")
    assert refused.value.smtp_code == 452


def test_a_maildir_gives_every_message_a_name_of_its_own(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "box")
    names = {maildir.keep(b"Subject: %d\r\n\r\n" % number).name for number in range(50)}
    assert len(names) == 50
    found = (tmp_path / "box" / "new").iterdir()
    subjects = {message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"] for path in found}
    assert subjects == {str(number) for number in range(50)}
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
