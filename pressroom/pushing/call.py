"""A call: one request to somebody else's machine, and what came of it. Who makes it is an argument (`outgoing/`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """`permit` is asked with each address that could be connected to; `reads` says how many bytes of answer count."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reads: int = 0
    permit: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Answer:
    """`body` is its beginning, as much as was to be read; `retry_after` is in seconds."""

    status: int
    body: bytes = b""
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Unreachable(Exception):
    """No answer: no such host, no connection, no TLS, or too slow. It may be there later."""


class Forbidden(Exception):
    """It leads where we do not go: a private network, a port, a scheme. It was not connected to."""


class NotNow(Exception):
    """`permit` said no. It was not connected to."""


Caller = Callable[[Call], Answer]
