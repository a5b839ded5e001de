"""The parts of an arrived message, read without trust in its types, charsets, encodings or depth."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.message import Message

_MOST_PARTS, _DEEPEST = 200, 3
_LONGEST_TEXT = 256 * 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_FIELD = re.compile(r"([!-9;-~]{1,70})[ \t]*:(.*)")


def parts(message: Message) -> Iterator[Message]:
    """Depth first, without what is inside a returned message: a bounce of a bounce tells of the outer one only."""
    waiting, seen = [message], 0
    while waiting and seen < _MOST_PARTS:
        part, seen = waiting.pop(), seen + 1
        yield part
        if part.get_content_maintype() == "multipart":
            waiting.extend(reversed(_inside(part)))


def header(message: Message, name: str) -> str:
    return next(headers(message, name), "")


def headers(message: Message, name: str) -> Iterator[str]:
    for one, value in message.raw_items():
        if one.lower() == name.lower():
            yield _readable(str(value)).replace("\r", "").replace("\n", "").strip()


def part_text(part: Message) -> str:
    """What a part says, decoded as far as it can be; of a message inside, its headers and its text."""
    return _decoded(part, "".join(_flat(part, 0))[:_LONGEST_TEXT])


def _flat(part: Message, depth: int) -> Iterator[str]:
    payload = part.get_payload()
    if isinstance(payload, str):
        yield _readable(payload)
    for inner in _inside(part) if depth < _DEEPEST else ():
        # Fields that Python took for headers, each block on its own.
        yield "".join(f"{name}: {_readable(str(value))}\n" for name, value in inner.raw_items()) + "\n"
        yield from _flat(inner, depth + 1)
        yield "\n\n"


def _inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)][:_MOST_PARTS] if isinstance(payload, list) else []


def _decoded(part: Message, text: str) -> str:
    encoding = header(part, "Content-Transfer-Encoding").lower()
    if encoding == "base64" and _BASE64.fullmatch(text):
        try:
            raw = base64.b64decode("".join(text.split()))
        except binascii.Error:
            return text
    elif encoding == "quoted-printable":
        raw = quopri.decodestring(text.encode())
    else:
        return text
    charset = part.get_param("charset", "utf-8")
    try:
        return raw.decode(charset if isinstance(charset, str) else "utf-8", "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")


def _readable(text: str) -> str:
    # Python keeps bytes beyond ASCII as surrogates; UTF-8 is what they are, if anything (RFC 6532, RFC 6533).
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def groups_of(text: str) -> list[dict[str, str]]:
    """Fields in groups parted by blank lines, as in RFC 3464; names in lower case, folded lines joined."""
    groups: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            if fields:
                groups.append(fields)
            fields, name = {}, ""
        elif line[0] in " \t" and name:
            fields[name] += " " + line.strip()
        elif found := _FIELD.match(line):
            name = found[1].lower()
            fields.setdefault(name, found[2].strip())
        else:
            name = ""
    return [*groups, fields] if fields else groups


def fields_of(text: str) -> dict[str, str]:
    """The first group."""
    found = groups_of(text)
    return found[0] if found else {}
