"""Messages on the wire: headers and parts built once per language, spliced per recipient.

Every line is ASCII and at most 78 characters: relays pass it on unchanged, and signatures hold.
"""

from __future__ import annotations

import hashlib
import quopri
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr, parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

from pressroom.mailing import header
from pressroom.mailing.dkim import SigningKey, Stamp
from pressroom.signing import Signer

# Stands in a template where each recipient's own address for leaving goes; letters that quoted-printable leaves alone.
UNSUBSCRIBE = "PressroomUnsubscribeAddressGoesHere"


_ONE_CLICK = header.structured("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


@dataclass(frozen=True)
class Letter:
    """One release in one language, ready but for the recipient.

    `segments` are encoded body bytes, whole lines; between each two goes the recipient's address for leaving. With
    `keys` each message is signed by each of them.
    """

    headers: bytes
    segments: tuple[bytes, ...]
    sender: str
    list_unsubscribe: bool = True
    keys: tuple[SigningKey, ...] = ()

    def fill(
        self,
        *,
        recipient: str,
        name: str,
        message_id: str,
        unsubscribe: str | None,
        now: datetime,
        leave_by_mail: str | None = None,
    ) -> bytes:
        """The whole message for one person. Raises UnsafeHeader."""
        return self.draft(recipient, name, message_id, unsubscribe, leave_by_mail, now=now).signed()

    def draft(
        self,
        recipient: str,
        name: str,
        message_id: str,
        unsubscribe: str | None,
        leave_by_mail: str | None = None,
        *,
        now: datetime,
    ) -> Draft:
        """The message for one person, still to be signed. Raises UnsafeHeader."""
        own = [
            header.mailbox("To", name, recipient),
            header.structured("Message-ID", message_id),
            _date(int(now.timestamp())),
        ]
        if unsubscribe and self.list_unsubscribe:
            by_mail = f", <mailto:{leave_by_mail}?subject=unsubscribe>" if leave_by_mail else ""
            own.append(header.structured("List-Unsubscribe", f"<{unsubscribe}>{by_mail}"))
            own.append(_ONE_CLICK)
        return self.with_fields(own, _encoded_value(unsubscribe or ""), now)

    def with_fields(self, own: Sequence[bytes], value: bytes, now: datetime) -> Draft:
        """The message with these fields first, and `value`, encoded, between the segments."""
        unsigned = b"".join((*own, self.headers, value.join(self.segments)))
        return Draft(self, unsigned, *(self._stamp.digests(own, value, now) if self.keys else ()))

    def signed_by(self, keys: Sequence[SigningKey]) -> Letter:
        """With those of the keys that are for its sender's domain."""
        domain = header.ascii_domain(self.sender).rpartition("@")[2].lower()
        return replace(self, keys=tuple(key for key in keys if key.domain == domain))

    @cached_property
    def _stamp(self) -> Stamp:
        return Stamp(self.keys, self.headers, self.segments)

    def signatures(self, draft: Draft) -> bytes:
        """Signs it: what costs far more than all the rest."""
        made = [key.sign(digest) for key, digest in zip(self.keys, draft.digests, strict=True)]
        return self._stamp.fields(draft.says, made)


class Draft(NamedTuple):
    """A message that is whole but for its signatures."""

    letter: Letter
    unsigned: bytes
    says: bytes = b""
    digests: Sequence[bytes] = ()

    def signed(self) -> bytes:
        return self.letter.signatures(self) + self.unsigned if self.digests else self.unsigned


def letter(
    *,
    sender_name: str,
    sender: str,
    reply_to: str | None,
    subject: str,
    language: str,
    text: str,
    html: str,
    headers: Mapping[str, str],
    list_unsubscribe: bool = True,
) -> Letter:
    """`text` and `html` may hold UNSUBSCRIBE, any number of times; `headers` are further ASCII fields."""
    boundary = _boundary(text, html)
    fields = [
        header.mailbox("From", sender_name, sender),
        *([header.mailbox("Reply-To", "", reply_to)] if reply_to else []),
        header.unstructured("Subject", subject),
        header.structured("Content-Language", language),
        *(header.structured(name, value) for name, value in headers.items()),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode(),
    ]
    segments: list[bytes] = [b""]
    for kind, content in (("plain", text), ("html", html)):
        part = _part_head(boundary, kind, language)
        pieces = _encoded_pieces(content)
        segments[-1] += part + pieces[0]
        segments.extend(pieces[1:])
        segments[-1] += b"\r\n"
    segments[-1] += f"--{boundary}--\r\n".encode()
    return Letter(b"".join(fields), tuple(segments), sender, list_unsubscribe)


def simple(
    *,
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    html: str | None,
    reply_to: str | None = None,
    headers: Mapping[str, str] | None = None,
    keys: Sequence[SigningKey] = (),
) -> bytes:
    """One message that is not a release, such as a confirmation. `headers` must hold Message-ID and Date."""
    name, address = parseaddr(sender)
    given = dict(headers or {})
    message_id, date = given.pop("Message-ID"), given.pop("Date")
    language = given.pop("Content-Language", "en")
    made = letter(
        sender_name=name,
        sender=address,
        reply_to=reply_to,
        subject=subject,
        language=language,
        text=text,
        html=html or "",
        headers=given,
        list_unsubscribe=False,
    )
    own = [
        header.mailbox("To", "", recipient),
        header.structured("Message-ID", message_id),
        header.structured("Date", date),
    ]
    return made.signed_by(keys).with_fields(own, b"", parsedate_to_datetime(date)).signed()


def message_id(signer: Signer, delivery_id: int, sender: str) -> str:
    """The same at every attempt, so that a reader's software can tell the one message in doubt."""
    domain = header.ascii_domain(sender).rpartition("@")[2]
    return f"<{signer.mac('message-id', str(delivery_id))[:16].hex()}@{domain}>"


@lru_cache(maxsize=8)
def _date(seconds: int) -> bytes:
    return header.structured("Date", format_datetime(datetime.fromtimestamp(seconds, UTC)))


def _part_head(boundary: str, kind: str, language: str) -> bytes:
    return (
        f"--{boundary}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        f"Content-Language: {language}\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()


def _boundary(text: str, html: str) -> str:
    # "=_" occurs in no quoted-printable text (RFC 2045 §6.7).
    return "=_" + hashlib.sha256(f"{text}\0{html}".encode()).hexdigest()[:32]


def _encoded_pieces(content: str) -> list[bytes]:
    """Quoted-printable, cut at each placeholder. Soft line ends at the cuts keep any value from breaking a line."""
    pieces = content.replace("\r\n", "\n").split(UNSUBSCRIBE)
    encoded = [quopri.encodestring(piece.encode()).replace(b"\n", b"\r\n") for piece in pieces]
    return [_softly_ended(piece) if place < len(encoded) - 1 else piece for place, piece in enumerate(encoded)]


def _encoded_value(value: str) -> bytes:
    return _softly_ended(quopri.encodestring(value.encode()).replace(b"\n", b"\r\n")) if value else b""


def _softly_ended(piece: bytes) -> bytes:
    return piece if not piece or piece.endswith(b"\r\n") else piece + b"=\r\n"
