"""The parts of a picture file, read by hand: its size, before a decoder sets memory aside, and what are mere notes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
# The chunks that make up the pixels, their colours and which way is up; all others, compressed ones too, are notes.
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"eXIf", b"IDAT", b"IEND"})
# Start of frame, but for those between them that define tables (ITU-T T.81, table B.1).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9
# In coded pixels 0xFF is followed by zero, or begins a restart marker.
_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# A marker may be filled up in front. Some kilobytes of that, or more segments than notes of 40 MB need, are an attack.
_FILL, _LONGEST_FILL, _MOST_SEGMENTS = re.compile(rb"\xff*"), 4096, 4096


def is_picture(data: bytes) -> bool:
    """A JPEG, PNG, GIF or WebP, by its first bytes."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return is_webp or data.startswith((b"\xff\xd8\xff", _PNG, b"GIF87a", b"GIF89a"))


def pixel_size(data: bytes) -> tuple[int, int]:
    """Width and height. Raises ValueError or struct.error where no header says them."""
    if data.startswith(_PNG):
        return _two(">II", data, 16)
    if data.startswith(b"GIF8"):
        return _two("<HH", data, 6)
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return _webp_size(data)


def count_scans(data: bytes) -> int:
    """How often the pixels of a JPEG are gone through; 1 for what is none. Raises ValueError for a damaged one."""
    if not data.startswith(b"\xff\xd8"):
        return 1
    return sum(marker == _SCAN for marker, _, _ in _segments(data))


def without_notes(data: bytes) -> bytes:
    """A PNG with nothing but its pixels' own chunks, so that no compressed text is ever opened; others as they are."""
    if not data.startswith(_PNG):
        return data
    kept = [data[at:end] for kind, at, end in _chunks(data) if kind in _PIXEL_CHUNKS]
    return b"".join((_PNG, *kept))


def bare_jpeg(data: bytes) -> bytes:
    """A JPEG with the segments that make up its pixels only, up to its end; the coded pixels are not touched.

    Raises ValueError for what is no JPEG, or has no end.
    """
    kept = [data[at:end] for marker, at, end in _segments(data) if _is_of_pixels(marker, data[at + 4 : end])]
    return b"".join((b"\xff\xd8", *kept))


def _is_of_pixels(marker: int, content: bytes) -> bool:
    # Adobe's says which colours are meant; the other application segments, and comments, are notes.
    is_note = 0xE0 <= marker <= 0xEF or marker == 0xFE
    return not is_note or (marker == 0xEE and content[:5] == b"Adobe" and len(content) == 12)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each JPEG segment after the first marker, a scan with its coded pixels, up to the end of the picture."""
    if not data.startswith(b"\xff\xd8"):
        raise ValueError("no JPEG")
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = _behind_fill(data, at)
        marker = data[at + 1]
        if marker == _END:
            yield marker, at, at + 2
            return
        end = at + 2
        if marker != 0x01 and not 0xD0 <= marker <= 0xD8:
            end += int(struct.unpack_from(">H", data, end)[0])
        if marker == _SCAN:
            found = _AFTER_SCAN.search(data, end)
            end = found.start() if found else len(data)
        yield marker, at, end
        at = end
    raise ValueError("the picture has too many parts")


def _behind_fill(data: bytes, at: int) -> int:
    """Where the last 0xFF before a marker's code stands."""
    found = _FILL.match(data, at, at + _LONGEST_FILL)
    end = found.end() if found else at
    if end == at or end >= len(data) or end - at == _LONGEST_FILL:
        raise ValueError("no marker where one must stand")
    return end - 1


def _two(form: str, data: bytes, at: int) -> tuple[int, int]:
    one, other = struct.unpack_from(form, data, at)
    return int(one), int(other)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each PNG chunk with where it begins and ends; the last may be cut off."""
    at = len(_PNG)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end


def _jpeg_size(data: bytes) -> tuple[int, int]:
    for marker, at, _ in _segments(data):
        if marker in _FRAMES:
            height, width = _two(">HH", data, at + 5)
            return width, height
    raise ValueError("no start of frame")


def _webp_size(data: bytes) -> tuple[int, int]:
    """RFC 9649 §2.5 to §2.7."""
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _two("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP picture")
