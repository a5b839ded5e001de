"""Retracting: a published release is taken back, with a public reason. It never takes a second person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pressroom.clean_text import clean
from pressroom.db import Database
from pressroom.errors import Conflict, Refused
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, change, log
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.release import Status


def retract(
    database: Database,
    release_id: str,
    reasons: Mapping[str, str],
    *,
    now: datetime,
    by: int | None = None,
) -> bool:
    """Takes a release back, with a public reason by language; False if it was retracted before.

    One that never was public simply never becomes so. It never takes a second person. Raises NotFound, NotAllowed,
    Conflict, and Refused without a reason.
    """
    reasons = {tag: cleaned for tag, reason in reasons.items() if (cleaned := clean(reason).strip())}
    if not reasons:
        raise Refused("A retraction needs a reason that readers will see; give one with --reason.")
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.PUBLISH)
        now = newsroom.in_turn(now)
        if release.retracted_at is not None:
            return False
        if release.public_from is None:
            raise Conflict(f"Release {release.id} was never published, so there is nothing to retract.")
        release.become(Status.RETRACTED)
        release.retracted_at = now
        release.retraction_reasons = dict(reasons)
        change.recall(tx, release, now=now)
        change.of_release(tx, release, change.Kind.RETRACTION, now=now)
        newsrooms.touch(tx, release.newsroom_id, now=now)
        said: dict[str, object] = {"release": release.id, "reasons": dict(reasons)}
        log.append(tx, release.newsroom_id, log.Event.RETRACTION, release.id, said, now=now)
        audit.note(tx, "retract", f"release:{release.id}", now=now, newsroom_id=release.newsroom_id, account_id=by)
    return True
