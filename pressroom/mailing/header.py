"""Header fields: folded at 78, encoded words that survive every script (RFC 5322, RFC 2047).

CPython's own folding loses and adds spaces in Kurdish subjects (gh-92081, gh-144156), hence an encoder of ours.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator

import idna

_UNSAFE = re.compile(r"[\r\n\0]")
_WORD_BYTES = 45  # 75 characters of encoded word hold "=?utf-8?b?" + 60 base64 characters + "?="
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


class UnsafeHeader(ValueError):
    """A value with a line end or NUL, which could forge further fields."""


def check(value: str) -> str:
    """Raises UnsafeHeader."""
    if not value.isprintable() and _UNSAFE.search(value):
        raise UnsafeHeader("a header value holds a line end or a NUL")
    return value


def unstructured(name: str, value: str) -> bytes:
    """A whole field of free text, such as Subject, with its line end."""
    return _field(name, _words(check(value), first=len(name) + 2))


def structured(name: str, value: str) -> bytes:
    """A whole field whose value is printable ASCII and may be folded at its spaces."""
    if not (value.isascii() and value.isprintable()):
        raise UnsafeHeader(f"{name} must be printable ASCII")
    if len(name) + len(value) + 2 <= 78:
        return _field(name, value)
    if " " not in value:
        return _field(name, f"\r\n {value}")
    return _field(name, _fold(value, first=len(name) + 2))


def mailbox(name: str, display: str, address: str) -> bytes:
    """A whole field with one mailbox, such as From or To."""
    return _field(
        name,
        f"{phrase(display, first=len(name) + 2)}\r\n <{ascii_domain(address)}>" if display else ascii_domain(address),
    )


def phrase(display: str, first: int = 0) -> str:
    """A display name or list name as atoms, a quoted string or encoded words."""
    check(display)
    if display.isascii() and display.isprintable() and "=?" not in display and len(display) < 60:
        if _ATOMS.fullmatch(display) and display == " ".join(display.split()):
            return display
        return '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _encoded(display, first)


def ascii_domain(address: str) -> str:
    """The address with its domain in the form DNS knows (IDNA 2008)."""
    if address.isascii() and address.isprintable():
        return address
    local, _, domain = check(address).rpartition("@")
    return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"


def _field(name: str, value: str) -> bytes:
    # No white space at a line's end, which a relay might take off.
    return f"{name}:{value}\r\n".encode() if value.startswith("\r\n") else f"{name}: {value}\r\n".encode()


def _words(value: str, first: int) -> str:
    if value.isascii() and value.isprintable() and "=?" not in value and value == value.strip():
        folded = _fold(value, first)
        if "  " not in value and max(len(line) for line in folded.split("\r\n")) <= 78:
            return folded
    return _encoded(value, first)


def _fold(value: str, first: int) -> str:
    lines, length = [""], first
    for word in value.split(" "):
        if length + len(word) + 1 > 78 and (lines[-1] or len(lines) == 1):
            lines.append(word)
            length = len(word) + 1
        else:
            lines[-1] += f" {word}" if lines[-1] else word
            length += len(word) + 1
    return "\r\n ".join(lines)


def _encoded(value: str, first: int) -> str:
    room = max(6, _WORD_BYTES - (first * 3 + 3) // 4)
    whole = value.encode()
    if len(whole) <= room:
        return _word(whole)
    words: list[str] = []
    chunk = b""
    for piece in _pieces(value, room):
        if chunk and len(chunk) + len(piece) > room:
            words.append(_word(chunk))
            chunk, room = b"", _WORD_BYTES
        chunk += piece
    words.append(_word(chunk))
    return "\r\n ".join(words)


def _pieces(value: str, room: int) -> Iterator[bytes]:
    """What one encoded word should hold whole: a word with the space after it, or where that is too long, a letter.

    `room` is what the first one may hold, in bytes.

    Decoders that wrongly keep the white space between encoded words (CPython's, in names) then tear no word.
    """
    for word in re.findall(r"[^ ]* |[^ ]+", value):
        if len(word.encode()) <= room:
            yield word.encode()
        else:
            yield from (cluster.encode() for cluster in _clusters(word))
        room = _WORD_BYTES


def _clusters(value: str) -> list[str]:
    """Letters with their marks, so that a decoder that shows words one by one tears nothing; long ones are cut."""
    clusters: list[str] = []
    for letter in value:
        joins = unicodedata.combining(letter) or letter in "\u200c\u200d"
        if clusters and joins and len(clusters[-1].encode()) < 36:
            clusters[-1] += letter
        else:
            clusters.append(letter)
    return clusters


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="
