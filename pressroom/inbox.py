"""The room that reads what came back, from a Maildir or over IMAP: each message stored first, and then deleted there.

A crash between the two brings the message again, and it counts once.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from pressroom.config import Config
from pressroom.doorbell import Doorbell
from pressroom.errors import TryLater
from pressroom.mailing import collecting
from pressroom.mailing.arrival import LARGEST, Form
from pressroom.service import Service

log = logging.getLogger(__name__)

TakeIn = Callable[[bytes], object]

_EVERY = 10.0
_IMAP_EVERY = 6  # rounds
_IMAP_TIMEOUT = 30.0
_AT_A_TIME = 500


def watch(service: Service, stop: threading.Event) -> None:
    """Reads in rounds until `stop` is set. A server or database that is away is said, and tried again."""
    config, rounds = service.config, 0
    if not config.bounce_maildir and not config.imap_server:
        return
    bell = Doorbell(config.redis_url)
    while not stop.is_set():
        try:
            if config.bounce_maildir:
                read_maildir(config.bounce_maildir, taker(service), stop)
            if config.imap_server and rounds % _IMAP_EVERY == 0:
                read_imap(config, taker(service), stop)
            bell.ring_due(service.database)
        except (DBAPIError, TryLater, OSError, imaplib.IMAP4.error) as error:
            # Its text may quote a mailbox or an address.
            log.warning("inbox: it could not be read (%s); it is tried again", type(error).__name__)
        rounds += 1
        stop.wait(_EVERY)


def taker(service: Service) -> TakeIn:
    def take_in(raw: bytes) -> bool:
        with service.database.reading() as tx:
            now = service.database.now(tx)
        return collecting.take_in(service.database, service.keyring, Form.MESSAGE, raw, now=now)

    return take_in


def read_maildir(folder: Path, take_in: TakeIn, stop: threading.Event | None = None) -> int:
    """Returns how many messages were stored and deleted. Raises OSError, and what `take_in` raises."""
    done = 0
    found = [path for part in ("new", "cur") if (folder / part).is_dir() for path in sorted((folder / part).iterdir())]
    for path in found[:_AT_A_TIME]:
        if stop is not None and stop.is_set():
            break
        # Another reader may have been quicker.
        with contextlib.suppress(FileNotFoundError):
            with path.open("rb") as file:
                raw = file.read(LARGEST)
            take_in(raw)
            path.unlink()
            done += 1
    return done


def read_imap(
    config: Config, take_in: TakeIn, stop: threading.Event | None = None, *, context: ssl.SSLContext | None = None
) -> int:
    """Returns how many messages were stored and deleted. TLS from the first byte, certificate and name verified.

    Raises OSError and IMAP4.error, and what `take_in` raises.
    """
    done: list[bytes] = []
    with _connected(config, context or ssl.create_default_context()) as server:
        try:
            for uid in _uids(server)[:_AT_A_TIME]:
                if stop is not None and stop.is_set():
                    break
                raw = _fetch(server, uid)
                if raw is not None:
                    take_in(raw)
                    _expect(server.uid("STORE", uid.decode(), "+FLAGS.SILENT", r"(\Deleted)"))
                    done.append(uid)
        finally:
            if done:
                _expunge(server, done)
    return len(done)


@contextlib.contextmanager
def _connected(config: Config, context: ssl.SSLContext) -> Iterator[imaplib.IMAP4_SSL]:
    server = imaplib.IMAP4_SSL(config.imap_server or "", config.imap_port, ssl_context=context, timeout=_IMAP_TIMEOUT)
    try:
        server.login(config.imap_username or "", config.imap_password or "")
        _expect(server.select(_quoted(config.imap_folder)))
        yield server
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _uids(server: imaplib.IMAP4) -> list[bytes]:
    found = _expect(server.uid("SEARCH", "UNDELETED"))
    return found[0].split() if found and isinstance(found[0], bytes) else []


def _fetch(server: imaplib.IMAP4, uid: bytes) -> bytes | None:
    """None for one that somebody else has just removed. It stays unread there until it is deleted."""
    for item in _expect(server.uid("FETCH", uid.decode(), f"(UID BODY.PEEK[]<0.{LARGEST}>)")):
        if isinstance(item, tuple) and len(item) > 1:
            return bytes(item[1])
    return None


def _expunge(server: imaplib.IMAP4, uids: list[bytes]) -> None:
    """Ours alone where the server can (RFC 4315): a person may have marked others, and think again."""
    if "UIDPLUS" in server.capabilities:
        _expect(server.uid("EXPUNGE", b",".join(uids).decode()))
    else:
        _expect(server.expunge())


def _expect(answer: tuple[str, list[Any]]) -> list[Any]:
    """Raises IMAP4.error, without the server's own words."""
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error("the IMAP server refused a command")
    return data


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
