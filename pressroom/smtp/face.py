"""Flask-Mail's Mail and Connection over our own lines, for the letters of a person's own account.

Apart from the rest, so that a mail worker need not hold Flask in memory.
"""

from __future__ import annotations

import logging
from email.utils import parseaddr
from types import TracebackType
from typing import Any, Self

import flask_mail
from flask_mail import email_dispatched

from pressroom.config import Config
from pressroom.errors import TryLater
from pressroom.mailing import message as messages
from pressroom.mailing.wire import Answer, Envelope, Outcome
from pressroom.smtp.lines import Lines
from pressroom.smtp.relay import Relay, relay_of

log = logging.getLogger(__name__)


class Connection(flask_mail.Connection):  # type: ignore[misc]
    """One SMTP connection, opened at the first send and again after it was lost. Not shared between threads."""

    def __init__(self, mail: Any, relay: Relay) -> None:
        super().__init__(mail)
        self._lines = Lines(relay, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()

    def send(self, item: Envelope | flask_mail.Message, envelope_from: str | None = None) -> Answer:
        """Hands over an Envelope, or a Flask-Mail Message to its one recipient, and returns the answer.

        A Message that may be accepted later raises TryLater. One that is refused for good, or is in doubt, does not:
        a second try would help nobody, or make a second copy.
        """
        if isinstance(item, Envelope):
            return self._transact(item)
        return self._send_message(item, envelope_from)

    def _send_message(self, message: flask_mail.Message, envelope_from: str | None) -> Answer:
        (recipient,) = message.send_to
        sender = envelope_from or parseaddr(message.sender)[1]
        letter = messages.simple(
            sender=message.sender,
            recipient=recipient,
            subject=message.subject,
            text=message.body,
            html=message.html,
            reply_to=message.reply_to,
            headers=dict(message.extra_headers or {}),
            keys=getattr(message, "dkim_keys", ()),
        )
        answer = self._transact(Envelope(sender, recipient, letter))
        if answer.outcome is Outcome.SENT:
            email_dispatched.send(message)
        elif answer.outcome in (Outcome.FAILED, Outcome.BOUNCED, Outcome.DOUBT):
            log.warning("An account letter did not surely arrive (%s); it is not sent again.", answer.short)
        else:
            raise TryLater(f"The mail server did not take a message ({answer.short}).")
        return answer

    def _transact(self, envelope: Envelope) -> Answer:
        self._lines.hand_over(0, envelope, float("inf"))
        while True:
            if answered := self._lines.answers(60.0):
                return answered[0][1]


class Mail(flask_mail.Mail):  # type: ignore[misc]
    """Flask-Mail with our Connection; it needs no application. Raises ConfigError if no mail can leave."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._relay = relay_of(config)
        self.state = self.init_mail(
            {
                "MAIL_SERVER": self._relay.host,
                "MAIL_PORT": self._relay.port,
                "MAIL_USE_TLS": config.mail_use_tls,
                "MAIL_USE_SSL": config.mail_use_ssl,
                "MAIL_USERNAME": config.mail_username,
                "MAIL_PASSWORD": config.mail_password,
                "MAIL_DEFAULT_SENDER": config.mail_default_sender,
                "MAIL_SUPPRESS_SEND": False,
            }
        )

    def connect(self) -> Connection:
        return Connection(self.state, self._relay)
