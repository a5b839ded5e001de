"""Looking for what must be gone, byte by byte, in whatever way it may have been written down."""

from __future__ import annotations

import base64
import html
import json
import quopri
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from pressroom import folded
from pressroom.releases.identity import slugify
from tests.story.house import readable, readable_one

WINDOW = 64
_STEP = 997


def needles(words: str) -> set[bytes]:
    """The words as text, slug, in JSON, HTML, an address and mail, and as the search sees them."""
    slug = slugify(words)
    spellings = {words, words.casefold(), words.upper(), unicodedata.normalize("NFD", words), slug, slug[:20]}
    spellings.add(" ".join(folded.words(words)))
    found: set[bytes] = set()
    for one in spellings:
        found |= {one.encode(), one.encode("utf-16-le"), one.encode("utf-16-be"), quote(one).encode()}
        found |= {json.dumps(one).strip('"').encode(), html.escape(one).encode()}
        found.add(one.encode("ascii", "xmlcharrefreplace"))
        found.add(quopri.encodestring(one.encode(), quotetabs=True).replace(b"=\n", b""))
        found |= set(_base64(one.encode()))
    return {one for one in found if len(one) > 5}


def _base64(data: bytes) -> Iterator[bytes]:
    """Wherever in the encoded text it begins."""
    for start in range(3):
        whole = data[start : start + (len(data) - start) // 3 * 3]
        if len(whole) > 5:
            yield base64.b64encode(whole)


def windows(data: bytes) -> list[bytes]:
    """Samples of a picture, each long enough not to stand anywhere by chance."""
    return [data[at : at + WINDOW] for at in range(700, len(data) - WINDOW, _STEP)]


def held(places: Iterable[Path], wanted: Sequence[bytes]) -> dict[str, int]:
    """By file, how many of these stand in its content or its name."""
    found: dict[str, int] = {}
    for path in _files(places):
        content = path.read_bytes() + b"\0" + path.name.encode()
        if count := sum(1 for one in wanted if one in content):
            found[path.name] = found.get(path.name, 0) + count
    return found


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from ([place] if place.is_file() else (one for one in sorted(place.rglob("*")) if one.is_file()))


def told_in(folder: Path, words: Sequence[str]) -> set[str]:
    """The files of an export, by name, in which any of the words stand."""
    found = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        said = readable(name) + (readable(path.read_bytes().decode("utf-8", "replace")) if path.is_file() else "")
        if any(readable_one(one) in said for one in words):
            found.add(name)
    return found
