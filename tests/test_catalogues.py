from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from pressroom import catalogues, languages

ROOT = Path(__file__).parent.parent
SPEAKING = ("web", "mailing", "feeds")
TRANSLATORS = {"_": 1, "gettext": 1, "say": 1, "ngettext": 2}
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true"}
Message = str | tuple[str, ...]


def said_in_code() -> Iterator[Message]:
    # Not Babel's extractor: before Python 3.12 it passes over what stands inside an f-string.
    for folder in SPEAKING:
        for path in sorted((ROOT / "pressroom" / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call) and (count := TRANSLATORS.get(_called(node))):
                    given = [str(one.value) for one in node.args[:count] if isinstance(one, ast.Constant)]
                    # A name stands for a message that is written out, and found, where it is used.
                    if len(given) == count:
                        yield given[0] if count == 1 else tuple(given)


def said_in_templates() -> Iterator[Message]:
    for pattern in ("**.html", "**.txt"):
        for _, _, message, _, _ in extract_from_dir(str(ROOT / "templates"), [(pattern, "jinja2")], {pattern: OPTIONS}):
            yield message


def entries_of(tag: str) -> Catalog:
    path = catalogues.FOLDER / languages.catalogue(tag) / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=languages.catalogue(tag))


@pytest.mark.parametrize(
    "message",
    [
        "You get this because you are on the list of journalists who receive releases from %(newsroom)s.",
        "Test",
        "The hold is a whole number of seconds, at most one day.",
        "Start the mailing",
        ("%(num)s person", "%(num)s people"),
        "Never write to me again",
        "You get this because %(newsroom)s sent you this release.",
        "Privacy",
    ],
)
def test_messages_are_found_in_code_and_templates_of_mail_desk_and_public_pages(message: Message) -> None:
    assert message in {*said_in_code(), *said_in_templates()}


@pytest.mark.parametrize("tag", ["ckb", "kmr", "ar"])
def test_every_message_has_an_entry_with_all_its_plural_forms(tag: str) -> None:
    entries = entries_of(tag)
    missing = []
    for message in {*said_in_code(), *said_in_templates()}:
        entry = entries.get(_forms(message)[0])
        if entry is None or entry.fuzzy or _forms(entry.id) != _forms(message) or not _is_complete(entry, entries):
            missing.append(message)
    assert missing == []


@pytest.mark.parametrize("tag", ["ckb", "kmr", "ar"])
def test_translations_keep_their_placeholders(tag: str) -> None:
    for entry in entries_of(tag):
        if not entry.id:
            continue
        ids = _forms(entry.id)
        for string in _forms(entry.string):
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


@pytest.mark.parametrize(
    ("tag", "said"), [("ckb", "3 کەس"), ("kmr", "3 kes"), ("ar", "عدد الأشخاص: 3"), ("en", "3 people")]
)
def test_numbers_of_people_are_said_in_the_language(tag: str, said: str) -> None:
    words = catalogues.of_language(tag)
    assert words.ngettext("%(num)s person", "%(num)s people", 3) % {"num": 3} == said


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Call) and _called(call.func) == "translator":
        return "gettext"
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _is_complete(entry: Entry, entries: Catalog) -> bool:
    strings = _forms(entry.string)
    return len(strings) == (entries.num_plurals if entry.pluralizable else 1) and all(one.strip() for one in strings)


def _forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s", text))
