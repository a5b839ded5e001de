"""A passage: words that must not stand anywhere any more, found however they are broken, marked up or encoded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from pressroom.errors import Refused

# Stands where words were taken out.
GAP = "(…)"

_ALIKE = ("یيى", "كک", "'’ʼ‘", '"“”„«»', "-‐‑–")
# May stand between two letters of a word without being seen: joiners, the elongation, vowel signs.
_UNSEEN = "\u00ad\u0640\u061c\u200b-\u200f\u2060\u064b-\u0652\u0670"
# What Markdown and plain text put between letters, and between words at the ends of lines and cells.
_MARKS, _DECORATIONS = r"*_~`\\", r"*~`\\>|•"
_SHORTEST = 2
_RUN = re.compile(r"[^\s()<>\[\]\"']+")


@dataclass(frozen=True)
class Passage:
    """`plain` finds the words in what people read, `marked` also in a source, with its marks between them."""

    plain: re.Pattern[str]
    marked: re.Pattern[str]

    @classmethod
    def of(cls, words: str) -> Passage:
        """Whatever their case, line breaks, joiners and look-alike letters. Raises Refused for one letter."""
        normal = " ".join(_nfc(words).split())
        letters = [one for one in normal if not re.fullmatch(f"[{_UNSEEN}]", one)]
        if sum(one.isalnum() for one in letters) < _SHORTEST:
            raise Refused("Give at least two letters of what is to vanish; less would take out half of the text.")
        plain = _pattern(letters, f"[{_UNSEEN}]*", rf"[\s_+\-{_UNSEEN}]+")
        marked = _pattern(letters, f"[{_UNSEEN}{_MARKS}]*", rf"[\s_+\-{_UNSEEN}{_DECORATIONS}]+")
        return cls(plain, marked)

    def is_in(self, *texts: str) -> bool:
        """Also where letters are taken apart, or written as entities or percent-encoded."""
        return any(self.plain.search(read) for text in texts for read in _readings(text))

    def is_in_source(self, text: str) -> bool:
        return any(self.marked.search(read) for read in _readings(text))

    def without(self, text: str) -> str:
        """A text that does not hold the words is left as it is, to the letter."""
        if not self.is_in(text):
            return text
        text = self._without(self.plain, text)
        return GAP if self.is_in(text) else text

    def without_source(self, text: str) -> str:
        """As `without`; what an encoding hides in a way that cannot be parted from the rest stays."""
        return self._without(self.marked, text) if self.is_in_source(text) else text

    def _without(self, pattern: re.Pattern[str], text: str) -> str:
        text = _RUN.sub(self._without_run, pattern.sub(GAP, _nfc(text)))
        return pattern.sub(GAP, _nfc(unescape(text))) if pattern.search(_nfc(unescape(text))) else text

    def _without_run(self, run: re.Match[str]) -> str:
        """An address whose encoding hides the words leads nowhere without them."""
        return GAP if "%" in run[0] and self.is_in(run[0]) else run[0]


def _pattern(letters: list[str], between: str, gap: str) -> re.Pattern[str]:
    parts: list[str] = []
    for before, letter in zip(["", *letters], letters, strict=False):
        parts.append(gap if letter == " " else (between if before not in ("", " ") else "") + _either(letter))
    return re.compile("".join(parts), re.IGNORECASE)


def _either(letter: str) -> str:
    return next((f"[{re.escape(alike)}]" for alike in _ALIKE if letter in alike), re.escape(letter))


def _readings(text: str) -> Iterator[str]:
    read = _nfc(text)
    yield read
    if "&" in read:
        read = _nfc(unescape(read))
        yield read
    if "%" in read:
        yield _nfc(unquote(read))


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
