"""Steering a mailing: start, test, pause, resume, cancel. Stopping holds from its commit on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, select, type_coerce, update
from sqlalchemy.orm import Session

from pressroom import outbox
from pressroom.db import Database, new_id, to_micros
from pressroom.errors import Conflict, Refused
from pressroom.mailing import address, cancelling, media_list, notice
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import FINAL, Mailing, State
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.people import audit
from pressroom.query_plan import unindexed
from pressroom.releases import approving
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release, Status
from pressroom.seal import Keyring

TEST = "test"

# Why a mailing is paused that nobody paused by itself.
STOPPED = "everything leaving this newsroom was stopped"

# Who was sent what is known this long, for the sake of corrections and retractions.
KEPT = timedelta(days=730)


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
    under_embargo: bool = False,
) -> Mailing:
    """Starts mailing a release to some lists, once it is public and `hold` has passed; or to one test address.

    `under_embargo` mails it before, to the accredited people on these lists only.

    The same lists while their mailing is still under way return that mailing. Raises NotFound, Refused, Conflict.
    """
    newsrooms.require_leaving(tx.get_one(Newsroom, release.newsroom_id))
    if test is not None:
        return _start_test(tx, keyring, release, test, now=now, by=by)
    if not list_slugs:
        raise Refused("A mailing needs at least one media list; name one with --list.")
    if release.status is Status.RETRACTED:
        raise Conflict(f"Release {release.id} was retracted; nothing can be mailed.")
    if release.public_from is None:
        raise Conflict(f"Release {release.id} is not published yet; publish it first.")
    if now - release.public_from > KEPT:
        raise Conflict(f"Release {release.id} is so old that nobody knows any more who had it; publish it anew.")
    if under_embargo and release.public_from <= now:
        raise Conflict(f"Release {release.id} is public: it is mailed to everybody, not under embargo.")
    list_ids = sorted(one.id for one in media_list.by_slugs(tx, release.newsroom_id, list_slugs))
    for running in mailings.of_release(tx, release.id):
        same = (running.purpose, running.under_embargo, running.list_ids) == (ANNOUNCEMENT, under_embargo, list_ids)
        if same and running.state not in FINAL:
            return running
    begins = now if under_embargo else max(release.public_from, now)
    mailing = new_mailing(release, ANNOUNCEMENT, list_ids, hold_until=begins + hold, now=now, by=by)
    mailing.under_embargo = under_embargo
    return put(tx, mailing, now=now)


def _start_test(
    tx: Session, keyring: Keyring, release: Release, test: str, *, now: datetime, by: int | None
) -> Mailing:
    mailing = new_mailing(release, TEST, [], hold_until=now, now=now, by=by)
    mailing.test_sealed = keyring.seal(address.parse(test), "mailing", "test", mailing.id)
    return put(tx, mailing, now=now)


def new_mailing(
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


def put(tx: Session, mailing: Mailing, *, now: datetime) -> Mailing:
    """Stores a new mailing, and has it expanded after the commit."""
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
    under_embargo: bool = False,
) -> int:
    """`start` in a transaction of its own; returns the mailing's id."""
    with database.transaction() as tx:
        _, release = approving.lock(tx, release_id)
        return start(
            tx, keyring, release, list_slugs, hold=hold, now=now, by=by, test=test, under_embargo=under_embargo
        ).id


def pause(database: Database, mailing_id: int, *, now: datetime, by: int | None = None) -> None:
    """What is on the wire ends as it may; nothing more is started. Raises NotFound and Conflict."""
    with database.transaction() as tx:
        mailing = _locked(tx, mailing_id)
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
        # Before the mailing, as the switch that stops everything locks them.
        newsroom = newsrooms.locked(tx, mailings.get(tx, mailing_id).newsroom_id)
        mailing = mailings.get(tx, mailing_id, lock=True)
        if mailing.state in FINAL:
            raise Conflict(f"Mailing {mailing_id} is {mailing.state.value} and cannot go on.")
        if mailing.state is not State.PAUSED:
            return
        newsrooms.require_leaving(newsroom)
        mailing.paused_reason = None
        # Whoever resumes it has decided that it is not too late.
        mailing.hold_until = max(mailing.hold_until, now)
        if mailing.counted_at is None:
            mailing.state = State.COUNTING
            outbox.put(tx, "expand_mailing", {"mailing_id": mailing.id}, now=now)
        else:
            mailing.state = State.HELD if mailing.hold_until > now else State.SENDING
        _note(tx, "resume mailing", mailing, now=now, by=by)


def cancel(database: Database, mailing_id: int, *, now: datetime, by: int | None = None) -> None:
    """Ends a mailing for good; messages already on the wire keep their own outcome. Raises NotFound and Conflict."""
    with database.transaction() as tx:
        mailing = _locked(tx, mailing_id)
        if mailing.state is State.CANCELLED:
            return
        if mailing.state is State.FINISHED:
            raise Conflict(f"Mailing {mailing_id} is finished; nothing is left to cancel.")
        cancelling.cancel(tx, mailing, now=now)
        _note(tx, "cancel mailing", mailing, now=now, by=by)


def cancel_of_release(tx: Session, release_id: str, *, now: datetime) -> None:
    """For a retraction or removal, in its own transaction: whatever tells of the release and has not left, stays.

    But for an earlier retraction's own letters: after a removal they only ask to delete it.
    """
    mailings.lock_telling(tx, tx.get_one(Release, release_id).newsroom_id, release_id)
    query = select(Mailing).where(
        Mailing.release_id == release_id,
        Mailing.state != State.CANCELLED,
        Mailing.purpose.not_in((notice.RETRACTION, notice.REMOVAL)),
    )
    for mailing in tx.scalars(query.order_by(Mailing.id).with_for_update(key_share=True)):
        if mailing.state is State.FINISHED:
            cancelling.begin_to_write_off(tx, mailing, now=now)
        else:
            cancelling.cancel(tx, mailing, now=now)


def move_waiting(tx: Session, release: Release, before: datetime | None, *, now: datetime) -> None:
    """A release becomes public at another instant than `before`: the mailings that wait for it wait for the new one."""
    if before is None or release.public_from is None or release.public_from == before:
        return
    query = select(Mailing).where(
        Mailing.release_id == release.id,
        Mailing.purpose == ANNOUNCEMENT,
        Mailing.under_embargo.is_(False),
        Mailing.state.not_in(FINAL),
    )
    mailings.lock_telling(tx, release.newsroom_id, release.id)
    for mailing in tx.scalars(query.order_by(Mailing.id).with_for_update(key_share=True)):
        shift = to_micros(max(mailing.hold_until + (release.public_from - before), now)) - to_micros(mailing.hold_until)
        mailing.hold_until += timedelta(microseconds=shift)
        if mailing.state is State.SENDING and mailing.hold_until > now:
            mailing.state = State.HELD
        moved = {"synchronize_session": False}
        later = type_coerce(Chunk.next_due, BigInteger) + shift
        chunks = update(Chunk).where(Chunk.mailing_id == mailing.id, Chunk.next_due.is_not(None))
        tx.execute(chunks.values(next_due=later).execution_options(**moved))
        waiting = (Delivery.mailing_id == mailing.id, Delivery.state == DeliveryState.PENDING)
        later = type_coerce(Delivery.next_at, BigInteger) + shift
        tx.execute(update(Delivery).where(*waiting).values(next_at=later).execution_options(**moved))
        later = type_coerce(Notice.due_at, BigInteger) + shift
        in_digests = update(Notice).where(Notice.mailing_id == mailing.id, Notice.due_at.is_not(None))
        tx.execute(in_digests.values(due_at=later).execution_options(**moved))


def wake_waiting(tx: Session, release: Release, tags: Sequence[str], *, now: datetime) -> None:
    """Whoever waited for one of these languages, which are out now, waits no longer."""
    # Locked, so that nobody is counted meanwhile who would then wait for nothing; chunks before deliveries, as senders.
    mailings.lock_telling(tx, release.newsroom_id, release.id)
    query = select(Mailing.id).where(Mailing.release_id == release.id, Mailing.state.not_in(FINAL))
    ids = list(tx.scalars(query.order_by(Mailing.id)))
    due = max(now, release.public_from or now)
    in_digests = (Notice.release_id == release.id, Notice.due_at.is_not(None), Notice.waits_for.in_(tags))
    tx.execute(
        update(Notice)
        .where(*in_digests)
        .values(due_at=due, waits_for=None)
        .execution_options(synchronize_session=False)
    )
    is_pending = unindexed(Delivery.state) == DeliveryState.PENDING
    waiting = (Delivery.mailing_id.in_(ids), is_pending, Delivery.waits_for.in_(tags))
    chunk_ids = sorted(set(tx.scalars(select(Delivery.chunk_id).where(*waiting))))
    if chunk_ids:
        woken = {"synchronize_session": False}
        due_chunks = update(Chunk).where(Chunk.id.in_(chunk_ids)).values(next_due=due)
        tx.execute(due_chunks.execution_options(**woken))
        tx.execute(update(Delivery).where(*waiting).values(next_at=due, waits_for=None).execution_options(**woken))


def _locked(tx: Session, mailing_id: int) -> Mailing:
    """With the digests that may tell what came through it."""
    found = mailings.get(tx, mailing_id)
    if found.release_id is not None:
        mailings.lock_telling(tx, found.newsroom_id, found.release_id)
    return mailings.get(tx, mailing_id, lock=True)


def _note(tx: Session, act: str, mailing: Mailing, *, now: datetime, by: int | None) -> None:
    audit.note(tx, act, f"mailing:{mailing.id}", now=now, newsroom_id=mailing.newsroom_id, account_id=by)
