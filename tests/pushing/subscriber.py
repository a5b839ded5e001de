"""A subscriber as the W3C Recommendation describes it, and nothing of ours: a real HTTP server with callbacks."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass(frozen=True)
class Delivered:
    path: str
    headers: Message
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        method, _, signature = self.headers.get("X-Hub-Signature", "").partition("=")
        expected = hmac.new(secret.encode(), self.body, hashlib.new(method).name).hexdigest() if method else ""
        return bool(expected) and hmac.compare_digest(expected, signature)

    @property
    def links(self) -> dict[str, str]:
        found = re.findall(r'<([^>]*)>;\s*rel="([^"]*)"', self.headers.get("Link", ""))
        return {rel: href for href, rel in found}


@dataclass
class Subscriber:
    """`wants` are (mode, topic) it agrees to. It answers each push with the next of `answers`, then with 204; while
    `stalled` is set it answers none, and counts them in `waiting`. `echo`, if given, is what it says
    instead of the challenge.
    """

    host: str = "127.0.0.1"
    wants: set[tuple[str, str]] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    verify_status: int = 200
    verify_headers: dict[str, str] = field(default_factory=dict)
    echo: bytes | None = None
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer((self.host, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def callback(self, name: str = "feed?key=1&x=%20y") -> str:
        return f"http://{self.host}:{self.port}/{name}"

    def discover(self, url: str) -> tuple[str, str]:
        """The hub and the canonical topic, from the Link header (§4)."""
        with urllib.request.urlopen(url, timeout=20) as answer:
            links = re.findall(r'<([^>]*)>;\s*rel="([^"]*)"', answer.headers["Link"])
        found = {rel: href for href, rel in links}
        return found["hub"], found["self"]

    def request(self, mode: str, topic: str, **more: str) -> dict[str, str]:
        """The form to post to the hub (§5.1); from now on it agrees when it is asked."""
        self.wants.add((mode, topic))
        given = {"hub.mode": mode, "hub.topic": topic, "hub.callback": self.callback()}
        return given | {f"hub.{name}": value for name, value in more.items()}

    def post(self, hub: str, mode: str, topic: str, **more: str) -> int:
        body = urlencode(self.request(mode, topic, **more)).encode()
        with urllib.request.urlopen(hub, body, timeout=20) as answer:
            return int(answer.status)

    def verify(self, path: str) -> tuple[int, bytes]:
        query = urlsplit(path).query
        said = {name: values[-1] for name, values in parse_qs(query).items()}
        self.queries.append(query)
        self.asked.append(said)
        if (said.get("hub.mode", ""), said.get("hub.topic", "")) not in self.wants:
            return 404, b""
        return self.verify_status, said["hub.challenge"].encode() if self.echo is None else self.echo

    def take(self, delivered: Delivered) -> tuple[int, dict[str, str]]:
        if self.stalled.is_set():
            self.waiting += 1
            self.go_on.wait(60)
            return 500, {}
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        self.delivered.append(delivered)
        return status, headers


def _handler(subscriber: Subscriber) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = subscriber.verify(self.path)
            self._say(status, subscriber.verify_headers, body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(*subscriber.take(Delivered(self.path, self.headers, body)), b"")

        def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
