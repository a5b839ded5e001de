"""What the demo's local mailbox has caught: a Maildir, read and never changed."""

from __future__ import annotations

import mailbox
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
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
    if not folder.is_dir():
        return []
    return sorted(mailbox.Maildir(folder, create=False).keys(), key=_moment, reverse=True)


def read(folder: Path, wanted: Sequence[str]) -> list[Caught]:
    """The heads of these messages; one that has gone meanwhile is left out."""
    found = []
    for key in wanted:
        try:
            found.append(_caught(key, _headers(_bytes(folder, key))))
        except NotFound:
            continue
    return found


def open_message(folder: Path, key: str) -> Opened:
    """Raises NotFound."""
    data = _bytes(folder, key)
    message = BytesParser(policy=policy.default).parsebytes(data)
    headers = _headers(data)
    return Opened(
        caught=_caught(key, headers),
        headers=headers,
        text=_part(message, "plain"),
        html=_part(message, "html"),
        source=data.decode("utf-8", "replace"),
    )


def _bytes(folder: Path, key: str) -> bytes:
    try:
        return mailbox.Maildir(folder, create=False).get_bytes(key)
    except (KeyError, FileNotFoundError, mailbox.NoSuchMailboxError):
        raise NotFound("There is no such message.") from None


def _moment(key: str) -> float:
    """A Maildir's file names begin with the second of their delivery."""
    seconds = key.partition(".P")[0]
    try:
        return float(seconds)
    except ValueError:
        return 0.0


def _headers(data: bytes) -> list[tuple[str, str]]:
    # The newer policy leaves a space where a name was cut into two encoded words (RFC 2047 §6.2).
    message = BytesParser(policy=policy.compat32).parsebytes(data, headersonly=True)
    return [(name, _decoded(" ".join(str(value).split()))) for name, value in message.items()]


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, HeaderParseError):
        return value


def _caught(key: str, headers: Sequence[tuple[str, str]]) -> Caught:
    first = {name.lower(): value for name, value in reversed(headers)}
    sender_name, sender = parseaddr(first.get("from", ""))
    return Caught(
        key=key,
        at=datetime.fromtimestamp(_moment(key), UTC),
        sender_name=sender_name,
        sender=sender,
        to=", ".join(value for name, value in headers if name.lower() == "delivered-to"),
        subject=first.get("subject", ""),
        language=_language(first.get("content-language", "")),
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
