"""Publishing: one transaction names the revisions, sets the times, appends to the log and tells the readers.

A door's own rows (a mailing) join that transaction through `within`, so that neither happens without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.db import Database, to_micros
from pressroom.errors import Conflict, NotAllowed, Refused
from pressroom.people import audit
from pressroom.people.account import Membership, Role
from pressroom.releases import log, visibility
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility

Within = Callable[[Session, Release], None]


class NeedsSecondPerson(NotAllowed):
    """The release is now in review; `approvers` are the account ids of those who can publish it."""

    def __init__(self, approvers: list[int]) -> None:
        self.approvers = approvers
        super().__init__("This newsroom wants a second person to publish: an owner or editor who did not write it.")


@dataclass(frozen=True)
class Published:
    """`changed` is False when all of it was out, or scheduled for the same instant, before."""

    release_id: str
    status: Status
    public_from: datetime
    changed: bool


def publish(
    database: Database,
    release_id: str,
    *,
    now: datetime,
    by: int | None = None,
    at: datetime | None = None,
    within: Within | None = None,
) -> Published:
    """Makes the newest revision of each translation public, at once or from `at`, never before its embargo.

    `by` is an account; None is the command line. Raises NotFound, Conflict, Refused and NeedsSecondPerson.
    """
    waiting: list[int] | None = None
    published = None
    with database.transaction() as tx:
        newsroom_id = releases.get(tx, release_id).newsroom_id
        # The newsroom before the release, as a push locks them.
        newsroom = tx.get_one(Newsroom, newsroom_id, with_for_update={"key_share": True})
        release = releases.get(tx, release_id, lock=True)
        if release.status is Status.RETRACTED or release.removed_at:
            raise Conflict(f"Release {release.id} was retracted and cannot be published again.")
        named = _newest(tx, release)
        if newsroom.two_person and _is_own(named, by) and _anything_new(release, named):
            waiting = approvers(tx, newsroom.id, named)
            release.status = Status.IN_REVIEW
            audit.note(tx, "ask for review", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by)
        else:
            published = _publish(tx, newsroom, release, named, now=now, by=by, at=at)
            if within is not None:
                tx.flush()
                within(tx, release)
    if waiting is not None:
        raise NeedsSecondPerson(waiting)
    assert published is not None
    return published


def _newest(tx: Session, release: Release) -> list[tuple[Translation, Revision]]:
    """The translations that may go out, each with its newest revision. Raises Refused if there is none."""
    named = []
    for translation in translations.of_release(tx, release.id).values():
        revision = revisions.newest(tx, translation.id)
        if translation.publish and revision is not None:
            named.append((translation, revision))
    if not named:
        raise Refused(
            f"Release {release.id} has no translation that may be published; push one without `publish: false`."
        )
    return named


def _is_own(named: list[tuple[Translation, Revision]], by: int | None) -> bool:
    """Whether the publisher also wrote it; the command line counts as the author of whatever it sends."""
    return by is None or any(revision.created_by == by for _, revision in named)


def _anything_new(release: Release, named: list[tuple[Translation, Revision]]) -> bool:
    return release.public_from is None or any(one.revision_id != revision.id for one, revision in named)


def approvers(tx: Session, newsroom_id: int, named: list[tuple[Translation, Revision]]) -> list[int]:
    """Owners and editors who did not write any of it."""
    authors = {revision.created_by for _, revision in named}
    query = select(Membership.account_id).where(
        Membership.newsroom_id == newsroom_id, Membership.role.in_([Role.OWNER, Role.EDITOR])
    )
    return [account for account in tx.scalars(query.order_by(Membership.account_id)) if account not in authors]


def _publish(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    named: list[tuple[Translation, Revision]],
    *,
    now: datetime,
    by: int | None,
    at: datetime | None,
) -> Published:
    was_public = release.public_from is not None and release.public_from <= now
    began = release.public_from if was_public else _begin(release, now=now, at=at)
    assert began is not None
    if was_public and at is not None and at > now:
        raise Refused(f"Release {release.id} is public already; a further language goes out at once, without --at.")
    fresh = [
        (one, revision)
        for one, revision in named
        # What is public is never replaced: a newer draft of it waits for a correction.
        if visibility.of_translation(release, one, now) is not Visibility.PUBLIC
        if one.revision_id != revision.id or (not was_public and release.public_from != began)
    ]
    if fresh:
        release.public_from = began
        release.publish_at = at if not was_public else release.publish_at
        release.status = Status.SCHEDULED if began > now else Status.PUBLISHED
        release.wish = {}
        for one, revision in fresh:
            one.revision_id = revision.id
            one.public_from = max(began, now)
            one.updated_at = one.public_from
        newsrooms.touch(tx, newsroom.id, now=now)
        log.append(tx, newsroom.id, log.Event.PUBLICATION, release.id, _said(release, fresh), now=now)
        audit.note(
            tx, "publish", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by,
            revisions=[revision.id for _, revision in fresh], public_from=to_micros(began),
        )  # fmt: skip
    return Published(release.id, release.status, began, bool(fresh))


def _begin(release: Release, *, now: datetime, at: datetime | None) -> datetime:
    already = release.public_from if at is None and release.public_from else None
    return max(moment for moment in (already, now if already is None else None, at, release.embargo_until) if moment)


def _said(release: Release, named: list[tuple[Translation, Revision]]) -> dict[str, object]:
    return {
        "release": release.id,
        "translations": {
            one.language: {"id": one.id, "revision": revision.number, "content": revision.content_hash}
            for one, revision in named
        },
    }


def retract(
    database: Database,
    release_id: str,
    reasons: Mapping[str, str],
    *,
    now: datetime,
    by: int | None = None,
    within: Within | None = None,
) -> bool:
    """Takes a release back, with a public reason by language; False if it was retracted before.

    One that never was public simply never becomes so. Raises NotFound, Conflict, and Refused without a reason.
    """
    if not any(reason.strip() for reason in reasons.values()):
        raise Refused("A retraction needs a reason that readers will see; give one with --reason.")
    with database.transaction() as tx:
        newsroom_id = releases.get(tx, release_id).newsroom_id
        tx.get_one(Newsroom, newsroom_id, with_for_update={"key_share": True})
        release = releases.get(tx, release_id, lock=True)
        if release.retracted_at is not None:
            return False
        if release.public_from is None:
            raise Conflict(f"Release {release.id} was never published, so there is nothing to retract.")
        release.retracted_at = now
        release.status = Status.RETRACTED
        release.retraction_reasons = dict(reasons)
        newsrooms.touch(tx, release.newsroom_id, now=now)
        said: dict[str, object] = {"release": release.id, "reasons": dict(reasons)}
        log.append(tx, release.newsroom_id, log.Event.RETRACTION, release.id, said, now=now)
        audit.note(tx, "retract", f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by)
        if within is not None:
            tx.flush()
            within(tx, release)
    return True


def settle(database: Database, *, now: datetime) -> int:
    """Book-keeping by the clock: scheduled releases whose time has come are called published. Nothing waits for it."""
    with database.reading() as tx:
        due = list(tx.scalars(select(Release.id).where(Release.status == Status.SCHEDULED, Release.public_from <= now)))
    for release_id in due:
        with database.transaction() as tx:
            release = releases.get(tx, release_id, lock=True)
            if release.status is Status.SCHEDULED and visibility.of_release(release, now) is Visibility.PUBLIC:
                release.status = Status.PUBLISHED
    return len(due)
