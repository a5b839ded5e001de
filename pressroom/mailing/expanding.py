"""Expanding: a mailing becomes notices, deliveries and chunks, page by page, repeatably.

The page's notices, its deliveries, its chunk and the mailing's cursor are one transaction: dying between two pages
loses nothing, and doing a page twice adds nothing. The notice is unique; that is what makes "once" true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.db import Database, from_micros, new_id
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.notice import Notice
from pressroom.mailing.steering import TEST
from pressroom.mailing.subscriber import Subscriber, SubscriberBeat
from pressroom.releases import translation as translations
from pressroom.releases.beat import ReleaseBeat
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release

PAGE = 500
_NEVER = from_micros(0)


@dataclass(frozen=True)
class _Going:
    """What of a release goes out: languages in the newsroom's order, and beats."""

    available: list[str]
    fallback: list[str]
    beats: frozenset[int]


def expand(database: Database, mailing_id: int, ring: Callable[[int], object], *, page: int = PAGE) -> None:
    """Expands to the end, then lets the chunks be sent; `ring` is told each chunk that is due at once.

    Does nothing for a mailing that is past counting. Raises NotFound.
    """
    while True:
        with database.transaction() as tx:
            now = database.now(tx)
            mailing = mailings.get(tx, mailing_id, lock=True)
            if mailing.state is not State.COUNTING:
                return
            done = _expand_test(tx, mailing, now) if mailing.purpose == TEST else _expand_page(tx, mailing, page, now)
            if done:
                waits = _count(tx, mailing, now)
                due = list(tx.scalars(select(Chunk.id).where(Chunk.mailing_id == mailing_id).order_by(Chunk.id)))
        if done:
            for chunk_id in due if not waits else []:
                ring(chunk_id)
            return


def _expand_page(tx: Session, mailing: Mailing, page: int, now: datetime) -> bool:
    """One page; True when it was the last."""
    going = _going(tx, mailing)
    people = _people(tx, mailing, page)
    followed = _followed(tx, [one.id for one in people]) if going.beats else {}
    wanted = []
    for person in people:
        beats = followed.get(person.id)
        language = languages.best(person.languages, going.available, going.fallback)
        if language is not None and (not going.beats or not beats or beats & going.beats):
            wanted.append((person.id, language))
    _deliver(tx, mailing, wanted, now)
    if people:
        mailing.cursor = people[-1].id
    return len(people) < page


def _going(tx: Session, mailing: Mailing) -> _Going:
    newsroom = tx.get_one(Newsroom, mailing.newsroom_id)
    out = [
        one.language
        for one in translations.of_release(tx, mailing.release_id).values()
        if one.publish and one.revision_id is not None
    ]
    beats = tx.scalars(select(ReleaseBeat.beat_id).where(ReleaseBeat.release_id == mailing.release_id))
    return _Going(out, newsroom.languages, frozenset(beats))


def _people(tx: Session, mailing: Mailing, page: int) -> list[Subscriber]:
    """The next members of any of the lists, each once, who may be written to."""
    members = select(ListMember.subscriber_id).where(
        ListMember.list_id.in_(mailing.list_ids), ListMember.subscriber_id > mailing.cursor
    )
    query = (
        select(Subscriber)
        .where(
            Subscriber.id > mailing.cursor,
            Subscriber.id.in_(members),
            Subscriber.confirmed_at.is_not(None),
            Subscriber.left_at.is_(None),
        )
        .order_by(Subscriber.id)
        .limit(page)
    )
    return list(tx.scalars(query))


def _followed(tx: Session, subscriber_ids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    query = select(SubscriberBeat.subscriber_id, SubscriberBeat.beat_id).where(
        SubscriberBeat.subscriber_id.in_(subscriber_ids)
    )
    for subscriber_id, beat_id in tx.execute(query):
        found.setdefault(subscriber_id, set()).add(beat_id)
    return found


def _deliver(tx: Session, mailing: Mailing, wanted: Sequence[tuple[int, str]], now: datetime) -> None:
    if not wanted:
        return
    rows = [
        {
            "id": new_id(),
            "release_id": mailing.release_id,
            "purpose": mailing.purpose,
            "subscriber_id": subscriber_id,
            "delivery_id": new_id(),
            "created_at": now,
        }
        for subscriber_id, _ in wanted
    ]
    upsert = sqlite_insert if tx.get_bind().dialect.name == "sqlite" else postgresql_insert
    added = tx.execute(
        upsert(Notice).on_conflict_do_nothing().returning(Notice.subscriber_id, Notice.delivery_id), rows
    )
    deliveries: dict[int, int] = {row.subscriber_id: row.delivery_id for row in added}
    if deliveries:
        chunk_id = _new_chunk(tx, mailing)
        fresh = [(deliveries[one], one, language) for one, language in wanted if one in deliveries]
        _insert_deliveries(tx, mailing, chunk_id, fresh)


def _insert_deliveries(
    tx: Session, mailing: Mailing, chunk_id: int, fresh: Sequence[tuple[int, int | None, str]]
) -> None:
    same = {
        "mailing_id": mailing.id,
        "chunk_id": chunk_id,
        "state": DeliveryState.PENDING,
        "next_at": mailing.hold_until,
    }
    tx.execute(
        insert(Delivery),
        [
            {"id": delivery_id, "subscriber_id": subscriber_id, "language": language, **same}
            for delivery_id, subscriber_id, language in fresh
        ],
    )


def _new_chunk(tx: Session, mailing: Mailing) -> int:
    chunk = Chunk(id=new_id(), mailing_id=mailing.id, lease_until=_NEVER, next_due=mailing.hold_until)
    tx.add(chunk)
    tx.flush()
    return chunk.id


def _expand_test(tx: Session, mailing: Mailing, now: datetime) -> bool:
    """One message for each language there is, published or not; a test is how a draft is seen as mail."""
    release = tx.get_one(Release, mailing.release_id)
    chunk_id = _new_chunk(tx, mailing)
    tags = [one.language for one in translations.of_release(tx, release.id).values() if one.publish]
    _insert_deliveries(tx, mailing, chunk_id, [(new_id(), None, tag) for tag in tags])
    return True


def _count(tx: Session, mailing: Mailing, now: datetime) -> bool:
    """Fixes the total and lets the mailing go; True if it is held first."""
    tx.flush()
    mailing.counted_at = now
    mailing.total = mailings.progress(tx, mailing.id).total
    if mailing.total == 0:
        mailing.state, mailing.finished_at = State.FINISHED, now
    else:
        mailing.state = State.HELD if mailing.hold_until > now else State.SENDING
    return mailing.hold_until > now
