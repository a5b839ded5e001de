from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from pressroom import catalogues, languages

ROOT = Path(__file__).parent.parent
# What readers and subscribers see; the desk speaks English so far.
PUBLIC = ("newsroom", "subscriptions", "email")
PUBLIC_DOORS = ("newsroom.py", "site.py", "subscriptions.py", "places.py")
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true"}


def said_in_public() -> set[str]:
    found = set()
    for name, _, message, _, _ in extract_from_dir(str(ROOT / "pressroom" / "web"), [("*.py", "python")]):
        if name in PUBLIC_DOORS:
            found.add(message if isinstance(message, str) else message[0])
    for pattern, folder in [("**.html", ROOT / "templates"), ("**.txt", ROOT / "templates")]:
        for name, _, message, _, _ in extract_from_dir(str(folder), [(pattern, "jinja2")], {pattern: OPTIONS}):
            if name.split("/")[0] in PUBLIC or "/" not in name:
                found.add(message if isinstance(message, str) else message[0])
    return found


@pytest.mark.parametrize("tag", ["ckb", "kmr", "ar"])
def test_everything_the_public_reads_is_translated(tag: str) -> None:
    messages = said_in_public()
    assert len(messages) > 30
    words = catalogues.of_language(tag)
    known = words._catalog
    assert sorted(one for one in messages if not known.get(one, known.get((one, 1)))) == []


@pytest.mark.parametrize("tag", ["ckb", "kmr", "ar"])
def test_translations_keep_their_placeholders(tag: str) -> None:
    path = catalogues.FOLDER / languages.catalogue(tag) / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        entries = read_po(file)
    for entry in entries:
        if not entry.id:
            continue
        ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        strings = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        for string in strings:
            assert string.strip() or not ids[0].strip(), ids
            assert _placeholders(string) == _placeholders(ids[-1]), ids


def test_a_language_without_a_catalogue_speaks_english_and_its_own_dates() -> None:
    assert catalogues.of_language("tr").gettext("Privacy") == "Privacy"
    assert catalogues.day(date(2026, 11, 22), "tr") == "22 Kasım 2026"
    assert catalogues.day(date(2026, 11, 22), "diq") == catalogues.day(date(2026, 11, 22), "en")


@pytest.mark.parametrize(
    ("tag", "day"),
    [
        ("ckb", "22ی تشرینی دووەمی 2026"),
        ("kmr", "22ê mijdara 2026an"),
        ("ar", "22 نوفمبر 2026"),
        ("en", "November 22, 2026"),
        ("en-GB", "22 November 2026"),
    ],
)
def test_dates_are_written_as_the_language_writes_them(tag: str, day: str) -> None:
    assert catalogues.day(date(2026, 11, 22), tag) == day


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s", text))
