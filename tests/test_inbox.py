from __future__ import annotations

import imaplib
import mailbox
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pressroom import inbox
from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing.arrival import Arrival
from pressroom.service import Service
from tests.imap_server import PASSWORD, PROGRAM, USER, ImapServer


def folder_with(tmp_path: Path, *messages: bytes) -> Path:
    box = mailbox.Maildir(tmp_path / "bounces")
    for place, one in enumerate(messages):
        key = box.add(one)
        if place == 0:
            seen = box.get_message(key)
            seen.set_subdir("cur")
            box[key] = seen
    return tmp_path / "bounces"


def left(folder: Path) -> int:
    return len(mailbox.Maildir(folder))


def stored(database: Database) -> int:
    with database.reading() as tx:
        return len(tx.scalars(select(Arrival.id)).all())


@pytest.fixture
def service(config: Config) -> Service:
    return Service(config)


def test_each_message_of_a_maildir_is_stored_and_then_deleted(
    service: Service, database: Database, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, b"Subject: one\n\n1", b"Subject: two\n\n2", b"\xff\0")
    assert inbox.read_maildir(folder, inbox.taker(service)) == 3
    assert (left(folder), stored(database)) == (0, 3)
    assert inbox.read_maildir(folder, inbox.taker(service)) == 0
    assert inbox.read_maildir(tmp_path / "none", inbox.taker(service)) == 0


def test_killed_between_storing_and_deleting_nothing_is_lost_or_counted_twice(
    service: Service, database: Database, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, b"Subject: one\n\n1", b"Subject: two\n\n2")
    take_in, taken = inbox.taker(service), []

    def killed_after(raw: bytes) -> None:
        take_in(raw)
        taken.append(raw)
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            inbox.read_maildir(folder, killed_after)
    assert (left(folder), stored(database)) == (2, 1) and len(set(taken)) == 1
    inbox.read_maildir(folder, take_in)
    assert (left(folder), stored(database)) == (0, 2)


def test_what_cannot_be_stored_stays_in_the_maildir(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b"Subject: one\n\n1")

    def full(raw: bytes) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        inbox.read_maildir(folder, full)
    assert left(folder) == 1


def test_watching_reads_what_comes_and_ends_when_asked(
    config: Config, make_config, database: Database, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, b"Subject: one\n\n1")
    stop = threading.Event()
    watched = Service(make_config(database_url=config.database_url, bounce_maildir=folder))
    thread = threading.Thread(target=inbox.watch, args=(watched, stop))
    thread.start()
    for _ in range(100):
        if left(folder) == 0:
            break
        stop.wait(0.1)
    stop.set()
    thread.join(10)
    assert not thread.is_alive() and stored(database) == 1


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    if PROGRAM is None:
        pytest.skip("there is no dovecot here (Debian: apt install dovecot-imapd)")
    server = ImapServer()
    yield server
    server.stop()


def at(config: Config, imap: ImapServer, **given: Any) -> Config:
    login = {"imap_server": "localhost", "imap_port": imap.port, "imap_username": USER, "imap_password": PASSWORD}
    return replace(config, **{**login, **given})


def test_each_message_over_imap_is_stored_and_then_deleted(
    config: Config, database: Database, imap: ImapServer
) -> None:
    imap.deliver(b"Subject: one\n\n1\n", b"Subject: two\n\n2\n", b"Subject: huge\n\n" + b"x" * (3 << 20))
    service = Service(at(config, imap))
    assert inbox.read_imap(service.config, inbox.taker(service), context=imap.context) == 3
    assert (imap.messages(), stored(database)) == (0, 3)
    assert inbox.read_imap(service.config, inbox.taker(service), context=imap.context) == 0


def test_what_was_not_stored_stays_on_the_imap_server(config: Config, imap: ImapServer) -> None:
    imap.deliver(b"Subject: one\n\n1\n", b"Subject: two\n\n2\n")
    seen: list[bytes] = []

    def full_at_the_second(raw: bytes) -> None:
        if seen:
            raise OSError("disk full")
        seen.append(raw)

    with pytest.raises(OSError, match="full"):
        inbox.read_imap(at(config, imap), full_at_the_second, context=imap.context)
    assert imap.messages() == 1


def test_a_server_that_cannot_prove_itself_and_a_wrong_password_get_nothing(config: Config, imap: ImapServer) -> None:
    imap.deliver(b"Subject: one\n\n1\n")
    with pytest.raises(ssl.SSLCertVerificationError):
        inbox.read_imap(at(config, imap), lambda _: None)
    with pytest.raises(imaplib.IMAP4.error):
        inbox.read_imap(at(config, imap, imap_password="wrong"), lambda _: None, context=imap.context)
    with pytest.raises(imaplib.IMAP4.error):
        inbox.read_imap(at(config, imap, imap_folder='no "such'), lambda _: None, context=imap.context)
    assert imap.messages() == 1
