"""A socket that never blocks, with or without TLS: what a session says is written as the network takes it."""

from __future__ import annotations

import errno
import os
import socket
import ssl

Address = tuple[int, int, int, str, tuple[object, ...]]
_BLOCK = 65_536


class Channel:
    """`wants_write` asks the driver to call `flush` once the socket takes more. Every failure is an OSError."""

    def __init__(self, address: Address, server_name: str) -> None:
        family, kind, protocol, _, where = address
        self._name = server_name
        self._unwritten = b""
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._shaking_hands = False
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connected = False
        failed = self._socket.connect_ex(where)
        if failed not in (0, errno.EINPROGRESS):
            self._socket.close()
            raise OSError(failed, os.strerror(failed))

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        return not self.connected or bool(self._unwritten)

    def finish_connecting(self) -> None:
        failed = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))
        self.connected = True

    def start_tls(self, context: ssl.SSLContext) -> None:
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=self._name)
        self._shaking_hands = True
        self._shake_hands()

    @property
    def is_secured(self) -> bool:
        return self._tls is not None and not self._shaking_hands

    def write(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._out.read()
        if self._unwritten:
            self._unwritten += data
        else:
            self._unwritten = self._send(data)

    def flush(self) -> None:
        self._unwritten = self._send(self._unwritten)

    def read(self) -> bytes | None:
        """What has arrived; None if nothing has, empty at the end."""
        try:
            data = self._socket.recv(_BLOCK)
        except (BlockingIOError, InterruptedError):
            return None
        if self._tls is None or not data:
            return data
        self._in.write(data)
        if self._shaking_hands:
            self._shake_hands()
            if self._shaking_hands:
                return None
        return self._decrypted()

    def close(self) -> None:
        self._socket.close()

    def _decrypted(self) -> bytes | None:
        assert self._tls is not None
        pieces = []
        try:
            while piece := self._tls.read(_BLOCK):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(pieces) or None
        return b"".join(pieces)

    def _shake_hands(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
            self._shaking_hands = False
        except ssl.SSLWantReadError:
            pass
        finally:
            if shaken := self._out.read():
                self._unwritten = self._send(self._unwritten + shaken)

    def _send(self, data: bytes) -> bytes:
        """What the socket did not take."""
        if not data or not self.connected:
            return data
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return data
        return data[sent:] if sent < len(data) else b""
