"""Plain text laid out for people: display columns, wrapping by words, and marks that keep a line's direction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from pressroom.languages import Direction, direction

COLUMNS = 72

_RLM, _LRM = "\u200f", "\u200e"
_SPACES = re.compile(r"[ \t]+")
_ADDRESS_ALONE = re.compile(r"(?:https?://|mailto:|tel:)\S+|\S+@\S+")


def display_width(text: str) -> int:
    """Terminal columns: 0 for combining marks and format characters, 2 for wide East Asian ones (UAX #11)."""
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if _is_wide(char) else 1


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in ("W", "F")


def first_strong(text: str) -> Direction | None:
    """The direction of the first strong character (UAX #9 rule P2), marks included; None if there is none."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind == "L":
            return Direction.LTR
        if kind in ("R", "AL"):
            return Direction.RTL
    return None


def wrap(text: str, columns: int = COLUMNS) -> list[str]:
    """The lines of `text`, broken at spaces only, so that an address stays whole even where it is too long.

    A line feed in `text` is kept. No-break spaces hold. Scripts written without spaces break between wide characters.
    """
    lines: list[str] = []
    for part in text.split("\n"):
        lines.extend(_wrap_line(part, columns))
    return lines


def _wrap_line(text: str, columns: int) -> Iterator[str]:
    line, used = "", 0
    for glue, piece in _pieces(text, columns):
        width = display_width(piece)
        if line and used + len(glue) + width > columns:
            yield line
            line, used = piece, width
        else:
            joint = glue if line else ""
            line, used = line + joint + piece, used + len(joint) + width
    yield line


def _pieces(text: str, columns: int) -> Iterator[tuple[str, str]]:
    """What may not be broken, each with what stands between it and the piece before."""
    for word in filter(None, _SPACES.split(text)):
        if display_width(word) <= columns or not any(map(_is_wide, word)):
            yield " ", word
            continue
        start, glue = 0, " "
        for index in range(1, len(word)):
            if _may_break(word[index - 1], word[index]):
                yield glue, word[start:index]
                start, glue = index, ""
        yield glue, word[start:]


def _may_break(before: str, after: str) -> bool:
    opening = unicodedata.category(before) in ("Ps", "Pi")
    return _is_wide(before) and _is_wide(after) and not opening and not unicodedata.category(after).startswith("P")


def directed(lines: Iterable[str], language: str) -> list[str]:
    """Each line with a leading RLM or LRM where its first strong character would turn it the wrong way.

    A line feed ends a bidi paragraph (UAX #9 P1), so in plain text every wrapped line finds its direction anew.
    A line that is only an address stays as it is, so that it can be copied.
    """
    wanted = direction(language)
    mark = _RLM if wanted is Direction.RTL else _LRM
    return [
        mark + line if first_strong(line) not in (None, wanted) and not _ADDRESS_ALONE.fullmatch(line.strip()) else line
        for line in lines
    ]
