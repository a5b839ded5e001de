"""The client: one request, one connection, to an address that was checked, within a time for all of it.

A name is resolved once and the connection goes to the address that was checked, so that DNS cannot answer differently
in between. Redirects are not followed, proxies of the environment not asked, and a host that sends one byte at a time
ends when the time does.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpcore2

from pressroom.config import Config
from pressroom.errors import Refused
from pressroom.outgoing.resolving import Resolve, resolver
from pressroom.pushing import callback
from pressroom.pushing.call import Answer, Call, Forbidden, NotNow, Unreachable
from pressroom.pushing.callback import Callback

_SECONDS = 10.0
_CONNECT_SECONDS = 4.0
_LONGEST_WAIT = 86_400


class Client:
    """Safe to share among threads. `seconds` is for all of a request: name, connection, TLS, question and answer."""

    def __init__(
        self,
        agent: str,
        *,
        private: bool = False,
        resolve: Resolve | None = None,
        seconds: float = _SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent, self._private, self._seconds = agent, private, seconds
        self._resolve = resolve or resolver(None, private=private)
        self._tls = tls or ssl.create_default_context()

    @classmethod
    def of(cls, config: Config) -> Client:
        private = config.push_private_networks
        resolve = resolver(config.dns_server, private=private)
        return cls(f"Pressroom (+{config.base_url}/)", private=private, resolve=resolve)

    def __call__(self, call: Call) -> Answer:
        """Raises Unreachable, Forbidden and NotNow."""
        deadline = time.monotonic() + self._seconds
        try:
            there = callback.parse(call.url, private=self._private)
        except Refused as error:
            raise Forbidden(error.message) from None
        addresses = self._resolve(there.host, deadline)
        if call.permit is not None and not all(call.permit(one) for one in addresses):
            raise NotNow
        return self._ask(call, there, _Pinned(addresses, deadline))

    def _ask(self, call: Call, there: Callback, pinned: _Pinned) -> Answer:
        origin = httpcore2.Origin(there.scheme.encode(), there.host.encode(), there.port)
        url = httpcore2.URL(scheme=origin.scheme, host=origin.host, port=there.port, target=there.target.encode())
        headers = {
            "Host": there.host_header,
            "User-Agent": self._agent,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **({"Content-Length": str(len(call.body))} if call.method == "POST" else {}),
            **call.headers,
        }
        try:
            with (
                closing(httpcore2.HTTPConnection(origin, ssl_context=self._tls, network_backend=pinned)) as connection,
                connection.stream(call.method, url, headers=list(headers.items()), content=call.body) as response,
            ):
                read = _beginning(response.iter_stream(), call.reads) if call.reads else b""
                return Answer(response.status, read, _retry_after(response.headers))
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            raise Unreachable(type(error).__name__) from None


def _beginning(parts: Iterable[bytes], length: int) -> bytes:
    read = b""
    for part in parts:
        read += part
        if len(read) >= length:
            break
    return read[:length]


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Only the seconds of it; a date is rare, and the next try comes anyway."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.strip().isdigit():
            return min(int(value.strip()[:6]), _LONGEST_WAIT)
    return None


@dataclass(frozen=True)
class _Pinned(httpcore2.NetworkBackend):
    """Connects to these addresses in turn, whatever host it is told."""

    addresses: list[str]
    deadline: float

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.NetworkStream:
        for address in self.addresses:
            try:
                patience = min(_left(self.deadline), _CONNECT_SECONDS)
                connected = socket.create_connection((address, port), patience)
            except OSError:
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Stream(connected, self.deadline)
        raise httpcore2.ConnectError


class _Stream(httpcore2.NetworkStream):
    """A socket whose every wait ends at the deadline."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(_left(self._deadline))
            return self._socket.recv(max_bytes)
        except OSError:
            raise httpcore2.ReadError from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(_left(self._deadline))
                rest = rest[self._socket.send(rest) :]
        except OSError:
            raise httpcore2.WriteError from None

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            # For a handshake Python counts the time as a whole.
            self._socket.settimeout(_left(self._deadline))
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except (OSError, ValueError):
            self._socket.close()
            raise httpcore2.ConnectError from None
        return _Stream(secured, self._deadline)

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "socket":
            return self._socket
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None


def _left(deadline: float) -> float:
    """Raises TimeoutError where nothing is left: with no time at all a socket would not wait but fail otherwise."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
