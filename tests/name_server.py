"""A small DNS server: it knows what it is told, fails or keeps silent where it is told to.

As a program (`python -m tests.name_server FILE PORT`) it reads TXT records, a JSON object of name to value, says
`ready`, and goes on until it is killed.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

_TRIES = 50


class NameServer:
    """`asked` counts the questions by name and kind. What is longer than a datagram it says over TCP only.

    Port 0 is a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._known: dict[tuple[str, str], list[str]] = {}
        self._failing: set[str] = set()
        self._silent: set[str] = set()
        self.asked: Counter[tuple[str, str]] = Counter()
        self._datagrams, self._streams = self._bound(port)
        self.port = int(self._datagrams.server_address[1])
        for server in (self._datagrams, self._streams):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def _bound(self, port: int) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
        """On one port, which may be free for datagrams and taken for streams."""
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        for _ in range(_TRIES):
            datagrams = socketserver.ThreadingUDPServer(("127.0.0.1", port), self._handler(_Datagram))
            try:
                return datagrams, socketserver.ThreadingTCPServer(
                    ("127.0.0.1", datagrams.server_address[1]), self._handler(_Stream)
                )
            except OSError:
                datagrams.server_close()
                if port:
                    raise
        raise OSError(f"no port was free for both in {_TRIES} tries")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        for server in (self._datagrams, self._streams):
            server.shutdown()
            server.server_close()

    def text(self, name: str, *values: str) -> None:
        """Replaces the TXT records of a name; each is cut into strings of 200."""
        parts = [[value[at : at + 200] for at in range(0, len(value), 200)] for value in values]
        self.know(name, "TXT", [" ".join(f'"{one}"' for one in part) for part in parts])

    def know(self, name: str, kind: str, values: Iterable[str]) -> None:
        self._known[name.lower(), kind] = list(values)

    def fail(self, name: str) -> None:
        self._failing.add(name.lower())

    def keep_silent(self, name: str) -> None:
        self._silent.add(name.lower())

    def _handler(self, base: type[_Handler]) -> type[_Handler]:
        return type("Handler", (base,), {"names": self})

    def answer(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if name in self._silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self._failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values := self._known.get((name, kind)):
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(one == name for one, _ in self._known):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


class _Handler(socketserver.BaseRequestHandler):
    names: NameServer


class _Datagram(_Handler):
    def handle(self) -> None:
        data, line = self.request
        response = self.names.answer(data)
        if response is None:
            return
        wire = response.to_wire()
        if len(wire) > 512:
            response.flags |= dns.flags.TC
            response.answer.clear()
            wire = response.to_wire()
        line.sendto(wire, self.client_address)


class _Stream(_Handler):
    def handle(self) -> None:
        connection: socket.socket = self.request
        (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
        response = self.names.answer(connection.recv(length, socket.MSG_WAITALL))
        if response is not None:
            wire = response.to_wire()
            connection.sendall(struct.pack("!H", len(wire)) + wire)


if __name__ == "__main__":
    server = NameServer(int(sys.argv[2]))
    for name, value in json.loads(Path(sys.argv[1]).read_text()).items():
        server.text(name, value)
    print("ready", flush=True)
    threading.Event().wait()
