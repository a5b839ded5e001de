"""Answering from memory straight at the connection, before a thread, a WSGI environment or Flask is needed.

Clients ask for the same feed in the same bytes again and again. So what a request means is read once, by llhttp, and
found again by its bytes.
"""

from __future__ import annotations

from typing import Any

import httptools

from pressroom.web.documents import Reply
from pressroom.web.fastpath import FastPath

_MOST_KNOWN = 1024
_LONGEST_KNOWN = 2048  # bytes
_MARGIN = 0.02  # seconds, from the question whether a look would wait to that look
_END = b"\r\n\r\n"
# Whoever sends one of these wants more than a document: a body read, another protocol, the connection's end.
_UNCOMMON = frozenset(("content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer"))
# Answered like any other, but not kept in memory.
_SECRET = frozenset(("HTTP_COOKIE", "HTTP_AUTHORIZATION"))


class AtOnce:
    """For one event loop: nothing here waits, for the database neither."""

    def __init__(self, fast_path: FastPath) -> None:
        self._fast_path = fast_path
        self._known: dict[bytes, dict[str, Any]] = {}

    def reply(self, data: bytes, peer: str) -> tuple[Reply, bool] | None:
        """What to say to `data`, and whether the body goes with it; None unless it is one whole plain request for what
        is in memory and current. `peer` is the client's address, as far as the socket knows.
        """
        environ = self._known.get(data)
        known = environ is not None
        if environ is None:
            environ = _read(data)
        if environ is None or self._fast_path.library.pulse.would_wait(_MARGIN):
            return None
        reply = self._fast_path.reply(environ, peer)
        if reply is None:
            return None
        if not known:
            self._learn(data, environ)
        return reply, environ["REQUEST_METHOD"] == "GET"

    def _learn(self, data: bytes, environ: dict[str, Any]) -> None:
        if len(data) > _LONGEST_KNOWN or not _SECRET.isdisjoint(environ):
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[data] = environ


class _Reader:
    """What llhttp tells of one request."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[str, str]] = []
        self.ended = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_message_complete(self) -> None:
        self.ended = True


def _read(data: bytes) -> dict[str, Any] | None:
    """Method, path and headers as WSGI has them; None for all that is not one plain GET or HEAD (RFC 9112 §3.2.1)."""
    if not data.startswith((b"GET /", b"HEAD /")) or data.find(_END) != len(data) - len(_END):
        return None
    reader = _Reader()
    parser = httptools.HttpRequestParser(reader)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    names = [name for name, _ in reader.headers]
    is_plain = reader.ended and parser.get_http_version() == "1.1" and "host" in names
    if not is_plain or len(set(names)) < len(names) or not _UNCOMMON.isdisjoint(_wanting(reader.headers)):
        return None
    if any(mark in reader.target for mark in b"?#%") or not reader.target.isascii() or reader.target[:2] == b"//":
        return None
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in reader.headers if "_" not in name}
    return {
        **environ,
        "REQUEST_METHOD": parser.get_method().decode("ascii"),
        "PATH_INFO": reader.target.decode("ascii"),
        "QUERY_STRING": "",
    }


def _wanting(headers: list[tuple[str, str]]) -> list[str]:
    return [name for name, value in headers if (name, value.strip().lower()) != ("connection", "keep-alive")]
