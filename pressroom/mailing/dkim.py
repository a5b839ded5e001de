"""DKIM signatures (RFC 6376, RFC 8463): what the letters of one language share is canonicalised and hashed once.

Relaxed in header and body, over the whole body (no `l=`). A signed field that is absent cannot be added on the way.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

# From stands twice in `h=`: a second one added on the way breaks the signature.
_SHARED = (
    "From Reply-To Subject MIME-Version Content-Type Content-Language Feedback-ID List-Id List-Archive List-Subscribe "
    "List-Help List-Owner List-Post Auto-Submitted From"
).split()
_OWN = "To Message-ID Date List-Unsubscribe List-Unsubscribe-Post".split()

_WHITE = re.compile(rb"[ \t]+")
_WHITE_AT_END = re.compile(rb" (?=\r\n)")
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_BASE64_LINE = 72


@dataclass(frozen=True)
class SigningKey:
    """`sign` takes a SHA-256 digest."""

    algorithm: str
    domain: str
    selector: str
    sign: Callable[[bytes], bytes]


class Stamp:
    """What all messages made from one letter share of a signature. `segments` are whole lines, and so is what goes
    between them.
    """

    def __init__(self, keys: Sequence[SigningKey], headers: bytes, segments: Sequence[bytes]) -> None:
        self._header = hashlib.sha256(_canonical(_SHARED, fields_of(headers)))
        canonical = [_relaxed_body(one) for one in segments]
        canonical[-1] = canonical[-1].rstrip(b"\r\n") + b"\r\n"
        self._body, self._rest = hashlib.sha256(canonical[0]), [b"", *canonical[1:]]
        self._forms = [_form(key) for key in keys]

    def digests(self, own: Sequence[bytes], value: bytes, now: datetime) -> tuple[bytes, list[bytes]]:
        """What the signatures of one message say of it, and for each key the SHA-256 digest to sign.

        `own` are some of To, Message-ID, Date, List-Unsubscribe and List-Unsubscribe-Post, in this order.
        """
        body = self._body.copy()
        body.update(_relaxed_body(value).join(self._rest))
        says = b"t=%d; bh=%b; b=" % (int(now.timestamp()), b64encode(body.digest()))
        header = self._header.copy()
        header.update(b"".join([_relaxed(field) for field in own]))
        found = []
        for _, canonical in self._forms:
            signed = header.copy()
            signed.update(canonical + says)
            found.append(signed.digest())
        return says, found

    def fields(self, says: bytes, signatures: Sequence[bytes]) -> bytes:
        """One field for each key, to stand first in the message."""
        folded = says.replace(b" ", b"\r\n ")
        return b"".join(
            [
                b"%b%b\r\n %b\r\n" % (form, folded, _in_lines(b64encode(signature)))
                for (form, _), signature in zip(self._forms, signatures, strict=True)
            ]
        )


def _in_lines(text: bytes) -> bytes:
    return b"\r\n ".join([text[start : start + _BASE64_LINE] for start in range(0, len(text), _BASE64_LINE)])


def fields_of(headers: bytes) -> list[bytes]:
    """Each field, folded as it is, without its line end."""
    return [field for field in _FIELD_END.split(headers) if field]


def _canonical(names: Sequence[str], fields: Sequence[bytes]) -> bytes:
    """The fields of these names, in that order, each once; what is absent is the empty string."""
    by_name = {field.partition(b":")[0].lower(): _relaxed(field) for field in fields}
    return b"".join([by_name.pop(name.lower().encode(), b"") for name in names])


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    # Fields are printable ASCII: all white space in them is folds, spaces and tabs.
    return b"%b:%b\r\n" % (name.lower(), b" ".join(value.split()))


def _relaxed_body(piece: bytes) -> bytes:
    if b" " not in piece and b"\t" not in piece:
        return piece
    return _WHITE_AT_END.sub(b"", _WHITE.sub(b" ", piece))


def _form(key: SigningKey) -> tuple[bytes, bytes]:
    """The signature field up to its time, as it stands on the wire and as it is hashed."""
    names = [*_SHARED, *_OWN]
    rows = [" h=" + names[0]]
    for name in names[1:]:
        if len(rows[-1]) + len(name) + 3 > 78:
            rows[-1] += ":"
            rows.append(f" {name}")
        else:
            rows[-1] += f":{name}"
    lines = [
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;",
        f" d={key.domain};",
        f" s={key.selector};",
        *rows,
    ]
    wire = "\r\n".join(lines) + ";\r\n "
    value = wire.partition(": ")[2].replace("\r\n", "")
    return wire.encode(), f"dkim-signature:{value}".encode()
