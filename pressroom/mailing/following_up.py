"""Following up: whoever was sent a release hears of what became of it, each once for each purpose."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.mailing import audience, notice, steering
from pressroom.mailing.mailing import Mailing
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release


def follow_up(database: Database, tx: Session, release: Release, purpose: str, *, by: int | None) -> int | None:
    """Starts telling everybody who was sent the release before this transaction; None if it never was mailed.

    Its mailings are locked until the commit, so that no message is handed over between this and what it tells of.
    """
    if not audience.was_announced(tx, release.id):
        return None
    tx.execute(select(Mailing.id).where(Mailing.release_id == release.id).order_by(Mailing.id).with_for_update()).all()
    cutoff = database.now(tx)
    made = steering.new_mailing(release, purpose, [], hold_until=cutoff, now=cutoff, by=by)
    if tx.get_one(Newsroom, release.newsroom_id).stopped_at is not None:
        steering.hold(tx, made, "everything leaving this newsroom was stopped")
    return steering.put(tx, made, now=cutoff).id


def of_correction(database: Database, tx: Session, release: Release, number: int, *, by: int | None) -> int | None:
    """None for a minor one, too."""
    query = select(Correction.minor).where(Correction.release_id == release.id, Correction.number == number)
    if tx.execute(query).scalar_one():
        return None
    return follow_up(database, tx, release, notice.of_correction(number), by=by)


def of_embargo(database: Database, tx: Session, release: Release, *, by: int | None) -> int | None:
    """Only if somebody was told of it under embargo."""
    query = select(Mailing.id).where(Mailing.release_id == release.id, Mailing.under_embargo.is_(True))
    if tx.execute(query.limit(1)).first() is None:
        return None
    release.embargo_moves += 1
    return follow_up(database, tx, release, notice.of_embargo(release.embargo_moves), by=by)
