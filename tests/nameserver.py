"""A real DNS server for tests: answers over UDP and TCP from the records it is given, NXDOMAIN for all else.

As a program (`python -m tests.nameserver FILE PORT`) it reads them from a JSON file, says `ready`, and goes on until
it is killed.
"""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Records = Iterable[tuple[str, str, str]]


class Nameserver:
    """`records` are (name, type, text); a name in `broken` is answered with SERVFAIL."""

    def __init__(self, records: Records = (), broken: Iterable[str] = (), port: int = 0) -> None:
        self.records = list(records)
        self.broken = set(broken)
        self.asked: list[tuple[str, str]] = []
        self._udp = _Udp(("127.0.0.1", port), _OverUdp)
        self.port = self._udp.server_address[1]
        self._tcp = _Tcp(("127.0.0.1", self.port), _OverTcp)
        self._udp.nameserver = self._tcp.nameserver = self

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> Self:
        for server in (self._udp, self._tcp):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, asked: bytes) -> dns.message.Message:
        query = dns.message.from_wire(asked)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA | dns.flags.AA
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        known = [one for one in self.records if one[0].lower() == name]
        texts = [text for _, of_kind, text in known if of_kind == kind]
        if texts:
            reply.answer.append(dns.rrset.from_text_list(question.name, 60, dns.rdataclass.IN, kind, texts))
        elif not known:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    nameserver: Nameserver


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    nameserver: Nameserver


class _OverUdp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        asked, sock = self.request
        reply = self.server.nameserver.answer(asked)  # type: ignore[attr-defined]
        wire = reply.to_wire()
        if len(wire) > 1200:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        sock.sendto(wire, self.client_address)


class _OverTcp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        sock: socket.socket = self.request
        length = int.from_bytes(sock.recv(2), "big")
        wire = self.server.nameserver.answer(sock.recv(length)).to_wire()  # type: ignore[attr-defined]
        sock.sendall(len(wire).to_bytes(2, "big") + wire)


def txt(text: str) -> str:
    """A TXT value as a zone file has it, in strings of at most 255."""
    return " ".join('"' + text[start : start + 255] + '"' for start in range(0, len(text), 255))


if __name__ == "__main__":
    given = [tuple(one) for one in json.loads(Path(sys.argv[1]).read_text())]
    Nameserver(given, port=int(sys.argv[2])).start()
    print("ready", flush=True)
    threading.Event().wait()
