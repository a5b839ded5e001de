"""Correcting: a published text is never edited in silence. New revisions take the place of the old, with a public note.

Where a second person is wanted the correction is kept as a proposal, which somebody else publishes or withdraws.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom.clean_text import clean
from pressroom.db import Database, new_id
from pressroom.errors import Conflict, Refused
from pressroom.people import audit, granting
from pressroom.people.account import Act, role_in
from pressroom.releases import approving, change, drafting, log, visibility
from pressroom.releases import asset as assets
from pressroom.releases import correction as corrections
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.approving import Named
from pressroom.releases.correction import Correction, CorrectionChange
from pressroom.releases.drafting import Pictures
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.publishing import breaking_glass, said
from pressroom.releases.receiving import read_asset
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility


@dataclass(frozen=True)
class Corrected:
    """`number` is None while it waits for one of `approvers`; `changed` is False if all of it was said already."""

    number: int | None
    changed: bool
    languages: Sequence[str] = ()
    approvers: Sequence[int] | None = None


def correct(
    database: Database,
    release_id: str,
    statements: Sequence[Statement],
    notes: Mapping[str, str],
    *,
    minor: bool = False,
    began_from: Mapping[str, int] | None = None,
    now: datetime,
    by: int | None = None,
    alone: str | None = None,
) -> Corrected:
    """Puts new texts in the place of public ones. `notes` say to readers, by language, what was wrong.

    A `minor` one mends the spelling: it needs no note and notifies nobody. `began_from` are the public revisions that
    the new texts were made of, by language: a Conflict if others are public by now. `alone` is an owner's reason to do
    without the second person. Raises NotFound, NotAllowed, Conflict and Refused, with nothing stored.
    """
    notes = {tag: cleaned for tag, note in notes.items() if (cleaned := clean(note).strip())}
    if not notes and not minor:
        raise Refused("A correction needs a note that readers will see; give one with --note, or say it is --minor.")
    pictures = {item.path: read_asset(item.path) for one in statements for item in one.assets}
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        _check(tx, newsroom, release, by, Act.WRITE, now=now)
        _require_own(release, statements)
        _require_unchanged(tx, release, began_from or {})
        pairs = _store_texts(tx, release, statements, pictures, minor=minor, now=now, by=by)
        if not pairs:
            return Corrected(None, changed=False)
        proposed = _propose(tx, release, pairs, notes, minor=minor, now=now, by=by)
        if _waits(tx, newsroom, release, pairs, alone, now=now, by=by):
            audit.note(
                tx, "propose correction", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by
            )
            return Corrected(None, True, _tags(pairs), approving.approvers(tx, newsroom.id, pairs))
        return _publish(tx, newsroom, release, proposed, now=now, by=by)


def publish_proposal(
    database: Database, release_id: str, *, seen: Collection[int], now: datetime, by: int
) -> Corrected:
    """A second person makes a proposed correction public: `seen` are the ids of the new revisions that they read.

    Raises NotFound, NotAllowed, Conflict and Refused.
    """
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        _check(tx, newsroom, release, by, Act.PUBLISH, now=now)
        proposed = corrections.waiting(tx, release_id)
        pairs = _pairs(tx, proposed)
        if {revision.id for _, revision in pairs} != set(seen):
            raise Conflict("The correction was changed after you opened this page: read it again, then publish.")
        if approving.wants_two(tx, newsroom):
            if approving.is_own(tx, pairs, by):
                raise approving.NeedsSecondPerson(approving.approvers(tx, newsroom.id, pairs))
            approving.record(tx, release.id, pairs, by, now=now)
        return _publish(tx, newsroom, release, proposed, now=now, by=by)


def _check(tx: Session, newsroom: Newsroom, release: Release, by: int | None, act: Act, *, now: datetime) -> None:
    granting.permit(tx, by, newsroom.id, act)
    if visibility.of_release(release, now) is not Visibility.PUBLIC:
        raise Conflict(f"Release {release.id} is not public: there is nothing to correct; push the new text instead.")
    newsrooms.require_leaving(newsroom)


def _require_own(release: Release, statements: Sequence[Statement]) -> None:
    """A file that names another release is not to take the place of this one's text."""
    for statement in statements:
        if statement.id not in (None, release.id, release.given_id):
            raise Refused(
                f"{statement.path}: its `id:` is “{statement.id}”, and this is release {release.id}; correct that one, "
                "or change the id."
            )


def _require_unchanged(tx: Session, release: Release, began_from: Mapping[str, int]) -> None:
    known = translations.of_release(tx, release.id)
    for tag, revision_id in began_from.items():
        if tag in known and known[tag].revision_id != revision_id:
            raise Conflict("Somebody corrected this text after you opened it: open it again, and correct what is left.")


def _waits(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    pairs: Sequence[Named],
    alone: str | None,
    *,
    now: datetime,
    by: int | None,
) -> bool:
    """Whether somebody else has to publish it, who did not just write it; or somebody has to look at faces first."""
    if newsroom.faces_checked and approving.unchecked(tx, [revision.id for _, revision in pairs]):
        return True
    role = role_in(tx, by, newsroom.id) if by is not None else None
    if role is not None and Act.PUBLISH not in granting.GRANTS[role]:
        return True
    if not approving.wants_two(tx, newsroom):
        return False
    if alone is None:
        return True
    breaking_glass(tx, newsroom, release, alone, now=now, by=by)
    return False


def _store_texts(
    tx: Session,
    release: Release,
    statements: Sequence[Statement],
    pictures: Pictures,
    *,
    minor: bool,
    now: datetime,
    by: int | None,
) -> list[Named]:
    """The new revisions, the source's first, so that the others can name it."""
    known = translations.of_release(tx, release.id)
    if corrections.proposal(tx, release.id) is not None:
        raise Conflict("A correction of this release waits already: publish or withdraw that one first.")
    pairs = []
    for statement in sorted(statements, key=lambda one: one.language != release.source_language):
        translation = known.get(statement.language)
        if translation is None or visibility.of_translation(release, translation, now) is not Visibility.PUBLIC:
            raise Refused(
                f"{statement.path}: release {release.id} is not public in “{statement.language}”, so there is nothing "
                "to correct; push it as a further language."
            )
        revision = _new_text(tx, release, translation, statement, pictures, minor=minor, now=now, by=by)
        if revision is not None:
            pairs.append((translation, revision))
    return pairs


def _new_text(
    tx: Session,
    release: Release,
    translation: Translation,
    statement: Statement,
    pictures: Pictures,
    *,
    minor: bool,
    now: datetime,
    by: int | None,
) -> Revision | None:
    """None if the statement says what is public already."""
    public = tx.get_one(Revision, translation.revision_id)
    revision = drafting.draft(translation, statement, pictures, now=now, by=by)
    if revision.content_hash == public.content_hash:
        return None
    if statement.language != release.source_language:
        revision.source_revision_id = public.source_revision_id if minor else _source_now(tx, release)
    revision.minor_of = public.said_since if minor else None
    drafting.keep(tx, release.id, revision, statement, pictures)
    return revision


def _source_now(tx: Session, release: Release) -> int | None:
    source = translations.of_release(tx, release.id).get(release.source_language)
    newest = revisions.newest(tx, source.id) if source else None
    return newest.said_since if newest else None


def _propose(
    tx: Session,
    release: Release,
    pairs: Sequence[Named],
    notes: Mapping[str, str],
    *,
    minor: bool,
    now: datetime,
    by: int | None,
) -> Correction:
    proposed = Correction(
        id=new_id(), release_id=release.id, notes=dict(notes), minor=minor, proposed_at=now, proposed_by=by
    )
    tx.add(proposed)
    tx.flush()
    for translation, revision in pairs:
        assert translation.revision_id is not None
        tx.add(
            CorrectionChange(
                correction_id=proposed.id,
                translation_id=translation.id,
                before_id=translation.revision_id,
                after_id=revision.id,
            )
        )
    tx.flush()
    return proposed


def _pairs(tx: Session, proposed: Correction) -> list[Named]:
    return [
        (tx.get_one(Translation, translation_id), tx.get_one(Revision, change.after_id))
        for translation_id, change in corrections.changes(tx, proposed.id).items()
    ]


def _publish(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    proposed: Correction,
    *,
    now: datetime,
    by: int | None,
) -> Corrected:
    pairs, now = _pairs(tx, proposed), newsroom.in_turn(now)
    approving.require_checked_faces(tx, newsroom, pairs)
    proposed.number = corrections.next_number(tx, release.id)
    proposed.at = now
    for translation, revision in pairs:
        translation.revision_id = revision.id
    if not proposed.minor:
        # Every translation shows the notice at once.
        for translation in translations.of_release(tx, release.id).values():
            if visibility.of_translation(release, translation, now) is Visibility.PUBLIC:
                translation.updated_at = now
    _tell(tx, release, pairs, minor=proposed.minor, now=now)
    newsrooms.touch(tx, newsroom.id, now=now)
    content = {**said(release, pairs), "notes": proposed.notes, "minor": proposed.minor, "number": proposed.number}
    log.append(tx, newsroom.id, log.Event.CORRECTION, release.id, content, now=now)
    audit.note(
        tx, "correct", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by,
        number=proposed.number, minor=proposed.minor, revisions=[revision.id for _, revision in pairs],
    )  # fmt: skip
    return Corrected(proposed.number, True, _tags(pairs))


def _tell(tx: Session, release: Release, pairs: Sequence[Named], *, minor: bool, now: datetime) -> None:
    """Spelling is no notice on the other translations, but all of them stand in the pictures that are served."""
    every = {one.id for one in translations.of_release(tx, release.id).values()}
    corrected = {translation.id for translation, _ in pairs} if minor else every
    change.of_release(tx, release, change.Kind.CORRECTION, now=now, only=corrected)
    if assets.of_release(tx, release.id):
        change.of_release(tx, release, change.Kind.UPDATE, now=now, only=every - corrected)


def _tags(pairs: Sequence[Named]) -> list[str]:
    return sorted(translation.language for translation, _ in pairs)
