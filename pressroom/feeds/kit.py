"""The kit: one translation with its files in a ZIP; the same version gives the same bytes, on any machine.

Nothing is compressed, for libraries differ in how; pictures would not shrink, and texts are short.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC

from pressroom.feeds.item import Item, legal
from pressroom.feeds.markdown import markdown
from pressroom.feeds.newsml import newsml
from pressroom.feeds.ninjs import ninjs
from pressroom.feeds.shown import Shown, facts
from pressroom.feeds.text import text
from pressroom.feeds.version import Version
from pressroom.phrases import translator
from pressroom.releases.asset import Rendition, Size

MEDIA_TYPE = "application/zip"

# Of all files together; what would not fit is named with its address.
LARGEST = 32 * 1024 * 1024

_UNSAFE = re.compile(r"""[\x00-\x1f\x7f"*/:<>?\\|\u200e\u200f\u202a-\u202e\u2066-\u2069]|^[.\s-]|[.\s]$""")
# Names that are devices on one system or another, whatever stands behind the dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
_LONGEST = 120

Fetch = Callable[[Rendition], bytes]


def kit(version: Version, base_url: str, fetch: Fetch) -> bytes:
    """Of a version whose text is public. `fetch` gives the bytes of a rendition as it is served.

    Files have the names by which the Markdown statement calls them, so that `push` reads it where it is unpacked.
    """
    item = version.text
    assert item is not None
    stem = item.translation.slug
    texts = {
        f"{stem}.txt": text(item, base_url),
        f"{stem}.md": markdown(item, base_url),
        f"{stem}.ninjs.json": ninjs(version, base_url),
        f"{stem}.newsml.xml": newsml(version, base_url),
    }
    files, left_out = _chosen(item, taken=set(texts) | {"README.txt"})
    readme = "\n".join(_readme(item, files, left_out, base_url)) + "\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in {"README.txt": legal(readme).encode(), **texts}.items():
            _put(archive, version, name, content)
        for name, (_, rendition) in files.items():
            _put(archive, version, name, fetch(rendition))
    return packed.getvalue()


Chosen = Mapping[str, tuple[Shown, Rendition]]


def _chosen(item: Item, taken: set[str]) -> tuple[Chosen, list[Shown]]:
    """By name in the kit, each asset in its largest size, and those that are too large together."""
    chosen: dict[str, tuple[Shown, Rendition]] = {}
    left_out, room = [], LARGEST
    for shown in item.assets:
        rendition = shown.renditions.get(Size.PRINT, shown.web)
        length = shown.length(rendition)
        if length > room:
            left_out.append(shown)
            continue
        room -= length
        name = _name(shown, rendition, {*taken, *chosen})
        chosen[name] = (shown, rendition)
    return chosen, left_out


def _name(shown: Shown, rendition: Rendition, taken: set[str]) -> str:
    name = legal(shown.said.name)
    safe = bool(name) and len(name.encode()) <= _LONGEST and not _UNSAFE.search(name) and not _DEVICES.match(name)
    if not safe or name.casefold() in {one.casefold() for one in taken}:
        return f"{shown.asset.id}.{rendition.extension}"
    return name


def _readme(item: Item, files: Chosen, left_out: list[Shown], base_url: str) -> Iterator[str]:
    say = translator(item.language)
    yield from (item.title, item.newsroom.name(item.language), base_url + item.path)
    if item.newsroom.licence:
        yield f"{say('Licence')}: {item.newsroom.licence}"
    for name, (shown, rendition) in files.items():
        yield f"\n{name} ({facts(rendition)})"
        yield from _said(shown)
    for shown in left_out:
        yield f"\n{base_url}{shown.renditions.get(Size.PRINT, shown.web).path}"
        yield from _said(shown)


def _said(shown: Shown) -> Iterator[str]:
    yield from (" ".join(one.split()) for one in (shown.said.caption, shown.said.credit, shown.said.licence) if one)


def _put(archive: zipfile.ZipFile, version: Version, name: str, content: bytes) -> None:
    at = version.at.astimezone(UTC)
    member = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    member.create_system, member.external_attr = 3, 0o100644 << 16
    archive.writestr(member, content)
