"""Accompanying: what mail does when a release is published, corrected, rescheduled or taken back; one transaction each.

Every door acts through here, so that no act on a release ever happens without its mail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from pressroom.db import Database, to_micros
from pressroom.mailing import following_up, notice, steering
from pressroom.releases import approving, correcting, publishing, rescheduling, retracting, scrubbing, vanishing
from pressroom.releases import release as releases
from pressroom.releases.approving import NeedsSecondPerson
from pressroom.releases.correcting import Corrected
from pressroom.releases.publishing import Published
from pressroom.releases.release import Release
from pressroom.releases.rescheduling import Moved
from pressroom.releases.statement import Statement
from pressroom.seal import Keyring


@dataclass(frozen=True)
class Plan:
    """What is to go out. `at` is aware; `seen` are the revisions that were read; `alone` is an owner's reason.

    `early` are the lists whose accredited members get it under embargo, at once; `lists` get it when it is public.
    """

    at: datetime | None = None
    without: Collection[str] = ()
    lists: Sequence[str] = ()
    early: Sequence[str] = ()
    hold: timedelta = timedelta(0)
    seen: Collection[int] | None = None
    alone: str | None = None

    @property
    def wish(self) -> dict[str, Any]:
        """As it is kept while a second person has to agree: times as microseconds, `hold` in seconds."""
        kept = {
            "at": to_micros(self.at) if self.at else None,
            "without": sorted(self.without),
            "lists": list(self.lists),
            "early": list(self.early),
            "hold": int(self.hold.total_seconds()),
        }
        return {key: value for key, value in kept.items() if value}


@dataclass(frozen=True)
class Accompanied:
    """What was published, and the mailings that were started for it."""

    published: Published
    mailing_ids: Sequence[int]


def publish(
    database: Database,
    keyring: Keyring,
    release_id: str,
    plan: Plan,
    *,
    mail: bool = True,
    now: datetime,
    by: int | None = None,
) -> Accompanied:
    """Publishes and, with `mail`, starts the mailings, both or neither; raises what `publishing` and `steering` raise.

    After NeedsSecondPerson the plan is kept as the release's wish.
    """
    needed = None
    with database.joined() as joined:
        with joined.transaction() as tx:
            before = releases.get(tx, release_id).public_from
            early = following_up.told_early(tx, release_id)
        try:
            published = publishing.publish(
                joined, release_id,
                now=now, by=by, at=plan.at, without=plan.without, seen=plan.seen, alone=plan.alone, wish=plan.wish,
            )  # fmt: skip
        except NeedsSecondPerson as error:
            needed = error
        else:
            with joined.transaction() as tx:
                release = releases.get(tx, release_id, lock=True)
                if before is not None:
                    moved = release.public_from != before
                    steering.move_waiting(tx, release, before, now=now)
                    following_up.put_right(joined, tx, release, early, moved=moved, by=by)
                steering.wake_waiting(tx, release, published.languages, now=now)
                mailing_ids = _start(tx, keyring, release, plan, now=now, by=by) if mail else []
    if needed is not None:
        raise needed
    return Accompanied(published, mailing_ids)


def _start(tx: Session, keyring: Keyring, release: Release, plan: Plan, *, now: datetime, by: int | None) -> list[int]:
    return [
        steering.start(tx, keyring, release, slugs, hold=plan.hold, now=now, by=by, under_embargo=early).id
        for slugs, early in ((plan.early, True), (plan.lists, False))
        if slugs
    ]


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
    """Corrects, and tells those who were sent what was wrong."""
    with database.joined() as joined:
        corrected = correcting.correct(
            joined, release_id, statements, notes, minor=minor, began_from=began_from, now=now, by=by, alone=alone
        )
        _tell(joined, release_id, corrected, by=by)
        return corrected


def publish_proposal(
    database: Database, release_id: str, *, seen: Collection[int], now: datetime, by: int
) -> Corrected:
    """As `correct`, for a correction that waited for a second person."""
    with database.joined() as joined:
        corrected = correcting.publish_proposal(joined, release_id, seen=seen, now=now, by=by)
        _tell(joined, release_id, corrected, by=by)
        return corrected


def _tell(joined: Database, release_id: str, corrected: Corrected, *, by: int | None) -> None:
    if corrected.number is not None:
        with joined.transaction() as tx:
            following_up.of_correction(joined, tx, releases.get(tx, release_id), corrected.number, by=by)


def retract(
    database: Database, release_id: str, reasons: Mapping[str, str], *, now: datetime, by: int | None = None
) -> bool:
    """Takes a release back: what has not left stays, and those who had it are told. False if it was before."""
    with database.joined() as joined:
        changed = retracting.retract(joined, release_id, reasons, now=now, by=by)
        if changed:
            with joined.transaction() as tx:
                steering.cancel_of_release(tx, release_id, now=now)
                following_up.follow_up(joined, tx, releases.get(tx, release_id), notice.RETRACTION, by=by)
        return changed


def vanish_release(database: Database, release_id: str, *, tell: bool, now: datetime, by: int | None = None) -> bool:
    """Removes a release wherever it is held. With `tell`, those who had it are asked to delete it; not what it said."""
    with database.joined() as joined:
        with joined.transaction() as tx:
            # Before the release itself changes: whoever is counting its recipients holds the mailing, and waits for it.
            approving.lock(tx, release_id)
            vanishing.require(tx, release_id, by)
            steering.cancel_of_release(tx, release_id, now=now)
        changed = vanishing.vanish_release(joined, release_id, now=now, by=by)
        if changed and tell:
            with joined.transaction() as tx:
                following_up.follow_up(joined, tx, releases.get(tx, release_id), notice.REMOVAL, by=by)
    # Also for one that vanished before: a reader may have kept the first scrubbing from ending.
    scrubbing.scrub(database)
    return changed


def move_embargo(
    database: Database, release_id: str, until: datetime | None, *, now: datetime, by: int | None = None
) -> Moved:
    """Moves or lifts an embargo; mailings that wait for it follow, and accredited people who had it early are told."""
    with database.joined() as joined:
        with joined.transaction() as tx:
            before = releases.get(tx, release_id).public_from
        moved = rescheduling.move_embargo(joined, release_id, until, now=now, by=by)
        if moved.changed:
            with joined.transaction() as tx:
                release = releases.get(tx, release_id, lock=True)
                steering.move_waiting(tx, release, before, now=now)
                following_up.of_embargo(joined, tx, release, by=by)
        return moved


def unschedule(database: Database, release_id: str, *, now: datetime, by: int | None = None) -> bool:
    """Takes a schedule back with the mailings that waited for it; accredited people who had it early are told."""
    with database.joined() as joined:
        changed = rescheduling.unschedule(joined, release_id, now=now, by=by)
        if changed:
            with joined.transaction() as tx:
                held_back(joined, tx, release_id, now=now, by=by)
        return changed


def held_back(joined: Database, tx: Session, release_id: str, *, now: datetime, by: int | None) -> None:
    """What follows from holding a release back, for an act that holds back many."""
    steering.cancel_of_release(tx, release_id, now=now)
    following_up.of_embargo(joined, tx, releases.get(tx, release_id, lock=True), by=by)
