"""The one room that talks SMTP. Flask-Mail is its face: settings, Message, connect(), signals.

Beneath it, a Connection of our own: verified TLS, a time limit for each step, pipelining, every reply kept. No
exception that leaves here carries an address.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
import ssl
from collections.abc import Callable
from email.utils import parseaddr
from types import TracebackType
from typing import Any, Self

import flask_mail
from flask_mail import email_dispatched

from pressroom.config import Config
from pressroom.errors import ConfigError, TryLater
from pressroom.mailing import message as messages
from pressroom.mailing.wire import Answer, Envelope, Outcome, read_reply

log = logging.getLogger(__name__)

# RFC 5321 §4.5.3.2; the last one is what keeps a slow server's acceptance from becoming a second copy.
_CONNECT_SECONDS = 30
_COMMAND_SECONDS = 300
_DATA_BLOCK_SECONDS = 180
_FINAL_DOT_SECONDS = 600


class Connection(flask_mail.Connection):  # type: ignore[misc]
    """One SMTP connection, opened at the first send and again after it was lost. Not shared between threads."""

    def __init__(self, mail: Any, config: Config) -> None:
        super().__init__(mail)
        self._config = config
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """An error in QUIT is of no consequence: every message has had its answer by then."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.sock.settimeout(2)  # type: ignore[union-attr]
                self._smtp.quit()
            self._drop()

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
        opened = self._ensure_open()
        if isinstance(opened, Answer):
            return opened
        progress = _Progress()
        try:
            answer = _transaction(opened, envelope, progress)
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            self._drop()
            if progress.refusal is not None:
                return _refusal(progress.refusal)
            return Answer(Outcome.DOUBT if progress.dotted else Outcome.UNSENT, text=type(error).__name__)
        if answer.code == 421 or answer.outcome is Outcome.DOUBT:
            self._drop()
        return answer

    def _ensure_open(self) -> smtplib.SMTP | Answer:
        if self._smtp is not None:
            return self._smtp
        try:
            self._smtp = _open(self._config)
        except smtplib.SMTPResponseException as error:
            answer = read_reply(error.smtp_code, _decode(error.smtp_error))
            # Whatever a server says before it has seen a recipient is not about the recipient.
            outcome = Outcome.POLICY if answer.code >= 500 else Outcome.BUSY
            return Answer(outcome, answer.code, answer.enhanced, answer.text)
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Outcome.UNSENT, text=type(error).__name__)
        return self._smtp

    def _drop(self) -> None:
        if self._smtp is not None:
            smtp, self._smtp = self._smtp, None
            smtp.close()


class Mail(flask_mail.Mail):  # type: ignore[misc]
    """Flask-Mail with our Connection; it needs no application. Raises ConfigError if no mail can leave."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config
        server, port = server_of(config)
        self.state = self.init_mail(
            {
                "MAIL_SERVER": server,
                "MAIL_PORT": port,
                "MAIL_USE_TLS": config.mail_use_tls,
                "MAIL_USE_SSL": config.mail_use_ssl,
                "MAIL_USERNAME": config.mail_username,
                "MAIL_PASSWORD": config.mail_password,
                "MAIL_DEFAULT_SENDER": config.mail_default_sender,
                "MAIL_SUPPRESS_SEND": False,
            }
        )

    def connect(self) -> Connection:
        return Connection(self.state, self._config)


def server_of(config: Config) -> tuple[str, int]:
    """Where mail goes: the relay, or in the demo the local mailbox. Raises ConfigError where there is neither."""
    if config.mail_server:
        return config.mail_server, config.mail_port
    if config.mailbox_port:
        return "127.0.0.1", config.mailbox_port
    raise ConfigError("No mail can leave: set MAIL_SERVER to your mail relay.")


def opener(config: Config) -> Callable[[], Connection]:
    mail = Mail(config)
    return mail.connect


class _Progress:
    """How far a transaction came: whether the final dot may have reached the server, and the first refusal read.

    A refusal holds though the connection breaks after it, before it was set back.
    """

    def __init__(self) -> None:
        self.dotted = False
        self.refusal: tuple[int, str] | None = None


def _open(config: Config) -> smtplib.SMTP:
    host, port = server_of(config)
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    smtp: smtplib.SMTP
    if config.mail_use_ssl:
        smtp = smtplib.SMTP_SSL(host, port, timeout=_CONNECT_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(host, port, timeout=_CONNECT_SECONDS)
    try:
        _greet(smtp)
        if config.mail_use_tls:
            smtp.starttls(context=context)
            _greet(smtp)
        if config.mail_username:
            smtp.login(config.mail_username, config.mail_password or "")
    except BaseException:
        smtp.close()
        raise
    if smtp.sock is not None:
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return smtp


def _greet(smtp: smtplib.SMTP) -> None:
    code, _ = smtp.ehlo()
    if not 200 <= code <= 299:
        code, reply = smtp.helo()
        if not 200 <= code <= 299:
            raise smtplib.SMTPHeloError(code, reply)


def _transaction(smtp: smtplib.SMTP, envelope: Envelope, progress: _Progress) -> Answer:
    mail = f"MAIL FROM:<{envelope.sender}>"
    if smtp.has_extn("size"):
        mail += f" SIZE={len(envelope.data)}"
    if not (envelope.sender + envelope.recipient).isascii():
        if not smtp.has_extn("smtputf8"):
            return Answer(Outcome.FAILED, text="this mail server cannot carry an address with such letters (SMTPUTF8)")
        mail += " SMTPUTF8"
    commands = [mail, f"RCPT TO:<{envelope.recipient}>", "DATA"]
    replies = _exchange(smtp, commands, progress, pipelined=smtp.has_extn("pipelining"))
    data_code = replies[2][0] if len(replies) == 3 else 0
    if data_code != 354:
        progress.refusal = progress.refusal or replies[-1]
        _reset(smtp)
        return _refusal(progress.refusal)
    if progress.refusal is not None:
        # A pipelined DATA was granted though the recipient was refused: end it with nothing (RFC 2920 §3.1).
        smtp.send(b".\r\n")
        smtp.getreply()
        _reset(smtp)
        return _refusal(progress.refusal)
    smtp.sock.settimeout(_DATA_BLOCK_SECONDS)  # type: ignore[union-attr]
    body = _stuffed(envelope.data)
    smtp.send(body[:-3])
    progress.dotted = True
    smtp.send(body[-3:])
    smtp.sock.settimeout(_FINAL_DOT_SECONDS)  # type: ignore[union-attr]
    code, text = smtp.getreply()
    if code // 100 not in (2, 4, 5):
        # Out of step: nothing it says can be told apart from an acceptance.
        return Answer(Outcome.DOUBT, code, text=_decode(text))
    return read_reply(code, _decode(text))


def _exchange(
    smtp: smtplib.SMTP, commands: list[str], progress: _Progress, *, pipelined: bool
) -> list[tuple[int, str]]:
    """The replies, in order; without pipelining it stops at the first refusal."""
    smtp.sock.settimeout(_COMMAND_SECONDS)  # type: ignore[union-attr]
    replies = []
    if pipelined:
        smtp.send("".join(f"{command}\r\n" for command in commands).encode())
    for command in commands:
        if not pipelined:
            smtp.send(f"{command}\r\n".encode())
        code, text = smtp.getreply()
        replies.append((code, _decode(text)))
        if code >= 400 and progress.refusal is None:
            progress.refusal = replies[-1]
        if not pipelined and code >= 400:
            break
    return replies


def _refusal(reply: tuple[int, str]) -> Answer:
    answer = read_reply(*reply)
    # 1yz, 2yz and 3yz in the wrong place are a server's confusion, not an acceptance.
    return answer if answer.code >= 400 else Answer(Outcome.WAIT, answer.code, answer.enhanced, answer.text)


def _reset(smtp: smtplib.SMTP) -> None:
    code, _ = smtp.docmd("RSET")
    if code != 250:
        raise smtplib.SMTPServerDisconnected("RSET was refused")


def _stuffed(data: bytes) -> bytes:
    """With leading dots doubled and the final dot (RFC 5321 §4.5.2); `data` ends with CRLF."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + b".\r\n"


def _decode(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
