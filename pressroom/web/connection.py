"""One client's connection: uvicorn's, which answers from memory where it can, and lets nobody hold it for nothing."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pressroom.web.at_once import AtOnce
from pressroom.web.documents import Reply

MOST = 1000  # connections of one process, idle ones included
_LOOK_EVERY = 5.0
# Seconds: for the head of a request; without a byte of a body, or of an answer taken; between two requests, longer than
# the reverse proxies of the field keep theirs, so that they are the ones to close.
_HEAD_WITHIN, _SILENT, IDLE = 15, 30, 75
_LONGEST_HEAD = 64 * 1024  # bytes


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with a fast way for what `at_once` knows, deadlines, and limits on heads and connections."""

    def __init__(self, at_once: AtOnce, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._at_once = at_once
        self._peer = ""
        self._in_head = self._in_message = False
        self._head_size = 0
        self._since, self._patience = 0.0, _HEAD_WITHIN
        self._unsent = 0
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.abort()
            return
        self._peer = self.client[0] if self.client else ""
        self._wait(_HEAD_WITHIN)
        self._watch = self.loop.call_later(_LOOK_EVERY, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_free():
            found = self._at_once.reply(data, self._peer)
            if found is not None:
                self._say(*found)
                return
        super().data_received(data)
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > _LONGEST_HEAD:
                self.send_400_response("The head of the request is too long.")

    def _is_free(self) -> bool:
        """Whether all that came before is answered, and taken."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._in_message and not self.flow.write_paused

    def _say(self, reply: Reply, with_body: bool) -> None:
        self._unset_keepalive_if_required()
        head = reply.head + _date(int(time.time()))
        if with_body and reply.body:
            self.transport.writelines((head, reply.body))
        else:
            self.transport.write(head)
        self._wait(IDLE)

    def _wait(self, seconds: int) -> None:
        self._since, self._patience = self.loop.time(), seconds

    def _look(self) -> None:
        if self._is_overdue():
            self.transport.abort()
        else:
            self._watch = self.loop.call_later(_LOOK_EVERY, self._look)

    def _is_overdue(self) -> bool:
        unsent, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if self._unsent and self._unsent != unsent:
            self._wait(_SILENT)
        if not self._unsent and self._is_ours():
            return False
        return self.loop.time() - self._since > self._patience

    def _is_ours(self) -> bool:
        """Whether the client has done its part, and we have not."""
        working = self.cycle is not None and not self.cycle.response_complete
        return self.flow.read_paused or (working and not self.cycle.more_body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._in_message = True
        self._head_size = 0
        self._wait(_HEAD_WITHIN)

    def on_header(self, name: bytes, value: bytes) -> None:
        # WSGI could not tell it from the name with a hyphen, which a reverse proxy may have set or removed.
        if b"_" not in name:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._wait(_SILENT)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._wait(_SILENT)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._wait(IDLE)
        super().on_response_complete()


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    """The last header, and the end of the head."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode("ascii")
