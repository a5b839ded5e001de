"""Files made of boxes, each with its length and kind (ISO/IEC 14496-12 §4.2): M4A, JPEG 2000.

Their parts name each other by position, so that nothing can be cut out: what must go is overwritten in its place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Far more than files have; each costs time, and one of 40 MB could hold millions of empty ones.
MOST = 20_000


@dataclass(frozen=True)
class Box:
    """`start` is that of its content, `head` of its length."""

    kind: bytes
    head: int
    start: int
    end: int


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Those that stand side by side there. Raises ValueError where lengths do not add up, or there are too many."""
    at, end, count = start, len(data) if end is None else end, 0
    while at < end:
        count += 1
        if count > MOST:
            raise ValueError("too many boxes")
        if at + 8 > end:
            raise ValueError("a box is cut off")
        length, kind, content = int(struct.unpack_from(">I", data, at)[0]), bytes(data[at + 4 : at + 8]), at + 8
        if length == 1 and at + 16 <= end:
            length, content = int(struct.unpack_from(">Q", data, at + 8)[0]), at + 16
        elif length == 0:
            length = end - at
        if length < content - at or at + length > end:
            raise ValueError("a box is longer than what it stands in")
        yield Box(kind, at, content, at + length)
        at += length


def blank(data: bytearray, box: Box) -> None:
    """Makes it a box of nothing, as long as before."""
    data[box.head + 4 : box.head + 8] = b"free"
    data[box.start : box.end] = bytes(box.end - box.start)


def blanked(data: bytes, kinds: frozenset[bytes]) -> bytes:
    """The same with the outermost boxes of these kinds made empty. Raises ValueError for what has no boxes."""
    out = bytearray(data)
    for box in list(boxes(data)):
        if box.kind in kinds:
            blank(out, box)
    return bytes(out)
