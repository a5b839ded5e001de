"""Steering a mailing: start, test, pause, resume, cancel. Stopping holds from its commit on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pressroom import outbox
from pressroom.db import Database, new_id
from pressroom.errors import Conflict, Refused
from pressroom.mailing import address, ledger, media_list
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import FINAL, Mailing, State
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.people import audit
from pressroom.releases import release as releases
from pressroom.releases.release import Release, Status
from pressroom.seal import Keyring

TEST = "test"


def start(
    tx: Session,
    keyring: Keyring,
    release: Release,
    list_slugs: Sequence[str],
    *,
    hold: timedelta,
    now: datetime,
    by: int | None = None,
    test: str | None = None,
) -> Mailing:
    """Starts mailing a release to some lists, once it is public and `hold` has passed; or to one test address.

    The same lists while their mailing is still under way return that mailing. Raises NotFound, Refused, Conflict.
    """
    if test is not None:
        return _start_test(tx, keyring, release, test, now=now, by=by)
    if not list_slugs:
        raise Refused("A mailing needs at least one media list; name one with --list.")
    if release.status is Status.RETRACTED:
        raise Conflict(f"Release {release.id} was retracted; nothing can be mailed.")
    if release.public_from is None:
        raise Conflict(f"Release {release.id} is not published yet; publish it first.")
    list_ids = sorted(one.id for one in media_list.by_slugs(tx, release.newsroom_id, list_slugs))
    for running in mailings.of_release(tx, release.id):
        if running.purpose == ANNOUNCEMENT and running.list_ids == list_ids and running.state not in FINAL:
            return running
    mailing = _new_mailing(
        release, ANNOUNCEMENT, list_ids, hold_until=max(release.public_from, now) + hold, now=now, by=by
    )
    return _put(tx, mailing, now=now)


def _start_test(
    tx: Session, keyring: Keyring, release: Release, test: str, *, now: datetime, by: int | None
) -> Mailing:
    mailing = _new_mailing(release, TEST, [], hold_until=now, now=now, by=by)
    mailing.test_sealed = keyring.seal(address.parse(test), "mailing", "test", mailing.id)
    return _put(tx, mailing, now=now)


def _new_mailing(
    release: Release, purpose: str, list_ids: list[int], *, hold_until: datetime, now: datetime, by: int | None
) -> Mailing:
    return Mailing(
        id=new_id(),
        newsroom_id=release.newsroom_id,
        release_id=release.id,
        purpose=purpose,
        list_ids=list_ids,
        state=State.COUNTING,
        hold_until=hold_until,
        created_at=now,
        created_by=by,
    )


def _put(tx: Session, mailing: Mailing, *, now: datetime) -> Mailing:
    tx.add(mailing)
    tx.flush()
    outbox.put(tx, "expand_mailing", {"mailing_id": mailing.id}, now=now)
    audit.note(
        tx, "start mailing", f"mailing:{mailing.id}", now=now, newsroom_id=mailing.newsroom_id,
        account_id=mailing.created_by, release=mailing.release_id, purpose=mailing.purpose,
    )  # fmt: skip
    return mailing


def start_mailing(
    database: Database,
    keyring: Keyring,
    release_id: str,
    list_slugs: Sequence[str],
    *,
    hold: timedelta,
    now: datetime,
    by: int | None = None,
    test: str | None = None,
) -> int:
    """`start` in a transaction of its own; returns the mailing's id."""
    with database.transaction() as tx:
        release = releases.get(tx, release_id, lock=True)
        return start(tx, keyring, release, list_slugs, hold=hold, now=now, by=by, test=test).id


def pause(database: Database, mailing_id: int, *, now: datetime, by: int | None = None) -> None:
    """What is on the wire ends as it may; nothing more is started. Raises NotFound and Conflict."""
    with database.transaction() as tx:
        mailing = mailings.get(tx, mailing_id, lock=True)
        if mailing.state is State.PAUSED:
            return
        if mailing.state in FINAL:
            raise Conflict(f"Mailing {mailing_id} is {mailing.state.value}; there is nothing to pause.")
        hold(tx, mailing, None)
        _note(tx, "pause mailing", mailing, now=now, by=by)


def hold(tx: Session, mailing: Mailing, reason: str | None) -> None:
    """The change itself, for a sender that must stop its own mailing."""
    mailing.state = State.PAUSED
    mailing.paused_reason = reason


def resume(database: Database, mailing_id: int, *, now: datetime, by: int | None = None) -> None:
    """Goes on where it was paused. Raises NotFound and Conflict."""
    with database.transaction() as tx:
        mailing = mailings.get(tx, mailing_id, lock=True)
        if mailing.state in FINAL:
            raise Conflict(f"Mailing {mailing_id} is {mailing.state.value} and cannot go on.")
        if mailing.state is not State.PAUSED:
            return
        mailing.paused_reason = None
        if mailing.counted_at is None:
            mailing.state = State.COUNTING
            outbox.put(tx, "expand_mailing", {"mailing_id": mailing.id}, now=now)
        else:
            mailing.state = State.HELD if mailing.hold_until > now else State.SENDING
        _note(tx, "resume mailing", mailing, now=now, by=by)


def cancel(database: Database, mailing_id: int, *, now: datetime, by: int | None = None) -> None:
    """Ends a mailing for good; messages already on the wire keep their own outcome. Raises NotFound and Conflict."""
    with database.transaction() as tx:
        mailing = mailings.get(tx, mailing_id, lock=True)
        if mailing.state is State.CANCELLED:
            return
        if mailing.state is State.FINISHED:
            raise Conflict(f"Mailing {mailing_id} is finished; nothing is left to cancel.")
        _cancel(tx, mailing, now=now)
        _note(tx, "cancel mailing", mailing, now=now, by=by)


def cancel_of_release(tx: Session, release_id: str, *, now: datetime) -> None:
    """For a retraction, in its own transaction: whatever announces the release and has not left, stays."""
    query = select(Mailing).where(Mailing.release_id == release_id, Mailing.state.not_in(FINAL))
    for mailing in tx.scalars(query.order_by(Mailing.id).with_for_update(key_share=True)):
        _cancel(tx, mailing, now=now)


def _cancel(tx: Session, mailing: Mailing, *, now: datetime) -> None:
    mailing.state = State.CANCELLED
    mailing.finished_at = now
    ledger.cancel_waiting(tx, Delivery.mailing_id == mailing.id, now)
    # A chunk with a message on the wire stays due, so that its outcome is still stored if its worker dies.
    on_the_wire = select(Delivery.chunk_id).where(
        Delivery.mailing_id == mailing.id, Delivery.state == DeliveryState.SENDING
    )
    tx.execute(
        update(Chunk)
        .where(Chunk.mailing_id == mailing.id, Chunk.next_due.is_not(None), Chunk.id.not_in(on_the_wire))
        .values(next_due=None)
        .execution_options(synchronize_session=False)
    )


def _note(tx: Session, act: str, mailing: Mailing, *, now: datetime, by: int | None) -> None:
    audit.note(tx, act, f"mailing:{mailing.id}", now=now, newsroom_id=mailing.newsroom_id, account_id=by)
