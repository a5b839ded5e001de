"""Expanding: a mailing becomes notices, deliveries and chunks, page by page, repeatably.

The page's notices, its deliveries, its chunk and the mailing's cursor are one transaction: dying between two pages
loses nothing, and doing a page twice adds nothing. The notice is unique; that is what makes "once" true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from pressroom import outbox
from pressroom.db import Database, new_id
from pressroom.mailing import audience, cancelling, delivery, digesting, ledger
from pressroom.mailing import mailing as mailings
from pressroom.mailing.audience import Addressee
from pressroom.mailing.delivery import Chunk
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.mailing.steering import TEST
from pressroom.releases import translation as translations

PAGE = 500
# How soon it is seen what became of a message that was on the wire when a correction or retraction came.
_LOOK_AGAIN, _LOOK_AT_LAST = timedelta(seconds=2), timedelta(minutes=5)


def expand(database: Database, mailing_id: int, ring: Callable[[int], object], *, page: int = PAGE) -> None:
    """Expands to the end, then lets the chunks be sent; `ring` is told each chunk that is due at once.

    Does nothing for a mailing that is past counting. Raises NotFound.
    """
    with database.reading() as tx:
        newsroom_id = mailings.get(tx, mailing_id).newsroom_id
    cancelling.write_off_in(database, newsroom_id)
    look_again: bool | None = None
    while True:
        with database.transaction() as tx:
            now = database.now(tx)
            mailing = mailings.get(tx, mailing_id, lock=True)
            if mailing.counted_at is not None or mailing.state not in (State.COUNTING, State.SENDING):
                return
            # Before the page is read: whose message arrives in between is not on it, and no longer in doubt after it.
            look_again = look_again or _is_open(tx, mailing, first=look_again is None)
            done = _expand_test(tx, mailing) if mailing.purpose == TEST else _expand_page(tx, mailing, page, now)
            due = _let_go(tx, mailing, now, look_again=bool(look_again)) if done else _begin_early(tx, mailing, now)
        for chunk_id in due:
            ring(chunk_id)
        if done:
            return
        database.let_others_write()


def _expand_page(tx: Session, mailing: Mailing, size: int, now: datetime) -> bool:
    """One page; True when it was the last for now."""
    if mailing.is_digest:
        return digesting.gather(tx, mailing, size, now)
    is_first = mailing.purpose == ANNOUNCEMENT
    found = audience.of_lists(tx, mailing, size, now) if is_first else audience.of_sent(tx, mailing, size)
    _deliver(tx, mailing, found.addressees, now)
    mailing.cursor = found.cursor
    return found.is_last


def _begin_early(tx: Session, mailing: Mailing, now: datetime) -> list[int]:
    """Those who stand first in a long list need not wait for the last to be written down. Returns a due chunk."""
    if mailing.state is State.COUNTING and mailing.hold_until <= now:
        mailings.begin(tx, mailing, now)
    if mailing.state is not State.SENDING:
        return []
    tx.flush()
    newest = select(Chunk.id).where(Chunk.mailing_id == mailing.id).order_by(Chunk.id.desc()).limit(1)
    return list(tx.scalars(newest))


def _is_open(tx: Session, mailing: Mailing, *, first: bool) -> bool:
    """Whether people may come later whom pages, this one or one before, have passed by: in follow-ups alone.

    `first` is for the first page of a run. If pages went before it, nobody knows what was open at them.
    """
    if mailing.purpose in (ANNOUNCEMENT, TEST) or mailing.is_digest:
        return False
    return (first and mailing.cursor > 0) or audience.in_doubt(tx, mailing)


def _let_go(tx: Session, mailing: Mailing, now: datetime, *, look_again: bool) -> list[int]:
    """Lets what is expanded be sent, and fixes the total unless somebody may still be added; returns what is due."""
    tx.flush()
    if look_again:
        wait = min(max((now - mailing.created_at) / 4, _LOOK_AGAIN), _LOOK_AT_LAST)
        if not outbox.is_due_later(tx, "expand_mailing", {"mailing_id": mailing.id}, now=now):
            outbox.put(tx, "expand_mailing", {"mailing_id": mailing.id}, now=now, not_before=now + wait)
        mailing.state, mailing.cursor = State.SENDING, 0
    else:
        _count(tx, mailing, now)
    if mailing.state is not State.SENDING:
        return []
    return list(tx.scalars(select(Chunk.id).where(Chunk.mailing_id == mailing.id).order_by(Chunk.id)))


def _deliver(tx: Session, mailing: Mailing, wanted: Sequence[Addressee], now: datetime) -> None:
    if not wanted:
        return
    upsert = sqlite_insert if tx.get_bind().dialect.name == "sqlite" else postgresql_insert
    added = tx.connection().execute(
        upsert(Notice).on_conflict_do_nothing().returning(Notice.subscriber_id, Notice.delivery_id),
        [_notice(mailing, one, now) for one in wanted],
    )
    deliveries: dict[int, int] = {row.subscriber_id: row.delivery_id for row in added if row.delivery_id}
    rows = [
        {
            "id": deliveries[one.subscriber_id],
            "subscriber_id": one.subscriber_id,
            "language": one.language,
            "waits_for": one.waits_for,
            "next_at": one.not_before or mailing.hold_until,
        }
        for one in wanted
        if one.subscriber_id in deliveries
    ]
    if rows:
        delivery.add(tx, mailing.id, rows, due=mailing.hold_until)


def _notice(mailing: Mailing, one: Addressee, now: datetime) -> dict[str, Any]:
    """With a delivery, or for somebody who gets digests one that waits without."""
    waits = one.gets_digests
    return {
        "id": new_id(),
        "release_id": mailing.release_id,
        "purpose": mailing.purpose,
        "subscriber_id": one.subscriber_id,
        "delivery_id": 0 if waits else new_id(),
        "mailing_id": mailing.id if waits else None,
        "language": one.language if waits else None,
        "waits_for": one.waits_for if waits else None,
        "due_at": (one.not_before or mailing.hold_until) if waits else None,
        "created_at": now,
    }


def _expand_test(tx: Session, mailing: Mailing) -> bool:
    """One message for each language there is, published or not; a test is how a draft is seen as mail."""
    assert mailing.release_id is not None
    tags = [one.language for one in translations.of_release(tx, mailing.release_id).values() if one.publish]
    rows = [{"id": new_id(), "subscriber_id": None, "language": tag} for tag in tags]
    delivery.add(tx, mailing.id, rows, due=mailing.hold_until)
    return True


def _count(tx: Session, mailing: Mailing, now: datetime) -> None:
    """Fixes the total, and lets the mailing go when its time has come."""
    found = mailings.progress(tx, mailing.id)
    mailing.counted_at, mailing.total = now, found.total
    if found.total == 0 and found.in_digests == 0:
        mailing.state, mailing.finished_at = State.FINISHED, now
    else:
        mailings.begin(tx, mailing, now)
        ledger.finish_if_done(tx, mailing, now)
