"""A passage: words that must not stand anywhere any more, found however they are broken or spelled with look-alikes."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from pressroom.errors import Refused

# Stands where words were taken out.
GAP = "(…)"

_ALIKE = ("يیى", "كک", "'’ʼ‘", '"“”„«»', "-‐‑–")
# May stand between two letters of a word without being seen: joiners, the elongation, vowel signs.
_BETWEEN = "[\u00ad\u0640\u200b-\u200f\u064b-\u0652\u0670]*"
_SHORTEST = 2


def pattern_of(words: str) -> re.Pattern[str]:
    """Finds words whatever their case, line breaks, joiners and look-alike letters. Raises Refused for one letter."""
    normal = " ".join(unicodedata.normalize("NFC", words).split())
    letters = [one for one in normal if not re.fullmatch(_BETWEEN.removesuffix("*"), one)]
    if sum(one.isalnum() for one in letters) < _SHORTEST:
        raise Refused("Give at least two letters of what is to vanish; less would take out half of the text.")
    return re.compile(_BETWEEN.join(_either(one) for one in letters), re.IGNORECASE)


def _either(letter: str) -> str:
    if letter == " ":
        return r"[\s_-]+"
    return next((f"[{re.escape(alike)}]" for alike in _ALIKE if letter in alike), re.escape(letter))


def without(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(GAP, text)


def is_in(pattern: re.Pattern[str], *texts: str) -> bool:
    """Also in HTML, where a letter may be written as an entity."""
    return any(pattern.search(text) or pattern.search(unescape(text)) for text in texts)
