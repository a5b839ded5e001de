"""A statement: one text in one language as it was given, with the files that come along; read in reading.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pressroom.releases.media_contact import MediaContact
from pressroom.releases.revision import BodyForm


@dataclass(frozen=True)
class AssetRef:
    """A file that a statement brings along: `path` is absolute and in the statement's folder, `line` where it is named.

    `name` is what pictures in the text call it: the file's own name, without folders.
    """

    path: Path
    name: str
    alt: str
    caption: str
    credit: str
    licence: str
    line: int


@dataclass(frozen=True)
class KeptAsset:
    """What an earlier revision showed and said of it, for a text that was edited where no file can be given again."""

    asset_id: str
    digest: str
    name: str
    alt: str
    caption: str
    credit: str
    licence: str


@dataclass(frozen=True)
class Statement:
    """One text in one language. `body` is its source without front matter and headline, cleaned; `html` and `text` are
    made from it.

    `id`, `beats`, `embargo` and `urgency` belong to the release: they are the same on all statements read together.
    `embargo` without an offset is in the newsroom's zone, which a file does not know. `announces` are names of
    languages that a pasted text says it exists in. `kept` come after `assets`; no file names any.
    """

    path: Path
    language: str
    title: str
    subtitle: str
    dateline: str
    date: date | None
    body: str
    form: BodyForm
    html: str
    text: str
    id: str | None
    slug: str | None
    beats: tuple[str, ...]
    contacts: tuple[MediaContact, ...]
    embargo: datetime | None
    urgency: int | None
    translation_of: str | None
    publish: bool
    assets: tuple[AssetRef, ...]
    announces: tuple[str, ...]
    kept: tuple[KeptAsset, ...] = ()
