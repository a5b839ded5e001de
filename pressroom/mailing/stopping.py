"""Stopping: one switch for everything that leaves a newsroom, and nobody has to agree to it.

Mailings are paused and schedules taken back. Allowing again starts nothing by itself: each is resumed by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import Conflict
from pressroom.mailing import accompanying, steering
from pressroom.mailing.mailing import FINAL, Mailing, State
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases import rescheduling
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release


@dataclass(frozen=True)
class Stopped:
    """How much was under way: mailings paused, and releases held back that were scheduled."""

    mailings: int
    releases: int


def stop_everything(database: Database, newsroom_slug: str, *, now: datetime, by: int | None = None) -> Stopped:
    """From its commit on nothing starts, and no schedule or embargo makes anything public. Safe to repeat.

    Raises NotFound and NotAllowed.
    """
    with database.joined() as joined, joined.transaction() as tx:
        newsroom = _locked(tx, newsroom_slug, by, Act.STOP)
        scheduled = select(Release.id).where(
            Release.newsroom_id == newsroom.id,
            Release.public_from > now,
            Release.retracted_at.is_(None),
            Release.removed_at.is_(None),
        )
        held = list(tx.scalars(scheduled.order_by(Release.id)))
        for release_id in held:
            rescheduling.hold_back(tx, releases.get(tx, release_id, lock=True), now=now, by=by)
            tx.flush()
            accompanying.held_back(joined, tx, release_id, now=now, by=by)
        query = select(Mailing).where(Mailing.newsroom_id == newsroom.id, Mailing.state.not_in((*FINAL, State.PAUSED)))
        paused = list(tx.scalars(query.order_by(Mailing.id).with_for_update(key_share=True)))
        for mailing in paused:
            steering.hold(tx, mailing, steering.STOPPED)
        newsroom.stopped_at = newsroom.stopped_at or now
        audit.note(
            tx, "stop everything", f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, account_id=by,
            mailings=len(paused), releases=len(held),
        )  # fmt: skip
        return Stopped(len(paused), len(held))


def allow(database: Database, newsroom_slug: str, *, now: datetime, by: int | None = None) -> None:
    """Lets things leave again once somebody starts them. Raises NotFound, NotAllowed, and Conflict if it is allowed."""
    with database.transaction() as tx:
        newsroom = _locked(tx, newsroom_slug, by, Act.PUBLISH)
        if newsroom.stopped_at is None:
            raise Conflict(f"Nothing was stopped in “{newsroom_slug}”.")
        newsroom.stopped_at = None
        audit.note(tx, "allow again", f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, account_id=by)


def _locked(tx: Session, slug: str, by: int | None, act: Act) -> Newsroom:
    newsroom_id = newsrooms.by_slug(tx, slug).id
    newsroom = newsrooms.locked(tx, newsroom_id)
    granting.permit(tx, by, newsroom.id, act)
    return newsroom
