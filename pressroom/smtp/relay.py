"""The relay: where mail goes, and how, as the settings say."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from pressroom.config import Config
from pressroom.errors import ConfigError
from pressroom.smtp.session import Terms


@dataclass(frozen=True)
class Relay:
    """Where mail goes, and how; `context` None means without encryption."""

    host: str
    port: int
    terms: Terms
    context: ssl.SSLContext | None = None
    tls_at_once: bool = False


def server_of(config: Config) -> tuple[str, int]:
    """Where mail goes: the relay, or in the demo the local mailbox. Raises ConfigError where there is neither."""
    if config.mail_server:
        return config.mail_server, config.mail_port
    if config.mailbox_port:
        return "127.0.0.1", config.mailbox_port
    raise ConfigError("No mail can leave: set MAIL_SERVER to your mail relay.")


def relay_of(config: Config) -> Relay:
    """Raises ConfigError if no mail can leave."""
    host, port = server_of(config)
    context = None
    if config.mail_use_tls or config.mail_use_ssl:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    terms = Terms(_own_name(), config.mail_use_tls, config.mail_username, config.mail_password or "")
    return Relay(host, port, terms, context, config.mail_use_ssl)


def _own_name() -> str:
    """What we say in EHLO: our full name, else the address literal of RFC 5321 §4.1.3."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
