"""BCP 47 tags, direction and fallback. `ckb` and `kmr` are two languages; bare `ku` is neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from babel import Locale, UnknownLocaleError

from pressroom.errors import Refused


class Direction(StrEnum):
    LTR = "ltr"
    RTL = "rtl"


# ISO 15924 scripts that are written from right to left.
_RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Aran", "Mand", "Samr", "Yezi"})

# Languages whose usual script runs from right to left where the tag names no script. `ku` is not here on purpose.
_RTL_LANGUAGES = frozenset(
    {"ar", "arc", "arz", "azb", "bal", "ckb", "dv", "fa", "glk", "he", "khw", "ks", "lrc", "luz", "mzn", "nqo"}
    | {"pnb", "prs", "ps", "sd", "sdh", "syr", "ug", "ur", "yi", "bqi", "hac", "haz", "skr", "arq", "apc", "ary", "acm"}
)

# Names that CLDR lacks or gives under another tag.
_NAMES = {
    "ckb": ("کوردیی ناوەندی", "Central Kurdish (Sorani)"),
    "kmr": ("Kurmancî", "Northern Kurdish (Kurmanji)"),
    "sdh": ("کوردی خوارین", "Southern Kurdish"),
    "zza": ("Zazakî", "Zaza"),
    "diq": ("Zazakî", "Zaza (Dimli)"),
    "kiu": ("Kirmanckî", "Zaza (Kirmanjki)"),
    "hac": ("هەورامی", "Gorani (Hawrami)"),
    "azb": ("تۆرکجه", "South Azerbaijani"),
    "syr": ("ܣܘܪܝܝܐ", "Syriac"),
}

# As CLDR has them. Nearly every letter names one of these, and CLDR takes 6 MB of memory to say so.
_AT_HAND = {"en": ("English", "English"), "ar": ("العربية", "Arabic")}

# The tag under which gettext catalogues and CLDR data are filed; Babel folds `kmr` into `ku_TR`.
_CATALOGUES = {"kmr": "ku"}

_TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*$")


@dataclass(frozen=True)
class Language:
    """A language as readers see it: `name` is its own name for itself, `english` the desk's."""

    tag: str
    name: str
    english: str
    direction: Direction


def parse_tag(text: str) -> str:
    """The tag in its canonical case (RFC 5646 §2.1.1); Refused for an unknown one and for bare `ku`."""
    given = text.strip().replace("_", "-")
    if not _TAG.match(given):
        raise Refused(f"“{text}” is not a language tag; use one such as en, ar, ckb or kmr.")
    first, *rest = given.split("-")
    tag = "-".join([first.lower(), *(_canonical_subtag(part) for part in rest)])
    if tag == "ku" or tag.startswith("ku-"):
        raise Refused(
            f"“{text}” does not say which Kurdish: use ckb for Sorani or kmr for Kurmanji (sdh, diq, hac exist too)."
        )
    if tag.split("-")[0] not in _NAMES and not _known_to_cldr(tag.split("-")[0]):
        raise Refused(f"“{text}” is not a language that is known here; use a tag such as en, ar, ckb or kmr.")
    return tag


def _canonical_subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) in (2, 3) else part.lower()


def _known_to_cldr(language: str) -> bool:
    names: object = Locale("en").languages.get(language)
    return names is not None


def direction(tag: str) -> Direction:
    parts = tag.split("-")
    for part in parts[1:]:
        if len(part) == 4 and part.isalpha():
            return Direction.RTL if part.title() in _RTL_SCRIPTS else Direction.LTR
    return Direction.RTL if parts[0] in _RTL_LANGUAGES else Direction.LTR


def language(tag: str) -> Language:
    own, english = _AT_HAND.get(tag) or _NAMES.get(tag.split("-")[0], ("", ""))
    if not own:
        try:
            locale = Locale.parse(tag, sep="-")
            own, english = locale.display_name or tag, locale.english_name or tag
        except (UnknownLocaleError, ValueError):
            english = Locale("en").languages.get(tag.split("-")[0], tag)
            own = english
    return Language(tag, own, english, direction(tag))


def catalogue(tag: str) -> str:
    """The folder name of the gettext catalogue for a tag."""
    return _CATALOGUES.get(tag.split("-")[0], tag.split("-")[0])


def best(wanted: Sequence[str], available: Iterable[str], fallback: Sequence[str]) -> str | None:
    """The one language a person gets: their own order first, then the newsroom's; None if nothing is available.

    A wanted `en-GB` is met by `en`, and a wanted `en` by `en-GB`, but only after exact matches of the same wish.
    """
    out = list(available)
    for wish in (*wanted, *fallback):
        if wish in out:
            return wish
        near = [tag for tag in out if tag.split("-")[0] == wish.split("-")[0] and _same_script(tag, wish)]
        if near:
            return near[0]
    return None


def _same_script(one: str, other: str) -> bool:
    return direction(one) == direction(other)
