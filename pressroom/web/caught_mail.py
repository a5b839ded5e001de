"""What the demo's local mailbox has caught: a Maildir, read and never changed."""

from __future__ import annotations

import mailbox
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from pathlib import Path

from pressroom import languages
from pressroom.errors import NotFound, Refused


@dataclass(frozen=True)
class Caught:
    """One message. `to` is whom the envelope named; `language` is what Content-Language says, None if nothing."""

    key: str
    at: datetime
    sender_name: str
    sender: str
    to: str
    subject: str
    language: str | None

    @property
    def dir(self) -> str:
        return languages.direction(self.language).value if self.language else "auto"


@dataclass(frozen=True)
class Opened:
    """A message with all that can be shown of it; `text` and `html` are None where it has no such part."""

    caught: Caught
    headers: Sequence[tuple[str, str]]
    text: str | None
    html: str | None
    source: str


def keys(folder: Path) -> list[str]:
    """Of every message, the newest first."""
    return sorted(_maildir(folder).keys(), key=_moment, reverse=True) if folder.is_dir() else []


def read(folder: Path, wanted: Sequence[str]) -> list[Caught]:
    """The heads of these messages; one that has gone meanwhile is left out."""
    maildir, found = _maildir(folder), []
    for key in wanted:
        try:
            head = BytesParser(policy=policy.default).parsebytes(maildir.get_bytes(key), headersonly=True)
        except (KeyError, FileNotFoundError):
            continue
        found.append(_caught(key, head))
    return found


def open_message(folder: Path, key: str) -> Opened:
    """Raises NotFound."""
    try:
        data = _maildir(folder).get_bytes(key) if folder.is_dir() else None
    except (KeyError, FileNotFoundError):
        data = None
    if data is None:
        raise NotFound("There is no such message.")
    message = BytesParser(policy=policy.default).parsebytes(data)
    return Opened(
        caught=_caught(key, message),
        headers=[(name, str(value)) for name, value in message.items()],
        text=_part(message, "plain"),
        html=_part(message, "html"),
        source=data.decode("utf-8", "replace"),
    )


def _maildir(folder: Path) -> mailbox.Maildir:
    return mailbox.Maildir(folder, create=False)


def _moment(key: str) -> float:
    """A Maildir's file names begin with the second of their delivery."""
    seconds = key.partition(".P")[0]
    try:
        return float(seconds)
    except ValueError:
        return 0.0


def _caught(key: str, message: EmailMessage) -> Caught:
    sender_name, sender = parseaddr(str(message.get("From", "")))
    return Caught(
        key=key,
        at=datetime.fromtimestamp(_moment(key), UTC),
        sender_name=sender_name,
        sender=sender,
        to=", ".join(message.get_all("Delivered-To", [])),
        subject=str(message.get("Subject", "")),
        language=_language(str(message.get("Content-Language", ""))),
    )


def _language(value: str) -> str | None:
    try:
        return languages.parse_tag(value.split(",")[0])
    except Refused:
        return None


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
