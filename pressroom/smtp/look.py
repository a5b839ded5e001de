"""A look at the relay: a conversation is opened as for mail, and left again before any message."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pressroom.smtp.relay import Relay
from pressroom.smtp.session import OutOfStep, Session

_BLOCK = 65_536


@dataclass(frozen=True)
class Look:
    """`tls` is the protocol's version, None without encryption; `certified_until` the end of the certificate."""

    extensions: frozenset[str]
    tls: str | None
    certified_until: datetime | None
    address: str


def look(relay: Relay, seconds: float) -> Look:
    """As the relay's terms say, log-in included. Raises OSError (SSLError among them), OpeningRefused, OutOfStep."""
    deadline = time.monotonic() + seconds
    with _connected(relay, seconds) as plain:
        session = Session(relay.terms)
        connection = _secured(relay, plain) if relay.tls_at_once else plain
        try:
            while not session.is_ready:
                if said := session.take():
                    connection.sendall(said)
                _allow(connection, deadline)
                data = connection.recv(_BLOCK)
                if not data:
                    raise OutOfStep("closed before it was ready")
                session.feed(data)
                if session.wants_tls:
                    connection = _secured(relay, connection)
                    session.secured()
            return Look(session.extensions, *_encryption(connection), str(connection.getpeername()[0]))
        finally:
            # A courtesy: what it answers does not matter.
            with contextlib.suppress(OSError):
                connection.sendall(b"QUIT\r\n")
            connection.close()


@contextlib.contextmanager
def _connected(relay: Relay, seconds: float) -> Iterator[socket.socket]:
    connection = socket.create_connection((relay.host, relay.port), timeout=seconds)
    try:
        yield connection
    finally:
        connection.close()


def _allow(connection: socket.socket, deadline: float) -> None:
    """Who sends one octet a minute is not waited for."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    connection.settimeout(left)


def _secured(relay: Relay, connection: socket.socket) -> ssl.SSLSocket:
    assert relay.context is not None
    return relay.context.wrap_socket(connection, server_hostname=relay.host)


def _encryption(connection: socket.socket) -> tuple[str | None, datetime | None]:
    if not isinstance(connection, ssl.SSLSocket):
        return None, None
    certificate = connection.getpeercert() or {}
    until = certificate.get("notAfter")
    seconds = ssl.cert_time_to_seconds(until) if isinstance(until, str) else None
    return connection.version(), None if seconds is None else datetime.fromtimestamp(seconds, UTC)
