"""A digest: one delivery that tells a subscriber of many releases, at a set hour of each day or week.

Whoever wants digests gets, when a mailing is expanded, a notice that waits (notice.py) instead of a delivery. At the
hour all that waits for one person becomes one delivery, by whose id its notices are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from pressroom.mailing.mailing import Mailing, State, of_digest
from pressroom.mailing.notice import Notice
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.query_plan import unindexed
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.visibility import release_is_public

_GATHERED_FROM = (State.SENDING, State.FINISHED)


@dataclass(frozen=True, slots=True)
class Item:
    """One release in one person's digest; `is_paused` and `is_cancelled` are of the mailing it came through."""

    notice_id: int
    release_id: str
    language: str
    is_paused: bool
    is_cancelled: bool


def last_due(newsroom: Newsroom, frequency: Frequency, now: datetime) -> datetime:
    """The newest instant, not after `now`, at which these digests of the newsroom leave, by clocks in its zone."""
    if frequency is Frequency.IMMEDIATE:
        return now.replace(minute=0, second=0, microsecond=0)
    days = 1 if frequency is Frequency.DAILY else 7
    local = now.astimezone(newsroom.zone)
    day = local.date()
    if frequency is Frequency.WEEKLY:
        day -= timedelta(days=(local.isoweekday() - newsroom.digest_weekday) % 7)
    while True:
        hour, minute = divmod(newsroom.digest_minute, 60)
        instant = datetime(day.year, day.month, day.day, hour, minute, tzinfo=newsroom.zone).astimezone(UTC)
        if instant <= now:
            return instant
        day -= timedelta(days=days)


def is_due(tx: Session, newsroom: Newsroom, frequency: Frequency, now: datetime) -> bool:
    """Whether there is something to tell, and the digests of this instant were not begun yet."""
    until = last_due(newsroom, frequency, now)
    begun = select(Mailing.id).where(
        Mailing.newsroom_id == newsroom.id, Mailing.purpose == of_digest(frequency), Mailing.covers_until == until
    )
    found = _waiting(select(Notice.id), newsroom.id, frequency, until, now).limit(1)
    return tx.execute(begun).first() is None and tx.execute(found).first() is not None


def next_people(tx: Session, mailing: Mailing, now: datetime, size: int) -> dict[int, list[int]]:
    """The next subscribers for whom something waits, each with the ids of the notices, which are locked."""
    frequency, until = Frequency(mailing.purpose.partition(":")[2]), mailing.covers_until
    assert until is not None
    some = _waiting(select(Notice.subscriber_id), mailing.newsroom_id, frequency, until, now)
    some = some.where(Notice.subscriber_id > mailing.cursor).distinct().order_by(Notice.subscriber_id).limit(size)
    found: dict[int, list[int]] = {subscriber_id: [] for subscriber_id in tx.scalars(some)}
    query = _waiting(select(Notice.id, Notice.subscriber_id), mailing.newsroom_id, frequency, until, now)
    query = query.where(Notice.subscriber_id.in_(found)).order_by(Notice.id).with_for_update(of=Notice)
    for notice_id, subscriber_id in tx.execute(query):
        found[subscriber_id].append(notice_id)
    return found


def _waiting(
    query: Select[*tuple[Any, ...]], newsroom_id: int, frequency: Frequency, until: datetime, now: datetime
) -> Select[*tuple[Any, ...]]:
    """Only notices that wait, since `until` at the latest, and whose subscriber may be told of them now."""
    return (
        query.join(Subscriber, Subscriber.id == Notice.subscriber_id)
        .join(Mailing, Mailing.id == Notice.mailing_id)
        .join(Release, Release.id == Notice.release_id)
        .where(
            Notice.due_at <= until,
            unindexed(Subscriber.newsroom_id) == newsroom_id,
            Subscriber.frequency == frequency,
            Subscriber.confirmed_at.is_not(None),
            Subscriber.left_at.is_(None),
            Subscriber.suppressed_at.is_(None),
            _not_paused(now),
            unindexed(Mailing.state).in_(_GATHERED_FROM),
            release_is_public(now),
        )
    )


def _not_paused(now: datetime) -> ColumnElement[bool]:
    over = and_(Subscriber.paused_until <= now, Subscriber.paused_until <= Notice.due_at)
    return or_(Subscriber.paused_until.is_(None), over)


def items(tx: Session, delivery_ids: Sequence[int]) -> dict[int, list[Item]]:
    """What digests tell of, by delivery, the newest release first."""
    query = (
        select(Notice.delivery_id, Notice.id, Notice.release_id, Notice.language, Mailing.state)
        .join(Mailing, Mailing.id == Notice.mailing_id)
        .join(Release, Release.id == Notice.release_id)
        .where(Notice.delivery_id.in_(delivery_ids))
        .order_by(Release.public_from.desc(), Release.id)
    )
    found: dict[int, list[Item]] = {one: [] for one in delivery_ids}
    for delivery_id, notice_id, release_id, language, state in tx.execute(query):
        item = Item(notice_id, release_id, language or "", state is State.PAUSED, state is State.CANCELLED)
        found[delivery_id].append(item)
    return found


def put_back(tx: Session, notice_ids: Sequence[int], now: datetime) -> None:
    """These wait for the person's next digest again."""
    values = {"delivery_id": 0, "due_at": now}
    if notice_ids:
        tx.execute(update(Notice).where(Notice.id.in_(notice_ids)).values(values).execution_options(**_QUIET))


def drop(tx: Session, notice_ids: Sequence[int]) -> None:
    """These are told to nobody, and nobody has heard of them."""
    if notice_ids:
        tx.execute(delete(Notice).where(Notice.id.in_(notice_ids)).execution_options(**_QUIET))


def speak(tx: Session, notice_ids: Sequence[int], language: str) -> None:
    """Notes the language in which these go out after all, for what may have to be said of them later."""
    tx.execute(update(Notice).where(Notice.id.in_(notice_ids)).values(language=language).execution_options(**_QUIET))


_QUIET = {"synchronize_session": False}


def of_newsroom(tx: Session, newsroom_id: int, limit: int) -> list[Mailing]:
    """The newest first."""
    query = select(Mailing).where(Mailing.newsroom_id == newsroom_id, Mailing.covers_until.is_not(None))
    return list(tx.scalars(query.order_by(Mailing.id.desc()).limit(limit)))


def waits_for(tx: Session, subscriber_id: int, release_id: str) -> bool:
    """Whether this release waits for the person's next digest."""
    query = exists().where(
        Notice.subscriber_id == subscriber_id, Notice.release_id == release_id, Notice.due_at.is_not(None)
    )
    return bool(tx.execute(select(query)).scalar_one())
