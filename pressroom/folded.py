"""Text folded for search: letters that look alike, or differ by a mark only, become one. Never shown to anybody.

Both what is searched and what is asked for are folded. Arabic and Kurdish keyboards write the same word with other
code points, and people leave marks out where their keyboard has none: “sirin” finds “şîrîn”.
"""

from __future__ import annotations

import re
import unicodedata

# What Unicode does not take apart.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("يىېیێے", "ی"),
        **dict.fromkeys("كکڪ", "ک"),
        # Sorani's vowel, the final forms and joiners of Persian and Urdu, and the Arabic feminine ending.
        **dict.fromkeys("هھەةہۃۀۂ", "ه"),
        **dict.fromkeys("ٱ", "ا"),
        **dict.fromkeys("ڕڒ", "ر"),
        **dict.fromkeys("ۆۇۊ", "و"),
        "ڵ": "ل",
        "ء": "",
        "ـ": "",
        "ı": "i",
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "æ": "ae",
        "œ": "oe",
        **dict.fromkeys("'’ʼ", ""),
    }
)
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Folded words with single spaces between them; empty where there is no letter and no digit."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """The folded words of a text, in their order."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(letter for letter in apart if unicodedata.category(letter) not in ("Mn", "Cf"))
    return _WORD.findall("".join(map(_digit, kept.translate(_ALIKE))))


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)
