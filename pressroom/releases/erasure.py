"""An erasure: what a release holds of text, pictures and words in all its revisions, blanked or taken out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom.people.audit import AuditEntry
from pressroom.releases import asset as assets
from pressroom.releases import body as bodies
from pressroom.releases import former_slug, whereabouts
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.asset import Asset, Rendition, RevisionAsset
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.passage import Passage
from pressroom.releases.reading import render
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.whereabouts import LINES, SAID


def blank(tx: Session, release: Release) -> None:
    """All words and pictures of a release; its rows stay, so that what refers to them does."""
    asset_ids = [one.id for one in assets.of_release(tx, release.id)]
    for revision in whereabouts.revisions(tx, release):
        for column in (*LINES, "body", "html", "text"):
            setattr(revision, column, "")
        revision.dated, revision.contacts, revision.content_hash = None, (), ""
    tx.execute(delete(RevisionAsset).where(RevisionAsset.asset_id.in_(asset_ids)))
    tx.execute(delete(Rendition).where(Rendition.asset_id.in_(asset_ids)))
    tx.execute(delete(Asset).where(Asset.id.in_(asset_ids)))
    for correction in whereabouts.corrections(tx, release):
        correction.notes = {}
    _blank_beats(tx, release)
    release.given_id, release.review_note = None, ""
    release.retraction_reasons, release.wish = {}, {}
    for entry in whereabouts.entries(tx, release):
        entry.detail = {key: value for key, value in entry.detail.items() if not isinstance(value, str)}


def _blank_beats(tx: Session, release: Release) -> None:
    """A beat that only this release named may tell of it. The others go on holding it, so that their feeds can say that
    it is gone.
    """
    own = list(tx.scalars(select(ReleaseBeat.beat_id).where(ReleaseBeat.release_id == release.id)))
    others = (
        select(ReleaseBeat.beat_id)
        .join(Release, Release.id == ReleaseBeat.release_id)
        .where(ReleaseBeat.beat_id.in_(own), Release.id != release.id, Release.removed_at.is_(None))
    )
    still = set(tx.scalars(others))
    for beat in tx.scalars(select(Beat).where(Beat.id.in_(own), Beat.offered.is_(False))).all():
        if beat.id not in still:
            beat.slug, beat.names = f"removed-{beat.id}", {}
            tx.execute(delete(ReleaseBeat).where(ReleaseBeat.beat_id == beat.id))


def take_out_asset(tx: Session, asset: Asset) -> None:
    """A picture or file with all its sizes: what revisions say of it, where their texts show it, and its name."""
    for said in tx.scalars(select(RevisionAsset).where(RevisionAsset.asset_id == asset.id)).all():
        revision = tx.get_one(Revision, said.revision_id)
        translation = tx.get_one(Translation, revision.translation_id)
        kept = [row.name for row, other in assets.of_revision(tx, revision.id) if other.id != asset.id]
        if said.name not in kept:
            revision.body, revision.form = bodies.without_pictures(revision.body, revision.form, [said.name])
            revision.body = bodies.without_name(revision.body, said.name, kept)
            _render(revision, translation)
        tx.delete(said)
        tx.flush()
        _fingerprint(tx, revision, translation)
    tx.execute(delete(Rendition).where(Rendition.asset_id == asset.id))
    tx.execute(delete(Asset).where(Asset.id == asset.id))


def take_out_text(tx: Session, release: Release, passage: Passage, *, now: datetime) -> None:
    """Words out of all that a release holds, its address included; a new one then leads on from the old."""
    by_id = {one.id: one for one in translations.of_release(tx, release.id).values()}
    for revision in whereabouts.revisions(tx, release):
        _take_out_of_revision(tx, revision, by_id[revision.translation_id], passage)
    for correction in whereabouts.corrections(tx, release):
        correction.notes = _without(passage, correction.notes)
    for translation in by_id.values():
        if passage.is_in(translation.slug):
            if translation.public_from is not None and translation.public_from <= now:
                former_slug.remember(tx, translation)
            translation.slug = f"release-{release.id}"
    release.retraction_reasons = _without(passage, release.retraction_reasons)
    release.wish = _without(passage, release.wish)
    release.review_note = passage.without(release.review_note)
    if release.given_id and passage.is_in(release.given_id):
        release.given_id = None
    _take_out_of_entries(whereabouts.entries(tx, release), passage)


def take_out_of_newsroom(tx: Session, newsroom: Newsroom, passage: Passage) -> bool:
    """Words out of what a newsroom says of itself, its beats and its record; False if they do not stand there."""
    beats = whereabouts.all_beats_with(tx, newsroom.id, passage)
    noted = whereabouts.notes_with(tx, newsroom.id, passage)
    if not beats and not noted and not passage.is_in(*whereabouts.said_by(newsroom)):
        return False
    newsroom.about, newsroom.names = _without(passage, newsroom.about), _without(passage, newsroom.names)
    newsroom.licence = passage.without(newsroom.licence) if newsroom.licence else newsroom.licence
    take_out_of_beats(beats, passage)
    _take_out_of_entries(noted, passage)
    return True


def take_out_of_beats(beats: Iterable[Beat], passage: Passage) -> None:
    """An address that held the words is given up; releases that carry the beat go on carrying it."""
    for beat in beats:
        if passage.is_in(beat.slug):
            beat.slug = f"removed-{beat.id}"
        beat.names = _without(passage, beat.names)


def remains(tx: Session, release: Release) -> dict[str, Any]:
    """What the log keeps a hash of after a removal: what still is public, if anything."""
    known = translations.of_release(tx, release.id)
    named = {tag: tx.get_one(Revision, one.revision_id) for tag, one in known.items() if one.revision_id is not None}
    return {
        "release": release.id,
        "removed": release.removed_at is not None,
        "translations": {
            tag: {"id": known[tag].id, "revision": one.number, "content": one.content_hash}
            for tag, one in named.items()
        },
    }


def _take_out_of_revision(tx: Session, revision: Revision, translation: Translation, passage: Passage) -> None:
    for said, _ in assets.of_revision(tx, revision.id):
        if passage.is_in(said.name):
            fresh = f"{said.asset_id}{said.name[said.name.rfind('.') :] if '.' in said.name else ''}"
            fresh = said.asset_id if passage.is_in(fresh) else fresh
            revision.body = bodies.with_picture_renamed(revision.body, revision.form, said.name, fresh)
            said.name = fresh
        for column in SAID[1:]:
            setattr(said, column, passage.without(getattr(said, column)))
    for column in LINES:
        setattr(revision, column, passage.without(getattr(revision, column)))
    revision.contacts = tuple(MediaContact(**_without(passage, one.parts)) for one in revision.contacts)
    revision.body, revision.form = bodies.without_passage(revision.body, revision.form, translation.language, passage)
    _render(revision, translation)
    tx.flush()
    _fingerprint(tx, revision, translation)


def _render(revision: Revision, translation: Translation) -> None:
    rendered = render(revision.body, revision.form, translation.language)
    revision.html, revision.text = rendered.html, rendered.text


def _fingerprint(tx: Session, revision: Revision, translation: Translation) -> None:
    said = [
        (asset.digest, one.name, one.alt, one.caption, one.credit, one.licence)
        for one, asset in assets.of_revision(tx, revision.id)
    ]
    revision.content_hash = revisions.fingerprint(revision, translation.language, said)


def _take_out_of_entries(entries: Iterable[AuditEntry], passage: Passage) -> None:
    for entry in entries:
        entry.detail = _without(passage, entry.detail)


def _without(passage: Passage, value: Any) -> Any:
    """A JSON value without the words, keys excepted."""
    if isinstance(value, str):
        return passage.without(value)
    if isinstance(value, dict):
        return {key: _without(passage, one) for key, one in value.items()}
    return [_without(passage, one) for one in value] if isinstance(value, list) else value
