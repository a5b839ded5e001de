"""Publishing: one transaction names the revisions, sets the times, appends to the log and tells the readers.

What belongs to it (a mailing) joins that transaction through `Database.joined`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.db import Database, new_public_id, to_micros
from pressroom.errors import Conflict, NotAllowed, Refused
from pressroom.people import audit, granting, telling
from pressroom.people.account import Act
from pressroom.releases import approving, change, log, visibility
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.approving import Named, NeedsSecondPerson
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility


@dataclass(frozen=True)
class Published:
    """`languages` are those that go out with this act, at once or when their time comes; `changed` is False when all
    of it was out, or scheduled for the same instant, before.
    """

    release_id: str
    status: Status
    public_from: datetime
    languages: Sequence[str]

    @property
    def changed(self) -> bool:
        return bool(self.languages)


def publish(
    database: Database,
    release_id: str,
    *,
    now: datetime,
    by: int | None = None,
    at: datetime | None = None,
    without: Collection[str] = (),
    seen: Collection[int] | None = None,
    alone: str | None = None,
    wish: Mapping[str, Any] | None = None,
) -> Published:
    """Makes the newest revision of each translation public, at once or from `at`, never before its embargo.

    `by` is an account; None is the command line. `without` are languages that stay behind; `seen` are the revisions
    that somebody read: a Conflict if others would go out. `alone` is an owner's reason to do without the second person
    that is wanted; all owners are told. Whoever did not write it approves by publishing. Where a second person is still
    wanted it is left in review, with `wish`. Raises NeedsSecondPerson, NotFound, NotAllowed, Conflict and Refused.
    """
    waiting: list[int] | None = None
    published = None
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        _check(tx, newsroom, release, by)
        fresh, began = _plan(tx, newsroom, release, without, now=now, at=at)
        if seen is not None and {revision.id for _, revision in fresh} - set(seen):
            raise Conflict("The text was changed after you opened this page: read it again, then publish.")
        if fresh and _needs_second(tx, newsroom, release, fresh, now=now, by=by, alone=alone):
            waiting = approving.approvers(tx, newsroom.id, approving.lacking(tx, fresh))
            _put_in_review(tx, release, wish, now=now, by=by)
        else:
            _leave_behind(tx, release, without, now=now, by=by)
            if fresh:
                approving.require_checked_faces(tx, newsroom, fresh)
                _publish(tx, release, fresh, began, at=at, now=now, by=by)
            published = Published(release.id, release.status, began, [one.language for one, _ in fresh])
    if waiting is not None:
        raise NeedsSecondPerson(waiting)
    assert published is not None
    return published


def _check(tx: Session, newsroom: Newsroom, release: Release, by: int | None) -> None:
    granting.permit(tx, by, newsroom.id, Act.PUBLISH)
    if release.status is Status.RETRACTED or release.removed_at:
        raise Conflict(f"Release {release.id} was retracted and cannot be published again.")
    newsrooms.require_leaving(newsroom)


def _begin(release: Release, *, now: datetime, at: datetime | None) -> datetime:
    already = release.public_from if at is None and release.public_from else None
    return max(moment for moment in (already, now if already is None else None, at, release.embargo_until) if moment)


def _plan(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    without: Collection[str],
    *,
    now: datetime,
    at: datetime | None,
) -> tuple[list[Named], datetime]:
    """What would go out that is not out with this revision, nor scheduled with it for this instant; and when."""
    named = [one for one in approving.newest_of(tx, release.id) if one[0].language not in without]
    if not named:
        raise Refused(f"Release {release.id} has no translation that may be published; push one that may.")
    was_public = release.public_from is not None and release.public_from <= now
    began = release.public_from if was_public and release.public_from else _begin(release, now=now, at=at)
    if was_public and at is not None and at > now:
        raise Refused(f"Release {release.id} is public already; a further language goes out at once, without --at.")
    fresh = [
        (one, revision)
        for one, revision in named
        # What is public is never replaced: a newer draft of it waits for a correction.
        if visibility.of_translation(release, one, now) is not Visibility.PUBLIC
        if one.revision_id != revision.id or (not was_public and release.public_from != began)
    ]
    if fresh and not was_public:
        _require_all_languages(tx, newsroom, release, without)
    return fresh, began


def _require_all_languages(tx: Session, newsroom: Newsroom, release: Release, without: Collection[str]) -> None:
    """Raises Refused where languages go out together and one is neither there nor left out by name."""
    if not newsroom.together:
        return
    held_up = [tag for tag in holding_up(tx, newsroom, release) if tag not in without]
    if held_up:
        raise Refused(
            f"The languages of this newsroom go out together: {', '.join(held_up)} is missing or out of date. "
            "Add it, or leave it out by name."
        )


def holding_up(tx: Session, newsroom: Newsroom, release: Release) -> list[str]:
    """The newsroom's languages that are missing in a release or older than its source; not those never published."""
    known = translations.of_release(tx, release.id)
    source = known.get(release.source_language)
    newest = revisions.newest(tx, source.id) if source else None
    out = []
    for tag in newsroom.languages:
        if tag in known and not known[tag].publish:
            continue
        revision = revisions.newest(tx, known[tag].id) if tag in known else None
        stale = revision is not None and newest is not None and tag != release.source_language
        if revision is None or (stale and newest and revision.source_revision_id != newest.said_since):
            out.append(tag)
    return out


def _needs_second(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    fresh: Sequence[Named],
    *,
    now: datetime,
    by: int | None,
    alone: str | None,
) -> bool:
    if not approving.wants_two(tx, newsroom) or not (unread := approving.lacking(tx, fresh)):
        return False
    if alone is not None:
        breaking_glass(tx, newsroom, release, alone, now=now, by=by)
        return False
    if approving.is_own(tx, unread, by):
        return True
    assert by is not None
    approving.record(tx, release.id, unread, by, now=now)
    return False


def breaking_glass(
    tx: Session, newsroom: Newsroom, release: Release, reason: str, *, now: datetime, by: int | None
) -> None:
    """An owner goes on without a second person: every owner is told at once. Raises NotAllowed and Refused."""
    if by is None:
        raise NotAllowed("Only an owner of the newsroom may publish alone: say which one it is.")
    granting.require(tx, by, newsroom.id, Act.MANAGE)
    if not reason.strip():
        raise Refused("Publishing alone needs a reason, which all owners are told.")
    entry = new_public_id()
    audit.note(
        tx, "publish alone", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by,
        reason=reason.strip()[:2000],
    )  # fmt: skip
    telling.tell_owners(tx, "tell_owner", newsroom.id, now=now, release_id=release.id, by=by, entry=entry)


def _put_in_review(
    tx: Session, release: Release, wish: Mapping[str, Any] | None, *, now: datetime, by: int | None
) -> None:
    if release.status in (Status.DRAFT, Status.APPROVED, Status.IN_REVIEW):
        release.become(Status.IN_REVIEW)
        release.wish = dict(wish or {})
    audit.note(tx, "ask for review", f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by)


def _leave_behind(tx: Session, release: Release, without: Collection[str], *, now: datetime, by: int | None) -> None:
    """Languages that were scheduled, and are not to go out after all."""
    for tag, one in translations.of_release(tx, release.id).items():
        waits = one.public_from is not None and visibility.of_translation(release, one, now) is Visibility.HIDDEN
        if tag in without and waits:
            one.revision_id = one.public_from = one.updated_at = None
            change.recall(tx, release, now=now)
            newsrooms.touch(tx, release.newsroom_id, now=now)
            audit.note(
                tx, "unschedule", f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by,
                languages=[tag],
            )  # fmt: skip


def _publish(
    tx: Session,
    release: Release,
    fresh: Sequence[Named],
    began: datetime,
    *,
    at: datetime | None,
    now: datetime,
    by: int | None,
) -> None:
    release.public_from = began
    release.publish_at = at if began > now or release.publish_at is None else release.publish_at
    release.become(Status.SCHEDULED if began > now else Status.PUBLISHED)
    release.wish, release.review_note = {}, ""
    for one, revision in fresh:
        one.revision_id = revision.id
        one.public_from = max(began, now)
        one.updated_at = one.public_from
    _tell(tx, release, [one for one, _ in fresh], now=now)
    newsrooms.touch(tx, release.newsroom_id, now=now)
    log.append(tx, release.newsroom_id, log.Event.PUBLICATION, release.id, said(release, fresh), now=now)
    audit.note(
        tx, "publish", f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by,
        revisions=[revision.id for _, revision in fresh], public_from=to_micros(began),
    )  # fmt: skip


def _tell(tx: Session, release: Release, fresh: Sequence[Translation], *, now: datetime) -> None:
    """What is out already names its translations."""
    change.recall(tx, release, now=now, renewed=[one.id for one in fresh])
    change.append(tx, release.newsroom_id, change.Kind.PUBLICATION, fresh, now=now)
    others = {one.id for one in translations.of_release(tx, release.id).values()} - {one.id for one in fresh}
    change.of_release(tx, release, change.Kind.UPDATE, now=now, only=others)


def said(release: Release, named: Iterable[Named]) -> dict[str, object]:
    """What the log keeps a hash of."""
    return {
        "release": release.id,
        "translations": {
            one.language: {"id": one.id, "revision": revision.number, "content": revision.content_hash}
            for one, revision in named
        },
    }


def settle(database: Database, *, now: datetime) -> int:
    """Book-keeping by the clock: scheduled releases whose time has come are called published. Nothing waits for it."""
    with database.reading() as tx:
        due = list(tx.scalars(select(Release.id).where(Release.status == Status.SCHEDULED, Release.public_from <= now)))
    for release_id in due:
        with database.transaction() as tx:
            release = releases.get(tx, release_id, lock=True)
            if release.status is Status.SCHEDULED and visibility.of_release(release, now) is Visibility.PUBLIC:
                release.become(Status.PUBLISHED)
    return len(due)
