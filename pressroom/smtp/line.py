"""A line: one connection to the relay, with its conversation and the message in hand."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from pressroom.mailing.wire import Answer, Envelope, Outcome, Party
from pressroom.smtp.channel import Address, Channel
from pressroom.smtp.relay import Relay
from pressroom.smtp.session import Session


@dataclass(slots=True)
class Task:
    delivery_id: int
    envelope: Envelope
    # Monotonic: from then on the lease may be another's, and nothing is begun.
    deadline: float
    is_second_try: bool = False


@dataclass(eq=False, slots=True)
class Line:
    channel: Channel
    session: Session
    addresses: list[Address]
    task: Task | None = None
    since: float = 0.0
    expires: float = 0.0
    is_apart: bool = False
    watched: int = 0


def resolve(relay: Relay) -> list[Address]:
    """Raises OSError."""
    return list(socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM))


def unsent(error: Exception) -> Answer:
    return Answer(Outcome.UNSENT, text=type(error).__name__, party=Party.RELAY)
