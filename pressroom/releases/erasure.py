"""An erasure: what a release holds of text, pictures and words in all its revisions, blanked or taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom.people.audit import AuditEntry
from pressroom.releases import asset as assets
from pressroom.releases import former_slug
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.asset import Asset, Rendition, RevisionAsset
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.passage import is_in, without
from pressroom.releases.reading import render
from pressroom.releases.release import Release
from pressroom.releases.revision import BodyForm, Revision
from pressroom.releases.translation import Translation

Pattern = re.Pattern[str]

_LINES = ("title", "subtitle", "dateline")
_SAID = ("name", "alt", "caption", "credit", "licence")


def blank(tx: Session, release: Release) -> None:
    """All words and pictures of a release; its rows stay, so that what refers to them does."""
    asset_ids = [one.id for one in assets.of_release(tx, release.id)]
    for revision in _revisions(tx, release):
        for column in (*_LINES, "body", "html", "text"):
            setattr(revision, column, "")
        revision.dated, revision.contacts, revision.content_hash = None, [], ""
    tx.execute(delete(RevisionAsset).where(RevisionAsset.asset_id.in_(asset_ids)))
    tx.execute(delete(Rendition).where(Rendition.asset_id.in_(asset_ids)))
    tx.execute(delete(Asset).where(Asset.id.in_(asset_ids)))
    for correction in _corrections(tx, release):
        correction.notes = {}
    _blank_beats(tx, release)
    release.given_id, release.review_note = None, ""
    release.retraction_reasons, release.wish = {}, {}
    for entry in _entries(tx, release):
        entry.detail = {key: value for key, value in entry.detail.items() if not isinstance(value, str)}


def _blank_beats(tx: Session, release: Release) -> None:
    """A beat that only this release named may tell of it."""
    own = list(tx.scalars(select(ReleaseBeat.beat_id).where(ReleaseBeat.release_id == release.id)))
    tx.execute(delete(ReleaseBeat).where(ReleaseBeat.release_id == release.id))
    still = set(tx.scalars(select(ReleaseBeat.beat_id).where(ReleaseBeat.beat_id.in_(own))))
    for beat in tx.scalars(select(Beat).where(Beat.id.in_(own), Beat.offered.is_(False))):
        if beat.id not in still:
            beat.slug, beat.names = f"removed-{beat.id}", {}


def take_out_asset(tx: Session, said: RevisionAsset) -> None:
    """One asset out of one revision: what is said of it, and each picture of that name in the text."""
    revision = tx.get_one(Revision, said.revision_id)
    translation = tx.get_one(Translation, revision.translation_id)
    name = re.escape(said.name).replace(r"\ ", "(?: |%20)")
    shown = re.compile(rf"!\[[^\]]*\]\(\s*<?[^)\s]*?{name}>?(?:\s+[^)]*)?\)", re.IGNORECASE)
    if said.name in revision.body:
        revision.body = shown.sub("", revision.body)
        _render(revision, translation, [re.compile(name)])
    tx.delete(said)
    tx.flush()
    _fingerprint(tx, revision, translation)


def places(tx: Session, release: Release, pattern: Pattern) -> int:
    """In how many texts the words stand."""
    return sum(1 for text in _texts(tx, release) if is_in(pattern, text))


def take_out_text(tx: Session, release: Release, pattern: Pattern, *, now: datetime) -> None:
    """Words out of all that a release holds, its address included; a new one then leads on from the old."""
    by_id = {one.id: one for one in translations.of_release(tx, release.id).values()}
    for revision in _revisions(tx, release):
        _take_out_of_revision(tx, revision, by_id[revision.translation_id], pattern)
    for correction in _corrections(tx, release):
        correction.notes = {tag: without(pattern, note) for tag, note in correction.notes.items()}
    for translation in by_id.values():
        if _in_slug(pattern, translation.slug):
            if translation.public_from is not None and translation.public_from <= now:
                former_slug.remember(tx, translation)
            translation.slug = f"release-{release.id}"
    reasons = release.retraction_reasons
    release.retraction_reasons = {tag: without(pattern, text) for tag, text in reasons.items()}
    release.review_note = without(pattern, release.review_note)
    if release.given_id and _in_slug(pattern, release.given_id):
        release.given_id = None
    for entry in _entries(tx, release):
        entry.detail = {key: _without(pattern, value) for key, value in entry.detail.items()}


def take_out_of_newsroom(newsroom: Newsroom, pattern: Pattern) -> bool:
    """Words out of what a newsroom says of itself; False if they do not stand there."""
    if not is_in(pattern, *newsroom.about.values()):
        return False
    newsroom.about = {tag: without(pattern, text) for tag, text in newsroom.about.items()}
    return True


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


def _take_out_of_revision(tx: Session, revision: Revision, translation: Translation, pattern: Pattern) -> None:
    rows = [said for said, _ in assets.of_revision(tx, revision.id)]
    for said in rows:
        if is_in(pattern, said.name) or _in_slug(pattern, said.name):
            fresh = f"{said.asset_id}{said.name[said.name.rfind('.') :] if '.' in said.name else ''}"
            revision.body = revision.body.replace(said.name, fresh)
            said.name = fresh
        for column in _SAID[1:]:
            setattr(said, column, without(pattern, getattr(said, column)))
    for column in _LINES:
        setattr(revision, column, without(pattern, getattr(revision, column)))
    revision.contacts = [
        {key: without(pattern, value) if value else value for key, value in one.items()} for one in revision.contacts
    ]
    revision.body = without(pattern, revision.body)
    _render(revision, translation, [pattern])
    tx.flush()
    _fingerprint(tx, revision, translation)


def _render(revision: Revision, translation: Translation, gone: list[Pattern]) -> None:
    """Anew; a text in which markup hid what must be gone is kept as plain text without it."""
    rendered = render(revision.body, revision.form, translation.language)
    if any(is_in(pattern, rendered.text, rendered.html) for pattern in gone):
        plain = rendered.text
        for pattern in gone:
            plain = without(pattern, plain)
        revision.form, revision.body = BodyForm.PLAIN, plain
        rendered = render(plain, BodyForm.PLAIN, translation.language)
    revision.html, revision.text = rendered.html, rendered.text


def _fingerprint(tx: Session, revision: Revision, translation: Translation) -> None:
    said = [
        (asset.digest, one.name, one.alt, one.caption, one.credit, one.licence)
        for one, asset in assets.of_revision(tx, revision.id)
    ]
    revision.content_hash = revisions.fingerprint(revision, translation.language, said)


def _texts(tx: Session, release: Release) -> Iterator[str]:
    for revision in _revisions(tx, release):
        yield "\n".join([revision.title, revision.subtitle, revision.dateline])
        yield revision.body
        yield revision.text
        yield "\n".join(str(value) for one in revision.contacts for value in one.values() if value)
        for said, _ in assets.of_revision(tx, revision.id):
            yield "\n".join(getattr(said, column) for column in _SAID)
    for correction in _corrections(tx, release):
        yield from correction.notes.values()
    for translation in translations.of_release(tx, release.id).values():
        yield translation.slug.replace("-", " ")
    yield from release.retraction_reasons.values()
    yield release.review_note
    yield release.given_id or ""
    for entry in _entries(tx, release):
        yield from (value for value in entry.detail.values() if isinstance(value, str))


def _in_slug(pattern: Pattern, slug: str) -> bool:
    """Words of a slug are joined by hyphens, and have lost their capitals."""
    return is_in(pattern, slug, slug.replace("-", " "))


def _without(pattern: Pattern, value: Any) -> Any:
    return without(pattern, value) if isinstance(value, str) else value


def _revisions(tx: Session, release: Release) -> list[Revision]:
    query = select(Revision).join(Translation, Translation.id == Revision.translation_id)
    return list(tx.scalars(query.where(Translation.release_id == release.id)))


def _corrections(tx: Session, release: Release) -> list[Correction]:
    """Proposals too."""
    return list(tx.scalars(select(Correction).where(Correction.release_id == release.id)))


def _entries(tx: Session, release: Release) -> list[AuditEntry]:
    return list(tx.scalars(select(AuditEntry).where(AuditEntry.subject == f"release:{release.id}")))
