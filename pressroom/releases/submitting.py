"""Submitting: statements become a release with its translations, and each changed one a new draft revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom.db import Database, new_public_id
from pressroom.errors import Conflict, Refused
from pressroom.people import audit
from pressroom.releases import approving, change, drafting, visibility
from pressroom.releases import beat as beats
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.drafting import Pictures
from pressroom.releases.identity import RESERVED_SLUGS, identify, slug_of
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.receiving import read_asset
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility


@dataclass(frozen=True)
class Submitted:
    """`changed` is False when every file was known already, to the letter."""

    release_id: str
    changed: bool


_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def submit(
    database: Database,
    newsroom_slug: str,
    statements: Sequence[Statement],
    *,
    now: datetime,
    release_id: str | None = None,
    new: bool = False,
    embargo: datetime | None = None,
    by: int | None = None,
) -> Submitted:
    """Stores all of the statements or nothing. Raises Refused, NotFound or Conflict, each with its sentence.

    A time without an offset is in the newsroom's zone.
    """
    pictures = {item.path: read_asset(item.path) for one in statements for item in one.assets}
    with database.transaction() as tx:
        newsroom = newsrooms.locked(tx, newsrooms.by_slug(tx, newsroom_slug).id)
        release = identify(tx, newsroom, statements, release_id=release_id, new=new)
        made = release is None
        if release is None:
            release = _new_release(tx, newsroom, statements, now=now, by=by)
        elif release.removed_at is not None:
            raise Conflict(f"Release {release.id} was removed; push the new text as another with --new.")
        elif release.status is Status.RETRACTED:
            raise Conflict(f"Release {release.id} was retracted; push the new text as another with --new.")
        changed = _store_terms(tx, newsroom, release, statements, embargo, made=made, now=now)
        changed |= _store_texts(tx, newsroom, release, statements, pictures, now=now, by=by)
        if changed and release.status in (Status.APPROVED, Status.IN_REVIEW):
            # What was approved stays approved, revision by revision; what is new asks again.
            release.become(Status.IN_REVIEW if approving.wants_two(tx, newsroom) else Status.DRAFT)
        if changed or made:
            audit.note(
                tx, "submit", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by,
                languages=[one.language for one in statements],
            )  # fmt: skip
        return Submitted(release.id, changed or made)


def moment(value: datetime | None, zone: ZoneInfo) -> datetime | None:
    """In UTC; one without an offset is in `zone`. Raises Refused for a local time that a clock change skips."""
    if value is None:
        return None
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise Refused(f"The year {value.year} cannot be meant; use one from {_FIRST_YEAR} to {_LAST_YEAR}.")
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    there = value.replace(tzinfo=zone).astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) != value:
        raise Refused(f"{value:%Y-%m-%d %H:%M} does not exist in {zone.key}, where clocks change; choose another time.")
    return there


def _new_release(
    tx: Session, newsroom: Newsroom, statements: Sequence[Statement], *, now: datetime, by: int | None
) -> Release:
    release = Release(
        id=new_public_id(),
        newsroom_id=newsroom.id,
        given_id=next((one.id for one in statements if one.id), None),
        status=Status.DRAFT,
        source_language=_source_language(newsroom, statements),
        retraction_reasons={},
        wish={},
        created_at=now,
        created_by=by,
    )
    tx.add(release)
    tx.flush()
    return release


def _source_language(newsroom: Newsroom, statements: Sequence[Statement]) -> str:
    originals = [one.language for one in statements if not one.translation_of] or [one.language for one in statements]
    listed = [tag for tag in newsroom.languages if tag in originals]
    return (listed or originals)[0]


def _store_terms(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    statements: Sequence[Statement],
    embargo: datetime | None,
    *,
    made: bool,
    now: datetime,
) -> bool:
    """Beats, urgency and embargo, which belong to the release and not to one language."""
    wanted = sorted({slug for one in statements for slug in one.beats})
    urgency = next((one.urgency for one in statements if one.urgency), release.urgency)
    until = moment(embargo or next((one.embargo for one in statements if one.embargo), None), newsroom.zone)
    until = until or release.embargo_until
    known = sorted(one.slug for one in beats.of_release(tx, release.id))
    same_beats = wanted == known or (not wanted and not made)
    if same_beats and urgency == release.urgency and until == release.embargo_until:
        return False
    if release.public_from is not None:
        what = "published" if visibility.of_release(release, now) is not Visibility.HIDDEN else "scheduled"
        raise Conflict(f"Release {release.id} is {what}: its beats, urgency and embargo cannot be changed by a push.")
    approving.forget(tx, release)
    release.urgency, release.embargo_until = urgency, until
    if not same_beats:
        tx.execute(delete(beats.ReleaseBeat).where(beats.ReleaseBeat.release_id == release.id))
        for one in beats.ensure(tx, newsroom.id, wanted):
            tx.add(beats.ReleaseBeat(release_id=release.id, beat_id=one.id))
    return True


def _store_texts(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    statements: Sequence[Statement],
    pictures: Pictures,
    *,
    now: datetime,
    by: int | None,
) -> bool:
    known = translations.of_release(tx, release.id)
    source = known.get(release.source_language)
    source_revision = _source_revision(tx, release, source, now) if source else None
    changed = False
    # The source first, so that the others can name the revision they were made from.
    for statement in sorted(statements, key=lambda one: one.language != release.source_language):
        is_source = statement.language == release.source_language
        translation = known.get(statement.language) or _new_translation(tx, newsroom, release, statement)
        made_from = None if is_source or source_revision is None else source_revision.said_since
        revision = _store_revision(tx, release, translation, statement, pictures, made_from, now=now, by=by)
        if revision is not None:
            changed = True
            source_revision = revision if is_source else source_revision
    return changed


def _source_revision(tx: Session, release: Release, source: Translation, now: datetime) -> Revision | None:
    """What a translation pushed now was made from: the public text, not a correction of it that still waits."""
    if visibility.of_translation(release, source, now) is Visibility.PUBLIC:
        return tx.get_one(Revision, source.revision_id)
    return revisions.newest(tx, source.id)


def _new_translation(tx: Session, newsroom: Newsroom, release: Release, statement: Statement) -> Translation:
    translation = Translation(
        id=str(translations.new_uuid()),
        release_id=release.id,
        newsroom_id=newsroom.id,
        language=statement.language,
        slug=_free_slug(tx, newsroom.id, statement),
        publish=statement.publish,
    )
    tx.add(translation)
    tx.flush()
    return translation


def _free_slug(tx: Session, newsroom_id: int, statement: Statement) -> str:
    wanted = slug_of(statement)
    query = select(Translation.slug).where(
        Translation.newsroom_id == newsroom_id, Translation.language == statement.language
    )
    taken = set(tx.scalars(query.where(Translation.slug.startswith(wanted[:70], autoescape=True))))
    if wanted in RESERVED_SLUGS and statement.slug:
        raise Refused(f"{statement.path}: the slug “{wanted}” is reserved; choose another.")
    if wanted not in taken and wanted not in RESERVED_SLUGS:
        return wanted
    if statement.slug:
        raise Refused(f"{statement.path}: the slug “{wanted}” is another release's; choose another.")
    return next(name for number in range(2, 10_000) if (name := f"{wanted[:74]}-{number}") not in taken)


def _store_revision(
    tx: Session,
    release: Release,
    translation: Translation,
    statement: Statement,
    pictures: Pictures,
    made_from: int | None,
    *,
    now: datetime,
    by: int | None,
) -> Revision | None:
    """The new revision, or None if this text is the newest already."""
    revision = drafting.draft(translation, statement, pictures, now=now, by=by)
    if drafting.is_known(tx, revision) and translation.publish == statement.publish:
        return None
    if visibility.of_translation(release, translation, now) is not Visibility.HIDDEN:
        raise Conflict(
            f"{statement.path}: release {release.id} is published and this text differs from it; "
            f"correct it with `pressroom correct {release.id}`, or push the text as another release with --new."
        )
    if translation.public_from is not None and translation.publish != statement.publish:
        # Lists that were rendered meanwhile do not know that a scheduled text comes, or no longer comes.
        newsrooms.touch(tx, release.newsroom_id, now=now)
    translation.publish = statement.publish
    if not translation.publish:
        # To go out after all it has to be published anew.
        translation.revision_id = translation.public_from = translation.updated_at = None
        change.recall(tx, release, now=now)
    revision.source_revision_id = made_from
    drafting.keep(tx, release.id, revision, statement, pictures)
    return revision
