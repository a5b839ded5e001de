"""Whereabouts: where a picture or a passage stands in a newsroom, and which rows of a release hold what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.people.audit import AuditEntry
from pressroom.releases import asset as assets
from pressroom.releases import beat as beats
from pressroom.releases import body
from pressroom.releases import translation as translations
from pressroom.releases.asset import Asset, Kind, RevisionAsset
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.passage import Passage
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation

LINES = ("title", "subtitle", "dateline")
SAID = ("name", "alt", "caption", "credit", "licence")


@dataclass(frozen=True)
class File:
    """A document or recording: nobody looks into it for words. Its name is given without them."""

    release_id: str
    asset_id: str
    name: str


@dataclass(frozen=True)
class Whereabouts:
    """`places` is in how many places of which releases, the newest first; `files` are those of these releases.

    `in_newsroom`: also in what the newsroom says of itself, or in the record of acts that concern no release. `beats`
    and `shared` are ids: of those that would be renamed, and of those that stay because other releases carry them.
    """

    places: dict[str, int]
    files: list[File] = field(default_factory=list)
    in_newsroom: bool = False
    beats: Sequence[int] = ()
    shared: Sequence[int] = ()

    def seal(self, words: str, release_id: str | None) -> str:
        """The same as long as the same is asked for and found: what somebody agreed to is what they were shown."""
        found = [self.places, self.in_newsroom, sorted(self.beats), sorted(self.shared)]
        content = json.dumps([" ".join(words.split()), release_id, found], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def of_passage(tx: Session, newsroom_id: int, passage: Passage, release_id: str | None = None) -> Whereabouts:
    """In one release, or in all that the newsroom holds."""
    query = select(Release).where(Release.newsroom_id == newsroom_id, Release.removed_at.is_(None))
    if release_id is not None:
        query = query.where(Release.id == release_id)
    places = {}
    for release in tx.scalars(query.order_by(Release.created_at.desc()).execution_options(yield_per=100)):
        own = beats_with(tx, release, passage)[0] if release_id is not None else []
        if count := _count(tx, release, passage) + len(own):
            places[release.id] = count
    files = [one for found in places for one in _files(tx, found, passage)]
    if release_id is not None:
        release_row = tx.get(Release, release_id)
        own, shared = beats_with(tx, release_row, passage) if release_row else ([], [])
        return Whereabouts(places, files, False, [one.id for one in own], [one.id for one in shared])
    newsroom = tx.get_one(Newsroom, newsroom_id)
    in_newsroom = passage.is_in(*said_by(newsroom)) or bool(notes_with(tx, newsroom_id, passage))
    return Whereabouts(places, files, in_newsroom, [one.id for one in all_beats_with(tx, newsroom_id, passage)])


def of_asset(tx: Session, asset_id: str) -> list[Asset]:
    """The same file in every release of its newsroom; the one asked for comes last. Raises NotFound."""
    asset = assets.get(tx, asset_id)
    newsroom_id = tx.get_one(Release, asset.release_id).newsroom_id
    query = (
        select(Asset)
        .join(Release, Release.id == Asset.release_id)
        .where(Release.newsroom_id == newsroom_id, Asset.digest == asset.digest, Asset.id != asset.id)
        .order_by(Asset.created_at, Asset.id)
    )
    return [*tx.scalars(query), asset]


def said_by(newsroom: Newsroom) -> list[str]:
    return [*newsroom.about.values(), *newsroom.names.values(), newsroom.licence or ""]


def notes_with(tx: Session, newsroom_id: int, passage: Passage) -> list[AuditEntry]:
    """Entries of the newsroom's record, other than of its releases, that hold the words."""
    query = select(AuditEntry).where(AuditEntry.newsroom_id == newsroom_id, AuditEntry.subject.not_like("release:%"))
    return [one for one in tx.scalars(query) if passage.is_in(*strings(one.detail))]


def all_beats_with(tx: Session, newsroom_id: int, passage: Passage) -> list[Beat]:
    return [one for one in beats.in_newsroom(tx, newsroom_id).values() if _names(one, passage)]


def beats_with(tx: Session, release: Release, passage: Passage) -> tuple[list[Beat], list[Beat]]:
    """Those of a release that hold the words: the ones that it alone carries, and the others."""
    found = [one for one in beats.of_release(tx, release.id) if _names(one, passage)]
    query = (
        select(ReleaseBeat.beat_id)
        .join(Release, Release.id == ReleaseBeat.release_id)
        .where(ReleaseBeat.beat_id.in_([one.id for one in found]))
        .where(Release.id != release.id, Release.removed_at.is_(None))
    )
    others = set(tx.scalars(query))
    return [one for one in found if one.id not in others], [one for one in found if one.id in others]


def revisions(tx: Session, release: Release) -> list[Revision]:
    query = select(Revision).join(Translation, Translation.id == Revision.translation_id)
    return list(tx.scalars(query.where(Translation.release_id == release.id)))


def corrections(tx: Session, release: Release) -> list[Correction]:
    """Proposals too."""
    return list(tx.scalars(select(Correction).where(Correction.release_id == release.id)))


def entries(tx: Session, release: Release) -> list[AuditEntry]:
    return list(tx.scalars(select(AuditEntry).where(AuditEntry.subject == f"release:{release.id}")))


def strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value, keys excepted."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def _count(tx: Session, release: Release, passage: Passage) -> int:
    texts = sum(1 for text in _texts(tx, release) if passage.is_in(text))
    return texts + sum(1 for one in revisions(tx, release) if body.holds(passage, one.body, one.html, one.text))


def _texts(tx: Session, release: Release) -> Iterator[str]:
    """All but the bodies."""
    for revision in revisions(tx, release):
        # A line each, parted so that no words are found across two of them.
        yield " | ".join(getattr(revision, column) for column in LINES)
        yield " | ".join(text for one in revision.contacts for text in one.parts.values())
        for said, _ in assets.of_revision(tx, revision.id):
            yield " | ".join(getattr(said, column) for column in SAID)
    for correction in corrections(tx, release):
        yield from correction.notes.values()
    for translation in translations.of_release(tx, release.id).values():
        yield translation.slug
    yield from release.retraction_reasons.values()
    yield from strings(release.wish)
    yield release.review_note
    yield release.given_id or ""
    for entry in entries(tx, release):
        yield from strings(entry.detail)


def _names(beat: Beat, passage: Passage) -> bool:
    return passage.is_in(beat.slug, *beat.names.values())


def _files(tx: Session, release_id: str, passage: Passage) -> list[File]:
    query = (
        select(Asset.id, RevisionAsset.name)
        .join(RevisionAsset, RevisionAsset.asset_id == Asset.id)
        .where(Asset.release_id == release_id, Asset.kind != Kind.PICTURE)
        .order_by(Asset.created_at, Asset.id, RevisionAsset.revision_id)
    )
    named = {row.id: row.name for row in tx.execute(query)}
    return [File(release_id, asset_id, passage.without(name)) for asset_id, name in named.items()]
