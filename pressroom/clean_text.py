"""Text on its way in, made fit to store."""

from __future__ import annotations

import re
import unicodedata

# Not in XML 1.0, or noncharacters, or C1 controls; bidi embeddings, overrides and isolates (they would turn text
# around them); annotation and object anchors left by word processors. ZWNJ, ZWJ, RLM, LRM and ALM stay.
_UNFIT = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff"
    r"\u202a-\u202e\u2066-\u206f" + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 17)) + "]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def clean(text: str) -> str:
    """`text` in NFC with LF line ends, without characters that XML 1.0 forbids or that turn the text around them."""
    return unicodedata.normalize("NFC", fit(text))


def clean_line(text: str) -> str:
    """`clean`, on one line: every run of white space, no-break spaces included, becomes one space."""
    return " ".join(clean(text).split())


def fit(text: str) -> str:
    """`clean` but for NFC."""
    return _LINE_ENDS.sub("\n", _UNFIT.sub("", text))
