"""The interface's words in each language: gettext catalogues, read from their .po files at first use."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from pressroom import languages

FOLDER = Path(__file__).parent / "translations"


@cache
def words(catalogue: str) -> NullTranslations:
    """The catalogue in a folder of `translations/`; an empty one, which answers in English, where there is none."""
    path = FOLDER / catalogue / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return NullTranslations()
    with path.open("rb") as file:
        entries = read_po(file, locale=catalogue)
    compiled = BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return Translations(compiled)


def of_language(tag: str) -> NullTranslations:
    """The catalogue for a language tag; `kmr` is filed under `ku`."""
    return words(languages.catalogue(tag))


@cache
def locale(tag: str) -> Locale:
    """CLDR's data for a tag, for its language if not for the whole of it; English where CLDR has none."""
    for given in (tag, languages.catalogue(tag)):
        try:
            return Locale.parse(given, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def day(moment: date, tag: str) -> str:
    """A date as people write it in that language, such as “22ی تشرینی دووەمی 2026”."""
    return format_date(moment, "long", locale(tag))


def weekdays(tag: str) -> dict[int, str]:
    """Their names by number, from Monday, which is 1."""
    names = get_day_names("wide", "stand-alone", locale(tag))
    return {number + 1: names[number] for number in range(7)}


def clock(moment: datetime, tag: str) -> str:
    """Hours and minutes of an aware time, in its own zone."""
    return format_time(moment, "short", tzinfo=moment.tzinfo, locale=locale(tag))
