"""Digesting: what waits for a digest becomes one delivery for each person, when the hour has come.

The clock begins it; it is expanded, sent and steered like any mailing. A page's deliveries, the notices they take up
and the mailing's cursor are one transaction, so that dying between two of them loses nothing and tells nobody twice.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pressroom import languages, outbox
from pressroom.db import Database, new_id
from pressroom.mailing import delivery, digest
from pressroom.mailing.mailing import Mailing, State, of_digest
from pressroom.mailing.notice import Notice
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom


def begin_due(database: Database) -> int:
    """Begins the digests whose hour has come in any newsroom, if there is something to tell; returns how many.

    Safe to repeat, and for two clocks at once. While everything leaving a newsroom is stopped, what waits goes on
    waiting.
    """
    with database.reading() as tx:
        now = database.now(tx)
        due = [
            (one.id, frequency)
            for one in newsrooms.everyone(tx)
            for frequency in Frequency
            if one.stopped_at is None and digest.is_due(tx, one, frequency, now)
        ]
    begun = 0
    for newsroom_id, frequency in due:
        with database.transaction() as tx:
            newsroom, now = newsrooms.locked(tx, newsroom_id), database.now(tx)
            if newsroom.stopped_at is None and digest.is_due(tx, newsroom, frequency, now):
                _begin(tx, newsroom, frequency, now)
                begun += 1
    return begun


def _begin(tx: Session, newsroom: Newsroom, frequency: Frequency, now: datetime) -> None:
    mailing = Mailing(
        id=new_id(),
        newsroom_id=newsroom.id,
        purpose=of_digest(frequency),
        list_ids=[],
        state=State.COUNTING,
        hold_until=now,
        created_at=now,
        covers_until=digest.last_due(newsroom, frequency, now),
    )
    tx.add(mailing)
    tx.flush()
    outbox.put(tx, "expand_mailing", {"mailing_id": mailing.id}, now=now)


def gather(tx: Session, mailing: Mailing, size: int, now: datetime) -> bool:
    """One page of people; True when it was the last. Part of the caller's transaction, which has locked the mailing."""
    found = digest.next_people(tx, mailing, now, size)
    newsroom = tx.get_one(Newsroom, mailing.newsroom_id)
    spoken = select(Subscriber.id, Subscriber.languages).where(Subscriber.id.in_(found))
    rows, taken = [], []
    for subscriber_id, wanted in tx.execute(spoken):
        # None are left if another digest took them up while this one waited for their locks.
        if found[subscriber_id]:
            language = languages.best(wanted, newsroom.languages, newsroom.languages) or newsroom.languages[0]
            rows.append({"id": new_id(), "subscriber_id": subscriber_id, "language": language})
            taken += [
                {"id": one, "delivery_id": rows[-1]["id"], "due_at": None, "waits_for": None}
                for one in found[subscriber_id]
            ]
    if rows:
        delivery.add(tx, mailing.id, rows, due=mailing.hold_until)
        tx.execute(update(Notice), taken)
    mailing.cursor = max(found, default=mailing.cursor)
    return len(found) < size
