"""Rescheduling: an embargo moved or lifted, a schedule taken back, before anything is public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom.db import Database, to_micros
from pressroom.errors import Conflict
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, change, visibility
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import translation as translations
from pressroom.releases.approving import Named, NeedsSecondPerson
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.visibility import Visibility


@dataclass(frozen=True)
class Moved:
    """`public_from` is None while it is not scheduled; `changed` is False if the embargo stood there already."""

    public_from: datetime | None
    changed: bool


def move_embargo(
    database: Database,
    release_id: str,
    until: datetime | None,
    *,
    now: datetime,
    by: int | None = None,
) -> Moved:
    """Sets the embargo of a release that is not public; None lifts it, and what waited for it alone is public at once.

    To make it end earlier takes a second person where the newsroom wants one, later never does. Raises NotFound,
    NotAllowed, NeedsSecondPerson and Conflict.
    """
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.PUBLISH)
        if release.retracted_at or release.removed_at or visibility.of_release(release, now) is Visibility.PUBLIC:
            raise Conflict(f"Release {release.id} is public or was taken back: its embargo cannot be moved any more.")
        if until == release.embargo_until:
            return Moved(release.public_from, changed=False)
        sooner = release.public_from is not None and (until is None or until < release.public_from)
        if sooner:
            newsrooms.require_leaving(newsroom)
            _require_second(tx, release, by, wanted=approving.wants_two(tx, newsroom))
        if release.public_from is None and _ends_earlier(release, until) and approving.wants_two(tx, newsroom):
            # The second person agreed to these texts under that embargo.
            approving.forget(tx, release)
        release.embargo_until = until
        if release.public_from is not None:
            _reschedule(tx, release, max(moment for moment in (until, release.publish_at, now) if moment), now=now)
        newsrooms.touch(tx, newsroom.id, now=now)
        audit.note(
            tx, "move embargo", f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by,
            until=to_micros(until) if until else None,
        )  # fmt: skip
        return Moved(release.public_from, changed=True)


def unschedule(database: Database, release_id: str, *, now: datetime, by: int | None = None) -> bool:
    """Takes a schedule back: the release is approved and goes out when it is published anew. False if there is none.

    It never takes a second person. Raises NotFound, NotAllowed, and Conflict for one that is public.
    """
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.STOP)
        return hold_back(tx, release, now=now, by=by)


def hold_back(tx: Session, release: Release, *, now: datetime, by: int | None) -> bool:
    """The change itself, for an act that stops more than one release; both rows are locked."""
    if release.public_from is None or release.retracted_at or release.removed_at:
        return False
    if release.public_from <= now:
        raise Conflict(f"Release {release.id} is public: it cannot be held back, only retracted.")
    release.become(Status.APPROVED)
    release.wish = {"at": to_micros(release.publish_at)} if release.publish_at else {}
    release.public_from = release.publish_at = None
    for translation in translations.of_release(tx, release.id).values():
        translation.revision_id = translation.public_from = translation.updated_at = None
    change.recall(tx, release, now=now)
    newsrooms.touch(tx, release.newsroom_id, now=now)
    audit.note(tx, "unschedule", f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by)
    return True


def _ends_earlier(release: Release, until: datetime | None) -> bool:
    return release.embargo_until is not None and (until is None or until < release.embargo_until)


def _require_second(tx: Session, release: Release, by: int | None, *, wanted: bool) -> None:
    named: list[Named] = [
        (one, tx.get_one(Revision, one.revision_id))
        for one in translations.of_release(tx, release.id).values()
        if one.revision_id is not None
    ]
    if wanted and approving.is_own(tx, named, by):
        raise NeedsSecondPerson(approving.approvers(tx, release.newsroom_id, named))


def _reschedule(tx: Session, release: Release, began: datetime, *, now: datetime) -> None:
    release.public_from = began
    release.become(Status.SCHEDULED if began > now else Status.PUBLISHED)
    moved = [one for one in translations.of_release(tx, release.id).values() if one.public_from is not None]
    for translation in moved:
        translation.public_from = translation.updated_at = began
    change.recall(tx, release, now=now, renewed=[one.id for one in moved])
    change.append(tx, release.newsroom_id, change.Kind.PUBLICATION, moved, now=now)
