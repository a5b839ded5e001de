"""The one room that talks SMTP. Flask-Mail is its face for single letters (face.py); mailings use the lines beneath it.

Verified TLS, a time limit for each step, pipelining, every reply kept. No exception of this room carries an address.
"""

from __future__ import annotations

from functools import partial

from pressroom.config import Config
from pressroom.mailing.wire import OpenLines
from pressroom.smtp.lines import Lines
from pressroom.smtp.relay import relay_of, server_of

__all__ = ["open_lines", "relay_of", "server_of"]


def open_lines(config: Config) -> OpenLines:
    """Raises ConfigError if no mail can leave."""
    return partial(Lines, relay_of(config))
