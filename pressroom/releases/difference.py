"""A difference: what one revision said and the next one says, as pairs of words that read aloud as well as seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from pressroom.releases.asset import RevisionAsset
from pressroom.releases.revision import Revision
from pressroom.releases.statement import KeptAsset
from pressroom.wrapping import COLUMNS, display_width

_SAID = ("alt", "caption", "credit", "licence")

# A sentence ends at its stop, with whatever closes after it; the stops of the Arabic script are its own.
_SENTENCE = re.compile(r".+?(?:[.!?…؟۔]+[\"'”’»›)\]]*(?=\s)|$)", re.DOTALL)
_CLAUSE = re.compile(r".+?(?:[,;:،؛–—]+(?=\s)|$)", re.DOTALL)
_LONG = 160
_LIST_MARKER = re.compile(r"(?:[-*]|\d+[.)])\s")
_QUOTED = re.compile(r"^(?:\s*>)+(?:\s|$)")
_SPACES = re.compile(r"[ \t]+")
_MARKS = dict.fromkeys(map(ord, "\u200e\u200f"))


class Part(StrEnum):
    HEADLINE = "headline"
    SUBTITLE = "subtitle"
    DATELINE = "dateline"
    DATE = "date"
    TEXT = "text"
    FILES = "files"
    CONTACTS = "contacts"


@dataclass(frozen=True)
class Change:
    """`was` is empty for what was added, `now` for what was left out. A DATE is in ISO 8601, all else as it reads.

    `replaced`: another picture or file stands there now, be the words under it the same or not.
    """

    part: Part
    was: str
    now: str
    replaced: bool = False


File = RevisionAsset | KeptAsset
Files = Sequence[File]


def between(before: Revision, after: Revision, *, files: tuple[Files, Files] = ((), ())) -> list[Change]:
    """In the order of a page. Of the text, and of nothing longer, the sentences that differ; where its lines break
    does not matter. `files` are what each revision says of its pictures, documents and recordings.
    """
    pairs = (
        (Part.HEADLINE, before.title, after.title),
        (Part.SUBTITLE, before.subtitle, after.subtitle),
        (Part.DATELINE, before.dateline, after.dateline),
        (Part.DATE, _date(before), _date(after)),
    )
    found = [Change(part, was, now) for part, was, now in pairs if _words(was) != _words(now)]
    sentences = _differing(list(_sentences(before.text)), list(_sentences(after.text)))
    contacts = _differing(_contacts(before), _contacts(after))
    found += (Change(Part.TEXT, was, now) for was, now in sentences)
    found += _differing_files(*files)
    found += (Change(Part.CONTACTS, was, now) for was, now in contacts)
    return found


def _differing(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    matcher = SequenceMatcher(None, list(map(_words, old)), list(map(_words, new)), autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        was, now = old[start:end], new[new_start:new_end]
        if kind == "equal" or _words(" ".join(was)) == _words(" ".join(now)):
            continue
        if len(was) == len(now):
            yield from ((one, other) for one, other in zip(was, now, strict=True) if _words(one) != _words(other))
        else:
            yield " ".join(was), " ".join(now)


def _differing_files(old: Files, new: Files) -> Iterator[Change]:
    """Each file beside itself, else beside what took its place; then what was added. Their order says nothing."""
    pairs, added = _paired(old, new)
    for was, now in pairs:
        if now is None:
            yield Change(Part.FILES, _file(was), "")
        elif was.asset_id != now.asset_id or _words(_file(was)) != _words(_file(now)):
            yield Change(Part.FILES, _file(was), _file(now), replaced=was.asset_id != now.asset_id)
    yield from (Change(Part.FILES, "", _file(now)) for now in added)


def _paired(old: Files, new: Files) -> tuple[list[tuple[File, File | None]], list[File]]:
    """By what each is, else by its name in the text, else by its words; what is new comes beside the pairs."""
    found: dict[int, File] = {}
    added = list(new)
    for key in (lambda one: one.asset_id, lambda one: one.name, _file):
        for place, was in enumerate(old):
            now = None if place in found else next((one for one in added if key(one) == key(was)), None)
            if now is not None:
                found[place] = now
                added.remove(now)
    return [(was, found.get(place)) for place, was in enumerate(old)], added


def _words(text: str) -> str:
    """What must be equal for two texts to say the same: their words, not their spaces, marks and lines."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_MARKS).split())


def _sentences(text: str) -> Iterator[str]:
    for block in _blocks(text):
        for sentence in _SENTENCE.findall(block):
            parts = _CLAUSE.findall(sentence) if len(sentence) > _LONG else [sentence]
            yield from (part.strip() for part in parts if part.strip())


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, headings and list items, each on one line again: the text was wrapped for display."""
    block: list[str] = []
    before = ""
    for line in [*text.translate(_MARKS).split("\n"), ""]:
        said = _QUOTED.sub("", line).strip()
        if block and (not said or _begins_anew(said, before)):
            yield " ".join(block)
            block = []
        if said:
            block.append(said)
        before = line


def _begins_anew(said: str, before: str) -> bool:
    """Whether a line was meant as one: it begins a list item, or the line before had room for its first word."""
    room = COLUMNS - display_width(before) - 1
    return bool(_LIST_MARKER.match(said)) or display_width(_SPACES.split(said)[0]) <= room


def _date(revision: Revision) -> str:
    return revision.dated.isoformat() if revision.dated else ""


def _contacts(revision: Revision) -> list[str]:
    return [one.line for one in revision.contacts]


def _file(said: File) -> str:
    return " · ".join(text for name in _SAID if (text := getattr(said, name))) or said.name
