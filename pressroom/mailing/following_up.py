"""Following up: whoever was sent a release hears of what became of it, each once for each purpose."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.mailing import audience, notice, steering
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.notice import Notice
from pressroom.releases import translation as translations
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release


def follow_up(database: Database, tx: Session, release: Release, purpose: str, *, by: int | None) -> int | None:
    """Starts telling everybody who was sent the release before this transaction; None if it never was mailed.

    Its mailings, and the digests that may tell of it, are locked until the commit, so that no message is handed over
    between this and what it tells of.
    """
    if not audience.was_announced(tx, release.id):
        return None
    mailings.lock_telling(tx, release.newsroom_id, release.id)
    cutoff = database.now(tx)
    made = steering.new_mailing(release, purpose, [], hold_until=cutoff, now=cutoff, by=by)
    if tx.get_one(Newsroom, release.newsroom_id).stopped_at is not None:
        steering.hold(tx, made, steering.STOPPED)
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


def told_early(tx: Session, release_id: str) -> set[int]:
    """The revisions that accredited people have, or may have, under embargo."""
    query = (
        select(Delivery.revision_id)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(Mailing.release_id == release_id, Mailing.under_embargo.is_(True), Delivery.revision_id.is_not(None))
    )
    return {one for one in tx.scalars(query.distinct()) if one is not None}


def put_right(
    database: Database, tx: Session, release: Release, early: set[int], *, moved: bool, by: int | None
) -> None:
    """After a release that was told early is scheduled anew: a new time is said; a new text is sent like the first."""
    if not early:
        return
    if moved:
        of_embargo(database, tx, release, by=by)
    named = {one.revision_id for one in translations.of_release(tx, release.id).values()}
    replaced = select(Delivery.id).where(Delivery.revision_id.in_(early - named))
    early_ones = select(Mailing.id).where(Mailing.release_id == release.id, Mailing.under_embargo.is_(True))
    tx.execute(
        delete(Notice)
        .where(Notice.delivery_id.in_(replaced.where(Delivery.mailing_id.in_(early_ones))))
        .execution_options(synchronize_session=False)
    )
